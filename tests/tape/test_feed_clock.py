"""The feed's time, seen through a clock that may be wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape.feed_clock import SAMPLES, TRUSTED_SAMPLES, FeedClock
from ticks.times import NS_PER_SECOND

S = NS_PER_SECOND
YEARS = 9 * 365 * 86_400 * S


def clock_after(*differences: float, start: int = 10_000) -> FeedClock:
    """One event a second from `start` on, received so many seconds after it happened."""
    clock = FeedClock()
    for second, difference in enumerate(differences, start):
        clock.see(second * S - round(difference * S), second * S)
    return clock


def test_before_the_first_event_the_feeds_time_is_ours() -> None:
    """There is nothing to go by; and what was assumed does not bind afterwards."""
    clock = FeedClock()
    clock.tell(5_000 * S)
    assert (clock.feed_ns, clock.watermark_ns, clock.started) == (5_000 * S, 0, False)
    clock.see(1_000 * S, 5_001 * S)
    assert (clock.feed_ns, clock.watermark_ns, clock.started) == (1_000 * S, 1_000 * S, True)


def test_with_a_right_clock_the_two_times_differ_by_the_way() -> None:
    """Twenty milliseconds here."""
    clock = clock_after(*[0.02] * 50)
    assert clock.offset_ns == round(0.02 * S)
    assert clock.feed_ns == clock.watermark_ns == 10_049 * S - clock.offset_ns


@pytest.mark.parametrize("wrong", [37, -37, 3_600, -3_600])
def test_a_difference_that_lasts_is_the_clocks(wrong: int) -> None:
    """In either direction."""
    clock = clock_after(*[wrong] * TRUSTED_SAMPLES)
    assert clock.offset_ns == wrong * S
    assert clock.feed_ns == (10_000 + TRUSTED_SAMPLES - 1 - wrong) * S
    assert clock.our_time(clock.feed_ns) == clock.now_ns


def test_a_wrong_clock_is_known_after_a_few_events_of_the_first_second() -> None:
    """Nobody has to wait for it at the start."""
    clock = FeedClock()
    for number in range(TRUSTED_SAMPLES):
        clock.see((10_037) * S + number, 10_000 * S + number)
    assert clock.offset_ns == -37 * S


def test_a_lag_of_some_seconds_is_not_the_clocks() -> None:
    """The feed's time goes on while its events are late."""
    clock = clock_after(*[0] * 30, *[10] * 20)
    assert clock.offset_ns == 0
    assert clock.feed_ns == 10_049 * S
    assert clock.watermark_ns == 10_039 * S


def test_late_events_among_prompt_ones_count_for_nothing() -> None:
    """Even when nearly all are late: three prompt ones in a hundred seconds are enough."""
    assert clock_after(*[600] * 48, 0, 0, 0, *[600] * 48).offset_ns == 0


def test_a_stamp_from_the_future_moves_nothing() -> None:
    """Nor do two, and not the very first."""
    clock = clock_after(-3_600, *[0] * 40, -3_600, *[0] * 9)
    assert clock.offset_ns == 0
    assert clock.feed_ns == 10_050 * S
    assert clock.watermark_ns == 10_050 * S


def test_a_clock_that_was_put_right_is_believed_after_a_while() -> None:
    """Sooner when the receipts come sooner than before, for then it cannot be a lag."""
    assert clock_after(*[37] * 200, *[0] * 3).offset_ns == 0
    assert clock_after(*[0] * 200, *[37] * (SAMPLES - 3)).offset_ns == 0
    assert clock_after(*[0] * 200, *[37] * (SAMPLES - 2)).offset_ns == 37 * S


def test_many_events_of_one_second_are_one_sample() -> None:
    """A burst of late prints does not outvote the others."""
    clock = clock_after(*[0] * 20)
    for number in range(500):
        clock.see(9_900 * S, 10_020 * S + number)
    assert clock.offset_ns == 0


def test_a_recording_played_years_later_has_the_time_of_its_events() -> None:
    """Whatever our clock shows."""
    assert clock_after(YEARS / S, YEARS / S, start=2_000_000_000).feed_ns == 2_000_000_001 * S - YEARS


@pytest.mark.parametrize(
    ("difference", "beyond"), [(0, 0), (37, 37), (600, 600), (-37, 0), (YEARS // S, 86_400)], ids=str
)
def test_an_event_may_be_as_late_as_our_clock_allows_up_to_a_day(difference: int, beyond: int) -> None:
    """A first event that was late must not have later, prompt ones taken for stamps from the future."""
    clock = clock_after(*[difference] * TRUSTED_SAMPLES, start=2_000_000_000)
    assert clock.latest_ns() == clock.feed_ns + beyond * S


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_time_never_falls(told: list[tuple[bool, int, int]]) -> None:
    """Once there was an event, whatever is told; and no event is beyond the feed's time."""
    clock = FeedClock()
    clock.see(500_000, 500_000)
    for is_event, first, second in told:
        before = (clock.now_ns, clock.feed_ns, clock.watermark_ns)
        if is_event:
            clock.see(first, second)
        else:
            clock.tell(first)
        after = (clock.now_ns, clock.feed_ns, clock.watermark_ns)
        assert all(old <= new for old, new in zip(before, after, strict=True))
        assert clock.watermark_ns <= clock.feed_ns
