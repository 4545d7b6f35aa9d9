"""The token bucket of commands, and what happens to those who do not stop."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.bucket import BURSTS_REFUSED_MAX, Bucket, Refusal
from hub.moment import Moment

SECOND = 1_000_000_000


def at(seconds: float) -> Moment:
    """A moment so many seconds after the beginning."""
    return Moment(0, 50 * SECOND + int(seconds * SECOND))


def test_burst_is_allowed_at_once_and_then_the_rate() -> None:
    """Sixty at once, then twenty a second."""
    bucket = Bucket(20, 60, at(0))
    assert sum(bucket.allow(1, at(0)) for _ in range(100)) == 60
    assert sum(bucket.allow(1, at(1)) for _ in range(100)) == 20
    assert sum(bucket.allow(1, at(100)) for _ in range(100)) == 60


def test_costly_command_takes_more() -> None:
    """Forty of sixty, and the next forty have to wait for a second."""
    bucket = Bucket(20, 60, at(0))
    assert bucket.allow(40, at(0))
    assert not bucket.allow(40, at(0))
    assert bucket.allow(40, at(1))


def test_command_beyond_the_burst_is_not_impossible() -> None:
    """What costs more than the bucket holds takes nearly all of it."""
    bucket = Bucket(5, 10, at(0))
    assert bucket.allow(1_000, at(0))
    assert not bucket.allow(2, at(0))


def test_refusal_is_told_once_a_second() -> None:
    """A flood is answered once, then silence, then once again."""
    bucket = Bucket(20, 60, at(0))
    assert [bucket.refuse(at(0)) for _ in range(3)] == [Refusal.TELL, Refusal.SILENT, Refusal.SILENT]
    assert bucket.refuse(at(1.1)) is Refusal.TELL


def test_flood_that_does_not_end_is_cut() -> None:
    """Ten bursts refused within ten seconds are enough, also when some are allowed in between."""
    bucket = Bucket(20, 60, at(0))
    verdicts = []
    for place in range(100_000):
        now = at(place / 10_000)
        if not bucket.allow(1, now):
            verdicts.append(bucket.refuse(now))
            if verdicts[-1] is Refusal.CLOSE:
                break
    assert verdicts[-1] is Refusal.CLOSE
    assert len(verdicts) == 60 * BURSTS_REFUSED_MAX + 1


def test_occasional_refusals_are_forgotten() -> None:
    """Somebody who is a little too quick, for hours, is not cut."""
    bucket = Bucket(20, 60, at(0))
    for place in range(5_000):
        assert bucket.refuse(at(place)) is not Refusal.CLOSE


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 50),
    st.integers(2, 100),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 30)), max_size=60),
)
def test_no_schedule_gets_more_than_burst_and_rate(
    rate: int, burst: int, commands: list[tuple[float, int]]
) -> None:
    """Whatever is asked when: what was allowed is at most burst + rate × time."""
    bucket = Bucket(rate, burst, at(0))
    clock = 0.0
    spent = 0
    for wait, cost in commands:
        clock += wait
        if bucket.allow(cost, at(clock)):
            spent += min(cost, burst - 1)
    assert spent <= burst + rate * clock + 1
