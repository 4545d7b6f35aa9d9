"""Waits before coming back."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tapewire_client.backoff import HELD_SECONDS_MAX, Backoff

SECONDS = st.floats(0, 1_000, allow_nan=False)


@given(seed=st.integers(), least_s=SECONDS, most_s=SECONDS, attempts=st.integers(1, 80))
def test_each_wait_is_between_nothing_and_a_bound_that_doubles(
    seed: int, least_s: float, most_s: float, attempts: int
) -> None:
    """Up to the largest; however many attempts there are."""
    backoff = Backoff(rng=random.Random(seed))
    backoff.set_bounds(least_s, most_s)
    for attempt in range(attempts):
        assert 0 <= backoff.next_s() <= min(max(least_s, most_s), least_s * 2.0**attempt)


def test_the_whole_range_is_used() -> None:
    """Full jitter: clients come back spread out, some of them at once."""
    waits = []
    for seed in range(400):
        backoff = Backoff(0.5, 20.0, random.Random(seed))
        waits.append([backoff.next_s() for _ in range(8)][-1])
    assert min(waits) < 1
    assert max(waits) > 19
    assert 9 < sum(waits) / len(waits) < 11


def test_a_connection_that_works_makes_waits_short_again() -> None:
    """What was asked for before the connection worked is forgotten too."""
    backoff = Backoff(1.0, 64.0, random.Random(1))
    for _ in range(10):
        backoff.next_s()
    backoff.hold(50, 60)
    backoff.reset()
    assert backoff.next_s() <= 1.0


def test_the_hub_may_choose_the_next_wait_but_not_for_ever() -> None:
    """One wait is drawn from its range; the ones after it are ours again."""
    backoff = Backoff(0.1, 0.2, random.Random(1))
    backoff.hold(7, 9)
    assert 7 <= backoff.next_s() <= 9
    assert backoff.next_s() <= 0.2
    backoff.hold(1e9, 2e9)
    assert backoff.next_s() == HELD_SECONDS_MAX
    backoff.hold(-5, -1)
    assert backoff.next_s() == 0
