"""Names and headers of the files a tape is made of.

`journal/00000000000000000001.seg` holds the frames from mark 1 on; when it is sealed and
everything in it is stored, `archive/00000000000000000001.arc` takes its place. A file holds
the marks from its own first one to where the next file begins: frames beyond that are
copies that were written before the next file took over.
"""

import struct
import zlib
from pathlib import Path
from typing import Final

from msgspec import Struct

from tape.errors import FormatError, NewerFormat

VERSION: Final = 1
SEGMENT_MAGIC: Final = b"TAPESEG\0"
ARCHIVE_MAGIC: Final = b"TAPEARC\0"
_HEADER: Final = struct.Struct("<8sHHIQQ36s36sI")
HEADER_BYTES: Final = 128
BOOT_ID_CHARS: Final = 36
JOURNAL: Final = "journal"
ARCHIVE: Final = "archive"
SEGMENT_SUFFIX: Final = ".seg"
ARCHIVE_SUFFIX: Final = ".arc"
DRAFT_SUFFIX: Final = ".new"
"""Of a file that is being made. Nothing was ever published from it alone."""
NO_MARK: Final = 1 << 62
"""Beyond every mark."""


class SegmentHeader(Struct, frozen=True, gc=False):
    """The first 128 bytes of a segment or archive file."""

    first_m: int
    created_ns: int
    boot_id: str
    """Of the machine when the segment was made: the same id means the page cache survived."""
    tape_id: str
    """Made with the tape; a file of another tape is refused."""
    archive: bool = False


def encode_header(header: SegmentHeader) -> bytes:
    """Build the first bytes of a file."""
    magic = ARCHIVE_MAGIC if header.archive else SEGMENT_MAGIC
    body = _HEADER.pack(
        magic, VERSION, 0, 0, header.first_m, header.created_ns,
        header.boot_id.encode()[:BOOT_ID_CHARS], header.tape_id.encode()[:36], 0,
    )  # fmt: skip
    body = body[:-4] + struct.pack("<I", zlib.crc32(body[:-4]))
    return body.ljust(HEADER_BYTES, b"\0")


def decode_header(data: bytes) -> SegmentHeader:
    """Read the first bytes of a file.

    In every version of the format magic, version and CRC are where they are now, so that a
    damaged header can be told from a newer one.

    Raises:
        NewerFormat: sound, and of a later version.
        FormatError: not a file of a tape, or damaged.
    """
    if len(data) < HEADER_BYTES:
        raise FormatError("file too short for its header")
    magic, version, _, _, first_m, created_ns, boot_id, tape_id, crc = _HEADER.unpack_from(data)
    if magic not in (SEGMENT_MAGIC, ARCHIVE_MAGIC):
        raise FormatError("not a file of a tape")
    if zlib.crc32(data[: _HEADER.size - 4]) != crc:
        raise FormatError("damaged header")
    if version > VERSION:
        raise NewerFormat(f"format {version} is newer than this tapewire reads ({VERSION})")
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


def read_header(file: TapeFile) -> SegmentHeader:
    """Read the header of a file.

    Raises:
        NewerFormat: of a later version; the message names the file.
        FormatError: damaged.
        FileNotFoundError: it was archived or retired.
    """
    with file.path.open("rb") as opened:
        data = opened.read(HEADER_BYTES)
    try:
        return decode_header(data)
    except NewerFormat as error:
        raise NewerFormat(f"{file.path.name}: {error}") from None


def list_files(directory: Path) -> list[TapeFile]:
    """All files of a tape in the order of their marks.

    Where a segment and its archive both exist (the step from one to the other was
    interrupted), the segment counts: it goes only when the archive file is complete.
    """
    # The journal first: a segment that goes into the archive meanwhile is then found there.
    segments = list_segments(directory)
    found = {file.first_m: file for file in _listed(directory / ARCHIVE, ARCHIVE_SUFFIX, archived=True)}
    found.update((file.first_m, file) for file in segments)
    return [found[first_m] for first_m in sorted(found)]


def list_segments(directory: Path) -> list[TapeFile]:
    """The files of the journal in the order of their marks."""
    return sorted(_listed(directory / JOURNAL, SEGMENT_SUFFIX, archived=False))


def following_file(directory: Path, file: TapeFile) -> TapeFile | None:
    """The file behind `file`; None when it is the last."""
    files = list_segments(directory)
    if not any(other.first_m == file.first_m for other in files):
        files = list_files(directory)  # it is archived or retired, so the next one may be too
    return next((other for other in files if other.first_m > file.first_m), None)


def list_drafts(folder: Path) -> list[Path]:
    """What is left in a folder of files that were being made."""
    return [path for path in folder.iterdir() if path.suffix == DRAFT_SUFFIX] if folder.is_dir() else []


def _listed(folder: Path, suffix: str, *, archived: bool) -> list[TapeFile]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    stems = ((name, name.removesuffix(suffix)) for name in names)
    return [
        TapeFile(int(stem), folder / name, archived)
        for name, stem in stems
        if stem != name and stem.isascii() and stem.isdigit()
    ]
