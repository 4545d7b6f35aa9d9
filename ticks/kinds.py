"""What kinds of tick exist, which channel carries each, and what becomes of it.

`KINDS` is the one table. The channel grammar, the journal, the store, the reports and the
wire all read it, so a new kind of tick is one row here, one struct in `ticks.model`, and
whatever the feeds need to make it.

Kind numbers are written into journals: never change or reuse one.
"""

from typing import Final

from msgspec import Struct

TRADE: Final = 1
TRADE_CANCEL: Final = 2
TRADE_CORRECT: Final = 3
QUOTE: Final = 4
DEPTH: Final = 5
BAR: Final = 6
BAR_REVISION: Final = 7
BAR_DAILY: Final = 8
STATUS: Final = 9
BAND: Final = 10
AUCTION: Final = 11
NEWS: Final = 12
FEED_EVENT: Final = 13


class Kind(Struct, frozen=True):
    """One row of the kind table."""

    number: int
    """The number in journal rows and in `tick.kind`."""
    op: str
    """The `op` of the native wire protocol, one letter."""
    channel: str
    """The channel prefix: `t` in `t:AAPL`."""
    report: str
    """The key in reports and counters, as in `{"published": {"quote": …}}`."""
    family: str | None
    """The store's table (`trades quotes bars events`); None when the kind is only journalled."""

    @property
    def stored(self) -> bool:
        """Whether the writer puts this kind into the store."""
        return self.family is not None


KINDS: Final[dict[int, Kind]] = {
    row.number: row
    for row in (
        Kind(TRADE, "t", "t", "trade", "trades"),
        Kind(TRADE_CANCEL, "x", "t", "cancel", "trades"),
        Kind(TRADE_CORRECT, "c", "t", "correction", "trades"),
        Kind(QUOTE, "q", "q", "quote", "quotes"),
        Kind(DEPTH, "o", "o", "depth", None),
        Kind(BAR, "b", "b1m", "bar", "bars"),
        Kind(BAR_REVISION, "u", "b1m", "bar_revision", "bars"),
        Kind(BAR_DAILY, "d", "b1d", "daily_bar", "bars"),
        Kind(STATUS, "s", "s", "status", "events"),
        Kind(BAND, "l", "s", "band", "events"),
        Kind(AUCTION, "i", "s", "auction", "events"),
        Kind(NEWS, "n", "n", "news", "events"),
        Kind(FEED_EVENT, "f", "f", "feed_event", "events"),
    )
}
"""Kind number → row."""

CHANNEL_KINDS: Final[frozenset[str]] = frozenset(row.channel for row in KINDS.values())
"""The channel prefixes: `t q o b1m b1d s n f`."""

FAMILIES: Final[tuple[str, ...]] = ("trades", "quotes", "bars", "events")
"""The store's tables."""
