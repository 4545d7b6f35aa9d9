"""Reading the small text files that settings come from."""

import os
import stat
from pathlib import Path
from typing import Final

FILE_BYTES_MAX: Final = 1 << 20
"""A configuration of more than a mebibyte is a mistake (a recording, a disk image)."""


class UnreadableFile(Exception):
    """The file cannot be read as text; the message says why, without any of its content."""


def read_text(path: Path) -> str:
    """The text of a small UTF-8 file; a byte-order mark is left out.

    Raises:
        UnreadableFile: it is missing, a folder, a device, not permitted, too long, or not
            UTF-8 text (UTF-16 and anything with NUL bytes is not).
    """
    try:
        # not blocking: opening a pipe that nobody writes to would wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = _read_bytes(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnreadableFile(_why(error)) from None
    if len(data) > FILE_BYTES_MAX:
        raise UnreadableFile(f"is longer than {FILE_BYTES_MAX} bytes")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise UnreadableFile("has NUL bytes in it; it must be UTF-8 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"is not UTF-8 text (byte {error.start})") from None


def is_world_readable(path: Path) -> bool:
    """Whether every user of this machine may read the file (by its own mode bits)."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _read_bytes(descriptor: int) -> bytes:
    """At most one byte more than the limit."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise UnreadableFile("is not a regular file")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(FILE_BYTES_MAX + 1)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):  # a NUL in the name
        return "has a name that no file can have"
    return (error.strerror or type(error).__name__).lower()
