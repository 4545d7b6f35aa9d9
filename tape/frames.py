"""The frames a journal is made of, and how to find them again in damaged bytes.

A frame is a 32-byte header and a payload; the CRC covers both. What a frame means is in
`tape.state`; how ticks become rows is in `tape.rows`.

    magic 4 | crc32 u32 | payload length u32 | count u32 | first_m u64 | epoch u32 | kind u8 | 0 u8 | 0 u16

`first_m` is the mark of the first row of a batch, and the next mark to be given in every
other kind of frame. Little-endian throughout.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

MAGIC: Final = b"\xa7TW\x01"
HEADER: Final = struct.Struct("<4sIIIQIBBH")
HEADER_BYTES: Final = HEADER.size
CRC_OFFSET: Final = 8
KIND_OFFSET: Final = 28
PAYLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""No frame is larger; a larger length is damage, not a reason to allocate."""
SEEK_BYTES: Final = 64 * 1024
"""What a seek leaves to be walked, and reads at once while it halves."""

BATCH: Final = 1
CHANNELS: Final = 2
COUNTS: Final = 3
RESERVE: Final = 4
EPOCH: Final = 5
POSITIONS: Final = 6
CLOSE: Final = 7
BLOCK: Final = 16
INDEX: Final = 17
KINDS: Final = frozenset((BATCH, CHANNELS, COUNTS, RESERVE, EPOCH, POSITIONS, CLOSE, BLOCK, INDEX))

Buffer = bytes | bytearray


class Frame(Struct, frozen=True, gc=False):
    """One sound frame. `payload` is a view into the scanned buffer."""

    kind: int
    first_m: int
    count: int
    epoch: int
    payload: memoryview
    offset: int
    """Where its header begins in the scanned buffer."""
    end: int
    """Where the next frame begins."""


class Damaged(Struct, frozen=True, gc=False):
    """Bytes that hold no sound frame, followed by a sound one."""

    offset: int
    end: int


def encode_frame(kind: int, first_m: int, count: int, epoch: int, payload: bytes) -> bytes:
    """Build one frame."""
    head = HEADER.pack(MAGIC, 0, len(payload), count, first_m, epoch, kind, 0, 0)
    crc = zlib.crc32(payload, zlib.crc32(head[CRC_OFFSET:]))
    return HEADER.pack(MAGIC, crc, len(payload), count, first_m, epoch, kind, 0, 0) + payload


def seal_frame(buffer: bytearray, kind: int, first_m: int, count: int, epoch: int) -> None:
    """Write the header of the frame that fills `buffer`; its payload is already in place."""
    HEADER.pack_into(buffer, 0, MAGIC, 0, len(buffer) - HEADER_BYTES, count, first_m, epoch, kind, 0, 0)
    with memoryview(buffer) as view:
        crc = zlib.crc32(view[CRC_OFFSET:])
    struct.pack_into("<I", buffer, 4, crc)


def scan(buffer: Buffer, start: int = 0) -> Iterator[Frame | Damaged]:
    """Yield the frames of `buffer` from `start`, in order.

    Stops in front of what is not a sound frame and not followed by one: only the caller
    knows whether that is damage or the beginning of what is still being written. Damage
    that is followed by a sound frame, found again by the magic, is yielded as `Damaged`.
    """
    view = memoryview(buffer)
    offset = start
    while True:
        frame = frame_at(view, offset)
        if frame is None:
            found = next_sound(buffer, offset + 1)
            if found is None:
                return
            yield Damaged(offset, found)
            offset = found
            continue
        yield frame
        offset = frame.end


def frame_at(view: memoryview, offset: int, *, verify: bool = True) -> Frame | None:
    """Return the frame at `offset`, or None when there is no complete and sound one."""
    if offset + HEADER_BYTES > len(view):
        return None
    magic, crc, length, count, first_m, epoch, kind, zero, zeros = HEADER.unpack_from(view, offset)
    end = offset + HEADER_BYTES + length
    if magic != MAGIC or length > PAYLOAD_BYTES_MAX or end > len(view) or zero or zeros or kind not in KINDS:
        return None
    if verify and zlib.crc32(view[offset + CRC_OFFSET : end]) != crc:
        return None
    return Frame(kind, first_m, count, epoch, view[offset + HEADER_BYTES : end], offset, end)


def wanted_bytes(view: memoryview, offset: int) -> int:
    """How long the frame at `offset` says it is, header included; 0 when it is no header."""
    if offset + HEADER_BYTES > len(view):
        return 0
    magic, _, length, *_ = HEADER.unpack_from(view, offset)
    if magic != MAGIC or length > PAYLOAD_BYTES_MAX:
        return 0
    return HEADER_BYTES + int(length)


def next_sound(buffer: Buffer, offset: int) -> int | None:
    """The offset of the first sound frame at or behind `offset`, or None."""
    view = memoryview(buffer)
    found = buffer.find(MAGIC, offset)
    while found >= 0:
        if frame_at(view, found) is not None:
            return found
        found = buffer.find(MAGIC, found + 1)
    return None


def headers_of_kind(buffer: Buffer, kind: int) -> Iterator[int]:
    """Offsets of what look like headers of one kind of frame, without walking the others."""
    pattern = re.escape(MAGIC) + b".{%d}" % (KIND_OFFSET - len(MAGIC)) + re.escape(bytes((kind,)))
    for match in re.finditer(pattern, buffer, re.DOTALL):
        yield match.start()


def last_before(
    read: Callable[[int, int], bytes], begin: int, end: int, is_before: Callable[[Frame], bool | None]
) -> int:
    """The offset of a sound frame from which a walk meets everything that is not `is_before`.

    For seeking in frames that are sorted by what `is_before` looks at, without reading what
    lies in front: halves [begin, end), at whose `begin` a frame starts, until at most
    `SEEK_BYTES` are left to walk. `read(offset, size)` gives bytes, fewer at the end;
    `is_before` may answer None for a frame that does not tell.
    """
    low, high = begin, end
    while high - low > SEEK_BYTES:
        middle = (low + high) // 2
        found = _first_telling(read, middle, high, is_before)
        if found is None or not found[1]:
            high = middle
        else:
            low = found[0]
    return low


def _first_telling(
    read: Callable[[int, int], bytes], begin: int, end: int, is_before: Callable[[Frame], bool | None]
) -> tuple[int, bool] | None:
    """Offset and answer of the first frame of [begin, end) for which `is_before` has an answer."""
    size = SEEK_BYTES
    while True:
        chunk = read(begin, size)
        at = next_sound(chunk, 0)
        while at is not None and begin + at < end:
            frame = frame_at(memoryview(chunk), at)
            assert frame is not None
            answer = is_before(frame)
            if answer is not None:
                return begin + at, answer
            at = next_sound(chunk, frame.end)
        if at is not None or len(chunk) < size:
            return None
        size *= 2  # nothing whole in it: a frame may be longer than this
