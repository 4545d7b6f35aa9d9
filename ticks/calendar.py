"""The trading calendar: which session it is, and which trading day.

Ordinary weekdays follow from `VENUES`; `calendar.csv` names the weekdays that are closed or
close early, and a caller may pass what was decided since (`Override`). The table is made by
`scripts/make_calendar.py`, covers 2013 to `horizon()`, and a test fails well before it ends.
Outside the table the weekday rule alone answers: a tick must never be refused because a
holiday is unknown. Whoever must not guess asks `Calendar.hours`, which raises.

A *trading day* is a New York date, from 20:00 of its eve to 20:00: what trades overnight
belongs to the day that follows. Days are counted from 1970, as storage keys have them.
"""

import pkgutil
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import Struct

from ticks.errors import CalendarError
from ticks.sessions import CLOSED, OVERNIGHT, POST, PRE, RTH
from ticks.times import NS_PER_DAY, NS_PER_HOUR, day_number, new_york_offset_ns, new_york_time_ns

XNYS: Final = "XNYS"
"""New York, and with it the consolidated tape."""
IEXG: Final = "IEXG"
"""IEX, whose day is shorter."""

_DAY_ENDS_MINUTE: Final = 20 * 60
_OPEN_MINUTE: Final = 9 * 60 + 30
_CLOSE_MINUTE: Final = 16 * 60
_HALF_DAY_POST_MINUTE: Final = 17 * 60
_DAYS_CACHED: Final = 512


class VenueHours(Struct, frozen=True):
    """What a venue keeps on an ordinary weekday, minutes after midnight in New York."""

    pre_minute: int
    post_minute: int
    """End of the post-market; on half days 17:00."""
    overnight: bool
    """Whether anybody trades there from 20:00 to 04:00."""


VENUES: Final[dict[str, VenueHours]] = {
    XNYS: VenueHours(4 * 60, 20 * 60, overnight=True),
    IEXG: VenueHours(8 * 60, 17 * 60, overnight=False),
}


class Override(Struct, frozen=True):
    """A day that was decided after the table was made, such as a day of mourning."""

    day: int
    """Days since 1970."""
    close_minute: int | None
    """When regular trading ends, minutes after midnight: 960 an ordinary day; None closed."""
    venue: str = "*"
    """The venue it is about; `*` all."""


class Hours(Struct, frozen=True):
    """One day of a venue, ns UTC."""

    pre_ns: int
    open_ns: int
    close_ns: int
    post_ns: int
    """End of the post-market."""


class Calendar:
    """The sessions of every venue, with a caller's overrides on top of the table.

    Reads no clock. What it remembers is bounded: one interval per venue, and some hundred days.

    Raises:
        CalendarError: an override names no venue, or no time between the open and 16:00.
    """

    def __init__(self, overrides: Iterable[Override] = ()) -> None:
        self._closes: dict[str, dict[int, int | None]] = {venue: dict(_TABLE) for venue in VENUES}
        for override in overrides:
            self._apply(override)
        self._edges: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
        # The interval of the last answer, per venue: the next tick is nearly always inside it.
        self._last: dict[str, tuple[int, int, int]] = dict.fromkeys(VENUES, (0, 0, CLOSED))

    def session_at(self, ts_ns: int, venue: str = XNYS) -> int:
        """The session of a time at a venue: a number of `ticks.sessions`.

        Total over 64-bit integers. Outside the table it knows weekends but no holidays.

        Raises:
            CalendarError: no such venue.
        """
        last = self._last.get(venue)
        if last is None:
            raise CalendarError(f"no such venue: {venue!r} (there are {', '.join(VENUES)})")
        if last[0] <= ts_ns < last[1]:
            return last[2]
        starts, sessions = self._day(venue, trading_day(ts_ns))
        index = bisect_right(starts, ts_ns) - 1
        self._last[venue] = (starts[index], starts[index + 1], sessions[index])
        return sessions[index]

    def hours(self, day: int, venue: str = XNYS) -> Hours | None:
        """When a venue trades on a day (days since 1970), or None when it does not.

        Raises:
            CalendarError: the day is outside the table and no override names it, or there is
                no such venue.
        """
        if venue not in VENUES:
            raise CalendarError(f"no such venue: {venue!r} (there are {', '.join(VENUES)})")
        if not _FIRST_DAY <= day <= _LAST_DAY and day not in self._closes[venue]:
            raise CalendarError(f"day {day} is outside the trading calendar")
        minutes = self._minutes(venue, day)
        return Hours(*(new_york_time_ns(day, minute) for minute in minutes)) if minutes else None

    def _apply(self, override: Override) -> None:
        minute = override.close_minute
        if minute is not None and not _OPEN_MINUTE < minute <= _CLOSE_MINUTE:
            raise CalendarError(f"regular trading cannot end at minute {minute} of the day")
        if override.venue != "*" and override.venue not in VENUES:
            raise CalendarError(f"no such venue: {override.venue!r} (there are {', '.join(VENUES)})")
        for venue in VENUES if override.venue == "*" else (override.venue,):
            self._closes[venue][override.day] = minute

    def _minutes(self, venue: str, day: int) -> tuple[int, int, int, int] | None:
        """Begin of pre, open, close and end of post in minutes; None on a closed day."""
        weekend = (day + 3) % 7 >= 5  # day 0 was a Thursday
        close = self._closes[venue].get(day, None if weekend else _CLOSE_MINUTE)
        if close is None:
            return None
        hours = VENUES[venue]
        post = hours.post_minute if close == _CLOSE_MINUTE else _HALF_DAY_POST_MINUTE
        return hours.pre_minute, _OPEN_MINUTE, close, post

    def _day(self, venue: str, day: int) -> tuple[list[int], list[int]]:
        """When the sessions of a trading day begin and which they are; the last begin is its end."""
        found = self._edges.get((venue, day))
        if found is not None:
            return found
        start_ns, end_ns = day_bounds(day)
        minutes = self._minutes(venue, day)
        if minutes is None:
            edges = [start_ns, end_ns], [CLOSED]
        else:
            begins = [new_york_time_ns(day, minute) for minute in minutes]
            night = OVERNIGHT if VENUES[venue].overnight else CLOSED
            edges = [start_ns, *begins, end_ns], [night, PRE, RTH, POST, CLOSED]
        if len(self._edges) >= _DAYS_CACHED:
            self._edges.clear()
        self._edges[venue, day] = edges
        return edges


def trading_day(ts_ns: int) -> int:
    """The New York trading day of a time, days since 1970; from 20:00 on it is the next date.

    Total over 64-bit integers, weekends and holidays included: every time has a day.

    Raises:
        CalendarError: the integer is so large that it names no year from 1 to 9999.
    """
    return (ts_ns + _shift_ns(ts_ns // NS_PER_HOUR)) // NS_PER_DAY


@lru_cache(maxsize=_DAYS_CACHED)
def day_bounds(day: int) -> tuple[int, int]:
    """The (start, end) of a trading day, ns UTC, the end exclusive: 20:00 of the eve to 20:00.

    Raises:
        CalendarError: the day is not in the years 1 to 9999.
    """
    return new_york_time_ns(day - 1, _DAY_ENDS_MINUTE), new_york_time_ns(day, _DAY_ENDS_MINUTE)


@lru_cache(maxsize=4096)
def _shift_ns(hour: int) -> int:
    """What added to a time of this UTC hour gives a clock that shows midnight at 20:00 New York."""
    return new_york_offset_ns(hour * NS_PER_HOUR) + 4 * NS_PER_HOUR


def horizon() -> int:
    """The last day the table covers, days since 1970."""
    return _LAST_DAY


def _load() -> tuple[int, int, dict[int, int | None]]:
    """First day, last day, and the close in minutes (None closed) of each unordinary weekday."""
    data = pkgutil.get_data("ticks", "calendar.csv")
    if data is None:
        raise CalendarError("the installation lacks ticks/calendar.csv")
    lines = data.decode("ascii").splitlines()
    bounds = {words[1]: day_number(words[2]) for line in lines if len(words := line.split()) == 3}
    closes: dict[int, int | None] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        day, _, close = line.partition(",")
        closes[day_number(day)] = None if close == "closed" else int(close[:2]) * 60 + int(close[3:])
    return bounds["first"], bounds["last"], closes


_FIRST_DAY, _LAST_DAY, _TABLE = _load()
_DEFAULT: Final = Calendar()
session_at: Final = _DEFAULT.session_at
"""`Calendar.session_at` of the table without overrides."""
