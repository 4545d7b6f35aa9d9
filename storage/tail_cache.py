"""The end of the tape kept decoded, so that each page of a walk need not decode it again.

Bound: `ticks_max` ticks; what lies behind them is read from the tape each time. Damage is
never kept: a file may just be moving into the archive.
"""

from collections.abc import Iterator
from typing import Final

from storage.contract import ReadTape, Unreadable
from tape.batch import Batch
from tape.ring import cut_batch

TICKS_MAX: Final = 65_536
"""Some 30 MB, and a third of a second of the fastest replay."""


class TailCache:
    """Reads like the tape reader behind it. Not thread-safe."""

    def __init__(self, read_tape: ReadTape, ticks_max: int = TICKS_MAX) -> None:
        self._read_tape = read_tape
        self._ticks_max = ticks_max
        self._ticks = 0
        self._batches: list[Batch] = []
        self._from_m = 0
        self._to_m = 0
        """Everything in (from, to] is in `_batches`."""

    def read(self, after_m: int, up_to_m: int) -> Iterator[Batch | Unreadable]:
        """Yield the tape between two marks: see `tape.reader.TapeReader.read`."""
        self._forget(after_m)
        for batch in tuple(self._batches):
            if batch.first_m > up_to_m:
                return
            cut = cut_batch(batch, after_m, up_to_m)
            if cut is not None:
                yield cut
        whole = True
        for item in self._read_tape(self._to_m, up_to_m) if self._to_m < up_to_m else ():
            whole = whole and isinstance(item, Batch) and self._ticks < self._ticks_max
            if whole and isinstance(item, Batch):
                self._keep(item)
            yield item

    def _keep(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._ticks += len(batch.ticks)
        self._to_m = batch.last_m

    def _forget(self, after_m: int) -> None:
        """Drop what is in the store by now; begin anew when an earlier mark is wanted."""
        if not self._from_m <= after_m <= self._to_m:
            self._batches.clear()
            self._ticks = 0
            self._to_m = after_m
        done = 0
        while done < len(self._batches) and self._batches[done].last_m <= after_m:
            self._ticks -= len(self._batches[done].ticks)
            done += 1
        del self._batches[:done]
        self._from_m = after_m
