"""Bars on the tape they are made from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from config.settings import BarSettings, TapeSettings
from tape.batch import Batch
from tape.tape import Tape
from tapewire.bar_feed import BarFeed
from tests.tape.bar_making import TEN, trade
from ticks.model import Bar, BarDaily, Tick
from ticks.times import NS_PER_SECOND

WAIT_SECONDS = 20.0


class Clock:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.now_ns = TEN

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """An empty tape."""
    with closing(Tape(TapeSettings(sync_interval_ms=1), tmp_path, TEN)) as tape:
        yield tape


def at(seconds: int, symbol: str = "AAPL") -> Tick:
    """A trade so long after ten o'clock."""
    return trade(seconds, 10, symbol=symbol, trade_id=seconds + 1)


def publish(tape: Tape, lineup: str, *ticks: Tick) -> None:
    """One batch."""
    tape.publish(lineup, list(ticks), None, ticks[-1].ts_recv)


def bars_of(batches: list[Batch]) -> list[tuple[str, str, int, int]]:
    """Line-up, symbol, start (s after ten), trades of each minute bar on the tape."""
    return [
        (batch.lineup, tick.symbol, (tick.ts_event - TEN) // NS_PER_SECOND, tick.count)
        for batch in batches
        for tick in batch.ticks
        if type(tick) is Bar
    ]


@asynccontextmanager
async def running(tape: Tape, *feeds: BarFeed) -> AsyncIterator[list[Batch]]:
    """Feeds that follow their tape; yields what is handed on."""
    seen: list[Batch] = []

    def on_batch(batch: Batch) -> None:
        seen.append(batch)
        for feed in feeds:
            feed.on_batch(batch)

    tape.on_batch = on_batch
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        await until(lambda: all(feed.following for feed in feeds))
        yield seen
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, for a bounded time."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - it is of other tasks' making
            await asyncio.sleep(0.001)


async def test_a_minute_that_ended_is_published_on_the_tape(tape: Tape) -> None:
    """By the clock, when no further trade says that the minute is over."""
    clock = Clock()
    feed = BarFeed(tape, BarSettings(), clock_ns=clock)
    async with running(tape, feed) as seen:
        publish(tape, "", at(1), at(2))
        clock.now_ns += 62 * NS_PER_SECOND
        await until(lambda: bars_of(seen))
        assert bars_of(seen) == [("", "AAPL", 0, 2)]
        assert feed.published == sum(
            1 for batch in seen for tick in batch.ticks if isinstance(tick, Bar | BarDaily)
        )


async def test_each_line_up_has_bars_of_its_own(tape: Tape) -> None:
    """And receive times never fall along the tape, though one line-up is ahead of the other."""
    clock = Clock()
    feeds = [BarFeed(tape, BarSettings(), lineup, clock) for lineup in ("", "iex")]
    async with running(tape, *feeds) as seen:
        publish(tape, "", at(1))
        publish(tape, "iex", at(2), at(3))
        publish(tape, "", at(200))
        publish(tape, "iex", at(190))
        await until(lambda: len(bars_of(seen)) == 2)
        assert sorted(bars_of(seen)) == [("", "AAPL", 0, 1), ("iex", "AAPL", 0, 2)]
        derived = [tick.ts_recv for batch in seen for tick in batch.ticks if isinstance(tick, Bar | BarDaily)]
        assert min(derived) >= at(190).ts_recv


async def test_what_was_on_the_tape_before_counts(tmp_path: Path) -> None:
    """A minute begun before a restart is published whole, and one that was published is not again."""
    clock = Clock()
    with closing(Tape(TapeSettings(), tmp_path, TEN)) as tape:
        async with running(tape, BarFeed(tape, BarSettings(), clock_ns=clock)) as seen:
            publish(tape, "", at(1), at(61), at(62))
            clock.now_ns += 63 * NS_PER_SECOND
            await until(lambda: bars_of(seen))
    with closing(Tape(TapeSettings(), tmp_path, clock.now_ns)) as tape:
        async with running(tape, BarFeed(tape, BarSettings(), clock_ns=clock)) as seen:
            publish(tape, "", at(64))
            clock.now_ns += 60 * NS_PER_SECOND
            await until(lambda: bars_of(seen))
            assert bars_of(seen) == [("", "AAPL", 60, 3)]


async def test_what_is_not_durable_yet_counts_too(tape: Tape) -> None:
    """It is in memory only when the feed begins."""
    clock = Clock()
    publish(tape, "", at(1), at(2), at(3))
    async with running(tape, BarFeed(tape, BarSettings(), clock_ns=clock)) as seen:
        clock.now_ns += 62 * NS_PER_SECOND
        await until(lambda: bars_of(seen))
        assert bars_of(seen) == [("", "AAPL", 0, 3)]


async def test_the_end_of_a_recording_closes_its_last_minute(tape: Tape) -> None:
    """Our own clock says nothing about a recording of years ago."""
    feed = BarFeed(tape, BarSettings(), clock_ns=None)
    async with running(tape, feed) as seen:
        publish(tape, "", *(at(second, f"S{second}") for second in range(59)))
        feed.end()
        assert len(bars_of(seen)) == 59
