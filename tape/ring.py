"""The newest batches in memory, for readers that are a little behind.

Bound: `ring_ticks`; the oldest batches go first, and a reader that wanted them goes to the
journal instead.
"""

from bisect import bisect_left, bisect_right
from typing import Final

from tape.batch import Batch

_GONE: Final = Batch(0, "", 0, [], [], [])
_GONE_MAX: Final = 1024
"""Places of batches that have gone are closed up when there are this many: it keeps that cheap."""


class Ring:
    """Holds batches in the order of their marks."""

    def __init__(self, ticks_max: int) -> None:
        self.ticks = 0
        """Ticks held now."""
        self._ticks_max = ticks_max
        self._batches: list[Batch] = []
        self._last_ms: list[int] = []
        self._begin = 0

    def append(self, batch: Batch) -> None:
        """Add the newest batch; the oldest ones beyond the bound go."""
        self._batches.append(batch)
        self._last_ms.append(batch.last_m)
        self.ticks += len(batch.ticks)
        while self.ticks > self._ticks_max and self._begin < len(self._batches) - 1:
            self.ticks -= len(self._batches[self._begin].ticks)
            self._batches[self._begin] = _GONE  # the ticks go now, their place later
            self._begin += 1
        if self._begin > _GONE_MAX and self._begin * 2 > len(self._batches):
            del self._batches[: self._begin], self._last_ms[: self._begin]
            self._begin = 0

    @property
    def first_m(self) -> int:
        """The oldest mark held; 0 when the ring is empty."""
        return self._batches[self._begin].first_m if self._begin < len(self._batches) else 0

    def covers(self, after_m: int) -> bool:
        """Whether everything after `after_m` is still here."""
        return 0 < self.first_m <= after_m + 1

    def read(self, after_m: int, up_to_m: int) -> list[Batch]:
        """The batches with marks in (after_m, up_to_m], the first and last cut to that range."""
        begin = max(self._begin, bisect_right(self._last_ms, after_m))
        end = min(len(self._batches), bisect_left(self._last_ms, up_to_m) + 1)
        return [
            cut
            for batch in self._batches[begin:end]
            if (cut := cut_batch(batch, after_m, up_to_m)) is not None
        ]


def cut_batch(batch: Batch, after_m: int, up_to_m: int) -> Batch | None:
    """The part of a batch with marks in (after_m, up_to_m]; None when there is none."""
    first = max(0, after_m + 1 - batch.first_m)
    last = min(len(batch.ticks), up_to_m + 1 - batch.first_m)
    if first >= last:
        return None
    if first == 0 and last == len(batch.ticks):
        return batch
    return Batch(
        batch.epoch, batch.lineup, batch.first_m + first,
        batch.channel_ids[first:last], batch.ns[first:last], batch.ticks[first:last],
    )  # fmt: skip
