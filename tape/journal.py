"""The journal: one `write(2)` for each batch, before it is published.

The durability rule (DESIGN section 3, decision 0004) in terms of this module:

* `append` returns only when the batch is in the file, so the death of the process loses nothing;
* a thread makes it durable (`tape.syncer`), and `durable_m` says how far;
* marks beyond `limit_m` may not be given: that limit is on the disk;
* a segment is named by the mark behind the last durable one, and begins with the tables and a
  copy of all that is not durable yet: it needs nothing of the end of the segment before it;
* a write that fails raises `JournalFailed`, leaves no torn frame behind, and stops the
  journal until `restart` has opened a new segment. A failed fdatasync is never tried again
  on the same segment.

Bound: copies of what is not durable are kept up to `unsynced_bytes` (`tape.unsynced`).
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from config.settings import TapeSettings
from tape import rows
from tape import state as tables
from tape.batch import Batch
from tape.disk import Disk, write_all
from tape.errors import JournalFailed, TickRefused
from tape.recovery import Recovered
from tape.segment import DRAFT_SUFFIX, JOURNAL, SegmentHeader, encode_header, segment_path
from tape.state import EPOCHS_AHEAD, TapeState
from tape.syncer import Syncer
from tape.unsynced import Unsynced

COPY_BYTES = 4 * 1024 * 1024


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
        self._syncer = Syncer(self._disk, settings.sync_interval_ms / 1000, self.written_m, on_durable)
        self._unsynced = Unsynced(settings.unsynced_bytes, state.positions)
        self._descriptor = -1
        self._first_m = 0
        self._size = 0
        self._roll_at = settings.segment_bytes
        self._rows_since_table = 0
        self._channels_written = 0

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
        return self._unsynced.bytes

    def secure(self, recovered: Recovered) -> int:
        """Cut the torn end off the last segment and put the rest on the disk; return its descriptor.

        What was not known to be durable is written again over itself first: when an fdatasync
        has failed in the process before this one, the kernel holds those pages for written.

        Raises:
            JournalFailed: it cannot be opened, written or synced.
        """
        file = recovered.file
        assert file is not None
        try:
            descriptor = self._disk.reopen(file.path, recovered.end)
        except OSError as error:
            raise self._fail() from error
        try:
            with file.path.open("rb") as source:
                source.seek(recovered.durable_end)
                while (offset := source.tell()) < recovered.end:
                    part = source.read(min(COPY_BYTES, recovered.end - offset))
                    self._disk.rewrite(descriptor, offset, part)
            self._disk.sync(descriptor)
            self._disk.sync_folder(file.path.parent)
        except OSError as error:
            self._disk.close(descriptor)
            raise self._fail() from error
        return descriptor

    def resume(self, recovered: Recovered) -> None:
        """Go on writing behind the last sound frame of the last segment.

        Raises:
            JournalFailed: it cannot be opened, written or synced.
        """
        self._descriptor = self.secure(recovered)
        assert recovered.file is not None
        self._first_m = recovered.file.first_m
        self._size = recovered.end
        self._channels_written = len(self.state.channels)
        self._syncer.follow(self._descriptor, self.written_m, 0, self._directory / JOURNAL)
        # Always a frame, and on the disk before anything is published: a file that ended cleanly
        # must not look so any more when a power cut takes what comes now.
        self.reserve(self.written_m)
        self.failed = False

    def restart(self, now_ns: int) -> int:
        """Open a new segment, write again what was not durable, and make it durable.

        Returns how many ticks are lost for good: written, not durable, and no longer kept.

        Raises:
            JournalFailed: the disk still refuses.
        """
        self._close_files()
        try:
            self._open_segment(self.durable_m, now_ns, sync_first=True)
            self._syncer.flush()
        except OSError as error:
            raise self._fail() from error
        lost = self._unsynced.lost
        self._unsynced.clear(self.state.positions)
        self.failed = False
        return lost

    def append(self, batch: Batch, now_ns: int) -> None:
        """Write one numbered batch. When this returns, the death of the process cannot lose it.

        Raises:
            JournalFailed: it is not written, nor is any part of it.
            TickRefused: a tick, or the batch, does not fit the format; nothing was written.
        """
        if self.failed:
            raise JournalFailed("the journal is stopped")
        try:
            data: bytes | bytearray = rows.encode_batch(batch)
        except (struct.error, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise TickRefused(f"a tick does not fit the journal: {error}") from error
        state = self.state
        if len(state.channels) > self._channels_written:
            data = tables.channels_frame(state, self._channels_written, batch.first_m) + data
        try:
            # The rows come last, so that a write that fails half-way has not written them.
            self._write(data)
        except OSError as error:
            raise self._fail() from error
        self._channels_written = len(state.channels)
        self._rows_since_table += len(batch.ticks)
        self.written_m = batch.last_m
        self._unsynced.settle(self.durable_m)
        self._unsynced.keep(batch.last_m, len(batch.ticks), data, batch.position)
        self._write_tables()
        self._syncer.wrote(batch.last_m, state.reserved_m)
        if self._size >= self._roll_at and not self.failed:
            self._roll(now_ns)

    def reserve(self, last_m: int) -> None:
        """Reserve marks beyond `last_m`, and wait until that is on the disk.

        Raises:
            JournalFailed: the disk refuses.
        """
        try:
            self._write(self._reservation(last_m))
            self._syncer.wrote(self.written_m, self.state.reserved_m)
            self._syncer.flush()
        except OSError as error:
            raise self._fail() from error

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
        """End cleanly: everything durable, and a frame that says so. A failed journal just ends.

        Raises:
            JournalFailed: the disk refused, so the next start will not find a clean end.
        """
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
            self._close_files()

    def abandon(self) -> None:
        """End at once, as after a failed start: nothing more is written or synced."""
        self.failed = True
        self._syncer.close()
        self._close_files()

    def _reservation(self, last_m: int) -> bytes:
        state = self.state
        state.reserved_m = max(state.reserved_m, last_m + self._settings.reserve_marks)
        state.reserved_epoch = max(state.reserved_epoch, state.epoch + EPOCHS_AHEAD)
        return tables.reserve_frame(state, state.reserved_m, state.reserved_epoch)

    def _write(self, data: bytes | bytearray) -> None:
        """Write whole frames, or leave the file as it was."""
        try:
            write_all(self._disk, self._descriptor, data)
        except OSError:
            try:
                self._disk.truncate(self._descriptor, self._size)
            except OSError:
                self.failed = True  # nothing may follow what cannot be cut off
                raise
            raise
        self._size += len(data)
        self.writes += 1
        self.bytes_written += len(data)

    def _write_tables(self) -> None:
        """Write what is due now and then. When there is no room for it, it stays due."""
        state = self.state
        reserved = state.reserved_m, state.reserved_epoch
        data = b""
        if self._rows_since_table >= self._settings.table_rows:
            data = tables.channels_frame(state, 0, state.next_m) + tables.counts_frame(state)
        if state.reserved_m - self.written_m < self._settings.reserve_marks // 2:
            data += self._reservation(self.written_m)
        if not data:
            return
        try:
            self._write(data)
        except OSError:
            state.reserved_m, state.reserved_epoch = reserved
            return
        if self._rows_since_table >= self._settings.table_rows:
            self._rows_since_table = 0

    def _roll(self, now_ns: int) -> None:
        """Begin the next segment, when there is little to copy into it.

        A disk that refuses does no harm yet: the present segment grows on for a while.
        """
        self._unsynced.settle(self.durable_m)
        little = self._unsynced.bytes <= self._settings.segment_bytes // 4 or self._size > 4 * self._roll_at
        if not little or self._unsynced.lost or self.durable_m < self._first_m:
            return
        # What becomes durable in the present file from here on would not be read from it any more.
        durable_m = self._syncer.freeze()
        try:
            self._open_segment(durable_m, now_ns, sync_first=False)
        except OSError:
            self._syncer.thaw()
            self.failures += 1
            self._roll_at = self._size + self._settings.segment_bytes // 16

    def _open_segment(self, durable_m: int, now_ns: int, *, sync_first: bool) -> None:
        """Make a segment: the tables, and copies of all frames behind `durable_m`.

        With `sync_first` it gets its name only when it is on the disk.
        """
        first_m = durable_m + 1
        path = segment_path(self._directory, first_m)
        state = self.state
        reserved = state.reserved_m, state.reserved_epoch
        head, copies = self._first_bytes(first_m, now_ns)
        try:
            self._descriptor = self._make_file(path, head + copies, sync_first=sync_first)
        except OSError:
            # What is not on the disk must not be taken for reserved.
            state.reserved_m, state.reserved_epoch = reserved
            raise
        self._first_m = first_m
        self._size = len(head) + len(copies)
        # Tables longer than a segment must not make a segment of each batch.
        self._roll_at = max(self._settings.segment_bytes, 2 * len(head))
        self._channels_written = len(state.channels)
        self._rows_since_table = 0
        self.segments += 1
        self.bytes_written += self._size
        self._syncer.follow(self._descriptor, self.written_m, state.reserved_m, path.parent)

    def _first_bytes(self, first_m: int, now_ns: int) -> tuple[bytes, bytes]:
        """Header and tables of a new segment, and what follows them."""
        state = self.state
        self._unsynced.settle(first_m - 1)
        self._reservation(state.next_m - 1)
        before = self._unsynced.state_before(state)
        before.reserved_m, before.reserved_epoch = state.reserved_m, state.reserved_epoch
        header = encode_header(SegmentHeader(first_m, now_ns, self._boot_id, self._tape_id))
        copies = b"".join(self._unsynced.frames())
        if before is not state:
            # The copies may be of an earlier epoch, and of positions that others have overtaken.
            copies += tables.epochs_frame(state) + tables.positions_frame(state)
        return header + tables.tables(before), copies

    def _make_file(self, path: Path, content: bytes, *, sync_first: bool) -> int:
        """Make a whole file or none; return its descriptor."""
        draft = path.with_suffix(DRAFT_SUFFIX)
        self._disk.make_folder(path.parent)
        descriptor = self._disk.create(draft)
        try:
            write_all(self._disk, descriptor, content)
            if sync_first:
                self._disk.sync(descriptor)
            self._disk.rename(draft, path)
        except OSError:
            self._disk.close(descriptor)
            with suppress(OSError):
                self._disk.unlink(draft)
            raise
        return descriptor

    def _close_files(self) -> None:
        for descriptor in {*self._syncer.drop(), self._descriptor} - {-1}:
            with suppress(OSError):
                self._disk.close(descriptor)
        self._descriptor = -1

    def _fail(self) -> JournalFailed:
        self.failed = True
        self.failures += 1
        return JournalFailed("the journal cannot be written")
