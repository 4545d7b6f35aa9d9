"""What becomes of each vendor message: kind of tick, channel, key in reports, stored or not.

The one table of it; `docs/feeds.md` shows it, and tests compare the two, and the decoders,
with it. Channel, key and store follow from the kind: see `ticks.kinds`.
"""

from typing import Final

from msgspec import Struct

from ticks import kinds
from ticks.kinds import KINDS


class MessageKind(Struct, frozen=True):
    """One type of message of one vendor."""

    vendor: str
    """`iex` or `alpaca`."""
    feed: str
    """Which of the vendor's feeds carry it."""
    type: str
    """The vendor's type code, as in the `decoded` part of reports."""
    name: str
    kind: int | None
    """Number of the kind of tick it becomes; None when it becomes none."""
    note: str = ""
    """What else there is to know; always there when it becomes no tick."""

    @property
    def channel(self) -> str:
        """Prefix of the channel that carries it; empty without a tick."""
        return "" if self.kind is None else KINDS[self.kind].channel

    @property
    def report(self) -> str:
        """Key in the `published` and `stored` parts of reports; empty without a tick."""
        return "" if self.kind is None else KINDS[self.kind].report

    @property
    def stored(self) -> bool:
        """Whether it is put into the store; what becomes a tick is journalled in any case."""
        return self.kind is not None and KINDS[self.kind].stored


_ALL: Final = "TOPS, DEEP, DEEP+"
_BOTH: Final = "TOPS, DEEP"
_CONTROL: Final = "moves the session's state; a change of it becomes a `feed_event`"
_NOT_YET: Final = "counted as unknown: DEEP+ is not decoded"


def _iex(feed: str, type_: str, name: str, kind: int | None, note: str = "") -> MessageKind:
    return MessageKind("iex", feed, type_, name, kind, note)


def _alpaca(feed: str, type_: str, name: str, kind: int | None, note: str = "") -> MessageKind:
    return MessageKind("alpaca", feed, type_, name, kind, note)


TABLE: Final[tuple[MessageKind, ...]] = (
    _iex(_ALL, "S", "system event", kinds.STATUS, "symbol `*`, what = system"),
    _iex(_ALL, "D", "security directory", None, "reference data, kept by symbol; counted in `decoded`"),
    _iex(_ALL, "H", "trading status", kinds.STATUS, "what = trading"),
    _iex(_ALL, "I", "retail liquidity indicator", kinds.STATUS, "what = retail"),
    _iex(_ALL, "O", "operational halt status", kinds.STATUS, "what = operational"),
    _iex(_ALL, "P", "short sale price test status", kinds.STATUS, "what = short_sale"),
    _iex("DEEP, DEEP+", "E", "security event", kinds.STATUS, "what = security"),
    _iex("TOPS", "Q", "quote update", kinds.QUOTE),
    _iex("DEEP", "8", "price level update, buy", kinds.DEPTH),
    _iex("DEEP", "5", "price level update, sell", kinds.DEPTH),
    _iex(_ALL, "T", "trade report", kinds.TRADE),
    _iex(_ALL, "B", "trade break", kinds.TRADE_CANCEL, "action `B`"),
    _iex(_BOTH, "X", "official price", kinds.STATUS, "what = official_price"),
    _iex(_BOTH, "A", "auction information", kinds.AUCTION),
    _iex("DEEP+", "a", "add order", None, _NOT_YET),
    _iex("DEEP+", "M", "order modify", None, _NOT_YET),
    _iex("DEEP+", "R", "order delete", None, _NOT_YET),
    _iex("DEEP+", "L", "order executed", None, _NOT_YET),
    _iex("DEEP+", "C", "clear book", None, _NOT_YET),
    _alpaca("stocks, crypto, options", "t", "trade", kinds.TRADE),
    _alpaca("stocks, crypto, options", "q", "quote", kinds.QUOTE),
    _alpaca("stocks, crypto", "b", "minute bar", kinds.BAR, "only in line-ups that name the vendor's bars"),
    _alpaca("stocks, crypto", "d", "daily bar", kinds.BAR_DAILY, "likewise"),
    _alpaca("stocks, crypto", "u", "updated minute bar", kinds.BAR_REVISION, "likewise"),
    _alpaca("stocks", "c", "trade correction", kinds.TRADE_CORRECT),
    _alpaca("stocks", "x", "trade cancel or error", kinds.TRADE_CANCEL, "action `C` or `E`"),
    _alpaca("stocks", "s", "trading status", kinds.STATUS, "what = trading"),
    _alpaca("stocks", "l", "limit up, limit down", kinds.BAND),
    _alpaca("stocks", "i", "order imbalance", kinds.AUCTION, "auction = imbalance"),
    _alpaca("news", "n", "news", kinds.NEWS),
    _alpaca("crypto", "o", "order book", kinds.DEPTH),
    _alpaca("crypto", "p", "perpetual futures pricing", None, "counted as unknown: no tick has its fields"),
    _alpaca("all", "success", "connected, authenticated", None, _CONTROL),
    _alpaca("all", "error", "error", None, _CONTROL),
    _alpaca("all", "subscription", "subscriptions in force", None, "compared with what was asked for"),
)
"""Every type of message that IEX and Alpaca document."""

BY_TYPE: Final[dict[tuple[str, str], MessageKind]] = {(row.vendor, row.type): row for row in TABLE}
"""(vendor, type) → row."""


def markdown(vendor: str) -> str:
    """The rows of one vendor as a Markdown table."""
    lines = ["| type | message | feeds | kind | channel | report key | stored | remarks |", "|---" * 8 + "|"]
    for row in TABLE:
        if row.vendor != vendor:
            continue
        kind = "–" if row.kind is None else str(row.kind)
        channel = f"`{row.channel}:`" if row.channel else "–"
        report = f"`{row.report}`" if row.report else "–"
        stored = "yes" if row.stored else "no"
        cells = (f"`{row.type}`", row.name, row.feed, kind, channel, report, stored, row.note)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
