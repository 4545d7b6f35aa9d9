"""A disk that knows what is synced and what is not, and fails when it is told to.

It works on real files, so that readers see what a page cache would show; beside them it
keeps an image of what the disk itself holds. `power_cut` leaves only that, and a random part
of what was pending. Folders are taken for synced as soon as they are made.
"""

import errno
import os
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from msgspec import Struct

from tape import frames
from tape.disk import Disk
from tape.segment import HEADER_BYTES
from tape.state import TapeState

PAGE_BYTES: Final = 4096


class _Change(Struct):
    """A file was made (`source` is None), renamed, or removed (`target` is None)."""

    source: Path | None
    target: Path | None
    file: "FileModel"

    def apply(self, names: "dict[Path, FileModel]") -> None:
        if self.source is not None:
            names.pop(self.source, None)
        if self.target is not None:
            names[self.target] = self.file

    @property
    def folder(self) -> Path:
        path = self.target or self.source
        assert path is not None
        return path.parent


class FileModel:
    """One file: its image on the disk, and what was written since it was synced."""

    def __init__(self) -> None:
        self.image = bytearray()
        self.pending: list[tuple[int, bytes]] = []
        """(offset, data); an empty `data` cuts the file at `offset`."""
        self.size = 0
        self.reserved_m: int | None = None
        """The highest reservation in the image; None when it has to be looked up."""

    def write(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def cut(self, size: int) -> None:
        if size < self.size:
            self.pending.append((size, b""))
        self.size = size

    def settle(self) -> None:
        self.reserved_m = None
        for offset, data in self.pending:
            _apply(self.image, offset, data)
        self.pending.clear()

    def forget_pending(self) -> None:
        """What a failed fdatasync does: the pages count as clean from now on, and never reach the disk."""
        self.pending.clear()

    def survivor(self, chance: random.Random, *, holes: bool) -> bytes:
        """What is found after a power cut: the image, and some of what was pending."""
        left = bytearray(self.image)
        how = chance.choice(("nothing", "prefix", "prefix", "everything", "pages" if holes else "prefix"))
        if how == "nothing":
            return bytes(left)
        taken = len(self.pending) if how != "prefix" else chance.randint(0, len(self.pending))
        for offset, data in self.pending[:taken]:
            if how == "pages" and data:
                for at in range(0, len(data), PAGE_BYTES):
                    if chance.random() < 0.7:
                        _apply(left, offset + at, data[at : at + PAGE_BYTES])
            else:
                _apply(left, offset, data)
        if how == "prefix" and taken < len(self.pending):
            offset, data = self.pending[taken]
            if data:
                _apply(left, offset, data[: chance.randint(0, len(data))])
        return bytes(left)


def _apply(image: bytearray, offset: int, data: bytes) -> None:
    if not data:
        del image[offset:]
        return
    if offset > len(image):
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


class Died(BaseException):
    """The process died in the middle of a call."""


class FaultyDisk(Disk):
    """See the module. `acted` counts what each fault did."""

    def __init__(self, *, holes: bool = True) -> None:
        self.holes = holes
        """Whether a power cut may lose pages in the middle of what was pending."""
        self.acted: Counter[str] = Counter()
        self.sync_failures = 0
        """How many of the next syncs fail."""
        self.room_bytes: int | None = None
        """How many bytes can still be written; None = any number."""
        self.refuse_files = 0
        """How many of the next files cannot be made."""
        self.short_writes: random.Random | None = None
        self.calls_left: int | None = None
        """After how many more calls that change something the process dies; None = never."""
        self._lock = threading.RLock()
        self._open: dict[int, tuple[FileModel, list[int]]] = {}
        self._names: dict[Path, FileModel] = {}
        self._synced_names: dict[Path, FileModel] = {}
        self._pending_names: list[_Change] = []

    def create(self, path: Path) -> int:
        with self._lock:
            self._call()
            if self.refuse_files:
                self.refuse_files -= 1
                self.acted["refused file"] += 1
                raise OSError(errno.ENOSPC, "no space for another file", str(path))
            descriptor = super().create(path)
            file = self._names.get(path)
            if file is None:
                file = FileModel()
                self._change(_Change(None, path, file))
            file.cut(0)
            self._open[descriptor] = file, [0]
            return descriptor

    def reopen(self, path: Path, size: int) -> int:
        with self._lock:
            descriptor = os.open(path, os.O_WRONLY)
            self._open[descriptor] = self._names.setdefault(path, FileModel()), [0]
            self.truncate(descriptor, size)
            return descriptor

    def write(self, descriptor: int, data: bytes | bytearray | memoryview) -> int:
        with self._lock:
            taken = len(data)
            if self.room_bytes is not None:
                taken = min(taken, self.room_bytes)
                if not taken:
                    self.acted["no room"] += 1
                    raise OSError(errno.ENOSPC, "no space left")
            if self.short_writes is not None and taken > 1:
                taken = self.short_writes.randint(1, taken)
            if taken < len(data):
                self.acted["short write"] += 1
            dies = self.calls_left == 0
            if dies:
                taken //= 2
            content = bytes(data[:taken])
            os.write(descriptor, content)
            file, place = self._open[descriptor]
            file.write(place[0], content)
            place[0] += taken
            self._call()
            if self.room_bytes is not None:
                self.room_bytes -= taken
            return taken

    def truncate(self, descriptor: int, size: int) -> None:
        with self._lock:
            self._call()
            super().truncate(descriptor, size)
            file, place = self._open[descriptor]
            file.cut(size)
            place[0] = size

    def rewrite(self, descriptor: int, offset: int, data: bytes) -> None:
        with self._lock:
            self._call()
            super().rewrite(descriptor, offset, data)
            if data:
                self._open[descriptor][0].write(offset, data)
                self.acted["rewritten bytes"] += len(data)

    def sync(self, descriptor: int) -> None:
        with self._lock:
            self._call()
            file, _ = self._open[descriptor]
            if self.sync_failures:
                self.sync_failures -= 1
                self.acted["failed sync"] += 1
                file.forget_pending()
                raise OSError(errno.EIO, "fdatasync failed")
            file.settle()

    def sync_folder(self, path: Path) -> None:
        with self._lock:
            self._call()
            if self.sync_failures:
                self.sync_failures -= 1
                self.acted["failed folder sync"] += 1
                raise OSError(errno.EIO, "fsync failed")
            for change in self._pending_names:
                if change.folder == path:
                    change.apply(self._synced_names)
            self._pending_names = [change for change in self._pending_names if change.folder != path]

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            self._call()
            super().rename(source, target)
            self._change(_Change(source, target, self._names[source]))

    def unlink(self, path: Path) -> None:
        with self._lock:
            self._call()
            super().unlink(path)
            if path in self._names:
                self._change(_Change(path, None, self._names[path]))

    def close(self, descriptor: int) -> None:
        with self._lock:
            del self._open[descriptor]
            super().close(descriptor)

    @property
    def open_files(self) -> int:
        """How many descriptors are open."""
        return len(self._open)

    @property
    def refuses(self) -> bool:
        """Whether something may fail now."""
        return bool(self.sync_failures or self.refuse_files or self.room_bytes is not None)

    def heal(self) -> None:
        """Work again."""
        self.sync_failures = self.refuse_files = 0
        self.room_bytes = None

    def reserved_m(self) -> int:
        """The highest reservation in what is surely on the disk."""
        with self._lock:
            return max((_reserved(file) for file in self._synced_names.values()), default=0)

    def process_died(self) -> None:
        """Whoever had files open is gone; what was written is still cached."""
        with self._lock:
            for descriptor in self._open:
                os.close(descriptor)
            self._open.clear()
            self.calls_left = None

    def power_cut(self, chance: random.Random) -> None:
        """Leave what is synced, and some of what is pending. Whoever had files open is gone."""
        with self._lock:
            self.acted["power cut"] += 1
            self.process_died()
            for change in self._pending_names[: chance.randint(0, len(self._pending_names))]:
                change.apply(self._synced_names)
            for file in self._synced_names.values():
                left = file.survivor(chance, holes=self.holes)
                self.acted["unsynced bytes survived"] += left != file.image
                file.image = bytearray(left)
            self._read_anew()

    def shut_down(self) -> None:
        """An orderly end of the machine: what is pending is written; what a failed sync dropped is not."""
        with self._lock:
            for change in self._pending_names:
                change.apply(self._synced_names)
            for file in self._synced_names.values():
                file.settle()
            self._read_anew()

    def _read_anew(self) -> None:
        """Nothing is cached any more: files are what the disk holds."""
        for path in self._names:
            path.unlink(missing_ok=True)
        for path, file in self._synced_names.items():
            self.acted["bytes lost"] += max(0, file.size - len(file.image))
            path.write_bytes(file.image)
            file.size = len(file.image)
            file.pending.clear()
            file.reserved_m = None
        self._names = dict(self._synced_names)
        self._pending_names.clear()

    def _call(self) -> None:
        if self.calls_left is not None:
            if not self.calls_left:
                self.calls_left = None
                self.acted["death in a call"] += 1
                raise Died
            self.calls_left -= 1

    def _change(self, change: _Change) -> None:
        change.apply(self._names)
        self._pending_names.append(change)


def _reserved(file: FileModel) -> int:
    if file.reserved_m is None:
        state = TapeState()
        for item in frames.scan(bytes(file.image), HEADER_BYTES):
            if isinstance(item, frames.Frame) and item.kind == frames.RESERVE:
                state.apply(item)
        file.reserved_m = state.reserved_m
    return file.reserved_m
