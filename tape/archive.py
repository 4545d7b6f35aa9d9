"""Sealed segments, compressed: blocks of about `table_rows` rows that stand alone.

An archive file is a header, blocks, and an index. A block is one frame whose payload is
zstd of the tables at its start and of the frames that follow; so a reader that wants mark
`m` decompresses one block, and a damaged block costs only itself.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import zstandard
from msgspec import Struct

from config.settings import TapeSettings
from tape.disk import Disk, write_all
from tape.errors import FormatError, NewerFormat
from tape.frames import BATCH, BLOCK, INDEX, Frame, encode_frame, scan
from tape.segment import (
    ARCHIVE,
    DRAFT_SUFFIX,
    NO_MARK,
    SegmentHeader,
    TapeFile,
    archive_path,
    decode_header,
    encode_header,
    list_drafts,
    list_files,
    read_header,
)
from tape.segment import HEADER_BYTES as FILE_HEADER_BYTES
from tape.state import TapeState, tables

LEVEL: Final = 3
BLOCK_BYTES_MAX: Final = 1 << 30
"""No block decompresses to more; a larger size is damage."""


class BlockEntry(Struct, frozen=True, gc=False, array_like=True):
    """One row of an archive file's index."""

    first_m: int
    offset: int


def compress_segment(data: bytes, table_rows: int, first_m: int, end_m: int = NO_MARK) -> bytes:
    """Turn a whole segment into a whole archive file with its marks in [first_m, end_m).

    What is damaged is left out, so that readers find it missing. `first_m` is what the file's
    name says, for a header that is damaged.

    Raises:
        NewerFormat: the segment is of a later version.
    """
    try:
        header = decode_header(data[:FILE_HEADER_BYTES])
    except NewerFormat:
        raise
    except FormatError:
        header = SegmentHeader(first_m, 0, "", "")
    archived = SegmentHeader(first_m, header.created_ns, header.boot_id, header.tape_id, archive=True)
    parts = [encode_header(archived)]
    size = len(parts[0])
    index: list[BlockEntry] = []
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    state = TapeState(next_m=first_m)
    for block_m, rows, content in _cut(data, state, table_rows, end_m):
        block = encode_frame(BLOCK, block_m, rows, state.epoch, compressor.compress(content))
        index.append(BlockEntry(block_m, size))
        parts.append(block)
        size += len(block)
    parts.append(encode_frame(INDEX, state.next_m, len(index), state.epoch, msgspec.msgpack.encode(index)))
    return b"".join(parts)


def _cut(data: bytes, state: TapeState, table_rows: int, end_m: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (first mark, rows, content) of each block, moving `state` along."""
    pending: list[memoryview] = []
    rows = 0
    head = b""
    first_m = state.next_m
    view = memoryview(data)
    for item in scan(data, FILE_HEADER_BYTES):
        if not isinstance(item, Frame):
            continue
        if item.kind == BATCH and item.first_m >= end_m:
            break
        if item.kind == BATCH and not rows:
            head = tables(state)
            first_m = item.first_m
        state.apply(item)
        if item.kind == BATCH or rows:
            pending.append(view[item.offset : item.end])
        if item.kind == BATCH:
            rows += max(1, item.count)
        if rows >= table_rows:
            yield first_m, rows, b"".join((head, *pending))
            pending.clear()
            rows = 0
    if rows:
        yield first_m, rows, b"".join((head, *pending))
    else:
        # What the tables have become since the last row, such as the start of an epoch.
        yield state.next_m, 0, tables(state)


def unpack_block(block: Frame) -> bytes:
    """The frames of a block.

    Raises:
        FormatError: it does not decompress, or to something absurd.
    """
    try:
        size = zstandard.frame_content_size(block.payload)
        if not 0 <= size <= BLOCK_BYTES_MAX:
            raise FormatError("block says an absurd size")
        return zstandard.ZstdDecompressor().decompress(block.payload, max_output_size=size)
    except zstandard.ZstdError as error:
        raise FormatError(f"block does not decompress: {error}") from error


def archive_sealed(directory: Path, stored_m: int, settings: TapeSettings, disk: Disk | None = None) -> int:
    """Compress every sealed segment whose ticks are all stored; return how many.

    The archive file is complete and on the disk before the segment goes. The last segment
    is being written and is left alone. One process at a time may do this.

    Raises:
        OSError: the disk refuses; the segment stays.
        NewerFormat: a segment is of a later version.
    """
    disk = disk or Disk()
    done = 0
    for draft in list_drafts(directory / ARCHIVE):
        disk.unlink(draft)
    for file, following in pairwise(list_files(directory)):
        if following.first_m - 1 > stored_m:
            break
        if not file.archived:
            _archive_one(directory, file, following.first_m, settings.table_rows, disk)
            done += 1
    return done


def _archive_one(directory: Path, file: TapeFile, end_m: int, table_rows: int, disk: Disk) -> None:
    target = archive_path(directory, file.first_m)
    draft = target.with_suffix(DRAFT_SUFFIX)
    content = compress_segment(file.path.read_bytes(), table_rows, file.first_m, end_m)
    disk.make_folder(target.parent)
    descriptor = disk.create(draft)
    try:
        write_all(disk, descriptor, content)
        disk.sync(descriptor)
    except OSError:
        with suppress(OSError):
            disk.unlink(draft)  # it may be what fills the disk
        raise
    finally:
        disk.close(descriptor)
    disk.rename(draft, target)
    disk.sync_folder(target.parent)
    disk.unlink(file.path)


def retire(
    directory: Path, stored_m: int, settings: TapeSettings, now_ns: int, disk: Disk | None = None
) -> int:
    """Delete files that are older than `tape_retention_s`, or beyond the disk budget; return how many.

    Age is the time at which the following file was begun. Only what is stored goes, and
    never the last file.
    """
    disk = disk or Disk()
    files = list_files(directory)
    sizes = [_size(file.path) for file in files]
    total = sum(sizes)
    oldest_ns = now_ns - settings.tape_retention_s * 1_000_000_000
    budget = settings.tape_retention_bytes
    done = 0
    for (file, following), size in zip(pairwise(files), sizes, strict=False):
        too_much = 0 < budget < total
        if following.first_m - 1 > stored_m or not (too_much or _created_ns(following) < oldest_ns):
            break
        # Both, in case the step from one to the other was interrupted.
        disk.unlink(file.path)
        disk.unlink(archive_path(directory, file.first_m))
        total -= size
        done += 1
    return done


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _created_ns(file: TapeFile) -> int:
    """When a file was begun; of a damaged header, when the file was last written."""
    try:
        try:
            return read_header(file).created_ns
        except FormatError:
            return file.path.stat().st_mtime_ns
    except FileNotFoundError:
        return NO_MARK
