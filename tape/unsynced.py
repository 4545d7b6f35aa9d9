"""Copies of what was written but is not known to be on the disk.

They go into the next segment: always when one is begun (so that each segment holds
everything from its first mark on, whatever becomes of the end of the one before), and
again when an fdatasync has failed.

Bound: `bytes_max`; beyond it the oldest copies are let go, and should the disk then fail,
`lost` says how many ticks that costs, for the tape to declare.
"""

from collections import deque

from tape import frames, rows
from tape.batch import SourcePosition
from tape.state import TapeState, copy_state

_Kept = tuple[int, int, bytes | bytearray, SourcePosition | None]
"""Last mark, ticks, frames, position."""


class Unsynced:
    """Copies of frames in the order of their marks."""

    def __init__(self, bytes_max: int, positions: dict[str, bytes]) -> None:
        self.bytes = 0
        """Bytes held now."""
        self._bytes_max = bytes_max
        self._kept: deque[_Kept] = deque()
        self._let_go: deque[tuple[int, int]] = deque()
        self._positions = dict(positions)

    def keep(self, last_m: int, ticks: int, data: bytes | bytearray, position: SourcePosition | None) -> None:
        """Keep the frames of one batch."""
        self._kept.append((last_m, ticks, data, position))
        self.bytes += len(data)
        while self.bytes > self._bytes_max:
            last_m, ticks = self._drop_oldest()
            self._let_go.append((last_m, ticks))

    def settle(self, durable_m: int) -> None:
        """Forget what is durable."""
        while self._kept and self._kept[0][0] <= durable_m:
            self._drop_oldest()
        while self._let_go and self._let_go[0][0] <= durable_m:
            self._let_go.popleft()

    def clear(self, positions: dict[str, bytes]) -> None:
        """Forget everything: all of it is durable now, or given up. `positions` are the newest."""
        self._kept.clear()
        self._let_go.clear()
        self.bytes = 0
        self._positions = dict(positions)

    @property
    def lost(self) -> int:
        """Ticks let go of since what was settled last."""
        return sum(ticks for _, ticks in self._let_go)

    def frames(self) -> list[bytes | bytearray]:
        """What is kept."""
        return [data for _, _, data, _ in self._kept]

    def state_before(self, state: TapeState) -> TapeState:
        """The tables as they were in front of the oldest kept frame; `state` itself without any."""
        if not self._kept:
            return state
        before = copy_state(state)
        for _, _, data, _ in reversed(self._kept):
            for frame in frames.scan(data):
                if isinstance(frame, frames.Frame) and frame.kind == frames.BATCH:
                    ids, ns, _ = rows.heads(frame, rows.rows_offset(frame.payload))
                    for channel_id, n in zip(reversed(ids), reversed(ns), strict=True):
                        before.ns[channel_id] = n - 1
                    before.next_m = frame.first_m
                    before.epoch = frame.epoch
        before.epochs = [start for start in before.epochs if start.epoch <= before.epoch]
        before.positions = dict(self._positions)
        return before

    def _drop_oldest(self) -> tuple[int, int]:
        last_m, ticks, data, position = self._kept.popleft()
        self.bytes -= len(data)
        if position is not None:
            self._positions[position.key] = position.value
        return last_m, ticks
