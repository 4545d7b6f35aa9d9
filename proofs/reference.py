"""An independent reading of IEX recordings, to compare with.

Shares no code with `feeds`, on purpose: TOPS 1.6, read with `struct` alone and in the plainest
way. It knows only what the recordings hold, raises on anything else, and is slow.
"""

import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from proofs.captures import Segment, parse_segment, payload_of, read_recording

PRICE: Final = 100_000
"""Our price units (1e-9) in one of IEX (1e-4)."""
SIZE: Final = 1_000_000
"""Our size units (1e-6) in one share."""


class Trade(NamedTuple):
    """A trade report or trade break, in the project's units."""

    symbol: str
    ts_event: int
    price: int
    size: int
    trade_id: int


class Quote(NamedTuple):
    """A quote update, in the project's units; an absent side is (None, 0)."""

    symbol: str
    ts_event: int
    bid_price: int | None
    bid_size: int
    ask_price: int | None
    ask_size: int


class Recording(NamedTuple):
    """All that a recording says."""

    messages: Counter[str]
    """IEX message type → how many."""
    quotes: list[Quote]
    trades: list[Trade]
    breaks: list[Trade]
    symbols: set[str]
    gaps: int
    """Sequence numbers that are missing."""
    heartbeats: int


def read(path: Path) -> Recording:
    """Read a whole gzipped recording.

    Raises:
        ValueError: it holds something that the recordings this was written for do not.
    """
    return read_segments(parse_segment(payload_of(frame)) for _, frame in read_recording(path))


def read_segments(segments: Iterable[Segment]) -> Recording:
    """Read what follows in sequence; a jump is a gap."""
    found = Recording(Counter(), [], [], [], set(), 0, 0)
    gaps = heartbeats = 0
    expected = 1
    for segment in segments:
        gaps += segment.first - expected
        expected = segment.first + segment.held
        heartbeats += segment.held == 0
        for message in segment.messages:
            _message(message, found)
    return found._replace(gaps=gaps, heartbeats=heartbeats)


def _message(message: bytes, found: Recording) -> None:
    kind = chr(message[0])
    found.messages[kind] += 1
    if kind == "S":
        return
    (ts_event,) = struct.unpack_from("<q", message, 2)
    symbol = message[10:18].decode("ascii").rstrip()
    found.symbols.add(symbol)
    if kind == "Q":
        bid_size, bid, ask, ask_size = struct.unpack_from("<IqqI", message, 18)
        found.quotes.append(Quote(symbol, ts_event, *_side(bid, bid_size), *_side(ask, ask_size)))
    elif kind in "TB":
        size, price, trade_id = struct.unpack_from("<Iqq", message, 18)
        trade = Trade(symbol, ts_event, price * PRICE, size * SIZE, trade_id)
        (found.trades if kind == "T" else found.breaks).append(trade)


def _side(price: int, size: int) -> tuple[int | None, int]:
    return (price * PRICE, size * SIZE) if price and size else (None, 0)
