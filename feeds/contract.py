"""What every vendor's protocol core offers, in domain words.

A core is plain and synchronous: bytes and the time go in, ticks and bytes come out. It
opens no socket, reads no clock and starts no task; whoever owns the socket is a shell
that feeds it and writes what it returns.
"""

import enum
from typing import Final, Protocol

from msgspec import Struct

from ticks.model import Tick

EARLIEST_NS: Final = 631_152_000 * 1_000_000_000
"""1990-01-01 UTC. An event before it is a broken clock or a broken message, ns."""
LATEST_NS: Final = 4_102_444_800 * 1_000_000_000
"""2100-01-01 UTC, exclusive, ns."""


class FeedState(enum.StrEnum):
    """Where a feed stands, as published on `f:*`."""

    INIT = "init"
    """Nothing heard yet."""
    CONNECTING = "connecting"
    AUTH = "auth"
    SUBSCRIBING = "subscribing"
    RECOVERING = "recovering"
    """Connected, and filling the gap that the loss of the connection left."""
    LIVE = "live"
    LAGGING = "lagging"
    STALE = "stale"
    DOWN = "down"
    FATAL = "fatal"
    """The vendor refused us for a reason that trying again cannot change."""
    CLOSED = "closed"
    """The vendor's day is over; silence means nothing."""


class Counters(Struct, array_like=True):
    """What a core has seen since it began, plain integers.

    Each frame is counted once in `frames`, each message once in `decoded` (see
    `ProtocolCore`), `unknown`, `duplicates` or one of the `quarantined_…`. Fields are only ever added at
    the end: saved positions carry them.
    """

    frames: int = 0
    """Datagrams or frames received, good or bad."""
    heartbeats: int = 0
    """Frames that carry no message and only say that the sender lives."""
    ticks: int = 0
    """Ticks given out, feed events included."""
    duplicates: int = 0
    """Messages left out because their sequence number had been seen."""
    gaps: int = 0
    """Holes in the sequence, each told by a gap_open/gap_close pair."""
    lost: int = 0
    """Messages missing in those holes."""
    missed_before: int = 0
    """Messages of the session that were sent before we joined it."""
    restarts: int = 0
    """Times the sender began its sequence again."""
    malformed: int = 0
    """Frames that break the protocol's framing; left out as a whole."""
    wrong_protocol: int = 0
    """Frames of another protocol, version or channel than the one we follow; left out."""
    implausible: int = 0
    """Frames whose place in the sequence cannot be right; left out."""
    unknown: int = 0
    """Messages of types that this core does not know; left out."""
    quarantined_time: int = 0
    """Messages left out for an event time before 1990 or after 2099."""
    quarantined_price: int = 0
    """Messages left out for a price that is negative, missing or does not fit."""
    quarantined_size: int = 0
    """Messages left out for a size that is missing."""
    quarantined_symbol: int = 0
    """Messages left out for a symbol that no exchange would use."""
    quarantined_short: int = 0
    """Messages left out because they are shorter than their type demands."""

    @property
    def quarantined(self) -> int:
        """All messages left out for what they hold."""
        return (
            self.quarantined_time
            + self.quarantined_price
            + self.quarantined_size
            + self.quarantined_symbol
            + self.quarantined_short
        )


class ProtocolCore(Protocol):
    """One connection's (or line's) worth of a vendor's protocol.

    *Order.* Ticks come out in the order in which the vendor's bytes hold them; a hole in a
    vendor's sequence is told by a `FeedEvent` pair gap_open, gap_close in front of the
    first tick after it.
    *Delivery.* Bytes that are no message are counted and left out, and cost nothing but
    themselves; no bytes raise. Within one source a sequence number is given out once.
    *Restart.* A core that is given another's `position` goes on exactly as that one would
    have: same ticks, same totals.
    """

    def receive(self, data: bytes, now_ns: int) -> list[Tick]:
        """Take one datagram or frame that arrived at `now_ns`; return its ticks.

        `now_ns` becomes the ticks' `ts_recv` as it is: the caller keeps it from falling.
        """
        ...

    def data_to_send(self) -> list[bytes]:
        """Take the frames that the core wants sent, oldest first."""
        ...

    @property
    def state(self) -> FeedState:
        """Where the feed stands."""
        ...

    @property
    def counters(self) -> Counters:
        """What has been seen so far; the live object, not a copy."""
        ...

    @property
    def decoded(self) -> dict[str, int]:
        """Messages decoded so far by the vendor's type letter, without the types never seen."""
        ...

    @property
    def unknown(self) -> dict[str, int]:
        """Messages of types that the core does not know, by type letter; at most 256 types are told apart."""
        ...

    def position(self) -> bytes:
        """How far the core has got, with its totals; for `restore`. At most 3,500 bytes."""
        ...

    def restore(self, position: bytes) -> None:
        """Go on where the core that gave this position stood.

        Raises:
            PositionError: the bytes are no position of this protocol.
        """
        ...
