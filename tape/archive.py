"""Sealed segments, compressed: blocks of about `table_rows` rows that stand alone.

An archive file is a header, blocks, and an index. A block is one frame whose payload is
zstd of the tables at its start and of the frames that follow; so a reader that wants mark
`m` decompresses one block, and a damaged block costs only itself.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from config.settings import TapeSettings
from tape.disk import Disk
from tape.errors import FormatError
from tape.frames import BATCH, BLOCK, INDEX, Damaged, Frame, encode_frame, frame_end, scan
from tape.segment import HEADER_BYTES as FILE_HEADER_BYTES
from tape.segment import (
    SegmentHeader,
    TapeFile,
    archive_path,
    decode_header,
    encode_header,
    list_files,
    segment_path,
)
from tape.state import TapeState, tables

LEVEL = 3
BLOCK_BYTES_MAX = 1 << 30
"""No block decompresses to more; a larger size is damage."""


class BlockEntry(Struct, frozen=True, gc=False, array_like=True):
    """One row of an archive file's index."""

    first_m: int
    offset: int


def compress_segment(data: bytes, table_rows: int) -> bytes:
    """Turn a whole segment into a whole archive file. Damaged stretches are left out.

    Raises:
        FormatError: the segment's header or tables cannot be read.
    """
    header = decode_header(data[:FILE_HEADER_BYTES])
    archived = SegmentHeader(header.first_m, header.created_ns, header.boot_id, header.tape_id, archive=True)
    parts = [encode_header(archived)]
    size = len(parts[0])
    index: list[BlockEntry] = []
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    state = TapeState(next_m=header.first_m)
    for first_m, rows, content in _cut(data, state, table_rows):
        block = encode_frame(BLOCK, first_m, rows, state.epoch, compressor.compress(content))
        index.append(BlockEntry(first_m, size))
        parts.append(block)
        size += len(block)
    parts.append(encode_frame(INDEX, state.next_m, len(index), state.epoch, msgspec.msgpack.encode(index)))
    return b"".join(parts)


def _cut(data: bytes, state: TapeState, table_rows: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (first mark, rows, content) of each block, moving `state` along."""
    pending: list[memoryview] = []
    rows = 0
    head = b""
    first_m = state.next_m
    view = memoryview(data)
    for item in scan(data, FILE_HEADER_BYTES):
        if isinstance(item, Damaged):
            continue
        if item.kind != BATCH:
            state.apply(item)
            if rows:
                pending.append(view[item.offset : frame_end(item)])
            continue
        if not rows:
            head = tables(state)
            first_m = item.first_m
        state.apply(item)
        pending.append(view[item.offset : frame_end(item)])
        rows += max(1, item.count)
        if rows >= table_rows:
            yield first_m, rows, b"".join((head, *pending))
            pending.clear()
            rows = 0
    if rows:
        yield first_m, rows, b"".join((head, *pending))
    elif not state.epochs:
        raise FormatError("no tables")
    else:
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


def read_index(data: bytes | memoryview) -> list[BlockEntry]:
    """Where the blocks of an archive file begin, found by walking their headers.

    The index frame at the end serves other tools; walking costs the same few headers and
    also survives a damaged index.
    """
    return [
        BlockEntry(item.first_m, item.offset)
        for item in scan(data, FILE_HEADER_BYTES, verify=False)
        if isinstance(item, Frame) and item.kind == BLOCK
    ]


def archive_sealed(directory: Path, stored_m: int, settings: TapeSettings, disk: Disk | None = None) -> int:
    """Compress every sealed segment whose ticks are all stored; return how many.

    The archive file is complete and on the disk before the segment goes. The last segment
    is being written and is left alone.
    """
    disk = disk or Disk()
    files = list_files(directory)
    done = 0
    for file, following in pairwise(files):
        if file.archived or following.first_m - 1 > stored_m:
            continue
        _archive_one(directory, file, settings.table_rows, disk)
        done += 1
    return done


def _archive_one(directory: Path, file: TapeFile, table_rows: int, disk: Disk) -> None:
    target = archive_path(directory, file.first_m)
    draft = target.with_suffix(".new")
    content = compress_segment(file.path.read_bytes(), table_rows)
    descriptor = disk.create(draft)
    try:
        view = memoryview(content)
        while view:
            view = view[disk.write(descriptor, view) :]
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    disk.rename(draft, target)
    disk.sync_folder(target.parent)
    segment_path(directory, file.first_m).unlink(missing_ok=True)


def retire(directory: Path, stored_m: int, settings: TapeSettings, now_ns: int) -> int:
    """Delete files that are older than `tape_retention_s`, or beyond the disk budget; return how many.

    Age is the time at which the following file was begun. Only what is stored goes, and
    never the last file.
    """
    files = list_files(directory)
    sizes = [_size(file.path) for file in files]
    total = sum(sizes)
    oldest_ns = now_ns - settings.tape_retention_s * 1_000_000_000
    budget = settings.tape_retention_bytes
    done = 0
    for (file, following), size in zip(pairwise(files), sizes, strict=False):
        too_old = _created_ns(following.path) < oldest_ns
        too_much = 0 < budget < total
        if not (too_old or too_much) or following.first_m - 1 > stored_m:
            break
        file.path.unlink(missing_ok=True)
        total -= size
        done += 1
    return done


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _created_ns(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return decode_header(file.read(FILE_HEADER_BYTES)).created_ns
    except (FileNotFoundError, FormatError):
        return 1 << 63
