"""The ticks of the fan-out benchmark."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._fanout_ticks import STRIDE, TickSource, symbol_names

START_NS = 1_790_000_000_000_000_000


def test_each_round_visits_every_symbol_once() -> None:
    """So a channel's number is that of the round."""
    ticks = TickSource(1_000, 500, START_NS).until(START_NS + 999_000_000)
    assert len(ticks) == 1_000
    for round_of_ticks in (ticks[:500], ticks[500:]):
        assert sorted(tick.symbol for tick in round_of_ticks) == symbol_names(500)


def test_no_tick_is_made_before_it_is_due() -> None:
    """And each says when that was."""
    source = TickSource(3, 10, START_NS)
    assert [tick.ts_event for tick in source.until(START_NS)] == [START_NS]
    assert source.until(START_NS + 333_333_332) == []
    assert [tick.ts_event - START_NS for tick in source.until(START_NS + 10**9 - 1)] == [
        333_333_333,
        666_666_666,
    ]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 100_000), st.lists(st.integers(0, 50_000_000), max_size=8))
def test_ticks_do_not_depend_on_when_they_are_asked_for(rate: int, steps_ns: list[int]) -> None:
    """However the time is cut, the same ticks come, each once."""
    source, whole = TickSource(rate, 50, START_NS), TickSource(rate, 50, START_NS)
    now_ns, pieces = START_NS, []
    for step_ns in steps_ns:
        now_ns += step_ns
        pieces += source.until(now_ns)
    assert pieces + source.until(now_ns) == whole.until(now_ns)


def test_a_universe_that_the_steps_do_not_cover_is_refused() -> None:
    """It would have symbols that never trade."""
    with pytest.raises(ValueError, match="steps"):
        TickSource(1, STRIDE * 2, START_NS)
