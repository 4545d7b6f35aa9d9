"""The journal: one `write(2)` for each batch, before it is published.

The durability rule (DESIGN section 3, decision 0004) in terms of this module:

* `append` returns only when the batch is in the file, so the death of the process loses nothing;
* a thread makes it durable (`tape.syncer`), and `durable_m` says how far;
* marks beyond `limit_m` may not be given: that limit is on the disk;
* a write that fails raises `JournalFailed`, leaves no torn frame behind, and stops the
  journal until `restart` has opened a new segment. A failed fdatasync is never tried again
  on the same segment: what was not durable is written again into the next one.

Bound: frames are kept in memory until they are durable, up to `unsynced_bytes`; beyond
it the oldest copies are let go, and should the disk then fail, `restart` says how many
ticks were lost, for the tape to declare.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from config.settings import TapeSettings
from tape import frames, rows
from tape import state as tables
from tape.batch import Batch
from tape.disk import Disk, write_all
from tape.errors import TapeError
from tape.frames import frame_at
from tape.segment import JOURNAL, SegmentHeader, encode_header, segment_path
from tape.state import EPOCHS_AHEAD, TapeState
from tape.syncer import Syncer


class JournalFailed(TapeError):
    """The journal cannot be written; `__cause__` is the system's error."""


class Journal:
    """Writes the tape to segments. Not thread-safe: one caller."""

    def __init__(
        self,
        settings: TapeSettings,
        directory: Path,
        state: TapeState,
        boot_id: str,
        tape_id: str,
        on_durable: Callable[[int], None],
        disk: Disk | None = None,
    ) -> None:
        self.state = state
        self.failed = True
        """Nothing can be appended before `resume` or `restart`."""
        self.written_m = state.next_m - 1
        self.writes = 0
        self.bytes_written = 0
        self.segments = 0
        self.failures = 0
        self._settings = settings
        self._directory = directory
        self._boot_id = boot_id
        self._tape_id = tape_id
        self._disk = disk or Disk()
        self._syncer = Syncer(self._disk, settings.sync_interval_ms / 1000, on_durable)
        self._descriptor = -1
        self._size = 0
        self._rows_since_table = 0
        self._channels_written = 0
        self._unsynced: deque[tuple[int, int, bytes | bytearray]] = deque()
        self._unsynced_bytes = 0
        self._let_go: deque[tuple[int, int]] = deque()

    @property
    def durable_m(self) -> int:
        """Everything up to here is on the disk."""
        return self._syncer.durable_m

    @property
    def limit_m(self) -> int:
        """The last mark that may be given: reserved, and the reservation is on the disk."""
        return self._syncer.reserved_m

    @property
    def sync_failed(self) -> bool:
        """Whether an fdatasync has failed since the journal was opened: `restart` it."""
        return self._syncer.error is not None

    @property
    def unsynced_bytes(self) -> int:
        """Bytes written but not known to be durable, as kept for rewriting."""
        return self._unsynced_bytes

    def resume(self, path: Path, size: int) -> None:
        """Go on writing behind the first `size` bytes of the last segment, and make them durable.

        Raises:
            JournalFailed: it cannot be opened, written or synced.
        """
        try:
            self._descriptor = self._disk.reopen(path, size)
            self._size = size
            self._channels_written = len(self.state.channels)
            self._syncer.follow(self._descriptor, self.written_m, 0, path.parent)
            if self.state.reserved_m - self.written_m < self._settings.reserve_marks // 2:
                self._write(self._reservation())
            self._syncer.wrote(self.written_m, self.state.reserved_m)
            self._syncer.flush()
        except OSError as error:
            raise self._fail() from error
        self.failed = False

    def restart(self, now_ns: int) -> int:
        """Open a new segment, write again what was not durable, and make it durable.

        Returns how many ticks are lost for good: written, not durable, and no longer kept.

        Raises:
            JournalFailed: the disk still refuses.
        """
        for descriptor in {*self._syncer.drop(), self._descriptor} - {-1}:
            self._disk.close(descriptor)
        self._descriptor = -1
        durable_m = self.durable_m
        kept = [(last_m, data) for last_m, _, data in self._unsynced if last_m > durable_m]
        first_m = frame_at(memoryview(kept[0][1]), 0).first_m if kept else self.state.next_m  # type: ignore[union-attr]
        try:
            self._open_segment(first_m, now_ns, self._before(kept), [data for _, data in kept])
            self._syncer.flush()
        except OSError as error:
            raise self._fail() from error
        lost = sum(count for last_m, count in self._let_go if last_m > durable_m)
        self._unsynced.clear()
        self._let_go.clear()
        self._unsynced_bytes = 0
        self.failed = False
        return lost

    def append(self, batch: Batch, now_ns: int) -> None:
        """Write one numbered batch. When this returns, the death of the process cannot lose it.

        Raises:
            JournalFailed: it is not written, nor is any part of it.
        """
        if self.failed:
            raise JournalFailed("the journal is stopped")
        if self._syncer.error is not None:
            raise self._fail() from self._syncer.error
        data: bytes | bytearray = rows.encode_batch(batch)
        self._rows_since_table += len(batch.ticks)
        state = self.state
        if len(state.channels) > self._channels_written:
            data = tables.channels_frame(state, self._channels_written, batch.first_m) + data
        if self._rows_since_table >= self._settings.table_rows:
            data += tables.counts_frame(state)
        if state.reserved_m - batch.last_m < self._settings.reserve_marks // 2:
            data += self._reservation()
        try:
            self._write(data)
        except OSError as error:
            raise self._fail() from error
        self._channels_written = len(state.channels)
        if self._rows_since_table >= self._settings.table_rows:
            self._rows_since_table = 0
        self.written_m = batch.last_m
        self._keep(batch.last_m, len(batch.ticks), data)
        self._syncer.wrote(batch.last_m, state.reserved_m)
        if self._size >= self._settings.segment_bytes:
            self._roll(now_ns)

    def flush(self) -> None:
        """Make everything written durable now.

        Raises:
            JournalFailed: the disk refused.
        """
        try:
            self._syncer.flush()
        except OSError as error:
            raise self._fail() from error

    def close(self) -> None:
        """End cleanly: everything durable, and a frame that says so. A failed journal just ends."""
        try:
            if not self.failed:
                self._write(tables.close_frame(self.state))
                self._syncer.wrote(self.written_m, self.state.reserved_m)
                self._syncer.flush()
        except OSError as error:
            raise self._fail() from error
        finally:
            self.failed = True
            self._syncer.close()
            for descriptor in {*self._syncer.drop(), self._descriptor} - {-1}:
                self._disk.close(descriptor)
            self._descriptor = -1

    def _reservation(self) -> bytes:
        state = self.state
        state.reserved_m = max(state.reserved_m, state.next_m - 1 + self._settings.reserve_marks)
        state.reserved_epoch = max(state.reserved_epoch, state.epoch + EPOCHS_AHEAD)
        return tables.reserve_frame(state, state.reserved_m, state.reserved_epoch)

    def _write(self, data: bytes | bytearray) -> None:
        """Write whole frames, or leave the file as it was."""
        try:
            write_all(self._disk, self._descriptor, data)
        except OSError:
            self._disk.truncate(self._descriptor, self._size)
            raise
        self._size += len(data)
        self.writes += 1
        self.bytes_written += len(data)

    def _roll(self, now_ns: int) -> None:
        try:
            self._open_segment(self.state.next_m, now_ns, self.state, [])
        except OSError as error:
            self._fail().__cause__ = error

    def _open_segment(
        self, first_m: int, now_ns: int, before: TapeState, kept: list[bytes | bytearray]
    ) -> None:
        """Make a segment that begins with the tables as they were at `first_m`."""
        path = segment_path(self._directory, first_m)
        draft = path.with_suffix(".new")
        self._reservation()
        before.reserved_m, before.reserved_epoch = self.state.reserved_m, self.state.reserved_epoch
        header = encode_header(SegmentHeader(first_m, now_ns, self._boot_id, self._tape_id))
        content = b"".join((header, tables.tables(before), *kept))
        if kept and before is not self.state:
            content += tables.epochs_frame(self.state) + tables.positions_frame(self.state)
        descriptor = self._disk.create(draft)
        try:
            write_all(self._disk, descriptor, content)
            self._disk.rename(draft, path)
        except OSError:
            self._disk.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        self._descriptor = descriptor
        self._size = len(content)
        self._channels_written = len(self.state.channels)
        self._rows_since_table = 0
        self.segments += 1
        self.bytes_written += len(content)
        self._syncer.follow(descriptor, self.written_m, self.state.reserved_m, self._directory / JOURNAL)

    def _before(self, kept: list[tuple[int, bytes | bytearray]]) -> TapeState:
        """The tables as they were in front of the kept frames."""
        if not kept:
            return self.state
        before = tables.copy_state(self.state)
        for _, data in reversed(kept):
            for frame in frames.scan(bytes(data)):
                if isinstance(frame, frames.Frame) and frame.kind == frames.BATCH:
                    prefix = rows.decode_prefix(frame)
                    ids, ns = rows.channel_ids(frame, prefix), rows.numbers(frame, prefix)
                    for channel_id, n in zip(reversed(ids), reversed(ns), strict=True):
                        before.ns[channel_id] = n - 1
                    before.next_m = frame.first_m
                    before.epoch = frame.epoch
        before.epochs = [start for start in before.epochs if start.first_m <= before.next_m]
        return before

    def _keep(self, last_m: int, count: int, data: bytes | bytearray) -> None:
        """Keep a copy until it is durable, within the bound."""
        durable_m = self._syncer.durable_m
        unsynced = self._unsynced
        while unsynced and unsynced[0][0] <= durable_m:
            self._unsynced_bytes -= len(unsynced.popleft()[2])
        while self._let_go and self._let_go[0][0] <= durable_m:
            self._let_go.popleft()
        unsynced.append((last_m, count, data))
        self._unsynced_bytes += len(data)
        while self._unsynced_bytes > self._settings.unsynced_bytes:
            oldest_m, oldest_count, oldest = unsynced.popleft()
            self._unsynced_bytes -= len(oldest)
            self._let_go.append((oldest_m, oldest_count))

    def _fail(self) -> JournalFailed:
        self.failed = True
        self.failures += 1
        return JournalFailed("the journal cannot be written")
