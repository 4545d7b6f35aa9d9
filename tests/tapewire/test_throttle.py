"""At most one line a second for each cause."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire.throttle import INTERVAL_NS, Throttle


def test_a_cause_is_told_once_a_second_with_what_was_kept_silent() -> None:
    """The next line says how many were left out."""
    throttle = Throttle()
    times = [0, 1, INTERVAL_NS - 1, INTERVAL_NS, INTERVAL_NS + 1, 5 * INTERVAL_NS]
    assert [throttle.tell("disk", time) for time in times] == [0, None, None, 2, None, 1]


def test_causes_do_not_silence_each_other() -> None:
    """Each has its own second."""
    throttle = Throttle()
    assert [throttle.tell(cause, 0) for cause in ("a", "b", "a", "b")] == [0, 0, None, None]


def test_a_clock_that_goes_back_does_not_silence_for_ever() -> None:
    """After a step back the cause is told at once."""
    throttle = Throttle()
    throttle.tell("a", 10 * INTERVAL_NS)
    assert throttle.tell("a", INTERVAL_NS) == 0


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    """A flood of causes costs lines, not memory."""
    throttle = Throttle(causes_max=2)
    for time, cause in enumerate(["a", "b", "c"]):
        assert throttle.tell(cause, time) == 0
    assert throttle.tell("c", 3) is None
    assert throttle.tell("a", 4) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, INTERVAL_NS)), max_size=40))
def test_nothing_is_lost_in_the_count(steps: list[tuple[str, int]]) -> None:
    """Lines told plus those reported as left out plus those still kept are all there were."""
    throttle = Throttle()
    now_ns = 0
    told = dict.fromkeys("abc", 0)
    pending = dict.fromkeys("abc", 0)
    for cause, step in steps:
        now_ns += step
        silent = throttle.tell(cause, now_ns)
        if silent is None:
            pending[cause] += 1
        else:
            assert silent == pending[cause]
            told[cause] += 1 + silent
            pending[cause] = 0
    assert sum(told.values()) + sum(pending.values()) == len(steps)
