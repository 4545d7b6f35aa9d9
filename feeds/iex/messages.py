"""IEX messages: bytes to ticks, for every type that TOPS 1.5, TOPS 1.6 and DEEP 1.0 carry.

Messages may grow at their end and new types may appear without notice: what follows the
known fields is ignored, an unknown type is counted and left out. Integers are unsigned
here even where the specification says signed, so that one comparison finds both a
negative value and one that is too large.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final, NoReturn

from feeds.contract import EARLIEST_NS, LATEST_NS, Counters
from feeds.errors import MessageError
from feeds.iex.codes import (
    AUCTIONS,
    END_OF_MESSAGES,
    EXTENDED_HOURS,
    QUOTE_CONDITIONS,
    SALE_CONDITIONS,
    STATES,
    UNKNOWN_STATE,
)
from feeds.iex.reference import ReferenceData
from feeds.iex.transport import Span
from ticks.conditions import POST, PRE, RTH, iex_elig
from ticks.errors import SymbolError
from ticks.flags import TEST_SYMBOL
from ticks.model import ABSENT_PRICE, MARKET, Auction, Depth, Quote, Status, Tick, Trade, TradeCancel
from ticks.symbols import canonical, is_test_symbol

VENUE: Final = ord("V")
PRICE_FACTOR: Final = 100_000
"""IEX prices have 4 decimals, ours 9."""
SIZE_FACTOR: Final = 1_000_000
"""IEX sizes are whole shares, ours have 6 decimals."""
PRICE_MAX: Final = (2**63 - 2) // PRICE_FACTOR
"""The highest IEX price that fits and is not our sign for "absent"."""
SYMBOLS_MAX: Final = 65_536
"""Symbols remembered; five times what the exchange lists. Beyond it the memory begins anew."""
_HALF_DAY: Final = 59_400 * 1_000_000_000
_DAY: Final = 86_400 * 1_000_000_000

QUOTE: Final = ord("Q")
BUY: Final = ord("8")
SELL: Final = ord("5")
_LEVELS: Final = frozenset((BUY, SELL))
LEAST_BYTES: Final[dict[str, int]] = {
    "S": 10, "D": 31, "H": 22, "I": 18, "O": 18, "P": 19, "E": 18, "Q": 42, "8": 30, "5": 30, "T": 38,
    "B": 38, "X": 26, "A": 80,
}  # fmt: skip
"""Type → length of a message whose known fields are all there."""

_quote: Final = Struct("<BQ8sIQQI").unpack_from
_level: Final = Struct("<BQ8sIQ").unpack_from
_trade: Final = Struct("<BQ8sIQq").unpack_from
_plain: Final = Struct("<BQ8s").unpack_from
_halt: Final = Struct("<BQ8s4s").unpack_from
_short_sale: Final = Struct("<BQ8sB").unpack_from
_official: Final = Struct("<BQ8sQ").unpack_from
_system: Final = Struct("<BQ").unpack_from
_directory: Final = Struct("<BQ8sIQB").unpack_from
_auction: Final = Struct("<BQ8sIQQIBBIQQQQ").unpack_from


class _Quarantine(Exception):
    """A message holds what no tick can; `args[0]` names the counter."""


_TIME: Final = "quarantined_time"
_PRICE: Final = "quarantined_price"
_SIZE: Final = "quarantined_size"
_SYMBOL: Final = "quarantined_symbol"
_SHORT: Final = "quarantined_short"


class MessageDecoder:
    """Makes ticks of messages, and counts what it makes and what it leaves out.

    Arguments:
        source: number of the feed, see `ticks.sources`.
        flags: bits of `ticks.flags` that every tick gets.
        counters: where messages left out are counted.
    """

    def __init__(self, source: int, flags: int, counters: Counters) -> None:
        self.source: Final = source
        self.flags: Final = flags
        self.counters = counters
        self.decoded: list[int] = [0] * 256
        """By type byte: messages that gave a tick or reference data."""
        self.unknown: list[int] = [0] * 256
        """By type byte: messages of types not in the table."""
        self.references: dict[str, ReferenceData] = {}
        """Newest directory entry of each symbol, at most `SYMBOLS_MAX` of them."""
        self.day_over = False
        """The last system event was the end of messages."""
        self._symbols: dict[bytes, tuple[str, int]] = {}

    def decode(
        self, data: bytes, spans: list[Span], sequence: int, send_ns: int, recv_ns: int, ticks: list[Tick]
    ) -> None:
        """Append the ticks of the messages at `spans` of a segment; the first has number `sequence`."""
        # One flat loop with local names: at a million messages a second each look-up counts.
        append, decoded, symbols = ticks.append, self.decoded, self._symbols
        source, builders = self.source, _BUILDERS
        for start, end in spans:
            if start == end:
                self.counters.quarantined_short += 1
                sequence += 1
                continue
            kind = data[start]
            try:
                if kind == QUOTE and end - start >= 42:
                    letters, time_ns, raw, bid_size, bid, ask, ask_size = _quote(data, start + 1)
                    known = symbols.get(raw)
                    symbol, flags = known if known is not None else self.symbol(raw)
                    if not EARLIEST_NS <= time_ns < LATEST_NS or bid > PRICE_MAX or ask > PRICE_MAX:
                        _refuse(time_ns)
                    if bid and bid_size:
                        bid *= PRICE_FACTOR
                        bid_size *= SIZE_FACTOR
                        bid_venue = VENUE
                    else:
                        bid, bid_size, bid_venue = ABSENT_PRICE, 0, 0
                    if ask and ask_size:
                        ask *= PRICE_FACTOR
                        ask_size *= SIZE_FACTOR
                        ask_venue = VENUE
                    else:
                        ask, ask_size, ask_venue = ABSENT_PRICE, 0, 0
                    append(
                        Quote(
                            source, VENUE, symbol, time_ns, send_ns, recv_ns, sequence, flags,
                            bid, bid_size, ask, ask_size, bid_venue, ask_venue, QUOTE_CONDITIONS[letters], 0,
                        )
                    )  # fmt: skip
                elif kind in _LEVELS and end - start >= 30:
                    event, time_ns, raw, size, price = _level(data, start + 1)
                    known = symbols.get(raw)
                    symbol, flags = known if known is not None else self.symbol(raw)
                    if not EARLIEST_NS <= time_ns < LATEST_NS or not 0 < price <= PRICE_MAX:
                        _refuse(time_ns)
                    append(
                        Depth(
                            source, VENUE, symbol, time_ns, send_ns, recv_ns, sequence, flags,
                            1 if kind == BUY else 2, price * PRICE_FACTOR, size * SIZE_FACTOR, event & 1 == 1,
                        )
                    )  # fmt: skip
                else:
                    least, build = builders[kind]
                    if build is None:
                        self.unknown[kind] += 1
                        self.counters.unknown += 1
                        sequence += 1
                        continue
                    if end - start < least:
                        build = _build_short
                    tick = build(self, data, start, sequence, send_ns, recv_ns)
                    if tick is not None:
                        append(tick)
                decoded[kind] += 1
            except _Quarantine as quarantine:
                counter = quarantine.args[0]
                setattr(self.counters, counter, getattr(self.counters, counter) + 1)
            sequence += 1

    def symbol(self, raw: bytes) -> tuple[str, int]:
        """The canonical symbol and the flags of its ticks, from the eight bytes of a message."""
        known = self._symbols.get(raw)
        if known is not None:
            return known
        try:
            symbol = canonical(raw.rstrip(b" ").decode("ascii"))
        except (UnicodeDecodeError, SymbolError):
            raise _Quarantine(_SYMBOL) from None
        if len(self._symbols) >= SYMBOLS_MAX:
            self._symbols.clear()
        known = (symbol, self.flags | TEST_SYMBOL if is_test_symbol(symbol) else self.flags)
        self._symbols[raw] = known
        return known

    def remember(self, reference: ReferenceData) -> None:
        """Keep a directory entry, in place of the symbol's former one."""
        if len(self.references) >= SYMBOLS_MAX and reference.symbol not in self.references:
            self.references.pop(next(iter(self.references)))
        self.references[reference.symbol] = reference


def decode_message(message: bytes, source: int = 0, flags: int = 0) -> Tick | ReferenceData:
    """Decode one message that stands alone, without a segment: its times are 0 but for the event's.

    Raises:
        MessageError: the type is unknown, the message too short, or a value impossible.
    """
    counters = Counters()
    decoder = MessageDecoder(source, flags, counters)
    ticks: list[Tick] = []
    decoder.decode(message, [(0, len(message))], 0, 0, 0, ticks)
    if counters.unknown:
        raise MessageError(f"unknown type of message {message[:1]!r}")
    if counters.quarantined:
        raise MessageError(f"not a message: {message[:80].hex()}")
    return ticks[0] if ticks else next(iter(decoder.references.values()))


def trade_session(flags: int, ts_event: int) -> int:
    """The session of a trade by its sale flags, as a number of `ticks.conditions`.

    Extended hours are before or after the regular session; 16:30 UTC lies between the two
    in summer and winter, and on half days (which end at 17:00 or 18:00 UTC) as well, so
    this needs no calendar and holds for recordings of any year.
    """
    if not flags & EXTENDED_HOURS:
        return RTH
    return PRE if ts_event % _DAY < _HALF_DAY else POST


def _refuse(time_ns: int) -> NoReturn:
    """Quarantine a message whose price does not fit, unless its time is at fault already."""
    _event_time(time_ns)
    raise _Quarantine(_PRICE)


def _event_time(time_ns: int) -> int:
    if not EARLIEST_NS <= time_ns < LATEST_NS:
        raise _Quarantine(_TIME)
    return time_ns


def _price(price: int) -> int:
    if price > PRICE_MAX:
        raise _Quarantine(_PRICE)
    return price * PRICE_FACTOR


def _build_trade(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Trade:
    sale, time_ns, raw, size, price, trade_id = _trade(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    _event_time(time_ns)
    if not price:
        raise _Quarantine(_PRICE)
    if not size:
        raise _Quarantine(_SIZE)
    return Trade(
        decoder.source, VENUE, symbol, time_ns, send_ns, recv_ns, sequence, flags,
        _price(price), size * SIZE_FACTOR, trade_id & 0xFFFF_FFFF_FFFF_FFFF, 0,
        SALE_CONDITIONS[sale], iex_elig(sale, trade_session(sale, time_ns)),
    )  # fmt: skip


def _build_break(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> TradeCancel:
    _, time_ns, raw, size, price, trade_id = _trade(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    return TradeCancel(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        _price(price), size * SIZE_FACTOR, trade_id & 0xFFFF_FFFF_FFFF_FFFF, 0, "B",
    )  # fmt: skip


def _build_plain(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Status:
    code, time_ns, raw = _plain(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    what, state, code_text = _WORDS[data[start]][code]
    return Status(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        what, state, "", code_text, 0,
    )  # fmt: skip


def _build_halt(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Status:
    code, time_ns, raw, reason = _halt(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    what, state, code_text = _WORDS[data[start]][code]
    return Status(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        what, state, reason.decode("latin-1").strip(), code_text, 0,
    )  # fmt: skip


def _build_short_sale(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Status:
    code, time_ns, raw, detail = _short_sale(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    what, state, code_text = _WORDS[data[start]][code]
    return Status(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        what, state, chr(detail).strip(), code_text, 0,
    )  # fmt: skip


def _build_official(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Status:
    code, time_ns, raw, price = _official(data, start + 1)
    symbol, flags = decoder.symbol(raw)
    what, state, code_text = _WORDS[data[start]][code]
    return Status(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        what, state, "", code_text, _price(price),
    )  # fmt: skip


def _build_system(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Status:
    code, time_ns = _system(data, start + 1)
    what, state, code_text = _WORDS[data[start]][code]
    _event_time(time_ns)
    decoder.day_over = state == END_OF_MESSAGES
    return Status(
        decoder.source, VENUE, MARKET, time_ns, send_ns, recv_ns, sequence, decoder.flags,
        what, state, "", code_text, 0,
    )  # fmt: skip


def _build_directory(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> None:
    bits, time_ns, raw, round_lot, close, tier = _directory(data, start + 1)
    symbol, _ = decoder.symbol(raw)
    decoder.remember(
        ReferenceData(
            symbol, _event_time(time_ns), round_lot * SIZE_FACTOR, _price(close), tier,
            bits & 0x80 != 0, bits & 0x40 != 0, bits & 0x20 != 0,
        )
    )  # fmt: skip


def _build_auction(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> Auction:
    (
        code, time_ns, raw, paired, reference, indicative, imbalance, side, extensions, scheduled_s,
        clearing, collar, lower, upper,
    ) = _auction(data, start + 1)  # fmt: skip
    symbol, flags = decoder.symbol(raw)
    return Auction(
        decoder.source, VENUE, symbol, _event_time(time_ns), send_ns, recv_ns, sequence, flags,
        AUCTIONS.get(chr(code), UNKNOWN_STATE), paired * SIZE_FACTOR, imbalance * SIZE_FACTOR, chr(side),
        _price(reference), _price(indicative), _price(clearing), _price(collar), _price(lower), _price(upper),
        scheduled_s, extensions,
    )  # fmt: skip


def _build_short(
    decoder: MessageDecoder, data: bytes, start: int, sequence: int, send_ns: int, recv_ns: int
) -> None:
    """Any message that is too short; of the types that the loop builds itself, no other gets here."""
    raise _Quarantine(_SHORT)


def _words(kind: str) -> list[tuple[str, str, str]]:
    """By code byte: the state's name, our word for the code, and the code as text."""
    what, words = STATES[kind]
    texts = [str(code) if kind == "P" else chr(code) for code in range(256)]
    return [(what, words.get(text, UNKNOWN_STATE), text.strip()) for text in texts]


_WORDS: Final = {ord(kind): _words(kind) for kind in STATES}

_Build = Callable[[MessageDecoder, bytes, int, int, int, int], Tick | None]
_BY_TYPE: Final[dict[str, _Build]] = {
    "S": _build_system,
    "D": _build_directory,
    "H": _build_halt,
    "I": _build_plain,
    "O": _build_plain,
    "P": _build_short_sale,
    "E": _build_plain,
    "T": _build_trade,
    "B": _build_break,
    "X": _build_official,
    "A": _build_auction,
    "Q": _build_short,
    "8": _build_short,
    "5": _build_short,
}
_BUILDERS: Final[list[tuple[int, _Build | None]]] = [
    (LEAST_BYTES.get(chr(kind), 0), _BY_TYPE.get(chr(kind))) for kind in range(256)
]
"""By type byte: the least length, and what builds the tick."""
