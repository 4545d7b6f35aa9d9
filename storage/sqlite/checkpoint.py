"""`checkpoint.sqlite`: how far the store has come, and the market gaps.

Commits of day files survive the death of the process, but not a power cut until they are
synced. So two marks are kept: everything up to `m` is stored, everything up to `synced_m`
would survive a power cut. When the machine has been started anew since (its boot id has
changed), `m` goes back to `synced_m` and the writer repeats what lies between. After a sync that
failed (`refused`) nothing counts as synced any more until then.

Gaps are folded here once, in order of marks, in the transaction that moves the checkpoint;
`gaps_m` remembers how far, so that repeating does not fold twice.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from storage.contract import Checkpoint, Gap, Hole
from storage.gaps import closed, gap_of_hole, gap_of_lone_close, gap_of_open
from storage.sqlite import database
from ticks.model import FeedEvent

_CACHE_KIB: Final = 2_048
_GAP_COLUMNS: Final = (
    "open_m", "lineup", "every_lineup", "source", "scope", "why", "from_ts", "lost",
    "close_m", "to_ts", "close_lost",
)  # fmt: skip


class CheckpointFile:
    """The writer's side of the file."""

    def __init__(self, path: Path, boot_id: str) -> None:
        """Open the file, or make it; go back to the synced mark when the machine was started anew.

        Raises:
            StoreUnavailable: it cannot be opened or made now.
            StoreDamaged: it is not a file of this store.
        """
        self._path = path
        with database.in_our_words(path):
            if not path.exists():
                database.make_file(path, _schema())
            self._connection = database.open_to_write(path, _CACHE_KIB)
            try:
                database.check_format(self._connection, path)
                self._connection.execute(
                    "update checkpoint set m = synced_m, ts_recv = synced_ts_recv, refused = 0, boot_id = ?1 "
                    "where boot_id <> ?1",
                    (boot_id,),
                )
                self._value = read_checkpoint(self._connection)
            except BaseException:
                self._connection.close()
                raise

    @property
    def value(self) -> Checkpoint:
        """How far the store has come."""
        return self._value

    def advance(
        self, to: Checkpoint, events: Sequence[tuple[int, str, FeedEvent]], holes: Sequence[Hole]
    ) -> None:
        """Record the round's gaps and its last mark, in one transaction; never goes back.

        `events` are (mark, line-up, tick) of gap events in order of marks.

        Raises:
            StoreUnavailable: nothing was recorded.
        """
        value = to if to.m > self._value.m else self._value
        with database.in_our_words(self._path):
            self._connection.execute("begin immediate")
            try:
                self._record_gaps(events, holes)
                self._connection.execute(
                    "update checkpoint set m = ?, ts_recv = ?, gaps_m = max(gaps_m, ?)",
                    (value.m, value.ts_recv, to.m),
                )
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
        self._value = value

    def synced(self) -> None:
        """Record that everything up to the checkpoint would survive a power cut."""
        with database.in_our_words(self._path):
            self._connection.execute(
                "update checkpoint set synced_m = m, synced_ts_recv = ts_recv where not refused"
            )

    @property
    def synced_m(self) -> int:
        """The mark that the last `synced` recorded."""
        with database.in_our_words(self._path):
            found: int = self._connection.execute("select synced_m from checkpoint").fetchone()[0]
        return found

    def refused(self) -> None:
        """Record that a sync failed: until the next boot nothing more counts as synced."""
        with database.in_our_words(self._path):
            self._connection.execute("update checkpoint set refused = 1")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _record_gaps(self, events: Iterable[tuple[int, str, FeedEvent]], holes: Iterable[Hole]) -> None:
        execute = self._connection.execute
        gaps_m: int = execute("select gaps_m from checkpoint").fetchone()[0]
        for hole in holes:
            if hole.last_m > gaps_m:
                self._insert(gap_of_hole(hole))
        for m, lineup, event in events:
            if m <= gaps_m:
                continue
            if event.what == "gap_open":
                self._insert(gap_of_open(event, lineup, m))
                continue
            row = execute(
                f"select {', '.join(_GAP_COLUMNS)} from gaps where lineup = ? and source = ? and scope = ? "
                "and why = ? and close_m = 0 and every_lineup = 0 order by open_m desc limit 1",
                (lineup, event.source, event.scope, event.why),
            ).fetchone()
            if row is None:
                self._insert(gap_of_lone_close(event, lineup, m))
            else:
                gap = closed(_gap(row, m), event, m)
                execute(
                    "update gaps set close_m = ?, to_ts = ?, close_lost = ? where open_m = ?",
                    (m, gap.to_ts, gap.lost, gap.open_m),
                )

    def _insert(self, gap: Gap) -> None:
        self._connection.execute(
            f"insert or ignore into gaps ({', '.join(_GAP_COLUMNS)}) "
            f"values ({', '.join('?' * len(_GAP_COLUMNS))})",
            (
                gap.open_m, gap.lineup, gap.every_lineup, gap.source, gap.scope, gap.why, gap.from_ts,
                gap.lost, gap.close_m, gap.to_ts, gap.lost,
            ),
        )  # fmt: skip


def read_checkpoint(connection: sqlite3.Connection) -> Checkpoint:
    """How far the store has come, by any connection to the file."""
    m, ts_recv = connection.execute("select m, ts_recv from checkpoint").fetchone()
    return Checkpoint(m, ts_recv)


def read_gaps(
    connection: sqlite3.Connection, lineup: str, start_ns: int, end_ns: int, up_to_m: int
) -> list[Gap]:
    """The gaps that touch a stretch of time, as known at `up_to_m`; see `StoreReader.gaps`."""
    rows = connection.execute(
        f"select {', '.join(_GAP_COLUMNS)} from gaps where (lineup = ?1 or every_lineup) and from_ts <= ?2 "
        "and (to_ts is null or to_ts >= ?3 or (close_m > ?4 and not every_lineup)) "
        "and open_m <= ?4 order by open_m",
        (lineup, end_ns - 1, start_ns, up_to_m),
    )
    return [_gap(row, up_to_m) for row in rows]


def _gap(row: Sequence[object], up_to_m: int) -> Gap:
    """A row of `_GAP_COLUMNS` as a gap, not yet closed when that came after `up_to_m`."""
    open_m, lineup, every_lineup, source, scope, why, from_ts, lost, close_m, to_ts, close_lost = row
    if not every_lineup and isinstance(close_m, int) and close_m > up_to_m:
        close_m, to_ts, close_lost = 0, None, lost
    return Gap(  # the columns' types are checked by SQLite: the table is strict
        lineup, scope, why, from_ts, to_ts, close_lost if close_m else lost, open_m, close_m, source,  # type: ignore[arg-type]
        bool(every_lineup),
    )  # fmt: skip


def _schema() -> Iterator[str]:
    yield "create table meta (key text primary key, value integer not null) without rowid"
    yield f"insert into meta values ('format', {database.FORMAT})"
    yield (
        "create table checkpoint (id integer primary key check (id = 1), m integer not null, "
        "ts_recv integer not null, synced_m integer not null, synced_ts_recv integer not null, "
        "gaps_m integer not null, refused integer not null, boot_id text not null)"
    )
    yield "insert into checkpoint values (1, 0, 0, 0, 0, 0, 0, '')"
    yield (
        "create table gaps (open_m integer primary key, lineup text not null, every_lineup integer not null, "
        "source integer not null, scope text not null, why text not null, from_ts integer not null, "
        "lost integer not null, close_m integer not null, to_ts integer, close_lost integer not null) strict"
    )
    yield "create index gaps_by_lineup on gaps (lineup, from_ts)"
    yield "create index gaps_open on gaps (lineup, source, scope, why) where close_m = 0"
