"""Files on disk as a stream of uncompressed bytes.

A shell: the only module of the package that opens files for reading. Plain, gzip (also of
several members) and zstd are told apart by their first bytes. A file is never held in
memory as a whole, whatever it would unpack to.
"""

import hashlib
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from feeds.errors import RecordingError

CHUNK_BYTES: Final = 65_536
"""Most bytes of one chunk of a plain or gzip file; small enough to be parsed in a turn of the loop."""
KEY_BYTES: Final = 1_048_576
"""How much of each end of a file its key looks at."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_BITS: Final = 31
"""zlib's code for "deflate in a gzip wrapper, window of any size"."""
_ZSTD_WINDOW_BYTES: Final = 128 * 1024 * 1024
"""What `zstd --long` makes at most; more is refused instead of given memory."""
_ZSTD_PIECE_BYTES: Final = 1_024
"""Compressed bytes unpacked at a time. A block is 4 bytes at least and gives 128 KiB at
most, so a hostile file can claim 32 MiB, no more."""


class Recording:
    """An open recording, read from start to end.

    Safe to `read` in a worker thread while another closes it.

    Raises:
        RecordingError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.damage: str = ""
        """After the last chunk: why the file could not be read to its end; empty if it could."""
        self._lock = threading.Lock()
        self._file = _open(path)
        self._chunks = self._unpack(self._file)

    def read(self) -> bytes:
        """The next bytes; empty at the end. Damage ends the file early and is told in `damage`."""
        with self._lock:
            if self._file.closed:
                return b""
            try:
                return next(self._chunks, b"")
            except (zlib.error, zstandard.ZstdError) as error:
                self.damage = f"its compression is damaged ({error})"
            except OSError as error:
                self.damage = f"reading it failed ({error.strerror or error})"
            return b""

    def close(self) -> None:
        """Close the file; waits for a `read` that is under way. May be called twice."""
        with self._lock:
            self._file.close()

    def _unpack(self, file: BinaryIO) -> Iterator[bytes]:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            yield from self._gzip(file)
        elif magic == _ZSTD_MAGIC:
            yield from self._zstd(file)
        else:
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")

    def _gzip(self, file: BinaryIO) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(_GZIP_BITS)
        pending = b""
        while pending or (pending := file.read(CHUNK_BYTES)):
            if unpacker.eof:
                # What follows a member is another one, or padding with zeros.
                pending = pending.lstrip(b"\0")
                if not pending:
                    continue
                unpacker = zlib.decompressobj(_GZIP_BITS)
            data = unpacker.decompress(pending, CHUNK_BYTES)
            pending = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            if data:
                yield data
        if not unpacker.eof:
            self.damage = "its compression ends early"

    def _zstd(self, file: BinaryIO) -> Iterator[bytes]:
        factory = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        unpacker = factory.decompressobj()
        pending = b""
        while pending or (pending := file.read(_ZSTD_PIECE_BYTES)):
            if unpacker.eof:
                unpacker = factory.decompressobj()
            data = unpacker.decompress(pending)
            pending = unpacker.unused_data if unpacker.eof else b""
            if data:
                yield data
        if not unpacker.eof:
            self.damage = "its compression ends early"


def file_key(path: Path) -> str:
    """The key under which a recording's position is kept: `replay:` and 24 hex digits.

    It names the content (size, first and last MiB), so a renamed or moved file is still
    the same recording, and a new file under an old name is another.

    Raises:
        RecordingError: the file cannot be opened or read.
    """
    with _open(path) as file:
        try:
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256(size.to_bytes(8, "little"))
            file.seek(0)
            digest.update(file.read(KEY_BYTES))
            file.seek(max(0, size - KEY_BYTES))
            digest.update(file.read(KEY_BYTES))
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror or error}") from error
    return f"replay:{digest.hexdigest()[:24]}"


def _open(path: Path) -> BinaryIO:
    try:
        if not path.is_file() and path.exists():
            raise RecordingError(f"{path}: not a regular file")
        return path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from error
