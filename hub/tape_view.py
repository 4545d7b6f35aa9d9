"""The tape as the hub sees it: channels, counts, newest values, epochs, and what memory still holds."""

from collections.abc import Callable
from typing import Final, Protocol

from hub.channel_table import ChannelTable
from hub.market_gaps import MarketGaps
from tape.batch import Batch
from tape.latest import Latest
from tape.state import EpochStart, never_kept

FAR: Final = 1 << 53
"""Beyond any mark."""


class Memory(Protocol):
    """The tape's newest batches, and how far its journal may be read."""

    def ring(self, after_m: int, up_to_m: int) -> list[Batch] | None:
        """Batches from memory; None when memory no longer holds everything after `after_m`."""
        ...

    def ring_first_m(self) -> int:
        """The oldest mark that memory holds; 0 when it holds nothing."""
        ...

    def durable_m(self) -> int:
        """Up to where the journal may be read."""
        ...


class TapeView:
    """Everything the hub asks the tape without waiting. Nothing here changes the tape.

    `names` is the tape's table of channels, `channel_id` its inverse; `counts` gives the last number
    of each channel by id, `epochs` the table of epochs.
    """

    def __init__(
        self,
        names: list[str | None],
        channel_id: Callable[[str], int | None],
        latest: Callable[[str], Latest | None],
        counts: Callable[[], list[int]],
        epochs: Callable[[], list[EpochStart]],
        memory: Memory,
    ) -> None:
        self.table = ChannelTable(names, channel_id)
        self.latest = latest
        self.memory = memory
        self.market_gaps = MarketGaps()
        """What feeds have declared not to have seen."""
        self._counts = counts
        self._epochs = epochs

    def begin(self) -> None:
        """Look at what memory holds already."""
        self.table.learn()
        for batch in self.memory.ring(self.memory.ring_first_m() - 1, FAR) or []:
            self.note(batch)

    def note(self, batch: Batch) -> None:
        """Take note of a batch of the tape, if it says anything about the tape itself."""
        table = self.table
        if len(table.keys) < len(table.names):
            table.learn()
        if not table.feed_ids.isdisjoint(batch.channel_ids):
            self.market_gaps.note(batch)

    def head_m(self) -> int:
        """The newest mark that can be read: what to begin with, before anything is published."""
        durable_m = self.memory.durable_m()
        # While the journal cannot be written, memory alone goes beyond the durable mark.
        newer = self.memory.ring(max(durable_m, self.memory.ring_first_m() - 1), FAR) or []
        return max([durable_m, *(batch.last_m for batch in newer)])

    def count(self, name: str) -> int:
        """The last number given in a channel; 0 before its first tick."""
        channel_id = self.table.id(name)
        return self._counts()[channel_id] if channel_id is not None else 0

    def number(self, name: str, epoch: int) -> int | None:
        """The last number given in a channel in `epoch`; None when that cannot be told.

        Which is when another epoch has begun: then the counts are of that one.
        """
        if self.epoch() == epoch:
            return self.count(name)
        latest = self.latest(name)
        return latest.n if latest is not None and latest.epoch == epoch else None

    def epoch(self) -> int:
        """The epoch in which ticks are numbered now; 0 before the first."""
        return max((start.epoch for start in self._epochs()), default=0)

    def epoch_at(self, m: int) -> int:
        """The epoch in which mark `m` was given; of mark 0, the one of mark 1."""
        known = [start.epoch for start in self._epochs() if start.first_m <= max(m, 1)]
        return known[-1] if known else self.epoch()

    def knows_epoch(self, epoch: int) -> bool:
        """Whether this tape ever had the epoch."""
        return any(start.epoch == epoch for start in self._epochs())

    def start(self, epoch: int) -> EpochStart:
        """Where and why an epoch began."""
        found = next((start for start in self._epochs() if start.epoch == epoch), None)
        return found or EpochStart(epoch, 0, "restart")

    def is_volatile(self, m: int) -> bool:
        """Whether mark `m` was given in an epoch that is not journalled."""
        return self.start(self.epoch_at(m)).why == "volatile"

    def pass_over(self, after_m: int) -> int:
        """The last of the marks behind `after_m` that no tick on the tape has; `after_m` when one has."""
        lost = never_kept(self._epochs(), after_m + 1, FAR)
        return max([after_m, *(end - 1 for begin, end in lost if begin == after_m + 1)])

    def distance(self, after_m: int, up_to_m: int) -> int:
        """How many ticks lie in (after_m, up_to_m], those not counted that were never kept."""
        lost = never_kept(self._epochs(), after_m + 1, up_to_m + 1)
        return up_to_m - after_m - sum(end - begin for begin, end in lost)
