"""One client's connection, as the hub sees it: a session, its subscriptions, and a way to write."""

from typing import Final, Protocol

from hub.moment import Moment
from hub.session import Session
from hub.subscription import Subscription

CHUNK_BYTES: Final = 16 * 1024
"""Most that is written to a client without looking whether it still takes anything."""


class Wire(Protocol):
    """What a connection writes to: a WebSocket's transport, or a test's list."""

    def write(self, data: bytes) -> None:
        """Send whole frames. Never waits; that the client does not take them is told to the hub."""
        ...

    def ping(self) -> None:
        """Ask the client's WebSocket for a sign of life."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the connection."""
        ...


class Connection:
    """State of one connection.

    Bounds: `hub.channels_max` channels; in `outbox` and `rest` together no more than one flush (or
    one slice of a catch-up), and the answers to what the client had sent before it stopped reading.
    A client that does not read is sent nothing more: its subscriptions wait at their marks.
    """

    __slots__ = (
        "closed", "heard_ns", "marked_ns", "outbox", "packed", "pinged", "rest", "session", "stalled",
        "stalled_ns", "subs", "told_m", "user", "visit", "wire", "wrote_ns",
    )  # fmt: skip

    def __init__(self, wire: Wire, session: Session, *, packed: bool, now: Moment) -> None:
        self.wire = wire
        self.session = session
        self.packed = packed
        self.subs: dict[int, Subscription] = {}
        self.outbox: list[bytes] = []
        """Frames that are due; one list for all its life, because the router keeps its `append`."""
        self.rest: list[bytes] = []
        """What of the last flush the client did not take before it stalled; it goes out first."""
        self.user: tuple[str, str] | None = None
        """Tenant and user, once they have been let in."""
        self.visit: object | None = None
        """What the desk knows it by; None before it was let in."""
        self.stalled = False
        """The client does not take what was written; nothing more is until it does."""
        self.stalled_ns = 0
        """Since when."""
        self.closed = False
        self.pinged = False
        """It has been asked for a sign of life, and has not given one."""
        self.heard_ns = self.wrote_ns = now.awake_ns
        self.marked_ns = 0
        self.told_m = 0
        """The last mark told."""

    def mark(self, head_m: int, flushed: dict[float, int]) -> int | None:
        """The mark up to which every subscription has been served; `head_m` without any.

        None when no mark can be told: a subscription has no state yet, or stands further back than
        the last mark told. So marks never fall, and each speaks for all subscriptions begun before it.
        `flushed` says how far each rate (0 = raw) has been flushed.
        """
        mark = head_m
        for subscription in self.subs.values():
            if not subscription.settled:
                return None
            served_m = subscription.cursor_m
            if subscription.live:
                served_m = max(served_m, flushed[subscription.rate])
            mark = min(mark, served_m)
        return mark if mark >= self.told_m else None

    def send(self, data: list[bytes]) -> None:
        """Write frames, or keep what a stalled client cannot be written yet."""
        if self.rest:
            self.rest.extend(data)
            return
        joined = b"".join(data)
        if len(joined) <= CHUNK_BYTES:
            self.wire.write(joined)
        else:
            self.rest.extend(data)
            self.write_rest()

    def write_rest(self) -> None:
        """Write what was kept, until the client stalls again."""
        while self.rest and not self.stalled and not self.closed:
            size = end = 0
            while end < len(self.rest) and (not end or size + len(self.rest[end]) <= CHUNK_BYTES):
                size += len(self.rest[end])
                end += 1
            chunk = b"".join(self.rest[:end])
            del self.rest[:end]
            self.wire.write(chunk)
