"""Times: `int` nanoseconds UTC ↔ text, without losing a nanosecond.

`datetime` holds microseconds only, so it is used here for calendar dates and offsets alone;
the fraction of a second never passes through it. The years 1970 to 2262 are what fits a
64-bit count of nanoseconds.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ticks.errors import CalendarError, TickError

NEW_YORK: Final = ZoneInfo("America/New_York")
NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
NS_PER_HOUR: Final = 3_600 * NS_PER_SECOND
NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
TIME_NS_MAX: Final = 2**63 - 1
"""2262-04-11T23:47:16.854775807Z, the last time there is."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INTEGER: Final = re.compile(r"[0-9]+")
# A blank before the offset is a `+` that a query string lost; RFC 3339 allows a blank for `T`.
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[-+ ][0-9]{2}:[0-9]{2})?"
)


def parse_time(text: str) -> int:
    """Read a time: RFC 3339, a date, or a plain integer of nanoseconds. Returns ns UTC.

    RFC 3339 needs a zone (`Z` or an offset such as `-04:00`) and takes up to nine digits of
    a second. A bare date (`2026-07-13`) is midnight *in New York*, where the day of the data
    begins, not midnight UTC, which is 20:00 or 19:00 of the evening before. A plain integer is
    nanoseconds since 1970. A blank in the offset's place is read as `+`.

    Raises:
        TickError: the text is none of these, lacks a zone, has more than nine digits of a
            second, names a leap second, or lies outside 1970–2262. The message says which.
    """
    match = _TIME.fullmatch(text)
    if match is not None:
        return _from_time(text, match)
    if _INTEGER.fullmatch(text) is not None:
        return _checked(int(text[:40]), text)
    match = _DATE.fullmatch(text)
    if match is not None:
        day = _day(text)
        _checked(day * NS_PER_DAY, text)  # before the time zone's table, which ends at the year 1
        return _checked(new_york_time_ns(day, 0), text)
    raise TickError(f"not a time: {text[:64]!r} (RFC 3339 with a zone, a date, or integer nanoseconds)")


def format_time(time_ns: int) -> str:
    """RFC 3339 in UTC with all nine digits, so that texts sort as times do.

    Takes any 64-bit integer; times before 1970 are formatted, though `parse_time` refuses them.
    """
    second, fraction = divmod(time_ns, NS_PER_SECOND)
    return f"{second_text(second)}{fraction:09d}Z"


@lru_cache(maxsize=8192)
def second_text(second: int) -> str:
    """What `format_time` writes before the fraction, `2026-07-13T11:07:33.`, of seconds since 1970."""
    day, second = divmod(second, 86_400)
    minute, second = divmod(second, 60)
    return f"{_day_text(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}."


def new_york_offset_ns(time_ns: int) -> int:
    """How far New York's clocks are ahead of UTC at a time, ns (negative: they are behind).

    Total over 64-bit integers. Clocks there have only ever changed on a full hour of UTC, so
    one look-up of the time-zone table serves each hour.

    Raises:
        CalendarError: the integer is so large that it names no year from 1 to 9999.
    """
    return _hour_offset_ns(time_ns // NS_PER_HOUR)


def new_york_time_ns(day: int, minute: int) -> int:
    """When New York's clocks show `minute` minutes after midnight of `day`, ns UTC.

    `day` is days since 1970. Exact for every minute but those between one and three in the
    morning, when clocks may change and a local time may be missing or come twice.

    Raises:
        CalendarError: as `new_york_offset_ns`.
    """
    local_ns = day * NS_PER_DAY + minute * NS_PER_MINUTE
    # Read as UTC the local time lies some hours too early. The offset there leads to the right
    # place, or an hour beside it, and the offset at that place is the right one.
    return local_ns - new_york_offset_ns(local_ns - new_york_offset_ns(local_ns))


def day_number(text: str) -> int:
    """The day that `YYYY-MM-DD` names, as days since 1970.

    Raises:
        TickError: the text is not a date, or the calendar has no such day.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise TickError(f"not a date: {text[:64]!r}")
    return _day(text)


def format_day(day: int) -> str:
    """`YYYY-MM-DD` of a day given as days since 1970; the inverse of `day_number`."""
    return date.fromordinal(day + _EPOCH_DAY).isoformat()


def _from_time(text: str, match: re.Match[str]) -> int:
    day, hour, minute, second, fraction, zone = match.groups()
    if zone is None:
        raise TickError(f"time without a zone: {text[:64]!r} (add Z or an offset such as -04:00)")
    if second == "60":
        raise TickError(f"leap second: {text[:64]!r} (a count of nanoseconds has none)")
    if hour > "23" or minute > "59" or second > "59":
        raise TickError(f"no such time of day: {text[:64]!r}")
    fraction = fraction or "0"
    if len(fraction) > 9:
        raise TickError(f"more than nine digits of a second: {text[:64]!r}")
    seconds = _day(day) * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second)
    if zone not in "Zz":
        seconds -= _offset_seconds(zone, text)
    return _checked(seconds * NS_PER_SECOND + int(fraction.ljust(9, "0")), text)


def _offset_seconds(zone: str, text: str) -> int:
    hour, minute = zone[1:3], zone[4:6]
    if hour > "23" or minute > "59":
        raise TickError(f"no such offset from UTC: {text[:64]!r}")
    offset = int(hour) * 3_600 + int(minute) * 60
    return -offset if zone[0] == "-" else offset


def _checked(time_ns: int, text: str) -> int:
    if not 0 <= time_ns <= TIME_NS_MAX:
        raise TickError(f"time outside the years 1970 to 2262: {text[:64]!r}")
    return time_ns


@lru_cache(maxsize=1024)
def _day(text: str) -> int:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    try:
        return date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise TickError(f"no such day: {text!r}") from None


@lru_cache(maxsize=4096)
def _hour_offset_ns(hour: int) -> int:
    try:
        offset = NEW_YORK.utcoffset((_EPOCH + timedelta(hours=hour)).astimezone(NEW_YORK))
    except OverflowError:
        raise CalendarError("time beyond the year 9999") from None
    assert offset is not None  # only a `None` argument has none
    return (offset.days * 86_400 + offset.seconds) * NS_PER_SECOND


@lru_cache(maxsize=1024)
def _day_text(day: int) -> str:
    return format_day(day)
