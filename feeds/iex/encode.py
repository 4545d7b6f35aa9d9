"""Write IEX messages and segments: what `messages` and `transport` read.

A core, for the recordings that the project generates, for simulators and tests. Values are
in the exchange's own units: prices in 1/10,000 $, sizes in shares, times in ns UTC.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from feeds.iex.transport import HEADER_BYTES, TOPS_1_6, VERSION

_header: Final = Struct("<BBHIIHHqqq").pack
_quote: Final = Struct("<cBq8sIqqI").pack
_level: Final = Struct("<cBq8sIq").pack
_trade: Final = Struct("<cBq8sIqq").pack
_plain: Final = Struct("<ccq8s").pack
_halt: Final = Struct("<ccq8s4s").pack
_short_sale: Final = Struct("<cBq8sc").pack
_official: Final = Struct("<ccq8sq").pack
_system: Final = Struct("<ccq").pack
_directory: Final = Struct("<cBq8sIqB").pack
_auction: Final = Struct("<ccq8sIqqIcBIqqqq").pack

SEGMENT_BYTES_MAX: Final = 1_400
"""What fits a datagram on Ethernet with room for tags; the exchange keeps to about the same."""


def quote(
    time_ns: int, symbol: str, bid: int, bid_size: int, ask: int, ask_size: int, flags: int = 0
) -> bytes:
    """`Q`: top of book; price and size 0 say that a side is absent."""
    return _quote(b"Q", flags, time_ns, _symbol(symbol), bid_size, bid, ask, ask_size)


def price_level(
    time_ns: int, symbol: str, side: str, price: int, size: int, *, complete: bool = True
) -> bytes:
    """`8` or `5`: what now stands at a price; `side` is that letter."""
    return _level(side.encode(), int(complete), time_ns, _symbol(symbol), size, price)


def trade(time_ns: int, symbol: str, price: int, size: int, trade_id: int, flags: int = 0) -> bytes:
    """`T`: a print."""
    return _trade(b"T", flags, time_ns, _symbol(symbol), size, price, trade_id)


def trade_break(time_ns: int, symbol: str, price: int, size: int, trade_id: int, flags: int = 0) -> bytes:
    """`B`: the print with this id is withdrawn."""
    return _trade(b"B", flags, time_ns, _symbol(symbol), size, price, trade_id)


def trading_status(time_ns: int, symbol: str, status: str, reason: str = "") -> bytes:
    """`H`: `H` halted, `O` order acceptance, `P` paused, `T` trading."""
    return _halt(b"H", status.encode(), time_ns, _symbol(symbol), reason.ljust(4).encode())


def operational_halt(time_ns: int, symbol: str, status: str) -> bytes:
    """`O`: `O` halted on this exchange, `N` not."""
    return _plain(b"O", status.encode(), time_ns, _symbol(symbol))


def retail_liquidity(time_ns: int, symbol: str, side: str) -> bytes:
    """`I`: retail interest: blank none, `A` buy, `B` sell, `C` both."""
    return _plain(b"I", side.encode(), time_ns, _symbol(symbol))


def security_event(time_ns: int, symbol: str, event: str) -> bytes:
    """`E`: `O` opening process complete, `C` closing process complete."""
    return _plain(b"E", event.encode(), time_ns, _symbol(symbol))


def short_sale_test(time_ns: int, symbol: str, restricted: bool, detail: str = " ") -> bytes:
    """`P`: whether short sales are restricted, and since when."""
    return _short_sale(b"P", int(restricted), time_ns, _symbol(symbol), detail.encode())


def official_price(time_ns: int, symbol: str, kind: str, price: int) -> bytes:
    """`X`: `Q` opening, `M` closing."""
    return _official(b"X", kind.encode(), time_ns, _symbol(symbol), price)


def system_event(time_ns: int, event: str) -> bytes:
    """`S`: one of `O S R M E C`."""
    return _system(b"S", event.encode(), time_ns)


def directory(time_ns: int, symbol: str, round_lot: int, close: int, tier: int = 1, flags: int = 0) -> bytes:
    """`D`: a security's round lot and close of the day before."""
    return _directory(b"D", flags, time_ns, _symbol(symbol), round_lot, close, tier)


def auction(
    time_ns: int,
    symbol: str,
    kind: str,
    *,
    paired: int,
    reference: int,
    indicative: int,
    imbalance: int,
    side: str,
    scheduled_s: int = 0,
    clearing: int = 0,
    collar: tuple[int, int, int] = (0, 0, 0),
    extensions: int = 0,
) -> bytes:
    """`A`: `kind` is `O C I H V`; `collar` holds its reference, lower and upper price."""
    return _auction(
        b"A", kind.encode(), time_ns, _symbol(symbol), paired, reference, indicative, imbalance,
        side.encode(), extensions, scheduled_s, clearing, *collar,
    )  # fmt: skip


class SegmentWriter:
    """Makes the segments of one stream, numbering messages and bytes as the exchange does."""

    def __init__(self, session: int, *, protocol: int = TOPS_1_6, channel: int = 1) -> None:
        self.protocol = protocol
        self.channel = channel
        self.session = session
        self.next_sequence = 1
        self.next_offset = 0

    def segment(self, messages: Sequence[bytes], send_ns: int) -> bytes:
        """A segment with these messages; without any it is a heartbeat."""
        payload = b"".join(len(message).to_bytes(2, "little") + message for message in messages)
        header = _header(
            VERSION, 0, self.protocol, self.channel, self.session,
            len(payload), len(messages), self.next_offset, self.next_sequence, send_ns,
        )  # fmt: skip
        self.next_sequence += len(messages)
        self.next_offset += len(payload)
        return header + payload

    def restart(self, session: int | None = None) -> None:
        """Begin the sequence again, in another session if one is given."""
        self.session = self.session if session is None else session
        self.next_sequence = 1
        self.next_offset = 0


def fits(messages: Sequence[bytes], message: bytes) -> bool:
    """Whether one more message keeps the segment at a size that the exchange would send."""
    held = HEADER_BYTES + sum(len(one) + 2 for one in messages)
    return held + len(message) + 2 <= SEGMENT_BYTES_MAX


def _symbol(symbol: str) -> bytes:
    return symbol.ljust(8).encode("ascii")
