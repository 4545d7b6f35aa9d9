"""What the writer process decides: when a round is written, and up to which mark.

A core: it is given what the reader yields, and the time, and says what to write.

* A round never goes beyond the durable mark: what a power cut can still take from the tape
  must not be in the store.
* It is written when it has `round_rows` ticks, or when its oldest tick has waited `round_ms`.
* What the reader could not read becomes a `Hole`, declared in the round that passes it.
"""

from typing import Final

from msgspec import Struct

from storage.contract import Checkpoint, Hole, Unreadable
from tape.batch import Batch
from tape.ring import cut_batch

_MS: Final = 1_000_000


class Round(Struct, frozen=True):
    """What to write, in one call of `StoreWriter.write`."""

    batches: list[Batch]
    holes: list[Hole]
    up_to_m: int
    """The mark that is stored when it is written."""


class WriterCore:
    """Collects what is read until it is a round. Bound: `round_rows` ticks and one batch."""

    def __init__(self, checkpoint: Checkpoint, *, round_rows: int, round_ms: int) -> None:
        self.read_m = checkpoint.m
        """Everything up to here has been taken: read on from there."""
        self._round_m = checkpoint.m
        self._round_rows = round_rows
        self._round_ns = round_ms * _MS
        self._last_ts_recv = checkpoint.ts_recv
        self._items: list[Batch | Hole] = []
        self._ticks = 0
        self._first_ns = 0

    def is_full(self) -> bool:
        """Whether enough waits for a round: take no more."""
        return self._ticks >= self._round_rows

    def is_waiting(self) -> bool:
        """Whether anything has been taken that no round has had."""
        return self.read_m > self._round_m

    def take(self, item: Batch | Unreadable, now_ns: int) -> None:
        """Take what the reader yields, in its order; `now_ns` is the present, UTC."""
        if isinstance(item, Batch):
            self._end_hole(item)
            self._items.append(item)
            self._ticks += len(item.ticks)
            if item.ticks:
                self._last_ts_recv = item.ticks[-1].ts_recv
        else:
            end_ns = max(now_ns, self._last_ts_recv)
            self._items.append(Hole(item.first_m, item.last_m, item.reason, self._last_ts_recv, end_ns))
        self.reached(item.last_m, now_ns)

    def reached(self, m: int, now_ns: int) -> None:
        """Everything up to `m` has been taken, also when no tick ever had some of these marks."""
        if m > self.read_m:
            if not self.is_waiting():
                self._first_ns = now_ns
            self.read_m = m

    def is_due(self, now_ns: int) -> bool:
        """Whether a round should be written now. A clock that was set back makes it so."""
        return self.is_full() or (self.is_waiting() and not 0 <= now_ns - self._first_ns < self._round_ns)

    def round(self, durable_m: int) -> Round:
        """Everything that waits, as far as it is durable; the rest goes on waiting."""
        taken, self._items = self._split(durable_m)
        self._ticks = sum(len(item.ticks) for item in self._items if isinstance(item, Batch))
        self._round_m = min(self.read_m, durable_m)
        return Round(
            [item for item in taken if isinstance(item, Batch)],
            [item for item in taken if isinstance(item, Hole)],
            self._round_m,
        )

    def _split(self, durable_m: int) -> tuple[list[Batch | Hole], list[Batch | Hole]]:
        """What lies up to a mark and what lies behind it, cut where something reaches across."""
        if self.read_m <= durable_m:
            return self._items, []
        taken: list[Batch | Hole] = []
        waiting: list[Batch | Hole] = []
        for item in self._items:
            for part, into in (
                (_cut(item, 0, durable_m), taken),
                (_cut(item, durable_m, self.read_m), waiting),
            ):
                if part is not None:
                    into.append(part)
        return taken, waiting

    def _end_hole(self, batch: Batch) -> None:
        """A tick follows a hole that is not written yet: that is when the hole ended."""
        if not self._items or not batch.ticks:
            return
        last = self._items[-1]
        if isinstance(last, Hole):
            self._items[-1] = Hole(last.first_m, last.last_m, last.why, last.from_ts, batch.ticks[0].ts_recv)


def _cut(item: Batch | Hole, after_m: int, up_to_m: int) -> Batch | Hole | None:
    """The part of an item with marks in (after_m, up_to_m]; None when there is none."""
    if isinstance(item, Batch):
        return cut_batch(item, after_m, up_to_m)
    first_m, last_m = max(item.first_m, after_m + 1), min(item.last_m, up_to_m)
    return Hole(first_m, last_m, item.why, item.from_ts, item.to_ts) if first_m <= last_m else None
