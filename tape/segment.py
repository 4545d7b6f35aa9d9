"""Names and headers of the files a tape is made of.

`journal/00000000000000000001.seg` holds the frames from mark 1 on; when it is sealed and
everything in it is stored, `archive/00000000000000000001.arc` takes its place.
"""

import struct
import zlib
from pathlib import Path
from typing import Final

from msgspec import Struct

from tape.errors import FormatError

VERSION: Final = 1
SEGMENT_MAGIC: Final = b"TAPESEG\0"
ARCHIVE_MAGIC: Final = b"TAPEARC\0"
_HEADER: Final = struct.Struct("<8sHHIQQ36s36sI")
HEADER_BYTES: Final = 128
JOURNAL: Final = "journal"
ARCHIVE: Final = "archive"
SEGMENT_SUFFIX: Final = ".seg"
ARCHIVE_SUFFIX: Final = ".arc"


class SegmentHeader(Struct, frozen=True, gc=False):
    """The first 128 bytes of a segment or archive file."""

    first_m: int
    created_ns: int
    boot_id: str
    """Of the machine when the segment was made: the same id means the page cache survived."""
    tape_id: str
    """Made with the tape; a segment of another tape is refused."""
    archive: bool = False


def encode_header(header: SegmentHeader) -> bytes:
    """Build the first bytes of a file."""
    magic = ARCHIVE_MAGIC if header.archive else SEGMENT_MAGIC
    body = _HEADER.pack(
        magic, VERSION, 0, 0, header.first_m, header.created_ns,
        header.boot_id.encode()[:36], header.tape_id.encode()[:36], 0,
    )  # fmt: skip
    body = body[:-4] + struct.pack("<I", zlib.crc32(body[:-4]))
    return body.ljust(HEADER_BYTES, b"\0")


def decode_header(data: bytes) -> SegmentHeader:
    """Read the first bytes of a file.

    Raises:
        FormatError: not a file of a tape, damaged, or of a newer version.
    """
    if len(data) < HEADER_BYTES:
        raise FormatError("file too short for its header")
    magic, version, _, _, first_m, created_ns, boot_id, tape_id, crc = _HEADER.unpack_from(data)
    if magic not in (SEGMENT_MAGIC, ARCHIVE_MAGIC):
        raise FormatError("not a segment of a tape")
    if version > VERSION:
        raise FormatError(f"format {version} is newer than this tapewire reads ({VERSION})")
    if zlib.crc32(data[: _HEADER.size - 4]) != crc:
        raise FormatError("damaged header")
    return SegmentHeader(
        first_m,
        created_ns,
        boot_id.rstrip(b"\0").decode("ascii", "replace"),
        tape_id.rstrip(b"\0").decode("ascii", "replace"),
        magic == ARCHIVE_MAGIC,
    )


def segment_path(directory: Path, first_m: int) -> Path:
    """Where the segment that begins at `first_m` is."""
    return directory / JOURNAL / f"{first_m:020}{SEGMENT_SUFFIX}"


def archive_path(directory: Path, first_m: int) -> Path:
    """Where the archive file that begins at `first_m` is."""
    return directory / ARCHIVE / f"{first_m:020}{ARCHIVE_SUFFIX}"


class TapeFile(Struct, frozen=True, gc=False, order=True):
    """One file of a tape, by the first mark it may hold."""

    first_m: int
    path: Path
    archived: bool


def list_files(directory: Path) -> list[TapeFile]:
    """All files of a tape in the order of their marks.

    Where a segment and its archive both exist (the step from one to the other was
    interrupted), the segment counts: it goes only when the archive file is complete.
    """
    found: dict[int, TapeFile] = {}
    for folder, suffix, archived in ((ARCHIVE, ARCHIVE_SUFFIX, True), (JOURNAL, SEGMENT_SUFFIX, False)):
        try:
            names = [entry.name for entry in (directory / folder).iterdir()]
        except FileNotFoundError:
            continue
        for name in names:
            stem = name.removesuffix(suffix)
            if stem != name and stem.isdigit():
                found[int(stem)] = TapeFile(int(stem), directory / folder / name, archived)
    return [found[first_m] for first_m in sorted(found)]
