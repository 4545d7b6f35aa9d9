"""Which table and which trading day a tick is filed under.

A tick belongs to the New York trading day of its `ts_event`. A time that cannot be true, more
than ten years before or two days after `ts_recv`, would let one broken clock make any number
of files, and is filed with the *strays*: one place per family beside the days. Queries find
it there by its `ts_event` like any other row.
"""

from typing import Final

from ticks.calendar import trading_day
from ticks.errors import CalendarError
from ticks.kinds import KINDS
from ticks.model import Tick
from ticks.times import NS_PER_DAY, NS_PER_HOUR, format_day

STRAYS: Final = -(2**31)
"""In a day's place: filed with the strays."""

PAST_NS: Final = 3_660 * NS_PER_DAY
"""How far behind `ts_recv` an event may lie: imports of history reach back ten years."""
FUTURE_NS: Final = 2 * NS_PER_DAY
"""How far ahead of `ts_recv`: daily bars and auctions are stamped with the day that follows."""

_HOURS_MAX: Final = 4_096
_STRAYS_NAME: Final = "strays"

FAMILY_BY_KIND: Final[dict[int, str]] = {
    number: row.family for number, row in KINDS.items() if row.family is not None
}
"""Kind number → family, of the kinds that are stored."""


class DayFiler:
    """Finds the day of a tick, remembering the hours it has seen (trading days begin on a full hour)."""

    def __init__(self) -> None:
        self._days: dict[int, int] = {}

    def day(self, ts_event: int, ts_recv: int) -> int:
        """The trading day, days since 1970, or `STRAYS`."""
        if not -PAST_NS <= ts_event - ts_recv <= FUTURE_NS:
            return STRAYS
        hour = ts_event // NS_PER_HOUR
        if hour in self._days:
            return self._days[hour]
        if len(self._days) >= _HOURS_MAX:
            self._days.clear()
        day = self._days[hour] = _trading_day(ts_event)
        return day


_FILER: Final = DayFiler()


def filing_day(tick: Tick) -> int:
    """The trading day a tick is filed under, days since 1970, or `STRAYS`."""
    return _FILER.day(tick.ts_event, tick.ts_recv)


def day_name(day: int) -> str:
    """`2026-07-13`, or `strays`."""
    return _STRAYS_NAME if day == STRAYS else format_day(day)


def _trading_day(ts_event: int) -> int:
    try:
        return trading_day(ts_event)
    except CalendarError:  # only when `ts_recv` is as far out as `ts_event`
        return STRAYS
