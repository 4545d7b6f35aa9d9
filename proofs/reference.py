"""An independent reading of IEX recordings, to compare with.

Shares no code with `feeds`, on purpose: classic pcap, Ethernet, IPv4, UDP, IEX-TP, TOPS 1.6,
read with `struct` alone and in the plainest way. It knows only what the recordings hold, raises
on anything else, and is slow.
"""

import gzip
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PRICE: Final = 100_000
"""Our price units (1e-9) in one of IEX (1e-4)."""
SIZE: Final = 1_000_000
"""Our size units (1e-6) in one share."""
MAGIC_LITTLE_US: Final = 0xA1B2C3D4
UDP: Final = 17


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
    """Read a whole recording.

    Raises:
        ValueError: it holds something that the recordings this was written for do not.
    """
    found = Recording(Counter(), [], [], [], set(), 0, 0)
    gaps = heartbeats = 0
    expected = 1
    for payload in _datagrams(gzip.decompress(path.read_bytes())):
        count, first = struct.unpack_from("<H", payload, 14)[0], struct.unpack_from("<q", payload, 24)[0]
        gaps += first - expected
        expected = first + count
        heartbeats += count == 0
        place = 40
        for _ in range(count):
            (length,) = struct.unpack_from("<H", payload, place)
            _message(payload[place + 2 : place + 2 + length], found)
            place += 2 + length
        if place != len(payload):
            raise ValueError(f"{len(payload) - place} bytes left over in a segment")
    return found._replace(gaps=gaps, heartbeats=heartbeats)


def _datagrams(data: bytes) -> Iterator[bytes]:
    (magic,) = struct.unpack_from("<I", data)
    if magic != MAGIC_LITTLE_US:
        raise ValueError(f"not a classic little-endian microsecond pcap: {magic:08x}")
    place = 24
    while place < len(data):
        _, _, kept, whole = struct.unpack_from("<IIII", data, place)
        frame = data[place + 16 : place + 16 + kept]
        place += 16 + kept
        if kept != whole or frame[12:14] != b"\x08\x00" or frame[23] != UDP:
            raise ValueError("not a whole UDP packet over IPv4")
        udp = 14 + 4 * (frame[14] & 0x0F)
        (length,) = struct.unpack_from(">H", frame, udp + 4)
        yield frame[udp + 8 : udp + length]


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
