"""Folding gap events into gaps."""

import pytest

from storage.contract import Gap, Hole
from storage.gaps import fold, gap_event_of, gap_of_hole, touches
from tests.storage.making import NOON, gap, trade


def test_only_opening_and_closing_events_are_gap_events() -> None:
    """A switch of feeds loses nothing by itself."""
    assert gap_event_of(gap("gap_open", NOON)) is not None
    assert gap_event_of(gap("gap_close", NOON)) is not None
    assert gap_event_of(gap("switch", NOON)) is None
    assert gap_event_of(trade()) is None


def test_without_event_times_a_gap_lasts_between_its_own_events() -> None:
    """The source did not say when the last tick before and the first after happened."""
    (found,) = fold([], [(1, "", gap("gap_open", NOON)), (2, "", gap("gap_close", NOON + 9))])
    assert (found.from_ts, found.to_ts) == (NOON, NOON + 9)


def test_a_close_ends_the_newest_open_gap_of_its_kind() -> None:
    """Two of a kind can be open when a close got lost."""
    opened = [(m, "", gap("gap_open", NOON + m)) for m in (1, 2)]
    found = fold([], [*opened, (3, "", gap("gap_close", NOON + 3))])
    assert [(one.open_m, one.close_m) for one in found] == [(1, 0), (2, 3)]


def test_folding_goes_on_where_it_was_left() -> None:
    """What the store has folded and what the tape's end adds give what all at once would give."""
    events = [
        (m, "", gap(what, NOON + m, lost=lost))
        for m, what, lost in (
            (1, "gap_open", -1), (2, "gap_close", 5), (3, "gap_close", 1),
            (4, "gap_open", 7), (5, "gap_close", -1),
        )
    ]  # fmt: skip
    whole = fold([], events)
    assert [(one.open_m, one.close_m, one.lost) for one in whole] == [(1, 2, 5), (3, 3, 1), (4, 5, 7)]
    for cut in range(len(events)):
        assert fold(fold([], events[:cut]), events[cut:]) == whole


def test_a_hole_is_never_closed_by_an_event() -> None:
    """It is over when it is declared, even when its marks look open."""
    hole = gap_of_hole(Hole(3, 9, "loss", NOON, NOON + 5))
    found = fold([hole], [(12, "", gap("gap_close", NOON + 12))])
    assert [one.open_m for one in found] == [3, 12]


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "lineup", "expected"),
    [
        (NOON - 9, NOON, "", False),
        (NOON - 9, NOON + 1, "", True),
        (NOON + 5, NOON + 9, "", True),
        (NOON + 6, NOON + 9, "", False),
        (NOON - 9, NOON + 9, "iex", False),
    ],
)
def test_a_gap_touches_what_it_meets(start_ns: int, end_ns: int, lineup: str, expected: bool) -> None:
    """Both of its ends count, the query's end does not."""
    one = Gap("", "*", "loss", NOON, NOON + 5, 1, 1, 2)
    assert touches(one, lineup, start_ns, end_ns) is expected


def test_an_open_gap_touches_everything_behind_it() -> None:
    """Until somebody closes it."""
    assert touches(Gap("", "*", "loss", NOON, None, -1, 1, 0), "", NOON + 10**15, NOON + 10**16)
