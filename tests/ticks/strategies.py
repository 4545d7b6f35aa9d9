"""Hypothesis strategies for ticks, for every test that needs any of them.

By default values range over all that the fields may hold, the ends of 64 bits included.
`plain=True` keeps to what a market could send: positive prices and sizes, and times of this
century, so that sums and differences stay inside 64 bits.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

from ticks import kinds
from ticks.model import (
    ABSENT_PRICE,
    MARKET,
    Auction,
    Band,
    Bar,
    BarDaily,
    BarRevision,
    Depth,
    FeedEvent,
    News,
    Quote,
    Status,
    Tick,
    Trade,
    TradeCancel,
    TradeCorrect,
)

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1
FLAGS_MAX: Final = (1 << 13) - 1
SYMBOLS: Final = ("AAPL", "MSFT", "SPY", "BRK.B", "ABR-D", "ACHR+", "AAC=", "AIIA^", "NE+A", "OXLC-", "ZVZZT")
PLAIN_TIME_MIN: Final = 1_577_836_800 * 10**9  # 2020-01-01
PLAIN_TIME_MAX: Final = 1_893_456_000 * 10**9  # 2030-01-01

int64s: Final = st.integers(INT64_MIN, INT64_MAX) | st.sampled_from(
    (INT64_MIN, INT64_MIN + 1, -1, 0, 1, 2**53, 2**53 + 1, INT64_MAX - 1, INT64_MAX)
)
sources_: Final = st.integers(0, 255)
venues: Final = st.just(0) | st.sampled_from("ABCDHIJKLMNPQSTUVWXYZ").map(ord)
sip_tapes: Final = st.sampled_from((0, *map(ord, "ABCNO")))
conditions: Final = st.text(st.sampled_from(" @ABCDEFGHIKLMNOPQRTUVWXYZ145679"), max_size=4)
trade_ids: Final = st.integers(0, UINT64_MAX) | st.sampled_from((0, 1, 2**53, 2**63, UINT64_MAX))
eligs: Final = st.integers(0, 2**16 - 1)
flag_bits: Final = st.integers(0, FLAGS_MAX)
codes: Final = st.text(max_size=12)
texts: Final = st.text(max_size=60)

T = TypeVar("T")
B = TypeVar("B", bound=Bar)


def symbols() -> st.SearchStrategy[str]:
    """Canonical symbols, known ones and made-up ones, with and without a suffix."""
    root = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), min_size=1, max_size=5)
    letter = st.sampled_from("ABCDEFGHIJKLMNOPQRSTVWXYZ")
    suffix = (
        st.sampled_from(("", "", "-", "+", "=", "^", "#", "-#", "+#", "^#"))
        | letter.map(lambda x: f"-{x}")
        | letter.map(lambda x: f".{x}")
        | letter.map(lambda x: f"+{x}")
    )
    return st.sampled_from(SYMBOLS) | st.builds(lambda a, b: a + b, root, suffix)


def prices(plain: bool = False) -> st.SearchStrategy[int]:
    """Prices in units of 1e-9; plain ones have at most four decimals, as venues quote them."""
    return st.integers(1, 10_000_0000).map(lambda x: x * 100_000) if plain else int64s


def sizes(plain: bool = False) -> st.SearchStrategy[int]:
    """Sizes in units of 1e-6; plain ones are whole or fractional shares, at least one unit."""
    if not plain:
        return int64s
    return st.integers(1, 1_000_000).map(lambda x: x * 1_000_000) | st.integers(1, 10**9)


def times(plain: bool = False) -> st.SearchStrategy[int]:
    """Times in ns."""
    return st.integers(PLAIN_TIME_MIN, PLAIN_TIME_MAX) if plain else int64s


def heads(
    plain: bool = False, symbol: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[tuple[int | str, ...]]:
    """The eight fields every tick begins with."""
    time = times(plain)
    return st.tuples(
        sources_, venues, symbols() if symbol is None else symbol, time, time, time, int64s, flag_bits
    )


def quote_sides(plain: bool = False) -> st.SearchStrategy[tuple[int, int]]:
    """(price, size) of one side of a quote, now and then absent."""
    return st.just((ABSENT_PRICE, 0)) | st.tuples(prices(plain), sizes(plain))


def trades(plain: bool = False, symbol: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Trade]:
    """Trades."""
    rest = st.tuples(prices(plain), sizes(plain), trade_ids, sip_tapes, conditions, eligs)
    return _build(Trade, heads(plain, symbol), rest)


def cancels(
    plain: bool = False, symbol: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[TradeCancel]:
    """Withdrawn trades."""
    rest = st.tuples(prices(plain), sizes(plain), trade_ids, sip_tapes, st.sampled_from("CEB") | codes)
    return _build(TradeCancel, heads(plain, symbol), rest)


def corrections(
    plain: bool = False, symbol: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[TradeCorrect]:
    """Corrected trades."""
    price, size = prices(plain), sizes(plain)
    rest = st.tuples(price, size, trade_ids, conditions, price, size, trade_ids, conditions, sip_tapes, eligs)
    return _build(TradeCorrect, heads(plain, symbol), rest)


def quotes(plain: bool = False, symbol: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Quote]:
    """Quotes, some with an absent side."""
    side = quote_sides(plain)
    sides = st.builds(lambda bid, ask: (*bid, *ask), side, side)
    rest = st.tuples(venues, venues, conditions, sip_tapes)
    return _build(Quote, heads(plain, symbol), st.builds(lambda a, b: (*a, *b), sides, rest))


def depths(plain: bool = False, symbol: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Depth]:
    """Price levels."""
    size = st.just(0) | sizes(plain)
    rest = st.tuples(st.sampled_from((1, 2)), prices(plain), size, st.booleans())
    return _build(Depth, heads(plain, symbol), rest)


def bars(plain: bool = False, symbol: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Bar]:
    """Minute bars, revisions and daily bars; fields are not made to agree with each other."""
    return st.one_of(*(_bars_of(cls, plain, symbol) for cls in (Bar, BarRevision, BarDaily)))


def statuses(plain: bool = False) -> st.SearchStrategy[Status]:
    """Trading states, of a symbol or the market."""
    what = st.sampled_from(
        ("trading", "operational", "short_sale", "retail", "security", "system", "official_price")
    )
    rest = st.tuples(what, codes, codes, codes, prices(plain))
    return _build(Status, heads(plain, symbols() | st.just(MARKET)), rest)


def bands(plain: bool = False) -> st.SearchStrategy[Band]:
    """Limit up / limit down bands."""
    return _build(Band, heads(plain), st.tuples(prices(plain), prices(plain), codes))


def auctions(plain: bool = False) -> st.SearchStrategy[Auction]:
    """Auction and imbalance information."""
    price, size = prices(plain), sizes(plain)
    name = st.sampled_from(("open", "close", "ipo", "halt", "volatility", "imbalance"))
    rest = st.tuples(
        name, size, size, st.sampled_from("BSN"), price, price, price, price, price, price,
        st.integers(0, 2**32 - 1), st.integers(0, 255),
    )  # fmt: skip
    return _build(Auction, heads(plain), rest)


def news(plain: bool = False) -> st.SearchStrategy[News]:
    """Articles, with any text."""
    named = st.lists(symbols(), max_size=4).map(tuple)
    rest = st.tuples(texts, texts, texts, texts, texts, texts, times(plain), times(plain), named)
    return _build(News, heads(plain, st.just(MARKET)), rest)


def feed_events(plain: bool = False) -> st.SearchStrategy[FeedEvent]:
    """Feed events."""
    what = st.sampled_from(("state", "switch", "gap_open", "gap_close", "coverage"))
    rest = st.tuples(what, codes, symbols() | st.just(MARKET), times(plain), times(plain), int64s, texts)
    return _build(FeedEvent, heads(plain, st.just(MARKET)), rest)


BY_KIND: Final[dict[int, Callable[[], st.SearchStrategy[Tick]]]] = {
    kinds.TRADE: trades,
    kinds.TRADE_CANCEL: cancels,
    kinds.TRADE_CORRECT: corrections,
    kinds.QUOTE: quotes,
    kinds.DEPTH: depths,
    kinds.BAR: lambda: _bars_of(Bar),
    kinds.BAR_REVISION: lambda: _bars_of(BarRevision),
    kinds.BAR_DAILY: lambda: _bars_of(BarDaily),
    kinds.STATUS: statuses,
    kinds.BAND: bands,
    kinds.AUCTION: auctions,
    kinds.NEWS: news,
    kinds.FEED_EVENT: feed_events,
}
"""Kind → strategy."""


def any_tick(plain: bool = False) -> st.SearchStrategy[Tick]:
    """Ticks of every kind."""
    return st.one_of(
        trades(plain), quotes(plain), cancels(plain), corrections(plain), depths(plain), bars(plain),
        statuses(plain), bands(plain), auctions(plain), news(plain), feed_events(plain),
    )  # fmt: skip


def _bars_of(
    cls: type[B], plain: bool = False, symbol: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[B]:
    price, count = prices(plain), st.integers(0, 2**31 - 1)
    rest = st.tuples(
        price, price, price, price, sizes(plain), count, price, st.integers(0, 255), st.booleans()
    )
    return _build(cls, heads(plain, symbol), rest)


def _build(
    cls: type[T], head: st.SearchStrategy[tuple[Any, ...]], rest: st.SearchStrategy[tuple[Any, ...]]
) -> st.SearchStrategy[T]:
    """Structs made of their fields in order, as feeds make them."""
    return st.builds(lambda a, b: cls(*a, *b), head, rest)
