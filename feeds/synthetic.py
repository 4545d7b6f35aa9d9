"""Recordings that we make ourselves: a made-up day in any container, with its exact content known.

A core: it gives bytes. `feeds.synthetic_file` writes them to a file.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from feeds.capture_writer import CaptureFormat, CaptureWriter
from feeds.iex import encode
from feeds.iex.market_day import Day, MarketDay

_SESSION_OF_DAY: Final = 86_400 * 1_000_000_000
_SEND_DELAY_NS: Final = 40_000
_CAPTURE_DELAY_NS: Final = 15_000
_JITTER_NS: Final = 10_000
_HEARTBEAT_RATE: Final = 0.02
"""Heartbeats in between for each segment; the exchange has about as many."""
_MESSAGES_MAX: Final = 3
"""Most messages of a segment outside bursts."""


class Container(msgspec.Struct, frozen=True):
    """What a recording is packed in."""

    format: CaptureFormat = "pcap-us"
    big_endian: bool = False
    vlans: tuple[int, ...] = ()


class Content(msgspec.Struct):
    """What is in a recording, exactly."""

    messages: dict[str, int]
    """By type letter."""
    packets: int = 0
    heartbeats: int = 0
    symbols: int = 0
    shares: int = 0
    """Sum of the sizes of all trades."""
    notional: int = 0
    """Sum of price × size of all trades, in 1/10,000 $."""


class SyntheticRecording:
    """Makes one recording; the same bytes for the same day and container.

    Raises:
        ValueError: see `MarketDay`.
    """

    def __init__(self, day: Day, container: Container | None = None) -> None:
        container = container or Container()
        self._day = day
        self._market = MarketDay(day)
        self._chance = random.Random(~day.seed)
        self._capture = CaptureWriter(
            container.format, big_endian=container.big_endian, vlans=container.vlans
        )
        self._segments = encode.SegmentWriter(day.start_ns // _SESSION_OF_DAY << 16)
        self._counts: Counter[str] = Counter()
        self._content = Content({}, symbols=day.symbols)
        self._captured_ns = 0

    @property
    def content(self) -> Content:
        """What the chunks given so far hold."""
        self._content.messages = dict(sorted(self._counts.items()))
        return self._content

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the file, a packet at a time. May be called once."""
        yield self._capture.head()
        time_ns = self._day.start_ns
        yield self._packet([], time_ns - 1_000_000_000)
        yield self._packet([], time_ns)
        held: list[bytes] = []
        for event_ns, message in self._market.messages():
            self._count(message)
            # What happens at one instant is sent together, as in the exchange's morning spin.
            together = event_ns == time_ns or len(held) < self._chance.randint(0, _MESSAGES_MAX)
            if held and not (together and encode.fits(held, message)):
                yield self._packet(held, time_ns)
                held = []
                if self._chance.random() < _HEARTBEAT_RATE:
                    yield self._packet([], time_ns)
            held.append(message)
            time_ns = event_ns
        yield self._packet(held, time_ns)
        yield self._packet([], time_ns + 1_000_000_000)

    def _packet(self, messages: list[bytes], event_ns: int) -> bytes:
        send_ns = event_ns + _SEND_DELAY_NS + self._chance.randrange(_JITTER_NS)
        self._captured_ns = max(self._captured_ns, send_ns + _CAPTURE_DELAY_NS)
        self._content.packets += 1
        self._content.heartbeats += not messages
        return self._capture.datagram(self._captured_ns, self._segments.segment(messages, send_ns))

    def _count(self, message: bytes) -> None:
        letter = chr(message[0])
        self._counts[letter] += 1
        if letter == "T":
            size, price = int.from_bytes(message[18:22], "little"), int.from_bytes(message[22:30], "little")
            self._content.shares += size
            self._content.notional += price * size
