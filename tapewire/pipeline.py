"""What happens to a batch after it is numbered and journalled: the whole system on one page."""

from collections.abc import Callable

from tape.batch import Batch
from ticks.kinds import KINDS


class Pipeline:
    """Hands every batch on, in order, without waiting and without a queue.

    The writer is not here: it follows the journal in a process of its own.
    """

    def __init__(self) -> None:
        self.then: list[Callable[[Batch], None]] = []
        """Who is handed each batch, in this order."""
        self.batches = 0
        self._published = [0] * (max(KINDS) + 1)

    def on_batch(self, batch: Batch) -> None:
        """Take one batch; called by the tape right after it was journalled."""
        self.batches += 1
        published = self._published
        for tick in batch.ticks:
            published[tick.kind] += 1
        for take in self.then:
            take(batch)

    def published(self) -> dict[str, int]:
        """Ticks handed on since the start, by the kind's key in reports."""
        return {kind.report: self._published[kind.number] for kind in KINDS.values()}
