"""The file `alerts.sqlite`: its tables, how it is opened, and its errors in our words.

Every table of what somebody owns begins its key with tenant and user. `synchronous=full`: what
is committed outlives a power cut, because a ring is delivered as soon as it is committed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alerts.errors import StoreDamaged, StoreUnavailable

FILE_NAME: Final = "alerts.sqlite"
FORMAT: Final = 1
BUSY_SECONDS: Final = 5.0
_DAMAGED: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_CONSTRAINT,
    }
)  # fmt: skip

_TABLES: Final = (
    "create table meta (key text primary key, value integer not null) without rowid",
    """create table alerts (
        tenant text, user text, id text, number integer not null, rev integer not null,
        created_ns integer not null, updated_ns integer not null, rule blob not null, state blob not null,
        primary key (tenant, user, id)) without rowid""",
    "create unique index alerts_by_id on alerts (id)",
    """create table stream_values (
        lineup text, symbol text, feature text, sessions integer, value integer not null,
        primary key (lineup, symbol, feature, sessions)) without rowid""",
    """create table owners (
        tenant text, user text, last_off integer not null, acked_off integer not null,
        primary key (tenant, user)) without rowid""",
    """create table fires (
        tenant text, user text, off integer, event_id text not null, alert_id text not null,
        committed_ns integer not null, fire blob not null,
        primary key (tenant, user, off)) without rowid""",
    "create unique index fires_by_event on fires (tenant, user, event_id)",
    "create index fires_by_alert on fires (tenant, user, alert_id, off)",
    """create table outbox (
        id integer primary key, tenant text not null, user text not null, off integer not null,
        channel text not null, kind text not null, state text not null, due_ns integer not null,
        attempts integer not null, use_by_ns integer not null, error text not null,
        updated_ns integer not null)""",
    "create unique index outbox_by_fire on outbox (tenant, user, off, channel)",
    "create index outbox_due on outbox (kind, due_ns) where state = 'pending'",
    """create table watchlists (
        tenant text, user text, name text, rev integer not null, symbols blob not null,
        updated_ns integer not null, primary key (tenant, user, name)) without rowid""",
    f"insert into meta values ('format', {FORMAT}), ('m', 0)",
)


def open_database(directory: Path) -> sqlite3.Connection:
    """Open the file in `directory`, or make it. Used by one thread at a time, not always the same.

    Raises:
        StoreUnavailable: it cannot be opened or written now.
        StoreDamaged: it is something else, or of another format.
    """
    path = directory / FILE_NAME
    with in_our_words():
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=full")
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing.

    Raises:
        StoreUnavailable: nothing was written.
        StoreDamaged: the same, and trying again is of no use.
    """
    with in_our_words():
        connection.execute("begin immediate")
        try:
            yield
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise what SQLite raises as `StoreDamaged` or `StoreUnavailable`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        kind = StoreDamaged if code in _DAMAGED else StoreUnavailable
        raise kind(f"{FILE_NAME}: {error}") from error


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, all of them or none, or look whether they are ours."""
    connection.execute("begin immediate")
    if connection.execute("select 1 from sqlite_master limit 1").fetchone() is None:
        for statement in _TABLES:
            connection.execute(statement)
    row = connection.execute("select value from meta where key = 'format'").fetchone()
    connection.execute("commit")
    if row is None or row[0] != FORMAT:
        raise StoreDamaged(f"{FILE_NAME}: format {row and row[0]}, expected {FORMAT}")
