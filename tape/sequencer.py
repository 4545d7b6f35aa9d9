"""The one place where ticks get their numbers.

`n` counts within a channel, `m` over the whole tape. The sequencer knows nothing of disks:
it is told up to which mark it may count (`limit_m`), and whoever journals moves that limit.
"""

from typing import Final

from tape.batch import Batch, SourcePosition
from tape.errors import NumberingStopped, TickRefused
from tape.state import EpochStart, TapeState
from ticks.channels import Channel, channel_name, parse_channel
from ticks.errors import ChannelError
from ticks.flags import BACKFILL
from ticks.kinds import KINDS
from ticks.model import Tick

_KINDS_MAX: Final = max(KINDS) + 1
_FIRST_KIND: Final[dict[str, int]] = {kind.channel: kind.number for kind in KINDS.values()}
"""Any kind that a channel carries: kinds of one channel share one table."""

Tables = list[dict[str, int]]
"""Kind number → symbol → channel id."""


class Sequencer:
    """Numbers ticks. `state` is shared with the journal, which writes its tables."""

    def __init__(self, state: TapeState) -> None:
        self.state = state
        self.limit_m = state.reserved_m
        """The last mark that may be given."""
        self._live: dict[str, Tables] = {}
        self._backfill: dict[str, Tables] = {}
        self._before: tuple[int, bytes | None] = (0, None)
        for channel_id, name in enumerate(state.channels):
            if name is not None:
                channel = parse_channel(name)
                tables = self._tables(channel.lineup, backfill=channel.backfill)
                tables[_FIRST_KIND[channel.kind]][channel.symbol] = channel_id

    @property
    def lineups(self) -> list[str]:
        """The line-ups that have channels, sorted."""
        return sorted(self._live.keys() | self._backfill.keys())

    def number(
        self, lineup: str, ticks: list[Tick], now_ns: int, position: SourcePosition | None = None
    ) -> Batch:
        """Give every tick the next `n` of its channel and the next `m` of the tape.

        The ticks are not copied. `now_ns` is the time of the batch, for whoever records it.

        Raises:
            NumberingStopped: the marks that may be given are used up; nothing was numbered.
            TickRefused: a tick's symbol or kind makes no channel; nothing was numbered.
        """
        state = self.state
        first_m = state.next_m
        if first_m + len(ticks) - 1 > self.limit_m:
            raise NumberingStopped(f"marks are reserved up to {self.limit_m}")
        tables = self._live.get(lineup) or self._tables(lineup, backfill=False)
        counts = state.ns
        ids: list[int] = []
        ns: list[int] = []
        add_id, add_n = ids.append, ns.append
        try:
            for tick in ticks:
                table = tables[tick.kind]
                if tick.flags & BACKFILL:
                    table = self._tables(lineup, backfill=True)[tick.kind]
                channel_id = table.get(tick.symbol)
                if channel_id is None:
                    channel_id = self._define(lineup, tick)
                n = counts[channel_id] + 1
                counts[channel_id] = n
                add_id(channel_id)
                add_n(n)
        except (ChannelError, LookupError, AttributeError, TypeError) as error:
            _take_back(counts, ids, ns)
            raise TickRefused(f"no channel can carry this tick: {error}") from error
        replaced = None
        if position is not None:
            replaced = state.positions.get(position.key)
            state.positions[position.key] = position.value
        self._before = (state.last_ts_recv, replaced)
        state.next_m = first_m + len(ticks)
        if ticks and ticks[-1].ts_recv > state.last_ts_recv:
            state.last_ts_recv = ticks[-1].ts_recv
        return Batch(state.epoch, lineup, first_m, ids, ns, ticks, position)

    def take_back(self, batch: Batch) -> None:
        """Undo the numbering of the newest batch, which nobody has seen. Its channels stay defined."""
        state = self.state
        _take_back(state.ns, batch.channel_ids, batch.ns)
        state.next_m = batch.first_m
        state.last_ts_recv, _ = self._before
        self.take_back_position(batch)

    def take_back_position(self, batch: Batch) -> None:
        """Undo what the newest batch did to its source's position."""
        positions, replaced = self.state.positions, self._before[1]
        if batch.position is None:
            return
        if replaced is None:
            del positions[batch.position.key]
        else:
            positions[batch.position.key] = replaced

    def begin_epoch(self, epoch: int, first_m: int, why: str, kept_m: int) -> None:
        """Begin a new epoch at `first_m`; numbers go on from where the state has them.

        `kept_m` is the last mark before it that is journalled.
        """
        self.state.epoch = epoch
        self.state.next_m = first_m
        self.state.epochs.append(EpochStart(epoch, first_m, why, kept_m))

    def channel_id(self, name: str) -> int | None:
        """The id of a channel by name; None when it has had no tick yet.

        Raises:
            ChannelError: not the name of a channel.
        """
        channel = parse_channel(name)
        # Anybody may ask for any line-up: asking must not make tables.
        tables = (self._backfill if channel.backfill else self._live).get(channel.lineup)
        return None if tables is None else tables[_FIRST_KIND[channel.kind]].get(channel.symbol)

    def _define(self, lineup: str, tick: Tick) -> int:
        """Add the tick's channel to the table and return its id."""
        state = self.state
        wanted = Channel(KINDS[tick.kind].channel, tick.symbol, lineup, bool(tick.flags & BACKFILL))
        name = channel_name(wanted.kind, wanted.symbol, wanted.lineup, wanted.backfill)
        # A symbol such as `A@b` would make the name of another line-up's channel.
        if parse_channel(name) != wanted:
            raise ChannelError(f"the symbol {tick.symbol[:32]!r} makes the name of another channel")
        channel_id = len(state.channels)
        state.add_channels([name], channel_id)
        self._tables(lineup, backfill=wanted.backfill)[tick.kind][tick.symbol] = channel_id
        return channel_id

    def _tables(self, lineup: str, *, backfill: bool) -> Tables:
        by_lineup = self._backfill if backfill else self._live
        tables = by_lineup.get(lineup)
        if tables is None:
            shared: dict[str, dict[str, int]] = {kind.channel: {} for kind in KINDS.values()}
            tables = [{} for _ in range(_KINDS_MAX)]
            for kind in KINDS.values():
                tables[kind.number] = shared[kind.channel]
            by_lineup[lineup] = tables
        return tables


def _take_back(counts: list[int], ids: list[int], ns: list[int]) -> None:
    for channel_id, n in zip(reversed(ids), reversed(ns), strict=True):
        counts[channel_id] = n - 1
