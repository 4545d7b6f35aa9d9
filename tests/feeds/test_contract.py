"""What every vendor's protocol core promises, held against each of them."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from feeds.contract import EARLIEST_NS, LATEST_NS, Counters, FeedState, ProtocolCore
from feeds.errors import PositionError
from feeds.iex import IexSession
from tests.feeds.iex import wire
from ticks.model import Tick
from ticks.times import parse_time

NOW = wire.NOW


class Case(NamedTuple):
    """One vendor: how its core is made, and what it may hear."""

    make: Callable[[], ProtocolCore]
    frames: list[bytes]


def iex() -> Case:
    """A day's beginning on IEX, with a hole, a repeat and garbage in it."""
    segments = wire.stream(60)
    return Case(lambda: IexSession(6), [*segments[:12], b"garbage", *segments[8:15], *segments[18:]])


CASES = [pytest.param(iex(), id="iex")]


def hear(core: ProtocolCore, frames: list[bytes], first: int = 0) -> list[Tick]:
    """The ticks of frames that arrive a nanosecond apart."""
    return [tick for number, data in enumerate(frames, first) for tick in core.receive(data, NOW + number)]


@pytest.mark.parametrize("case", CASES)
def test_frames_become_ticks_and_both_are_counted(case: Case) -> None:
    """Every frame and every tick is in the counters; ticks have the time at which their frame came."""
    core = case.make()
    assert core.state is FeedState.INIT
    ticks = hear(core, case.frames)
    assert ticks
    assert core.counters.frames == len(case.frames)
    assert core.counters.ticks == len(ticks)
    assert sum(core.decoded.values()) > 0
    received = [tick.ts_recv for tick in ticks]
    assert received == sorted(received)
    assert {NOW <= time_ns < NOW + len(case.frames) for time_ns in received} == {True}
    assert all(isinstance(data, bytes) for data in core.data_to_send())


@pytest.mark.parametrize("case", CASES)
def test_a_core_goes_on_from_the_position_of_another(case: Case) -> None:
    """Stopped after any frame, the rest gives the same ticks and the same totals."""
    for stop in range(len(case.frames) + 1):
        first, second = case.make(), case.make()
        hear(first, case.frames[:stop])
        position = first.position()
        assert len(position) <= 3_500
        second.restore(position)
        assert hear(second, case.frames[stop:], stop) == hear(first, case.frames[stop:], stop)
        assert (second.counters, second.decoded, second.state) == (first.counters, first.decoded, first.state)
        assert second.position() == first.position()


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_position_is_refused(case: Case) -> None:
    """Garbage and nothing at all raise the one error."""
    for position in (b"", b"garbage", bytes(100)):
        with pytest.raises(PositionError):
            case.make().restore(position)


def test_counters_add_up_what_was_quarantined() -> None:
    """The sum is over all reasons, so that one number can be shown."""
    names = [name for name in Counters.__struct_fields__ if name.startswith("quarantined_")]
    counters = Counters(**{name: 10**place for place, name in enumerate(names)})
    assert counters.quarantined == sum(10**place for place in range(len(names)))


def test_the_bounds_of_event_times_are_1990_and_2100() -> None:
    """What lies outside is a broken clock."""
    assert parse_time("1990-01-01T00:00:00Z") == EARLIEST_NS
    assert parse_time("2100-01-01T00:00:00Z") == LATEST_NS
