"""The newest tick of every channel, with its number and mark."""

from msgspec import Struct

from tape.batch import Batch
from ticks.kinds import TRADE_CANCEL
from ticks.model import Tick


class Latest(Struct, frozen=True, gc=False):
    """The newest tick of one channel."""

    tick: Tick
    n: int
    m: int
    epoch: int


class LatestTable:
    """Newest tick by channel id. Grows with the channels of the tape, and with nothing else."""

    def __init__(self) -> None:
        self._ticks: list[Tick | None] = []
        self._ns: list[int] = []
        self._ms: list[int] = []
        self._epochs: list[int] = []

    def update(self, batch: Batch) -> None:
        """Take a batch into account. A cancel withdraws, so it never is the newest state."""
        ticks, ns, ms, epochs = self._ticks, self._ns, self._ms, self._epochs
        epoch = batch.epoch
        m = batch.first_m
        for channel_id, n, tick in zip(batch.channel_ids, batch.ns, batch.ticks, strict=True):
            if channel_id >= len(ticks):
                missing = channel_id + 1 - len(ticks)
                ticks.extend([None] * missing)
                for column in (ns, ms, epochs):
                    column.extend([0] * missing)
            if tick.kind != TRADE_CANCEL:
                ticks[channel_id] = tick
                ns[channel_id] = n
                ms[channel_id] = m
                epochs[channel_id] = epoch
            m += 1

    def get(self, channel_id: int) -> Latest | None:
        """The newest tick of a channel; None when there was none since the start."""
        if channel_id >= len(self._ticks):
            return None
        tick = self._ticks[channel_id]
        if tick is None:
            return None
        return Latest(tick, self._ns[channel_id], self._ms[channel_id], self._epochs[channel_id])
