"""Totals that travel with a recording's position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapewire.totals import KINDS_MAX, Totals, unpack_totals
from ticks.kinds import KINDS
from ticks.model import Trade

TRADE = Trade(3, 86, "A", 1, 0, 1, 0, 0, 1, 1, 1, 0, "", 0)


def test_the_first_mark_is_kept_and_ticks_are_counted() -> None:
    """The first batch decides where the recording begins; an empty one decides nothing."""
    totals = Totals()
    totals.add([], 7)
    assert totals.first_m == 0
    totals.add([TRADE, TRADE], 9)
    totals.add([TRADE], 11)
    assert totals.first_m == 9
    assert totals.by_report() == {"trade": 3}


def test_totals_of_nothing_name_no_kind() -> None:
    """A recording that has not begun has an empty report."""
    assert Totals().by_report() == {}


@given(
    st.integers(0, 2**53),
    st.lists(st.integers(0, 2**63), min_size=KINDS_MAX, max_size=KINDS_MAX),
    st.binary(max_size=64),
)
def test_totals_and_position_come_back(first_m: int, published: list[int], position: bytes) -> None:
    """Whatever the feed's own position is, it is returned as it was."""
    totals, rest = unpack_totals(Totals(first_m, published).pack(position))
    assert (totals.first_m, totals.published, rest) == (first_m, published, position)


def test_a_position_too_short_for_totals_is_refused() -> None:
    """It was not made by us."""
    with pytest.raises(ValueError, match="too short"):
        unpack_totals(b"abc")


def test_there_is_room_for_every_kind() -> None:
    """A kind beyond the layout could not be counted."""
    assert max(KINDS) < KINDS_MAX
