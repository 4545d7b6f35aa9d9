"""Drafts: prints in and out of a minute, the tallies that follow, and the limits of a New York day."""

import gc

import pytest

from tape.bar_drafts import Day, Minute, MinuteDraft, day_number, drafts_of, minute_start
from tape.bar_rules import NO_BAR, PRINT
from tests.tape import naive_bars
from tests.tape.bar_making import MIDNIGHT, TEN
from ticks.times import NS_PER_HOUR, NS_PER_MINUTE, parse_time

ALL = 0xFA
"""`elig` of a print that updates everything."""


def row(at: int, price: int, trade_id: int = 0, venue: int = 81, elig: int = ALL) -> bytes:
    """A print of size 10, `at` ns after ten."""
    return PRINT.pack(TEN + at, price, 10, trade_id, elig, venue)


def minute_of(*rows: bytes) -> Minute:
    """A minute in which SPY has these prints."""
    minute = Minute(TEN, Day(day_number(TEN)), 0)
    minute.draft("SPY").prints += b"".join(rows)
    return minute


def draft_of(*rows: bytes) -> MinuteDraft:
    """A minute's draft with these prints, settled."""
    draft = minute_of(*rows).draft("SPY")
    assert draft.settle() == 0
    return draft


def test_settling_adds_each_print_once_to_minute_and_day() -> None:
    """However often it is settled, and whatever comes between."""
    draft = draft_of(row(1, 5), row(2, 7))
    draft.settle()
    draft.prints += row(3, 6)
    draft.settle()
    assert draft.tally.values() == (5, 7, 5, 6, 30, 3, 6)
    assert draft.day_tally == draft.tally == draft.daily.running
    assert len(draft) == draft.settled == 3


def test_a_removed_print_leaves_no_trace_and_makes_the_day_stale() -> None:
    """The tallies are those of the prints that remain."""
    draft = draft_of(row(1, 5), row(2, 9), row(3, 6))
    draft.remove(1)
    draft.settle()
    assert draft.tally == draft_of(row(1, 5), row(3, 6)).tally
    assert draft.daily.stale


def test_a_print_removed_before_it_was_settled_costs_nothing() -> None:
    """No tally has to be made anew."""
    draft = draft_of(row(1, 5))
    draft.prints += row(2, 9)
    draft.remove(1)
    assert not draft.spoiled
    draft.settle()
    assert draft.tally.values() == (5, 5, 5, 5, 10, 1, 5)
    assert not draft.daily.stale


def test_a_replaced_print_keeps_time_and_turn() -> None:
    """The first print stays the first, with another price."""
    draft = draft_of(row(1, 5, 1), row(1, 6, 2))
    draft.replace(0, 8, 20, 3, ALL)
    draft.settle()
    assert draft.tally.values() == (8, 8, 6, 6, 30, 2, 7)
    assert draft.find(81, 3, 8, 20) == 0


def test_all_prints_removed_leave_no_bar() -> None:
    """What remains of nothing is nothing."""
    draft = draft_of(row(1, 5))
    draft.remove(0)
    draft.settle()
    assert draft.tally.values() == NO_BAR


@pytest.mark.parametrize("wanted", [(82, 7, 5, 10), (81, 8, 5, 10), (81, 7, 6, 10), (81, 7, 5, 11)])
def test_a_print_is_found_only_when_all_of_it_fits(wanted: tuple[int, int, int, int]) -> None:
    """Venue, id, price and size: some venues use an id again."""
    draft = draft_of(row(1, 5, 7))
    assert draft.find(81, 7, 5, 10) == 0
    assert draft.find(*wanted) == -1


def test_of_equal_prints_the_newest_is_found() -> None:
    """Prints without ids differ in nothing but their turn."""
    assert draft_of(row(1, 5), row(2, 5), row(3, 6)).find(81, 0, 5, 10) == 1


def test_an_id_of_64_bits_is_kept() -> None:
    """Ids reach up to 2⁶⁴ − 1."""
    assert draft_of(row(1, 5, 2**64 - 1)).find(81, 2**64 - 1, 5, 10) == 0


def test_prints_given_up_are_forgotten_but_still_count() -> None:
    """Later prints add to the tallies of those that were given up, and are not kept either."""
    minute = minute_of(row(1, 5), row(2, 7), row(3, 6))
    draft = minute.draft("SPY")
    assert minute.give_up_prints() == 3
    draft.prints += row(4, 9)
    assert draft.settle() == 1
    minute.draft("IBM").prints += row(5, 1)
    assert minute.draft("IBM").settle() == 1
    assert draft.tally == draft_of(row(1, 5), row(2, 7), row(3, 6), row(4, 9)).tally
    assert draft.daily.running == draft.tally
    assert draft.find(81, 0, 5, 10) == -1


def test_drafts_are_out_of_the_garbage_collectors_sight() -> None:
    """A hundred thousand of them must not make its rounds long."""
    draft = draft_of(row(1, 5))
    assert not any(map(gc.is_tracked, (draft, draft.daily, draft.prints, draft.tally)))


def test_a_minute_begins_at_its_full_minute() -> None:
    """Closed on the left, open on the right."""
    assert minute_start(TEN) == TEN
    assert minute_start(TEN + NS_PER_MINUTE - 1) == TEN
    assert minute_start(TEN - 1) == TEN - NS_PER_MINUTE


@pytest.mark.parametrize(
    ("time", "start", "hours"),
    [
        ("2026-07-13T10:00:00-04:00", "2026-07-13T04:00:00Z", 24),
        ("2026-07-13T23:59:59.999999999-04:00", "2026-07-13T04:00:00Z", 24),
        ("2026-01-13T12:00:00-05:00", "2026-01-13T05:00:00Z", 24),
        ("2026-03-08T12:00:00-04:00", "2026-03-08T05:00:00Z", 23),
        ("2026-11-01T12:00:00-05:00", "2026-11-01T04:00:00Z", 25),
    ],
)
def test_a_day_is_the_calendar_day_of_new_york(time: str, start: str, hours: int) -> None:
    """From midnight to midnight there, in summer, in winter and when clocks change."""
    day = Day(day_number(parse_time(time)))
    assert day.start_ns == parse_time(start) == naive_bars.midnight(parse_time(time))
    assert day.end_ns == day.start_ns + hours * NS_PER_HOUR


def test_a_day_keeps_one_draft_for_each_symbol() -> None:
    """Asked again, it is the same."""
    day = Day(day_number(MIDNIGHT))
    assert day.draft("SPY") is day.draft("SPY")
    assert set(day.drafts) == {"SPY"}


def test_the_drafts_of_a_symbol_and_day_are_picked_from_all_minutes() -> None:
    """Minutes of another day, and minutes without the symbol, are passed over."""
    minute, other = minute_of(row(1, 5)), Minute(TEN, Day(day_number(TEN) - 1), 0)
    other.draft("SPY")
    empty = Minute(TEN + NS_PER_MINUTE, minute.day, 0)
    assert list(drafts_of([minute, other, empty], minute.day.draft("SPY"))) == [minute.draft("SPY")]
