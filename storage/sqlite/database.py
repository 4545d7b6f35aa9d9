"""Opening SQLite files the way the store needs them, and their errors in the store's words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from storage.errors import StoreDamaged, StoreUnavailable
from storage.filing import STRAYS, day_name
from storage.sqlite.columns import TABLES
from ticks.errors import CodecError, TickError
from ticks.times import day_number

CHECKPOINT_NAME: Final = "checkpoint.sqlite"
FORMAT: Final = 1
"""Of all files of the store; another number is another layout."""

WAL_PAGES: Final = 8_000
"""Pages in the write-ahead log before SQLite folds it back. Index pages are written again and
again, so a long log saves most of that writing; at 4 KiB a page it stays below about 64 MB."""
WAL_KEPT_BYTES: Final = 64 * 1024 * 1024
BUSY_SECONDS: Final = 5.0
"""How long to wait for a lock. Only a crashed writer's recovery ever holds one for long."""

_SUFFIX: Final = ".sqlite"
_DAMAGED: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_SCHEMA,
    }
)  # fmt: skip


class StoreFile(Struct, frozen=True):
    """One file of rows."""

    day: int
    """Trading day, days since 1970, or `STRAYS`."""
    family: str
    path: Path
    inode: int = 0


def file_path(directory: Path, family: str, day: int) -> Path:
    """Where the rows of a family and day lie."""
    return directory / f"{day_name(day)}-{family}{_SUFFIX}"


def list_files(directory: Path) -> list[StoreFile]:
    """All files of rows, by day, the strays first; other files are passed over."""
    try:
        with os.scandir(directory) as entries:
            found = [
                StoreFile(named[0], named[1], Path(entry.path), entry.inode())
                for entry in entries
                if (named := _parse_name(entry.name)) is not None
            ]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda file: (file.day, file.family))


def open_to_write(path: Path, cache_kib: int) -> sqlite3.Connection:
    """Open or make a file for the one writer."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        for pragma in (
            "journal_mode=wal",
            "synchronous=normal",
            f"cache_size=-{cache_kib}",
            f"wal_autocheckpoint={WAL_PAGES}",
            f"journal_size_limit={WAL_KEPT_BYTES}",
        ):
            connection.execute(f"pragma {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that exists, unable to change it. Every statement is a transaction of its own."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def make_file(path: Path, statements: Iterator[str]) -> None:
    """Make a file whole or not at all: nobody ever sees one without its tables."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished, isolation_level=None)
    try:
        connection.execute("pragma journal_mode=wal")
        connection.execute("begin")
        for statement in statements:
            connection.execute(statement)
        connection.execute("commit")
    finally:
        connection.close()
    unfinished.replace(path)


@contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """Raise what SQLite raises about a file as `StoreDamaged` or `StoreUnavailable`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        kind = StoreDamaged if code in _DAMAGED else StoreUnavailable
        raise kind(f"{path.name}: {error}") from error
    except CodecError as error:
        raise StoreDamaged(f"{path.name}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"{path.name}: {error}") from error


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file of another layout.

    Raises:
        StoreDamaged: its format number is not ours.
    """
    row = connection.execute("select value from meta where key = 'format'").fetchone()
    if row is None or row[0] != FORMAT:
        raise StoreDamaged(f"{path.name}: format {row and row[0]}, expected {FORMAT}")


def _parse_name(name: str) -> tuple[int, str] | None:
    stem = name.removesuffix(_SUFFIX)
    day_text, _, family = stem.rpartition("-")
    if stem == name or family not in TABLES:
        return None
    if day_text == day_name(STRAYS):
        return STRAYS, family
    try:
        return day_number(day_text), family
    except TickError:
        return None
