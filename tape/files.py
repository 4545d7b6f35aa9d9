"""Walking the frames of one file of a tape, segment or archive, from any mark on."""

import os
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from tape.archive import BlockEntry, read_index, unpack_block
from tape.errors import FormatError
from tape.frames import BATCH, Frame, frame_at, frame_end, scan, wanted_bytes
from tape.segment import HEADER_BYTES, TapeFile

CHUNK_BYTES: Final = 4 * 1024 * 1024
INDEX_EVERY_BYTES: Final = 1024 * 1024


class SegmentFile:
    """A segment that may still be growing. Remembers its place, and places passed before."""

    def __init__(self, file: TapeFile) -> None:
        self.file = file
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = HEADER_BYTES
        self._places: list[tuple[int, int]] = [(file.first_m, HEADER_BYTES)]
        self._tables_read = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def replaced(self) -> bool:
        """Whether another file has taken this one's name."""
        try:
            return os.stat(self.file.path).st_ino != os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def seek(self, m: int) -> None:
        """Go to a place at or before mark `m`; the tables of the file are walked at least once."""
        if self._tables_read:
            at = bisect_right(self._places, (m, 1 << 62)) - 1
            self._offset = self._places[max(at, 0)][1]
        else:
            self._offset = HEADER_BYTES

    def frames(self) -> Iterator[Frame]:
        """Yield sound frames from the present place to the present end."""
        size = CHUNK_BYTES
        while True:
            base = self._offset
            chunk = os.pread(self._descriptor, size, base)
            for item in scan(chunk):
                if isinstance(item, Frame):
                    self._offset = base + frame_end(item)
                    self._note(item, base + item.offset)
                    yield item
            if self._offset > base:
                size = CHUNK_BYTES
                continue
            wanted = wanted_bytes(memoryview(chunk), 0)
            if len(chunk) < size:
                return
            size = max(wanted, 2 * size)

    def _note(self, frame: Frame, offset: int) -> None:
        self._tables_read = True
        if frame.kind == BATCH and offset - self._places[-1][1] >= INDEX_EVERY_BYTES:
            self._places.append((frame.first_m, offset))


class ArchiveFile:
    """A compressed segment. Keeps the block it decompressed last."""

    def __init__(self, file: TapeFile) -> None:
        self.file = file
        self._data = file.path.read_bytes()
        self._index: list[BlockEntry] = read_index(self._data)
        self._at = 0
        self._block: tuple[int, bytes] | None = None

    def close(self) -> None:
        """Let the file go."""
        self._data = b""

    def replaced(self) -> bool:
        """An archive file never changes."""
        return False

    def seek(self, m: int) -> None:
        """Go to the block that would hold mark `m`."""
        at = bisect_right([entry.first_m for entry in self._index], m) - 1
        self._at = max(at, 0)

    def frames(self) -> Iterator[Frame]:
        """Yield the sound frames of this block and of those behind it."""
        for at in range(self._at, len(self._index)):
            self._at = at
            for item in scan(self._content(at)):
                if isinstance(item, Frame):
                    yield item

    def _content(self, at: int) -> bytes:
        if self._block is not None and self._block[0] == at:
            return self._block[1]
        block = frame_at(memoryview(self._data), self._index[at].offset)
        content = b""
        if block is not None:
            try:
                content = unpack_block(block)
            except FormatError:
                content = b""  # the marks it held are missing, which the reader declares
        self._block = (at, content)
        return content


def open_file(file: TapeFile) -> SegmentFile | ArchiveFile:
    """Open a file of the tape.

    Raises:
        FileNotFoundError: it went into the archive, or was retired, since it was listed.
    """
    return ArchiveFile(file) if file.archived else SegmentFile(file)
