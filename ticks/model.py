"""The ticks: one frozen struct per shape of market event.

Units, everywhere: prices `int` × 1e-9, sizes `int` × 1e-6 (the default exponent; a crypto
line-up states its own), times `int` nanoseconds UTC. Never a float, never a `datetime`.

Every tick begins with the same eight fields (see `Head`). Structs are built positionally
on the hot path (keywords cost six times as much), so the order of fields is part of the
contract, and `gc=False` because a tick refers to nothing that could refer back.

`kind` is a class constant, one of `ticks.kinds`: reading it costs an attribute look-up and
building a tick does not pay for it.
"""

from typing import ClassVar, Final

from msgspec import Struct

from ticks import kinds

PRICE_SCALE: Final = 1_000_000_000
"""Price units per currency unit."""
SIZE_SCALE: Final = 1_000_000
"""Size units per share."""
ABSENT_PRICE: Final = 2**63 - 1
"""The price of a quote side that is not there; its size is 0."""
MARKET: Final = "*"
"""The symbol of what concerns the whole market or feed (`f:*`, `n:*`, `s:*`)."""


class Head(Struct, frozen=True, gc=False):
    """The fields every tick begins with."""

    kind: ClassVar[int] = 0

    source: int
    """Small number of the configured feed, see `ticks.sources`."""
    venue: int
    """`ord` of the SIP's exchange letter (86, `V`, is IEX); 0 = consolidated or unknown."""
    symbol: str
    """Canonical (Nasdaq integrated) symbol, interned."""
    ts_event: int
    """When it happened, by the venue's clock, ns UTC."""
    ts_send: int
    """When the source sent it, ns UTC; 0 unknown."""
    ts_recv: int
    """When we received it (in a replay: the capture time), clamped to never fall, ns UTC."""
    src_seq: int
    """The source's own sequence number; 0 none."""
    flags: int
    """Bits of `ticks.flags`."""


class Trade(Head, frozen=True, gc=False):
    """One print."""

    kind: ClassVar[int] = kinds.TRADE

    price: int
    size: int
    trade_id: int
    """The source's id, 0 … 2⁶⁴−1; 0 none."""
    sip_tape: int
    """`ord` of `A B C N O`; 0 unknown."""
    conds: str
    """Sale conditions, one character each, in the source's order (at most 4 are packed)."""
    elig: int
    """What the print may update: the bits of `ticks.conditions`, computed once at the edge."""


class TradeCancel(Head, frozen=True, gc=False):
    """An earlier print is withdrawn. Prices and sizes are those of the withdrawn print."""

    kind: ClassVar[int] = kinds.TRADE_CANCEL

    price: int
    size: int
    trade_id: int
    """Names the withdrawn print."""
    sip_tape: int
    action: str
    """`C` cancel, `E` error, `B` trade break."""


class TradeCorrect(Head, frozen=True, gc=False):
    """An earlier print was wrong; this is what it should have been."""

    kind: ClassVar[int] = kinds.TRADE_CORRECT

    old_price: int
    old_size: int
    old_trade_id: int
    old_conds: str
    price: int
    size: int
    trade_id: int
    conds: str
    sip_tape: int
    elig: int


class Quote(Head, frozen=True, gc=False):
    """Top of book. An absent side is `ABSENT_PRICE` with size 0."""

    kind: ClassVar[int] = kinds.QUOTE

    bid_price: int
    bid_size: int
    ask_price: int
    ask_size: int
    bid_venue: int
    ask_venue: int
    conds: str
    sip_tape: int


class Depth(Head, frozen=True, gc=False):
    """One price level of the book was set."""

    kind: ClassVar[int] = kinds.DEPTH

    side: int
    """1 bid, 2 ask."""
    price: int
    size: int
    """What now stands at the level; 0 = the level is gone."""
    complete: bool
    """Whether the book is consistent after this level (False: more of the same event follows)."""


class Bar(Head, frozen=True, gc=False):
    """A minute bar; `ts_event` is its start."""

    kind: ClassVar[int] = kinds.BAR

    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int
    """Trades counted in `volume`."""
    vwap: int
    rev: int
    """0 first, then 1, 2 … for each revision of the same bar."""
    final: bool
    """No revision is expected any more."""


class BarRevision(Bar, frozen=True, gc=False):
    """A minute bar that a late or withdrawn trade changed."""

    kind: ClassVar[int] = kinds.BAR_REVISION


class BarDaily(Bar, frozen=True, gc=False):
    """The day's bar, cumulative; `ts_event` is midnight in New York."""

    kind: ClassVar[int] = kinds.BAR_DAILY


class Status(Head, frozen=True, gc=False):
    """A trading state changed, of a symbol or (symbol `*`) of the market."""

    kind: ClassVar[int] = kinds.STATUS

    what: str
    """Which state: `trading operational short_sale retail security system official_price`."""
    state: str
    """The new state in our words, such as `trading`, `halted`, `paused`, `start_of_regular`."""
    reason: str
    """The source's reason code, such as `T1`; empty when it gave none."""
    raw: str
    """The source's own code for the state."""
    price: int
    """An official price, else 0."""


class Band(Head, frozen=True, gc=False):
    """Limit up / limit down prices."""

    kind: ClassVar[int] = kinds.BAND

    upper: int
    lower: int
    indicator: str


class Auction(Head, frozen=True, gc=False):
    """Auction or imbalance information. Prices that do not apply are 0."""

    kind: ClassVar[int] = kinds.AUCTION

    auction: str
    """`open close ipo halt volatility imbalance`."""
    paired: int
    imbalance: int
    side: str
    """`B`, `S`, or `N` for none."""
    reference: int
    indicative: int
    book_clearing: int
    collar_reference: int
    collar_lower: int
    collar_upper: int
    scheduled_s: int
    """Scheduled time of the auction, seconds UTC; 0 unknown."""
    extensions: int


class News(Head, frozen=True, gc=False):
    """One article. `symbol` is `*`; the companies it names are in `symbols`."""

    kind: ClassVar[int] = kinds.NEWS

    news_id: str
    headline: str
    summary: str
    author: str
    url: str
    content: str
    created_ns: int
    updated_ns: int
    symbols: tuple[str, ...]


class FeedEvent(Head, frozen=True, gc=False):
    """Something happened to a feed that readers of its data should know."""

    kind: ClassVar[int] = kinds.FEED_EVENT

    what: str
    """`state`, `switch`, `gap_open`, `gap_close`, `coverage`."""
    why: str
    """Of a gap: `loss unsubscribed outage limit overflow disk`; of others free text."""
    scope: str
    """The symbol concerned, or `*`."""
    from_ts: int
    """Of a gap: event time of the last tick before it, ns; 0 unknown."""
    to_ts: int
    """Of a gap that closes: event time of the first tick after it, ns; 0 unknown."""
    lost: int
    """How many messages are known to be missing; -1 unknown."""
    text: str


type_by_kind: Final[dict[int, type[Head]]] = {
    cls.kind: cls
    for cls in (
        Trade, TradeCancel, TradeCorrect, Quote, Depth, Bar, BarRevision, BarDaily,
        Status, Band, Auction, News, FeedEvent,
    )
}  # fmt: skip
"""Kind number → struct."""

Tick = (
    Trade | TradeCancel | TradeCorrect | Quote | Depth | Bar | BarRevision | BarDaily
    | Status | Band | Auction | News | FeedEvent
)  # fmt: skip
"""Any tick."""
