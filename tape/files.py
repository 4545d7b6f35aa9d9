"""Walking the frames of one file of a tape, segment or archive, from any mark on.

Both kinds of file offer the same: `seek` and `seek_time` go to a place from which a walk
meets every row from a mark or a time on, `tables` gives the tables that hold there, `names`
every table of channels in reach, and `frames` walks on. Seeking reads little and verifies
what it reads; what is yielded is verified.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from tape import frames
from tape.archive import BlockEntry, unpack_block
from tape.errors import FormatError
from tape.frames import BATCH, BLOCK, CHANNELS, INDEX, Frame, frame_at, last_before, scan
from tape.rows import first_receive_time
from tape.segment import HEADER_BYTES, TapeFile

CHUNK_BYTES: Final = 4 * 1024 * 1024
TABLES_BYTES: Final = 256 * 1024
"""Read at once when only the tables are wanted."""

IsBefore = Callable[[Frame], bool | None]


class SegmentFile:
    """A segment, which may still be growing. Remembers its place."""

    def __init__(self, file: TapeFile) -> None:
        self.file = file
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = HEADER_BYTES

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def replaced(self) -> bool:
        """Whether another file has taken this one's name."""
        try:
            return os.stat(self.file.path).st_ino != os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False  # archived or retired: sealed, and still open here

    def size(self) -> int:
        """How long the file is now, bytes."""
        return os.fstat(self._descriptor).st_size

    def seek(self, m: int) -> None:
        """Go to a place in front of every row from mark `m` on."""
        self._offset = last_before(self._read, HEADER_BYTES, self.size(), _before_mark(m))

    def seek_time(self, time_ns: int) -> None:
        """Go to a place in front of every row received after `time_ns`."""
        self._offset = last_before(self._read, HEADER_BYTES, self.size(), _before_time(time_ns))

    def tables(self) -> list[Frame]:
        """The frames in front of the first row of the file."""
        place, self._offset = self._offset, HEADER_BYTES
        found = []
        for frame in self.frames(TABLES_BYTES):
            if frame.kind == BATCH:
                break
            found.append(frame)
        self._offset = place
        return found

    def names(self) -> Iterator[Frame]:
        """Every table of channels in the file."""
        for base in range(HEADER_BYTES, self.size(), CHUNK_BYTES):
            chunk = self._read(base, CHUNK_BYTES + frames.HEADER_BYTES)
            for at in frames.headers_of_kind(chunk, CHANNELS):
                frame = _frame(self._read, base + at)
                if frame is not None:
                    yield frame

    def frames(self, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Frame]:
        """Yield sound frames from the present place to the present end."""
        size = chunk_bytes
        while True:
            base = self._offset
            available = self.size() - base
            if available < frames.HEADER_BYTES:
                return
            chunk = self._read(base, min(size, available))
            for item in scan(chunk):
                if isinstance(item, Frame):
                    self._offset = base + item.end
                    yield item
            if self._offset > base:
                size = chunk_bytes
            elif size >= available:
                return
            else:  # a frame may be longer than this
                size = max(frames.wanted_bytes(memoryview(chunk), 0), 2 * size)

    def _read(self, offset: int, size: int) -> bytes:
        return _read(self._descriptor, offset, size)


class ArchiveFile:
    """A compressed segment. Keeps the block it decompressed last, and its place in it."""

    def __init__(self, file: TapeFile) -> None:
        self.file = file
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        self._index = self._find_blocks()
        self._at = 0
        self._offset = 0
        self._content: tuple[int, bytes] | None = None

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def replaced(self) -> bool:
        """An archive file never changes."""
        return False

    def size(self) -> int:
        """How long the file is, bytes."""
        return os.fstat(self._descriptor).st_size

    def seek(self, m: int) -> None:
        """Go to a place in front of every row from mark `m` on."""
        at = bisect_right([entry.first_m for entry in self._index], m) - 1
        self._seek_in_block(max(at, 0), _before_mark(m))

    def seek_time(self, time_ns: int) -> None:
        """Go to a place in front of every row received after `time_ns`."""
        is_before = _before_time(time_ns)
        low, high = 0, max(0, len(self._index) - 1)
        while low < high:
            middle = (low + high + 1) // 2
            answers = (is_before(item) for item in scan(self._block(middle)) if isinstance(item, Frame))
            if next((answer for answer in answers if answer is not None), False):
                low = middle
            else:
                high = middle - 1
        self._seek_in_block(low, is_before)

    def tables(self) -> list[Frame]:
        """The frames in front of the first row of the block."""
        found = []
        for item in scan(self._block(self._at)):
            if not isinstance(item, Frame) or item.kind == BATCH:
                break
            found.append(item)
        return found

    def names(self) -> Iterator[Frame]:
        """Every table of channels in the block."""
        content = memoryview(self._block(self._at))
        for at in frames.headers_of_kind(content.obj, CHANNELS):  # type: ignore[arg-type]
            frame = frame_at(content, at)
            if frame is not None:
                yield frame

    def frames(self) -> Iterator[Frame]:
        """Yield the sound frames from the present place to the end."""
        while True:
            for item in scan(self._block(self._at), self._offset):
                if isinstance(item, Frame):
                    self._offset = item.end
                    yield item
            if self._at + 1 >= len(self._index):
                return
            self._at += 1
            self._offset = 0

    def _seek_in_block(self, at: int, is_before: IsBefore) -> None:
        self._at = at
        content = self._block(at)
        self._offset = last_before(
            lambda offset, size: content[offset : offset + size], 0, len(content), is_before
        )

    def _block(self, at: int) -> bytes:
        """What is in a block; nothing when it is damaged, so that its marks are found missing."""
        if self._content is None or self._content[0] != at:
            block = _frame(self._read, self._index[at].offset) if at < len(self._index) else None
            try:
                content = unpack_block(block) if block is not None else b""
            except FormatError:
                content = b""
            self._content = (at, content)
        return self._content[1]

    def _find_blocks(self) -> list[BlockEntry]:
        """Where the blocks begin, by their headers; by looking at everything when those disagree."""
        found: list[BlockEntry] = []
        offset = HEADER_BYTES
        while size := frames.wanted_bytes(memoryview(head := self._read(offset, frames.HEADER_BYTES)), 0):
            if head[frames.KIND_OFFSET] == INDEX and self._is_index(offset, found):
                return found
            found.append(BlockEntry(frames.HEADER.unpack(head)[4], offset))
            offset += size
        data = self._read(0, self.size())
        blocks = (frame_at(memoryview(data), at) for at in frames.headers_of_kind(data, BLOCK))
        return [BlockEntry(block.first_m, block.offset) for block in blocks if block is not None]

    def _is_index(self, offset: int, found: list[BlockEntry]) -> bool:
        index = _frame(self._read, offset)
        return index is not None and msgspec.msgpack.decode(index.payload, type=list[BlockEntry]) == found

    def _read(self, offset: int, size: int) -> bytes:
        return _read(self._descriptor, offset, size)


def open_file(file: TapeFile) -> SegmentFile | ArchiveFile:
    """Open a file of the tape.

    Raises:
        FileNotFoundError: it went into the archive, or was retired, since it was listed.
    """
    return ArchiveFile(file) if file.archived else SegmentFile(file)


def _before_mark(m: int) -> IsBefore:
    return lambda frame: frame.first_m < m


def _before_time(time_ns: int) -> IsBefore:
    return lambda frame: first_receive_time(frame) <= time_ns if frame.kind == BATCH and frame.count else None


def _read(descriptor: int, offset: int, size: int) -> bytes:
    """Read `size` bytes, or what there is."""
    data = os.pread(descriptor, size, offset)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
        data += more
    return data


def _frame(read: Callable[[int, int], bytes], offset: int) -> Frame | None:
    """The sound frame at `offset` of a file."""
    size = frames.wanted_bytes(memoryview(read(offset, frames.HEADER_BYTES)), 0)
    return frame_at(memoryview(read(offset, size)), 0) if size else None
