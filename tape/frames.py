"""The frames a journal is made of, and how to find them again in damaged bytes.

A frame is a 32-byte header and a payload; the CRC covers both. What a frame means is in
`tape.state`; how ticks become rows is in `tape.rows`.

    magic 4 | crc32 u32 | payload length u32 | count u32 | first_m u64 | epoch u32 | kind u8 | 0 u8 | 0 u16

`first_m` is the mark of the first row of a batch, and the next mark to be given in every
other kind of frame. Little-endian throughout.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

MAGIC: Final = b"\xa7TW\x01"
HEADER: Final = struct.Struct("<4sIIIQIBBH")
HEADER_BYTES: Final = HEADER.size
CRC_OFFSET: Final = 8
PAYLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""No frame is larger; a larger length is damage, not a reason to allocate."""

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


class Frame(Struct, frozen=True, gc=False):
    """One sound frame. `payload` is a view into the scanned buffer."""

    kind: int
    first_m: int
    count: int
    epoch: int
    payload: memoryview
    offset: int
    """Where its header begins in the scanned buffer."""


class Damaged(Struct, frozen=True, gc=False):
    """Bytes that hold no sound frame, followed by a sound one."""

    offset: int
    end: int
    reason: str


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


def scan(buffer: bytes | memoryview, start: int = 0, *, verify: bool = True) -> Iterator[Frame | Damaged]:
    """Yield the frames of `buffer` from `start`, in order.

    Stops before an incomplete frame at the end; `end_of` tells where. Damage that is
    followed by a sound frame is yielded as `Damaged`, found again by the magic; damage
    that is not is left for the end, because only the caller knows whether more is coming.
    """
    view = memoryview(buffer)
    offset = start
    while True:
        frame = frame_at(view, offset, verify=verify)
        if frame is None:
            found = next_sound(view, offset)
            if found is None:
                return
            yield Damaged(offset, found, "no sound frame")
            offset = found
            continue
        yield frame
        offset = frame_end(frame)


def frame_end(frame: Frame) -> int:
    """The offset behind a frame."""
    return frame.offset + HEADER_BYTES + len(frame.payload)


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
    return Frame(kind, first_m, count, epoch, view[offset + HEADER_BYTES : end], offset)


def wanted_bytes(view: memoryview, offset: int) -> int:
    """How long the frame at `offset` says it is, header included; 0 when it is no header."""
    if offset + HEADER_BYTES > len(view):
        return 0
    magic, _, length, *_ = HEADER.unpack_from(view, offset)
    if magic != MAGIC or length > PAYLOAD_BYTES_MAX:
        return 0
    return HEADER_BYTES + int(length)


def next_sound(view: memoryview, offset: int) -> int | None:
    """The offset of the first sound frame behind `offset`, or None."""
    data = view.tobytes() if not isinstance(view.obj, bytes) else view.obj
    found = data.find(MAGIC, offset + 1)
    while found >= 0:
        if frame_at(view, found) is not None:
            return found
        found = data.find(MAGIC, found + 1)
    return None
