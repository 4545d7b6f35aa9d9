"""The simulated exchange in real time."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import TapeSettings
from feeds.sim import SimExchange, SimSettings
from feeds.sim import feed as feed_module
from feeds.sim.feed import CATCH_UP_NS, SLICE_NS, Plan, SimFeed, plan
from tape.batch import Batch, SourcePosition
from tape.tape import Tape
from tests.feeds.sim.checks import SECOND, START, play
from ticks.model import FeedEvent, Quote, Status, Tick, Trade, TradeCancel
from ticks.sources import SIM_B

HASTY = SimSettings(symbols=6, rate=30, speed=100, halt_every_s=60, cancel_every=20)
MS = 1_000_000


class Clock:
    """A clock that is set by hand, and moves on by `step_ns` whenever it is read."""

    def __init__(self, now_ns: int = START, step_ns: int = 0) -> None:
        self.now_ns = now_ns
        self.step_ns = step_ns

    def __call__(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


class Collector:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.positions: list[SourcePosition] = []
        self.times: list[int] = []

    def __call__(self, ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        self.ticks += ticks
        self.positions.append(position)
        self.times.append(now_ns)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 20 * SECOND), st.integers(-SECOND, 20 * SECOND))
def test_a_plan_never_reaches_further_than_now_nor_more_than_a_slice(behind: int, ahead: int) -> None:
    """Whatever the clock did, the next step is bounded and the exchange ends at most two seconds behind."""
    reached, now = START + behind, START + ahead
    todo = plan(reached, now)
    begin = max(reached, todo.skip_to_ns)
    assert todo.advance_to_ns <= max(now, begin)
    assert todo.advance_to_ns - begin <= SLICE_NS
    assert now - begin <= CATCH_UP_NS
    assert todo.behind == (now > todo.advance_to_ns)
    assert (todo.skip_to_ns > 0) == (now - reached > CATCH_UP_NS)


def test_an_exchange_that_has_not_begun_begins_now() -> None:
    """There is nothing to catch up."""
    assert plan(0, START) == Plan(0, START, behind=False)


def test_steps_hand_over_the_tape_with_positions() -> None:
    """The sink gets every tick, the time it was made, and a position that the exchange takes."""
    clock, sink = Clock(), Collector()
    feed = SimFeed(SimExchange(HASTY), "sim:7", clock_ns=clock)
    for step in range(201):
        clock.now_ns = START + step * 10 * MS
        assert feed.step(sink) is False
    assert sink.ticks == play(HASTY, 2.0)
    assert feed.ticks == len(sink.ticks)
    assert all(tick.ts_recv <= sink.times[-1] for tick in sink.ticks)
    assert {position.key for position in sink.positions} == {"sim:7"}
    assert sink.positions[-1].value == feed.exchange.position()


def test_a_short_stall_is_caught_up_in_slices_and_loses_nothing() -> None:
    """After 1.9 s the ticks come in order, a slice at a time, so that the loop can do other things."""
    clock, sink = Clock(), Collector()
    feed = SimFeed(SimExchange(HASTY), clock_ns=clock)
    feed.step(sink)
    clock.now_ns = START + 1_900 * MS
    steps = 1
    while feed.step(sink):
        steps += 1
    assert steps == 95
    assert sink.ticks == play(HASTY, 1.9)
    assert feed.overflows == 0


def test_a_long_stall_is_told_and_only_its_end_is_caught_up() -> None:
    """After ten seconds eight are declared lost, and the last two are traded."""
    clock, sink = Clock(), Collector()
    feed = SimFeed(SimExchange(HASTY), clock_ns=clock)
    feed.step(sink)
    before = len(sink.ticks)
    clock.now_ns = START + 10 * SECOND
    while feed.step(sink):
        pass
    opened, closed, *rest = sink.ticks[before:]
    assert isinstance(opened, FeedEvent)
    assert isinstance(closed, FeedEvent)
    assert (opened.what, closed.what, opened.why) == ("gap_open", "gap_close", "overflow")
    assert closed.to_ts - opened.from_ts == 8 * SECOND
    assert "10000 ms behind" in opened.text
    assert len(rest) > 100
    assert not any(isinstance(tick, FeedEvent) for tick in rest)
    assert feed.overflows == 1
    assert feed.exchange.reached_ns == START + 10 * SECOND


def test_an_exchange_that_is_too_slow_for_its_clock_stays_bounded() -> None:
    """When time runs away faster than it can be traded, gaps are declared again and again."""
    clock, sink = Clock(step_ns=500 * MS), Collector()
    feed = SimFeed(SimExchange(HASTY), clock_ns=clock)
    for _ in range(100):
        feed.step(sink)
        assert clock.now_ns - feed.exchange.reached_ns <= CATCH_UP_NS
    assert feed.overflows > 10


def test_views_get_the_same_market_in_their_own_sinks() -> None:
    """Two sources, one market; what is skipped is told by both."""
    clock, sink, other = Clock(), Collector(), Collector()
    exchange = SimExchange(HASTY)
    feed = SimFeed(exchange, clock_ns=clock, views=[(exchange.view(delay_ns=5 * MS), other)])
    for now in (0, 1, 2, 12, 13, 14, 15):
        clock.now_ns = START + now * SECOND
        while feed.step(sink):
            pass
    clock.now_ns += 5 * MS
    feed.step(Collector())
    assert [tick.src_seq for tick in other.ticks] == [tick.src_seq for tick in sink.ticks]
    assert {tick.source for tick in other.ticks} == {SIM_B}
    assert sum(isinstance(tick, FeedEvent) for tick in other.ticks) == 2
    assert {position.key for position in other.positions} == {"sim:9"}


async def test_the_task_runs_until_it_is_cancelled() -> None:
    """In real time the exchange trades; cancelling ends it at once."""
    lively = asyncio.Event()
    seen: list[Tick] = []

    def sink(ticks: list[Tick], _position: SourcePosition, now_ns: int) -> None:
        seen.extend(ticks)
        assert all(tick.ts_recv <= now_ns for tick in ticks)
        if len(seen) > 500:
            lively.set()

    feed = SimFeed(SimExchange(SimSettings(rate=10_000)))
    task = asyncio.create_task(feed.run(sink))
    await asyncio.wait_for(lively.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_loop_that_turns_slowly_lets_the_market_fall_no_further_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As much as there is time for is caught up in one of its turns."""
    monkeypatch.setattr(feed_module, "TURN_SECONDS", 30.0)
    clock, sink = Clock(), Collector()
    feed = SimFeed(SimExchange(HASTY), clock_ns=clock)
    feed.step(sink)
    clock.now_ns = START + 1_900 * MS
    task = asyncio.create_task(feed.run(sink))
    await asyncio.sleep(0)
    task.cancel()
    assert sink.ticks == play(HASTY, 1.9)


async def test_what_a_sink_raises_ends_the_task() -> None:
    """A tape that cannot be written is not hidden."""

    def sink(_ticks: list[Tick], _position: SourcePosition, _now_ns: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await asyncio.wait_for(SimFeed(SimExchange(HASTY)).run(sink), 30)


class TestOnATape:
    """With a real tape as the sink."""

    def run(self, directory: Path, begin_ns: int) -> tuple[list[Tick], list[Batch]]:
        """Two seconds of a market that goes on after the tape's position; what it made, what was kept."""
        kept: list[Batch] = []
        made: list[Tick] = []
        tape = Tape(TapeSettings(), directory, begin_ns, kept.append)
        exchange = SimExchange(HASTY)
        if (saved := tape.position("sim:")) is not None:
            exchange.restore(saved)

        def sink(ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
            made.extend(ticks)
            tape.publish("", ticks, position, now_ns)

        clock = Clock(begin_ns)
        feed = SimFeed(exchange, clock_ns=clock)
        for step in range(201):
            clock.now_ns = begin_ns + step * 10 * MS
            feed.step(sink)
        tape.flush()
        read = [item for item in tape.reader().read(0, 1 << 40) if isinstance(item, Batch)]
        tape.close()
        return made, read

    def test_every_tick_comes_back_from_the_journal_and_a_restart_goes_on(self, tmp_path: Path) -> None:
        """What was made is what is read, over a restart, with the outage between the two."""
        first, _ = self.run(tmp_path, START)
        second, batches = self.run(tmp_path, START + 30 * SECOND)
        assert [tick for batch in batches for tick in batch.ticks] == first + second
        assert {type(tick) for tick in first} >= {Quote, Trade, TradeCancel, Status}
        gap = second[0]
        assert isinstance(gap, FeedEvent)
        assert (gap.what, gap.why) == ("gap_open", "outage")
        assert gap.to_ts - gap.from_ts == 28 * SECOND
