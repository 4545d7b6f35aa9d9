"""The writing half of the SQLite store."""

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from storage.contract import Checkpoint, Hole
from storage.errors import StoreUnavailable
from storage.filing import FAMILY_BY_KIND, DayFiler
from storage.gaps import gap_event_of
from storage.sqlite import database
from storage.sqlite.checkpoint import CheckpointFile
from storage.sqlite.columns import Filed
from storage.sqlite.day_file import DayFile
from tape.batch import Batch
from ticks.model import FeedEvent

_LOG: Final = "-wal"
"""What SQLite adds to a file's name for its write-ahead log."""

Place = tuple[str, int]
"""Family and day: one file."""


class SqliteWriter:
    """A `storage.contract.StoreWriter` in one folder.

    Bounds: `open_files` files are held open, each with a cache of `cache_kib` and a log of at
    most about 64 MB (`database.WAL_PAGES`).
    """

    def __init__(
        self, directory: Path, boot_id: str, *, open_files: int = 16, cache_kib: int = 65_536
    ) -> None:
        """Open the store in `directory`, or make it.

        `boot_id` changes with each start of the machine: what was not synced before it changed
        is written again. What a writer before this one has left is synced.

        Raises:
            StoreUnavailable: the folder cannot be written or synced.
            StoreDamaged: it holds something else.
        """
        self._directory = directory
        self._open_files = open_files
        self._cache_kib = cache_kib
        self._files: OrderedDict[Place, DayFile] = OrderedDict()
        self._filer = DayFiler()
        with database.in_our_words(directory):
            directory.mkdir(parents=True, exist_ok=True)
        self._checkpoint = CheckpointFile(directory / database.CHECKPOINT_NAME, boot_id)
        # A writer before us may have been killed before it synced what it had committed.
        self._unsynced = {path.with_name(path.name.removesuffix(_LOG)) for path in directory.glob(f"*{_LOG}")}
        self._synced_m = 0
        try:
            self.sync()
        except BaseException:
            self._checkpoint.close()
            raise

    def checkpoint(self) -> Checkpoint:
        """See `StoreWriter`."""
        return self._checkpoint.value

    def write(self, batches: Sequence[Batch], up_to_m: int, holes: Sequence[Hole] = ()) -> None:
        """See `StoreWriter`."""
        for _ in self.steps(batches, up_to_m, holes):
            pass

    def steps(self, batches: Sequence[Batch], up_to_m: int, holes: Sequence[Hole] = ()) -> Iterator[Path]:
        """`write`, one commit at a time: yields after each commit the file it went to.

        Whoever stops in between has done what a crash there does.
        """
        filed = self._file(batches)
        for place in sorted(filed):
            self._commit(place, filed[place], up_to_m)
            yield self._path(place)
        ts_recv = max((batch.ticks[-1].ts_recv for batch in batches if batch.ticks), default=0)
        now = Checkpoint(up_to_m, max(ts_recv, self._checkpoint.value.ts_recv))
        self._checkpoint.advance(now, _gap_events(filed), holes)
        yield self._directory / database.CHECKPOINT_NAME

    def sync(self) -> None:
        """See `StoreWriter`.

        Only the logs need it: SQLite itself syncs a file before it forgets the log that went
        into it. (The file itself must not be opened and closed here: that would drop SQLite's
        own locks on it.)

        A sync that fails is not tried again, because the kernel may have forgotten the very
        pages it could not write. From then on the synced mark stays where it is until the
        machine has been started anew, when everything since is written once more.
        """
        try:
            for path in self._unsynced:
                _sync_log(path)
            _fsync(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            self._checkpoint.synced()
            # Else a power cut could take back what was just recorded, when it has been acted upon.
            _sync_log(self._directory / database.CHECKPOINT_NAME)
        except OSError as error:
            self._checkpoint.refused()
            raise StoreUnavailable(f"{self._directory}: cannot sync: {error}") from error
        self._unsynced.clear()
        self._synced_m = self._checkpoint.synced_m

    def synced_m(self) -> int:
        """See `StoreWriter`."""
        return self._synced_m

    def close(self) -> None:
        """See `StoreWriter`."""
        try:
            self.sync()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of everything without syncing."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._checkpoint.close()

    def _file(self, batches: Iterable[Batch]) -> dict[Place, dict[str, list[Filed]]]:
        """The ticks to store, by file and line-up."""
        filed: dict[Place, dict[str, list[Filed]]] = {}
        day_of = self._filer.day
        # Of each line-up: (kind, day) → the list for it. The loop below runs once for each tick.
        lists: dict[str, dict[tuple[int, int], list[Filed] | None]] = {}
        for batch in batches:
            epoch, m = batch.epoch, batch.first_m
            known = lists.setdefault(batch.lineup, {})
            for n, tick in zip(batch.ns, batch.ticks, strict=True):
                place = tick.kind, day_of(tick.ts_event, tick.ts_recv)
                if place not in known:
                    known[place] = _list_for(filed, *place, batch.lineup)
                found = known[place]
                if found is not None:
                    found.append((m, n, epoch, tick))
                m += 1
        return filed

    def _commit(self, place: Place, filed: dict[str, list[Filed]], up_to_m: int) -> None:
        file = self._opened(place)
        self._unsynced.add(file.path)
        try:
            file.commit(filed, up_to_m)
        except BaseException:
            del self._files[place]
            file.close()
            raise

    def _opened(self, place: Place) -> DayFile:
        file = self._files.get(place)
        if file is not None:
            self._files.move_to_end(place)
            return file
        while len(self._files) >= self._open_files:
            self._files.popitem(last=False)[1].close()
        file = self._files[place] = DayFile(self._path(place), place[0], self._cache_kib)
        return file

    def _path(self, place: Place) -> Path:
        return database.file_path(self._directory, *place)


def _list_for(
    filed: dict[Place, dict[str, list[Filed]]], kind: int, day: int, lineup: str
) -> list[Filed] | None:
    """Where ticks of a kind, day and line-up go; None for a kind that is not stored."""
    family = FAMILY_BY_KIND.get(kind)
    return None if family is None else filed.setdefault((family, day), {}).setdefault(lineup, [])


def _gap_events(filed: Mapping[Place, Mapping[str, Sequence[Filed]]]) -> list[tuple[int, str, FeedEvent]]:
    """The gap events among ticks to store, in order of marks."""
    found = [
        (m, lineup, event)
        for (family, _), by_lineup in filed.items()
        if family == "events"
        for lineup, rows in by_lineup.items()
        for m, _, _, tick in rows
        if (event := gap_event_of(tick)) is not None
    ]
    return sorted(found, key=lambda one: one[0])


def _sync_log(path: Path) -> None:
    _fsync(path.with_name(path.name + _LOG), os.O_RDWR)


def _fsync(path: Path, flags: int) -> None:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # folded into its file, which SQLite has synced
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
