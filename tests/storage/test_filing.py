"""Where ticks are filed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.filing import FAMILY_BY_KIND, FUTURE_NS, PAST_NS, STRAYS, DayFiler, day_name, filing_day
from tests.storage.making import DAY, NOON, SECOND, trade
from ticks import kinds
from ticks.calendar import trading_day
from ticks.times import day_number

DAY_13 = day_number("2026-07-13")


def test_a_tick_is_filed_under_its_new_york_trading_day() -> None:
    """From 20:00 in New York on it is the next one."""
    evening = NOON + 8 * 3600 * SECOND
    assert filing_day(trade(ts_event=NOON)) == DAY_13
    assert filing_day(trade(ts_event=evening - 1)) == DAY_13
    assert filing_day(trade(ts_event=evening)) == DAY_13 + 1


@pytest.mark.parametrize(
    ("ts_event", "plausible"),
    [
        (NOON - PAST_NS, True),
        (NOON - PAST_NS - 1, False),
        (NOON + FUTURE_NS, True),
        (NOON + FUTURE_NS + 1, False),
        (-(2**63), False),
        (2**63 - 1, False),
    ],
)
def test_times_that_cannot_be_true_are_strays(ts_event: int, plausible: bool) -> None:
    """Ten years back and two days ahead of the receive time are the limits."""
    assert (filing_day(trade(ts_event=ts_event, ts_recv=NOON)) != STRAYS) is plausible


def test_a_tick_whose_clocks_are_both_broken_is_filed_somewhere() -> None:
    """However large the integers are."""
    assert filing_day(trade(ts_event=2**70, ts_recv=2**70)) == STRAYS


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(NOON - 400 * DAY, NOON + 400 * DAY), max_size=20))
def test_the_memory_of_hours_changes_no_answer(times: list[int]) -> None:
    """Also around the change of New York's clocks."""
    filer = DayFiler()
    for ts_event in [*times, *times]:
        assert filer.day(ts_event, ts_event) == trading_day(ts_event)


def test_the_memory_of_hours_is_bounded() -> None:
    """A feed with wild times costs no memory."""
    filer = DayFiler()
    for hour in range(20_000):
        filer.day(hour * 3600 * SECOND, hour * 3600 * SECOND)
    assert len(filer._days) <= 4_096


def test_days_have_names() -> None:
    """Those of their files."""
    assert day_name(DAY_13) == "2026-07-13"
    assert day_name(STRAYS) == "strays"


def test_depth_is_in_no_table() -> None:
    """Every other kind is in one."""
    assert kinds.DEPTH not in FAMILY_BY_KIND
    assert len(FAMILY_BY_KIND) == len(kinds.KINDS) - 1
