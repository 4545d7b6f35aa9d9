"""Bars of one line-up: made from the tape's ticks by `tape.bars`, and published onto the same tape.

At the start the day's tape is read once more, in slices, so that the running bars know what was
there before; meanwhile the tape goes on growing, and is followed to its end. From then on each
batch comes by `on_batch`.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import structlog
from msgspec import structs

from config.settings import BarSettings
from tape.bars import BarBuilder, restore_from_ns
from tape.batch import Batch, Damage
from tape.tape import Tape
from ticks.model import Tick

LOOK_S: Final = 0.02
"""How often it is looked whether bars are due, s."""
SLICE_S: Final = 0.005
"""Longest stretch of reading before the loop serves others, s."""
LAST_MINUTE_NS: Final = 62_000_000_000
"""How far behind the newest tick of a recording its last minute is closed."""

log = structlog.get_logger()


class BarFeed:
    """Makes the bars of one line-up and publishes them.

    Args:
        tape: where ticks come from and bars go.
        settings: `[bars]`.
        lineup: name of the line-up; empty = the default one.
        clock_ns: the clock that the ticks' `ts_recv` is of, ns UTC; None with recordings, whose
            own times are the only ones that count.
    """

    def __init__(
        self,
        tape: Tape,
        settings: BarSettings,
        lineup: str = "",
        clock_ns: Callable[[], int] | None = time.time_ns,
    ) -> None:
        self.builder = BarBuilder(settings, lineup)
        self.following = False
        """Whether everything on the tape has been read, and batches are taken as they come."""
        self.published = 0
        """Bars and revisions published since the start."""
        self._tape = tape
        self._lineup = lineup
        self._clock_ns = clock_ns
        self._ready: list[Tick] = []

    def on_batch(self, batch: Batch) -> None:
        """Take a batch that was handed on. Its bars are published by `run`, not in here."""
        if self.following:
            self._ready.extend(self.builder.on_batch(batch))

    async def run(self) -> None:
        """Read what is on the tape, then publish what becomes due, until cancelled."""
        await self._restore()
        while True:
            self._look()
            await asyncio.sleep(0 if self._ready else LOOK_S)

    def end(self) -> None:
        """A recording has ended: close its last minute."""
        if self.following and self._clock_ns is None:
            self._ready.extend(self.builder.on_time(self._tape.last_ts_recv + LAST_MINUTE_NS))
            while self._ready:
                self._publish()
                self._ready.extend(self.builder.on_time(self._tape.last_ts_recv))

    def _look(self) -> None:
        """Publish what is ready, and what has become due."""
        if self._clock_ns is not None:
            now_ns, due_ns = max(self._clock_ns(), self._tape.last_ts_recv), self.builder.due_ns
            if due_ns is not None and due_ns <= now_ns:
                self._ready.extend(self.builder.on_time(now_ns))
        self._publish()

    def _publish(self) -> None:
        if not self._ready:
            return
        bars, self._ready = self._ready, []
        newest_ns = self._tape.last_ts_recv
        # Receive times never fall along the tape, and another line-up may be ahead of this one.
        clamped = [
            bar if bar.ts_recv >= newest_ns else structs.replace(bar, ts_recv=newest_ns) for bar in bars
        ]
        self._tape.publish(self._lineup, clamped, None, time.time_ns())
        self.published += len(clamped)

    async def _restore(self) -> None:
        tape, began = self._tape, time.monotonic()
        now_ns = self._clock_ns() if self._clock_ns is not None else tape.last_ts_recv
        ticks = 0
        with closing(tape.reader()) as reader:
            read_m = reader.mark_at(restore_from_ns(now_ns), tape.marks.durable)
            while read_m < tape.marks.durable:
                durable_m = tape.marks.durable
                turn_ends = time.monotonic() + SLICE_S
                for item in reader.read(read_m, durable_m):
                    ticks += self._take(item)
                    read_m = item.last_m
                    if time.monotonic() > turn_ends:
                        break
                else:
                    read_m = durable_m
                await asyncio.sleep(0)
        for batch in _not_yet_durable(tape, read_m):
            ticks += self._take(batch)
        self.following = True
        log.info("bars begin", lineup=self._lineup, ticks=ticks, seconds=round(time.monotonic() - began, 3))

    def _take(self, item: Batch | Damage) -> int:
        if isinstance(item, Damage) or item.lineup != self._lineup:
            return 0
        self.builder.restore(item.ticks)
        return len(item.ticks)


def _not_yet_durable(tape: Tape, after_m: int) -> Iterator[Batch]:
    """The newest batches, from memory. What memory lacks, a day's rebuild puts right."""
    yield from tape.ring.read(after_m, tape.marks.accepted)
