"""When packets are due."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import PacingError
from feeds.pacing import LONGEST_PAUSE_NS, ReplayPlan, parse_speed
from feeds.packets import Packet

SECOND = 1_000_000_000
CAPTURED = 1_784_000_000 * SECOND
NOW = 5_000 * SECOND


def plan(speed: Fraction | None, *times: int) -> ReplayPlan:
    """A plan with packets captured at these times after the first."""
    made = ReplayPlan(speed)
    made.add(Packet(CAPTURED + time_ns, b"%d" % number, number) for number, time_ns in enumerate(times))
    return made


def due(made: ReplayPlan, now_ns: int) -> list[int]:
    """The numbers of the packets that are due."""
    taken = []
    while (packet := made.take(now_ns)) is not None:
        taken.append(int(packet.payload))
    return taken


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("1", 1),
        ("10", 10),
        ("0.5", Fraction(1, 2)),
        ("2.25", Fraction(9, 4)),
        ("1000000", 10**6),
        ("0.001", Fraction(1, 1000)),
        ("max", None),
    ],
)
def test_a_speed_is_a_number_or_max(text: str, speed: Fraction | None) -> None:
    """Speeds are exact."""
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "+1", "1e3", "nan", "inf", "MAX", " 1", "1x", "0.0001", "1000001", "1/2", "١"]
)
def test_what_is_no_speed_is_refused(text: str) -> None:
    """Nothing else is guessed at."""
    with pytest.raises(PacingError, match="speed"):
        parse_speed(text)


def test_at_max_speed_everything_is_due_at_once() -> None:
    """Capture times do not matter."""
    made = plan(None, 0, 10 * SECOND, 5)
    assert made.wait_ns(NOW) == 0
    assert due(made, NOW) == [0, 1, 2]
    assert made.wait_ns(NOW) is None


@pytest.mark.parametrize(("speed", "factor"), [(Fraction(1), 1), (Fraction(10), 10), (Fraction(1, 2), 0.5)])
def test_packets_are_due_as_they_were_captured(speed: Fraction, factor: float) -> None:
    """The first at once, the others later by the captured difference divided by the speed."""
    made = plan(speed, 0, 2 * SECOND, 2 * SECOND, 5 * SECOND)
    assert due(made, NOW) == [0]
    assert made.wait_ns(NOW) == 2 * SECOND / factor
    assert due(made, NOW + int(2 * SECOND / factor) - 1) == []
    assert due(made, NOW + int(2 * SECOND / factor)) == [1, 2]
    assert made.wait_ns(NOW + int(4 * SECOND / factor)) == SECOND / factor
    assert due(made, NOW + int(5 * SECOND / factor)) == [3]
    assert made.wait_ns(NOW) is None
    assert len(made) == 0


def test_who_falls_behind_catches_up() -> None:
    """What should have been played is due at once, and what comes later keeps its time."""
    made = plan(Fraction(1), 0, 1 * SECOND, 2 * SECOND, 9 * SECOND)
    assert due(made, NOW) == [0]
    assert due(made, NOW + 8 * SECOND) == [1, 2]
    assert made.wait_ns(NOW + 8 * SECOND) == SECOND


def test_a_clock_that_stepped_back_in_the_capture_stalls_nothing() -> None:
    """A packet captured before the one ahead of it is due with it, and so is what follows at that time."""
    made = plan(Fraction(1), 0, 10 * SECOND, 4 * SECOND, 11 * SECOND)
    due(made, NOW)
    assert due(made, NOW + 10 * SECOND) == [1, 2]
    assert due(made, NOW + 11 * SECOND) == [3]


def test_a_long_silence_is_cut_short() -> None:
    """Nobody waits a night; after it the pace is as recorded."""
    night = 12 * 3_600 * SECOND
    made = plan(Fraction(2), 0, night, night + 2 * SECOND)
    due(made, NOW)
    assert made.wait_ns(NOW) == LONGEST_PAUSE_NS // 2
    assert due(made, NOW + LONGEST_PAUSE_NS // 2) == [1]
    assert due(made, NOW + LONGEST_PAUSE_NS // 2 + SECOND) == [2]


@settings(max_examples=200, deadline=None)
@given(
    speed=st.sampled_from((None, Fraction(1), Fraction(7), Fraction(1, 3))),
    times=st.lists(st.integers(0, 10 * SECOND), max_size=20),
    steps=st.lists(st.integers(0, 3 * SECOND), max_size=40),
)
def test_every_packet_comes_once_in_order_and_never_early(
    speed: Fraction | None, times: list[int], steps: list[int]
) -> None:
    """However the clock moves: nothing is skipped, and the wait that is told is the wait there is."""
    made = plan(speed, *times)
    taken: list[int] = []
    now_ns = NOW
    for step in steps:
        now_ns += step
        taken += due(made, now_ns)
        wait_ns = made.wait_ns(now_ns)
        assert (wait_ns is None) == (not made)
        if wait_ns:
            assert due(made, now_ns + wait_ns - 1) == []
            now_ns += wait_ns
            found = due(made, now_ns)
            assert found
            taken += found
    assert taken == list(range(len(taken)))
