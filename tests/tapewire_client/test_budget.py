"""How fast a client may talk."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from hub.bucket import Bucket
from hub.moment import Moment
from hub.wishes import CHANNELS_PER_COMMAND as HUBS_CHANNELS_PER_COMMAND
from tapewire_client.budget import CHANNELS_PER_COMMAND, SHARE, Budget, cost_of

COMMANDS: Final = st.lists(st.tuples(st.integers(1, 5), st.floats(0, 2)), max_size=60)


@given(per_second=st.integers(1, 100), burst=st.integers(10, 100), commands=COMMANDS)
def test_whoever_keeps_the_budget_is_never_refused(
    per_second: int, burst: int, commands: list[tuple[int, float]]
) -> None:
    """By the hub's own bucket of the same limits, whatever the pauses in between."""
    budget, now_s = Budget(per_second, burst), 100.0
    bucket = Bucket(per_second, burst, Moment(0, int(now_s * 1e9)))
    for cost, pause_s in commands:
        now_s += pause_s
        now_s += budget.wait_s(cost, now_s)
        assert bucket.allow(cost, Moment(0, int(now_s * 1e9)))


def test_a_burst_goes_at_once_and_then_it_waits() -> None:
    """With a margin, since what is sent evenly does not arrive evenly."""
    budget = Budget(10, 5)
    waits = [budget.wait_s(1, 0.0) for _ in range(6)]
    assert waits[:4] == [0.0] * 4
    assert waits[4] == 1 / (10 * SHARE)
    assert waits[5] == 2 / (10 * SHARE)


def test_what_costs_more_than_a_burst_is_possible() -> None:
    """It counts as a whole burst."""
    assert Budget(10, 5).wait_s(1_000, 0.0) == 0.0


def test_limits_of_nothing_do_not_stop_it_for_ever() -> None:
    """As when a hub announces nonsense."""
    budget = Budget(0, 0)
    budget.wait_s(1, 0.0)
    assert 0 < budget.wait_s(1, 0.0) <= 60


def test_a_subscription_costs_what_the_hub_counts() -> None:
    """One, and one more for each so many channels."""
    assert CHANNELS_PER_COMMAND == HUBS_CHANNELS_PER_COMMAND
    assert (cost_of(1, 2), cost_of(249, 2), cost_of(250, 2), cost_of(10_000, 2)) == (1, 1, 2, 41)
