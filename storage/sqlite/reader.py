"""The reading half of the SQLite store.

Files are opened read-only and every statement is a transaction of its own, so that readers
never keep the writer's log from being folded back. A look costs one statement per symbol and
day; `LOOKS_PER_PAGE` bounds it.
"""

import heapq
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from storage.contract import (
    MARK_MAX,
    Gap,
    MarkRange,
    Row,
    ScanPage,
    ScanQuery,
    end_of_symbol,
)
from storage.corrections import as_known_at
from storage.filing import STRAYS
from storage.queries import check_family, check_query, check_times
from storage.sqlite import database
from storage.sqlite.checkpoint import read_checkpoint, read_gaps
from storage.sqlite.columns import TABLES
from storage.sqlite.database import StoreFile
from ticks.calendar import day_bounds
from ticks.kinds import KINDS
from ticks.model import MARKET

LOOKS_PER_PAGE: Final = 20_000
"""Most (symbol, day) pairs looked up for one page, some 200 ms: then the page ends early."""
_SYMBOLS_PER_LOOK: Final = 512


class SqliteReader:
    """A `storage.contract.StoreReader` of one folder, which need not exist yet.

    Bound: `open_files` files are held open, each with SQLite's default cache of 2 MB.
    """

    def __init__(self, directory: Path, *, open_files: int = 64) -> None:
        self._directory = directory
        self._open_files = open_files
        self._open: OrderedDict[tuple[Path, int], sqlite3.Connection] = OrderedDict()
        self._checkpoint: sqlite3.Connection | None = None

    def stored_m(self) -> int:
        """See `StoreReader`."""
        connection = self._checkpoint_connection()
        if connection is None:
            return 0
        with database.in_our_words(self._directory / database.CHECKPOINT_NAME):
            return read_checkpoint(connection).m

    def gaps(self, lineup: str, start_ns: int, end_ns: int, up_to_m: int) -> list[Gap]:
        """See `StoreReader`."""
        check_times(start_ns, end_ns)
        connection = self._checkpoint_connection()
        if connection is None or start_ns >= end_ns:
            return []
        with database.in_our_words(self._directory / database.CHECKPOINT_NAME):
            return read_gaps(connection, lineup, start_ns, end_ns, up_to_m)

    def scan(self, query: ScanQuery) -> ScanPage:
        """See `StoreReader`."""
        check_query(query)
        if query.start_ns >= query.end_ns:
            return ScanPage([], None)
        days, strays = self._files_of(query.family)
        days = [file for file in days if _overlaps(file, query) and self._first_m(file) <= query.up_to_m]
        if query.order == "desc":
            days.reverse()
        scan = _Scan(query, days, strays)
        rows: list[Row] = []
        looks = 0
        for symbol in self._symbols(query, [*days, *strays]):
            rows += self._symbol_rows(scan, symbol, query.limit + 1 - len(rows))
            looks += len(days) + len(strays)
            if len(rows) > query.limit:
                del rows[query.limit :]
                return ScanPage(rows, rows[-1].key)
            if looks >= LOOKS_PER_PAGE and not _began_with(query, symbol):
                return ScanPage(rows, end_of_symbol(symbol, query.order))
        return ScanPage(rows, None)

    def latest(
        self, family: str, lineup: str, symbols: Iterable[str], up_to_m: int, kinds: Sequence[int] = ()
    ) -> dict[str, Row]:
        """See `StoreReader`."""
        query = ScanQuery(family, up_to_m, tuple(symbols), lineup, kinds=tuple(kinds), limit=1, order="desc")
        check_query(query)
        days, strays = self._files_of(family)
        pending = set(query.symbols or ())
        newest: dict[str, Row] = {}
        for file in [*reversed(days), *strays]:
            if not pending:
                break
            scan = _Scan(query, [file], [])
            for symbol in sorted(pending):
                for row in self._symbol_rows(scan, symbol, 1):
                    newest[symbol] = row
                    pending.discard(symbol)
        return newest

    def counts(self, ranges: Sequence[MarkRange]) -> dict[str, int]:
        """See `StoreReader`."""
        found: dict[str, int] = {}
        for file in database.list_files(self._directory):
            for kind, count in self._grouped(file, "kind, count(*)", "group by kind", ranges):
                report = KINDS[kind].report
                found[report] = found.get(report, 0) + count
        return found

    def symbol_count(self, ranges: Sequence[MarkRange]) -> int:
        """See `StoreReader`."""
        found: set[str] = set()
        for file in database.list_files(self._directory):
            inner = "(select symbol from series where id = series_id)"
            found.update(symbol for (symbol,) in self._grouped(file, inner, "group by series_id", ranges))
        return len(found - {MARKET})

    def first_ts(self, family: str, lineup: str) -> int | None:
        """See `StoreReader`."""
        check_family(family)
        days, strays = self._files_of(family)
        for file in [*days, *strays]:
            rows = self._select(
                file,
                f"select min((select ts_event from {family} indexed by {family}_by_time "
                "where series_id = series.id order by ts_event limit 1)) from series where lineup = ?",
                (lineup,),
            )
            if rows and rows[0][0] is not None:
                first: int = rows[0][0]
                return first
        return None

    def close(self) -> None:
        """See `StoreReader`."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        if self._checkpoint is not None:
            self._checkpoint.close()
            self._checkpoint = None

    def _files_of(self, family: str) -> tuple[list[StoreFile], list[StoreFile]]:
        """The files of a family by day, and its strays."""
        files = [file for file in database.list_files(self._directory) if file.family == family]
        return [file for file in files if file.day != STRAYS], [file for file in files if file.day == STRAYS]

    def _symbols(self, query: ScanQuery, files: Sequence[StoreFile]) -> Iterator[str]:
        """The symbols to look at, rising, each once, from the one of `query.after` on."""
        first = query.after.symbol if query.after is not None else ""
        if query.symbols is not None:
            yield from (symbol for symbol in sorted(set(query.symbols)) if symbol >= first)
            return
        last = None
        for symbol in heapq.merge(*(self._series(file, query.lineup, first) for file in files)):
            if symbol != last:
                yield symbol
            last = symbol

    def _series(self, file: StoreFile, lineup: str, first: str) -> Iterator[str]:
        """The symbols in one file from `first` on, rising."""
        sql = "select symbol from series where lineup = ? and symbol {} ? order by symbol limit ?"
        symbols = self._select(file, sql.format(">="), (lineup, first, _SYMBOLS_PER_LOOK))
        while symbols:
            yield from (symbol for (symbol,) in symbols)
            symbols = self._select(file, sql.format(">"), (lineup, symbols[-1][0], _SYMBOLS_PER_LOOK))

    def _symbol_rows(self, scan: "_Scan", symbol: str, limit: int) -> list[Row]:
        """The next rows of one symbol, over all days; the strays are merged in."""
        rows: list[Row] = []
        for file in scan.days:
            if len(rows) >= limit:
                break
            rows += self._file_rows(scan, file, symbol, limit - len(rows))
        for file in scan.strays:
            strays = self._file_rows(scan, file, symbol, limit)
            if strays:
                rows = sorted([*rows, *strays], key=lambda row: row.key, reverse=scan.query.order == "desc")
        return rows[:limit]

    def _file_rows(self, scan: "_Scan", file: StoreFile, symbol: str, limit: int) -> list[Row]:
        values = self._select(file, scan.sql, scan.parameters(symbol, limit))
        if not values:
            return []
        query = scan.query
        with database.in_our_words(file.path):
            rows = TABLES[query.family].to_rows(values, symbol, query.lineup)
        if TABLES[query.family].corrected and any(row.upd_m > query.up_to_m for row in rows):
            return [as_known_at(row, query.up_to_m) for row in rows]
        return rows

    def _first_m(self, file: StoreFile) -> int:
        """The lowest mark in a file; beyond every mark when it has no rows."""
        rows = self._select(file, f"select min(m) from {file.family}", ())
        return rows[0][0] if rows and rows[0][0] is not None else MARK_MAX

    def _grouped(
        self, file: StoreFile, what: str, group: str, ranges: Sequence[MarkRange]
    ) -> list[tuple[Any, ...]]:
        """Groups of the rows with marks in any of the ranges."""
        where = " or ".join("m between ? and ?" for _ in ranges) or "0"
        bounds = [mark for one in ranges for mark in one]
        return self._select(file, f"select {what} from {file.family} where {where} {group}", bounds)

    def _select(self, file: StoreFile, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """All rows of one statement; none when the file has gone."""
        with database.in_our_words(file.path):
            connection = self._connection(file)
            return [] if connection is None else connection.execute(sql, parameters).fetchall()

    def _connection(self, file: StoreFile) -> sqlite3.Connection | None:
        """An open connection to a file, which may have been replaced since, or have gone."""
        name = file.path, file.inode
        connection = self._open.get(name)
        if connection is not None:
            self._open.move_to_end(name)
            return connection
        connection = _open_checked(file.path)
        if connection is None:
            return None
        while len(self._open) >= self._open_files:
            self._open.popitem(last=False)[1].close()
        self._open[name] = connection
        return connection

    def _checkpoint_connection(self) -> sqlite3.Connection | None:
        if self._checkpoint is None:
            path = self._directory / database.CHECKPOINT_NAME
            with database.in_our_words(path):
                self._checkpoint = _open_checked(path)
        return self._checkpoint


class _Scan:
    """The statement of one scan and its parameters."""

    def __init__(self, query: ScanQuery, days: Sequence[StoreFile], strays: Sequence[StoreFile]) -> None:
        self.query = query
        self.days = days
        self.strays = strays
        family = query.family
        kinds = f"and kind in ({', '.join(str(int(kind)) for kind in query.kinds)}) " if query.kinds else ""
        behind, end, direction = (">", "<= ?5", "asc") if query.order == "asc" else ("<", ">= ?5", "desc")
        self.sql = (
            f"select {TABLES[family].select_columns} from {family} indexed by {family}_by_time "
            "where series_id = (select id from series where lineup = ?1 and symbol = ?2) "
            f"and (ts_event, m) {behind} (?3, ?4) and ts_event {end} and m <= ?6 {kinds}"
            f"order by ts_event {direction}, m {direction} limit ?7"
        )

    def parameters(self, symbol: str, limit: int) -> tuple[object, ...]:
        """The parameters that continue behind `query.after`, or begin at the range's edge."""
        query, after = self.query, self.query.after
        if query.order == "asc":
            edge, end = (query.start_ns, -1), query.end_ns - 1
        else:
            edge, end = (query.end_ns - 1, MARK_MAX), query.start_ns
        if after is not None and after.symbol == symbol:
            place = after.ts_event, after.m
            edge = max(edge, place) if query.order == "asc" else min(edge, place)
        return query.lineup, symbol, *edge, end, query.up_to_m, limit


def _open_checked(path: Path) -> sqlite3.Connection | None:
    """Open a file to read; None when there is none."""
    if not path.exists():
        return None
    connection = None
    try:
        connection = database.open_to_read(path)
        database.check_format(connection, path)
    except BaseException:
        if connection is not None:
            connection.close()
        if not path.exists():
            return None  # retired this very moment
        raise
    return connection


def _began_with(query: ScanQuery, symbol: str) -> bool:
    """Whether the page before ended in `symbol`: to end there again might not move on."""
    return query.after is not None and query.after.symbol == symbol


def _overlaps(file: StoreFile, query: ScanQuery) -> bool:
    start_ns, end_ns = day_bounds(file.day)
    return start_ns < query.end_ns and query.start_ns < end_ns
