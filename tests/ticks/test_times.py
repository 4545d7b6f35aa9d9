"""Times are read and written exactly, and what is wrong with a text is named."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticks.errors import CalendarError, TickError
from ticks.times import (
    NS_PER_DAY,
    NS_PER_HOUR,
    TIME_NS_MAX,
    day_number,
    format_day,
    format_time,
    new_york_offset_ns,
    new_york_time_ns,
    parse_time,
)

NEW_YORK = ZoneInfo("America/New_York")
KNOWN = {
    "1970-01-01T00:00:00Z": 0,
    "2016-08-23T19:30:32.572715948Z": 1_471_980_632_572_715_948,
    "2026-07-13T11:07:33.205360035Z": 1_783_940_853_205_360_035,
    "2021-02-22T15:51:44.208Z": 1_614_009_104_208_000_000,
    "2262-04-11T23:47:16.854775807Z": TIME_NS_MAX,
}


@pytest.mark.parametrize(("text", "time_ns"), KNOWN.items())
def test_known_times_are_read_and_written(text: str, time_ns: int) -> None:
    """Reference values in both directions; writing keeps all nine digits."""
    assert parse_time(text) == time_ns
    whole, _, fraction = text[:-1].partition(".")
    assert format_time(time_ns) == f"{whole}.{fraction.ljust(9, '0')}Z"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, TIME_NS_MAX))
def test_every_time_survives_the_round_trip(time_ns: int) -> None:
    """No nanosecond is lost between 1970 and 2262."""
    assert parse_time(format_time(time_ns)) == time_ns
    assert parse_time(str(time_ns)) == time_ns


@settings(max_examples=200, deadline=None)
@given(st.integers(-(2**63), TIME_NS_MAX), st.integers(-(2**63), TIME_NS_MAX))
def test_texts_sort_as_times_do(one: int, other: int) -> None:
    """Fixed width makes text order time order, for any 64-bit time."""
    assert (format_time(one) < format_time(other)) == (one < other)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2261, 12, 31)),
    st.integers(0, 9),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_fractions_and_offsets_agree_with_datetime(moment: datetime, places: int, offset: int) -> None:
    """Any number of digits and any offset: the same instant as the standard library's."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    fraction = f"{moment.microsecond:06d}000"[:places]
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}{zone}"
    cut = int(fraction.ljust(9, "0"))
    utc = moment.replace(microsecond=0, tzinfo=UTC) - timedelta(minutes=offset)
    assert parse_time(text) == int(utc.timestamp()) * 10**9 + cut


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("2026-07-13t12:00:00z", "2026-07-13T12:00:00Z"),
        ("2026-07-13 12:00:00Z", "2026-07-13T12:00:00Z"),
        ("2026-07-13T08:00:00-04:00", "2026-07-13T12:00:00Z"),
        ("2026-07-13T17:30:00+05:30", "2026-07-13T12:00:00Z"),
        ("2026-07-13T12:00:00 00:00", "2026-07-13T12:00:00Z"),
        ("2026-07-13T12:00:00-00:00", "2026-07-13T12:00:00Z"),
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000000Z"),
    ],
)
def test_other_spellings_mean_the_same_time(text: str, like: str) -> None:
    """RFC 3339's small letters and blank, offsets, and a `+` that a query string turned blank."""
    assert parse_time(text) == parse_time(like)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-13", "2026-07-13T04:00:00Z"),
        ("2026-01-05", "2026-01-05T05:00:00Z"),
        ("2026-03-08", "2026-03-08T05:00:00Z"),
        ("2026-03-09", "2026-03-09T04:00:00Z"),
        ("2026-11-01", "2026-11-01T04:00:00Z"),
        ("2026-11-02", "2026-11-02T05:00:00Z"),
    ],
)
def test_a_bare_date_is_midnight_in_new_york(text: str, utc: str) -> None:
    """Also on the two days a year when the clocks change after midnight."""
    assert parse_time(text) == parse_time(utc)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a time"),
        ("now", "not a time"),
        ("2026-07-13T12:00Z", "not a time"),
        ("2026-7-13T12:00:00Z", "not a time"),
        ("-1", "not a time"),
        ("1.5e18", "not a time"),
        (" 12", "not a time"),
        ("12\n", "not a time"),
        ("２０２６-07-13", "not a time"),
        ("2026-07-13T12:00:00.Z", "not a time"),
        ("2026-07-13T12:00:00+0400", "not a time"),
        ("2026-07-13T12:00:00", "without a zone"),
        ("2026-07-13T12:00:00.123", "without a zone"),
        ("2016-12-31T23:59:60Z", "leap second"),
        ("2026-07-13T12:00:00.1234567890Z", "nine digits"),
        ("2026-07-13T24:00:00Z", "time of day"),
        ("2026-07-13T12:60:00Z", "time of day"),
        ("2026-07-13T12:00:61Z", "time of day"),
        ("2026-07-13T12:00:00+24:00", "offset"),
        ("2026-07-13T12:00:00+00:60", "offset"),
        ("2026-02-29T12:00:00Z", "no such day"),
        ("2026-13-01", "no such day"),
        ("0000-01-01", "no such day"),
        ("1969-12-31T23:59:59Z", "1970 to 2262"),
        ("1970-01-01T00:00:00+00:01", "1970 to 2262"),
        ("1969-12-31", "1970 to 2262"),
        ("2262-04-11T23:47:16.854775808Z", "1970 to 2262"),
        ("2263-01-01", "1970 to 2262"),
        ("9223372036854775808", "1970 to 2262"),
        ("9" * 5000, "1970 to 2262"),
    ],
)
def test_a_wrong_text_is_refused_and_the_reason_named(text: str, complaint: str) -> None:
    """The one error, whose message says what is wrong and stays short."""
    with pytest.raises(TickError, match=complaint) as caught:
        parse_time(text)
    assert len(str(caught.value)) < 200


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("0123456789-T:.Z+ ", max_size=40))
def test_any_text_gives_a_time_or_the_one_error(text: str) -> None:
    """Whatever a user types, nothing but `TickError` is raised."""
    try:
        time_ns = parse_time(text)
    except TickError:
        return
    assert 0 <= time_ns <= TIME_NS_MAX


@settings(max_examples=200, deadline=None)
@given(st.integers(-5_000_000_000, 9_000_000_000))
def test_new_york_offset_agrees_with_zoneinfo(second: int) -> None:
    """One look-up per hour of UTC is enough, for every time since 1811."""
    offset = datetime.fromtimestamp(second, UTC).astimezone(NEW_YORK).utcoffset()
    assert offset is not None
    assert new_york_offset_ns(second * 10**9) == round(offset.total_seconds()) * 10**9


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from((0, 30, 4 * 60, 570, 960, 1200, 1439)))
def test_new_york_time_shows_the_wall_clock_asked_for(day: int, minute: int) -> None:
    """The instant, seen in New York, is that minute of that day."""
    second, rest = divmod(new_york_time_ns(day, minute), 10**9)
    local = datetime.fromtimestamp(second, UTC).astimezone(NEW_YORK)
    assert rest == 0
    assert local.replace(tzinfo=None) == datetime(1970, 1, 1) + timedelta(days=day, minutes=minute)


@pytest.mark.parametrize(
    ("day", "minute", "utc"),
    [
        ("2026-03-08", 0, "2026-03-08T05:00:00Z"),
        ("2026-03-08", 4 * 60, "2026-03-08T08:00:00Z"),
        ("2026-03-08", 20 * 60, "2026-03-09T00:00:00Z"),
        ("2026-11-01", 0, "2026-11-01T04:00:00Z"),
        ("2026-11-01", 4 * 60, "2026-11-01T09:00:00Z"),
        ("2026-11-01", 20 * 60, "2026-11-02T01:00:00Z"),
    ],
)
def test_new_york_time_is_right_on_the_days_the_clocks_change(day: str, minute: int, utc: str) -> None:
    """Before and after two in the morning of the two Sundays of a year."""
    assert new_york_time_ns(day_number(day), minute) == parse_time(utc)


@pytest.mark.parametrize(
    "text", ["0001-01-01", "1969-12-31", "2262-04-12", "9999-12-31", "0001-01-01T00:00:00Z"]
)
def test_a_day_outside_the_range_is_refused_with_the_range(text: str) -> None:
    """However far outside: at the year 1 the time zone's table ends as well."""
    with pytest.raises(TickError, match="outside the years 1970 to 2262"):
        parse_time(text)


def test_new_york_offset_of_an_absurd_integer_is_the_one_error() -> None:
    """Only integers that name no year at all are refused; every 64-bit one is answered."""
    assert new_york_offset_ns(2**63 - 1) == -4 * NS_PER_HOUR
    assert new_york_offset_ns(-(2**63)) == -17_762 * 10**9
    with pytest.raises(CalendarError, match="9999"):
        new_york_offset_ns(2**80)


def test_days_are_counted_from_1970() -> None:
    """Days and their texts, in both directions."""
    assert day_number("1970-01-01") == 0
    assert day_number("2026-07-13") == parse_time("2026-07-13T00:00:00Z") // NS_PER_DAY
    assert format_day(day_number("2026-07-13")) == "2026-07-13"
    for wrong in ("2026-02-30", "20260713", "2026-07-13T00:00:00Z"):
        with pytest.raises(TickError):
            day_number(wrong)
