"""Sessions and trading days, on ordinary days and on all others."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticks.strategies import INT64_MAX, INT64_MIN, int64s
from ticks.calendar import (
    IEXG,
    VENUES,
    XNYS,
    Calendar,
    Hours,
    Override,
    day_bounds,
    horizon,
    session_at,
    trading_day,
)
from ticks.errors import CalendarError
from ticks.sessions import CLOSED, NUMBERS, OVERNIGHT, POST, PRE, RTH
from ticks.times import NEW_YORK, NS_PER_DAY, day_number, parse_time


def new_york(text: str) -> int:
    """`2026-07-13 09:30` on New York's clocks, ns UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


SESSIONS_XNYS = """
2026-07-13 00:00 overnight | 2026-07-13 03:59 overnight | 2026-07-13 04:00 pre
2026-07-13 09:29 pre       | 2026-07-13 09:30 rth       | 2026-07-13 15:59 rth
2026-07-13 16:00 post      | 2026-07-13 19:59 post      | 2026-07-13 20:00 overnight
2026-07-12 19:59 closed    | 2026-07-12 20:00 overnight | 2026-07-17 19:59 post
2026-07-17 20:00 closed    | 2026-07-18 12:00 closed    | 2026-07-19 12:00 closed
2026-11-25 20:00 closed    | 2026-11-26 03:00 closed    | 2026-11-26 12:00 closed
2026-11-26 20:00 overnight | 2026-11-27 12:59 rth       | 2026-11-27 13:00 post
2026-11-27 16:59 post      | 2026-11-27 17:00 closed    | 2026-11-27 20:00 closed
2026-12-24 13:00 post      | 2026-12-24 20:00 closed    | 2026-12-25 12:00 closed
2013-10-07 12:00 rth       | 2017-07-10 10:32 rth       | 2017-07-04 12:00 closed
2017-07-03 13:30 post      | 2025-01-09 12:00 closed    | 2018-12-05 12:00 closed
2026-03-08 20:00 overnight | 2026-03-09 03:59 overnight | 2026-03-09 04:00 pre
2026-11-01 20:00 overnight | 2026-11-02 04:00 pre       | 2026-11-02 09:30 rth
"""
SESSIONS_IEXG = """
2026-07-13 04:00 closed | 2026-07-13 07:59 closed | 2026-07-13 08:00 pre
2026-07-13 09:29 pre    | 2026-07-13 09:30 rth    | 2026-07-13 16:00 post
2026-07-13 16:59 post   | 2026-07-13 17:00 closed | 2026-07-13 20:00 closed
2026-11-27 13:00 post   | 2026-11-27 16:59 post   | 2026-11-27 17:00 closed
2026-12-24 14:00 post   | 2026-09-07 12:00 closed | 2025-01-09 12:00 closed
2026-01-01 12:00 closed
"""


def cases(table: str) -> list[tuple[str, str]]:
    """(time, session) of each cell."""
    return [
        (cell[:16], cell[16:].strip())
        for line in table.split("\n")
        for cell in map(str.strip, line.split("|"))
        if cell
    ]


@pytest.mark.parametrize(("time", "session"), cases(SESSIONS_XNYS))
def test_new_york_keeps_its_hours(time: str, session: str) -> None:
    """Ordinary days, weekends, holidays, half days, mourning days, changes of the clocks."""
    assert session_at(new_york(time)) == NUMBERS[session]
    assert session_at(new_york(time), XNYS) == NUMBERS[session]


@pytest.mark.parametrize(("time", "session"), cases(SESSIONS_IEXG))
def test_iex_keeps_its_hours(time: str, session: str) -> None:
    """08:00 to 17:00, no overnight, and the same holidays and half days as New York."""
    assert session_at(new_york(time), IEXG) == NUMBERS[session]


def test_a_session_begins_to_the_nanosecond() -> None:
    """The nanosecond before 09:30 is still pre-market."""
    bell = new_york("2026-07-13 09:30")
    assert session_at(bell - 1) == PRE
    assert session_at(bell) == RTH


def test_iex_is_closed_while_new_york_trades_before_eight() -> None:
    """The recorded morning of 2026-07-13 begins before IEX opens its system."""
    first = parse_time("2026-07-13T11:07:33.205360035Z")
    assert session_at(first) == PRE
    assert session_at(first, IEXG) == CLOSED
    assert session_at(parse_time("2026-07-13T12:00:00.000650338Z"), IEXG) == PRE


def test_order_of_questions_does_not_change_the_answers() -> None:
    """What is remembered for speed is not confused between venues, days or directions."""
    times = [new_york(time) for time, _ in cases(SESSIONS_XNYS)]
    calendar = Calendar()
    forward = [(calendar.session_at(time), calendar.session_at(time, IEXG)) for time in times]
    backward = [(Calendar().session_at(time), Calendar().session_at(time, IEXG)) for time in reversed(times)]
    assert forward == backward[::-1]


@settings(max_examples=200, deadline=None)
@given(st.integers(day_number("2013-01-02"), day_number("2029-12-31")), st.integers(0, NS_PER_DAY - 1))
def test_session_agrees_with_the_hours_of_the_day(day: int, into: int) -> None:
    """`session_at` and `hours` are two views of the same day, at both venues."""
    start, end = day_bounds(day)
    time = start + into % (end - start)
    calendar = Calendar()
    for venue in VENUES:
        hours = calendar.hours(day, venue)
        assert calendar.session_at(time, venue) == _expected(hours, venue, time)


def _expected(hours: Hours | None, venue: str, time: int) -> int:
    if hours is None or time >= hours.post_ns:
        return CLOSED
    if time < hours.pre_ns:
        return OVERNIGHT if venue == XNYS else CLOSED
    return PRE if time < hours.open_ns else RTH if time < hours.close_ns else POST


def test_the_table_holds_the_days_that_are_known() -> None:
    """Holidays and half days of 2026, written down from the exchange's announcement."""
    calendar = Calendar()
    year = range(day_number("2026-01-01"), day_number("2027-01-01"))
    weekdays = [day for day in year if date.fromordinal(day + 719_163).weekday() < 5]
    ordinary_ns = (6 * 60 + 30) * 60 * 10**9
    closed = [day for day in weekdays if calendar.hours(day) is None]
    half = [
        day
        for day in weekdays
        if (hours := calendar.hours(day)) is not None and hours.close_ns - hours.open_ns != ordinary_ns
    ]
    holidays = ("01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25")
    assert closed == [day_number(f"2026-{day}") for day in holidays]
    assert half == [day_number("2026-11-27"), day_number("2026-12-24")]


def test_an_override_closes_a_day_or_ends_it_early() -> None:
    """A sudden closure is passed in, for all venues or one, and touches no other day."""
    day = day_number("2026-07-13")
    calendar = Calendar([Override(day, None), Override(day + 1, 14 * 60, IEXG)])
    assert calendar.session_at(new_york("2026-07-13 12:00")) == CLOSED
    assert calendar.session_at(new_york("2026-07-12 21:00")) == CLOSED
    assert calendar.session_at(new_york("2026-07-13 12:00"), IEXG) == CLOSED
    assert calendar.session_at(new_york("2026-07-14 15:00"), IEXG) == POST
    assert calendar.session_at(new_york("2026-07-14 15:00")) == RTH
    assert calendar.session_at(new_york("2026-07-15 12:00")) == RTH
    assert session_at(new_york("2026-07-13 12:00")) == RTH
    assert calendar.hours(day) is None


def test_an_override_opens_a_holiday_and_reaches_beyond_the_table() -> None:
    """960 is an ordinary day; a day outside the table that an override names is known."""
    beyond = horizon() + 10
    calendar = Calendar([Override(day_number("2026-07-03"), 960), Override(beyond, None)])
    assert calendar.session_at(new_york("2026-07-03 15:59")) == RTH
    assert calendar.hours(beyond) is None


@pytest.mark.parametrize(
    "override",
    [Override(20_000, 570), Override(20_000, 961), Override(20_000, -1), Override(20_000, None, "XLON")],
)
def test_a_wrong_override_is_refused(override: Override) -> None:
    """A close before the open, after 16:00, or a venue nobody knows."""
    with pytest.raises(CalendarError):
        Calendar([override])


def test_an_unknown_venue_is_refused() -> None:
    """The error names the venues there are."""
    with pytest.raises(CalendarError, match="XNYS, IEXG"):
        session_at(0, "XLON")
    with pytest.raises(CalendarError, match="XNYS, IEXG"):
        Calendar().hours(20_000, "XLON")


def test_outside_the_table_only_the_strict_question_is_refused() -> None:
    """A tick of 2008 or 2031 gets a session by the weekday; `hours` says that it does not know."""
    assert session_at(new_york("2008-10-10 12:00")) == RTH
    assert session_at(new_york("2008-10-11 12:00")) == CLOSED
    assert session_at(new_york("2031-06-02 12:00")) == RTH
    for day in (day_number("2012-12-31"), horizon() + 1):
        with pytest.raises(CalendarError, match="outside"):
            Calendar().hours(day)


@settings(max_examples=300, deadline=None)
@given(int64s)
def test_every_time_has_a_session_and_a_trading_day(time: int) -> None:
    """Total over 64 bits, and the day found holds the time."""
    assert session_at(time) in range(5)
    assert session_at(time, IEXG) in range(5)
    start, end = day_bounds(trading_day(time))
    assert start <= time < end


@settings(max_examples=200, deadline=None)
@given(st.integers(-106_750, 106_750))
def test_trading_days_follow_each_other_without_a_hole(day: int) -> None:
    """The end of a day is the start of the next, and both ends belong to the right day."""
    start, end = day_bounds(day)
    assert day_bounds(day + 1)[0] == end
    assert trading_day(start) == day == trading_day(end - 1)
    assert trading_day(end) == day + 1


def test_the_trading_day_changes_at_eight_in_the_evening() -> None:
    """In summer at midnight UTC, in winter an hour later; weekends are days of their own."""
    day = day_number("2026-07-13")
    assert trading_day(new_york("2026-07-13 19:59")) == day
    assert trading_day(new_york("2026-07-13 20:00")) == day + 1
    assert trading_day(parse_time("2026-07-14T00:00:00Z")) == day + 1
    assert trading_day(parse_time("2026-01-14T00:30:00Z")) == day_number("2026-01-13")
    assert trading_day(new_york("2026-07-18 12:00")) == day_number("2026-07-18")
    lengths = {(end - start) // (3_600 * 10**9) for start, end in map(day_bounds, range(20_454, 20_819))}
    assert lengths == {23, 24, 25}


def test_the_ends_of_64_bits_have_days() -> None:
    """1677 and 2262; an integer that names no year is the one error."""
    assert trading_day(INT64_MIN) == -106_753
    assert trading_day(INT64_MAX) == 106_751
    with pytest.raises(CalendarError):
        trading_day(2**80)
    with pytest.raises(CalendarError):
        day_bounds(10**7)


def test_what_is_remembered_is_bounded() -> None:
    """Times from everywhere do not make the calendar grow."""
    calendar = Calendar()
    for day in range(0, 40_000, 20):
        calendar.session_at(day * NS_PER_DAY)
    assert len(calendar._edges) <= 512
    assert calendar.session_at(new_york("2026-07-13 12:00")) == RTH


def test_sessions_of_a_day_follow_each_other() -> None:
    """Walking through a day minute by minute meets each session once, in order."""
    start, end = day_bounds(day_number("2026-11-27"))
    walk = [session_at(time) for time in range(start, end, 60 * 10**9)]
    changes = [walk[0]] + [after for before, after in pairwise(walk) if before != after]
    assert changes == [OVERNIGHT, PRE, RTH, POST, CLOSED]


def test_the_table_is_not_about_to_expire() -> None:
    """Fails 120 days before the last day of the table: run scripts/make_calendar.py."""
    today = (datetime.now(UTC).date() - date(1970, 1, 1)).days
    assert horizon() - today >= 120, "ticks/calendar.csv ends soon: run scripts/make_calendar.py"
