"""Which stored trades a cancel or a correction speaks of, and how they are marked.

A print is named by (line-up, symbol, venue, trade id) within one trading day; ids start over
each day. What is marked are trades, and corrections in their role as the replacement print,
with a lower mark than the tick that names them. **The first to speak wins** (the smallest
mark): so a row's correction columns, seen as of any mark up to the checkpoint, never change
again, and repeating a write changes nothing. A print that was received twice under one id is
marked twice. A tick that names no id, or a print of another day, marks nothing.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, structs

from storage.contract import Row
from storage.filing import filing_day
from ticks import kinds
from ticks.model import Tick, Trade, TradeCancel, TradeCorrect

WITHDRAWN: Final = 1
REPLACED: Final = 2
PRINT_KINDS: Final = (kinds.TRADE, kinds.TRADE_CORRECT)
"""The kinds that can be withdrawn or replaced."""


class Correction(Struct, frozen=True, gc=False):
    """What one cancel or correction says about earlier prints."""

    lineup: str
    symbol: str
    day: int
    venue: int
    trade_id: int
    m: int
    """The mark of the cancel or correction."""
    upd: int
    """What becomes of the print: `WITHDRAWN` or `REPLACED`."""


def correction_of(tick: Tick, lineup: str, m: int) -> Correction | None:
    """What `tick` says about an earlier print; None when it says nothing or names no id."""
    if isinstance(tick, TradeCancel):
        named, upd = tick.trade_id, WITHDRAWN
    elif isinstance(tick, TradeCorrect):
        named, upd = tick.old_trade_id, REPLACED
    else:
        return None
    return Correction(lineup, tick.symbol, filing_day(tick), tick.venue, named, m, upd) if named else None


class Corrections:
    """Corrections that may concern rows at hand."""

    def __init__(self, corrections: Iterable[Correction]) -> None:
        self._by_print: dict[tuple[str, str, int, int, int], list[Correction]] = {}
        for one in sorted(corrections, key=lambda correction: correction.m):
            name = (one.lineup, one.symbol, one.day, one.venue, one.trade_id)
            self._by_print.setdefault(name, []).append(one)

    def __bool__(self) -> bool:
        return bool(self._by_print)

    def marked(self, row: Row) -> Row:
        """The row with its correction columns as these corrections leave them."""
        tick = row.tick
        if not isinstance(tick, Trade | TradeCorrect):
            return row
        name = (row.lineup, tick.symbol, filing_day(tick), tick.venue, tick.trade_id)
        for one in self._by_print.get(name, ()):
            if one.m > row.m and (not row.upd_m or one.m < row.upd_m):
                return structs.replace(row, upd=one.upd, upd_m=one.m)
        return row


def as_known_at(row: Row, up_to_m: int) -> Row:
    """The row with correction columns that were not known at `up_to_m` cleared."""
    return structs.replace(row, upd=0, upd_m=0) if row.upd_m > up_to_m else row
