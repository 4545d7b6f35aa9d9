"""Following the tape: what was missed is read back, from memory or from the files, in slices.

Whoever follows is handed each batch as it is published. Who has just started, or had to pause, is
behind: this brings it to the present without holding up the loop, and says when it is there.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Final

from alerts.engine import Engine
from tape.batch import Batch, Damage
from tape.reader import TapeReader
from tape.tape import Tape

SLICE_SECONDS: Final = 0.005
"""Longest stretch of catching up before the loop serves others."""
LAST_TICKS: Final = 2_000
"""When no more than this is left, it is done in one go, and batches are taken as they come."""
POLL_SECONDS: Final = 0.01


class Follower:
    """Keeps one engine at the present.

    Args:
        tape: what is followed.
        engine: knows up to where it has been followed.
        evaluate: gives the engine a batch, and sees to what that changes.
        full: whether evaluation has to pause.
        check: raises when it will never go on.
    """

    def __init__(
        self,
        tape: Tape,
        engine: Engine,
        evaluate: Callable[[Batch], None],
        full: Callable[[], bool],
        check: Callable[[], None],
    ) -> None:
        self.damaged_marks = 0
        """Marks that could not be read back."""
        self.pauses = 0
        """How often evaluation has paused."""
        self.present = asyncio.Event()
        """Set while everything on the tape is evaluated, and batches are taken as they come."""
        self._behind = asyncio.Event()
        self._tape = tape
        self._engine = engine
        self._evaluate = evaluate
        self._full = full
        self._check = check

    def on_batch(self, batch: Batch) -> None:
        """Take a batch, or leave it to be read back later. Never waits."""
        if not self.present.is_set():
            return
        if self._full():
            self.pauses += 1
            self.stop()
        else:
            self._evaluate(batch)

    def stop(self) -> None:
        """Take no more batches until `catch_up` has been called again."""
        self.present.clear()
        self._behind.set()

    async def fallen_behind(self) -> None:
        """Return when evaluation has paused."""
        await self._behind.wait()

    async def catch_up(self) -> None:
        """Evaluate what is on the tape; returns when the present is reached. Raises what `check` does."""
        self._behind.clear()
        with closing(self._tape.reader()) as reader:
            while not self.present.is_set():
                self._check()
                if self._full():
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                before = self._engine.m
                self._step(reader)
                await asyncio.sleep(0 if self._engine.m > before else POLL_SECONDS)

    def _step(self, reader: TapeReader) -> None:
        """Evaluate a stretch, or find that nothing is left."""
        tape, m = self._tape, self._engine.m
        accepted, durable = tape.marks.accepted, tape.marks.durable
        if m >= accepted or tape.ring.covers(m):
            batches = tape.ring.read(m, accepted)
            last = sum(len(batch.ticks) for batch in batches) <= LAST_TICKS
            self._slice(batches, whole=last)
            if last:
                self.present.set()
        elif m < durable:
            if self._slice(reader.read(m, durable)):
                self._engine.skip(durable)  # what lies in between was never given
        elif tape.volatile:
            # Neither in memory any more nor ever in the files: the journal could not be written.
            self._lose(tape.ring.first_m - 1)

    def _slice(self, items: Iterable[Batch | Damage], *, whole: bool = False) -> bool:
        """Evaluate until the time is up; returns whether all of it was."""
        ends = time.monotonic() + SLICE_SECONDS
        for item in items:
            if not whole and (self._full() or time.monotonic() > ends):
                return False
            if isinstance(item, Damage):
                self._lose(item.last_m)
            else:
                self._evaluate(item)
        return True

    def _lose(self, last_m: int) -> None:
        self.damaged_marks += last_m - self._engine.m
        self._engine.skip(last_m)
