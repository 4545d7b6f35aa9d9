"""One file of rows, held open by the writer."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from storage.corrections import PRINT_KINDS, Correction, correction_of
from storage.sqlite import database
from storage.sqlite.columns import ID_OFFSET, TABLES, Filed, Table, Values
from ticks.kinds import TRADE

_IDS_PER_LOOK: Final = 500
"""How many trade ids one statement asks for; SQLite allows at least 999 parameters."""


class DayFile:
    """The rows of one family and one trading day (or the strays)."""

    def __init__(self, path: Path, family: str, cache_kib: int) -> None:
        """Open the file, or make it.

        Raises:
            StoreUnavailable: it cannot be opened or made now.
            StoreDamaged: it is not a file of this store.
        """
        self.path = path
        self._table = TABLES[family]
        with database.in_our_words(path):
            if not path.exists():
                database.make_file(path, _schema(self._table))
            self._connection = database.open_to_write(path, cache_kib)
            try:
                database.check_format(self._connection, path)
            except BaseException:
                self._connection.close()
                raise
        self._series: dict[str, _SeriesIds] = {}

    def commit(self, filed: Mapping[str, Sequence[Filed]], up_to_m: int) -> None:
        """Store rows by line-up, with the mark up to which the file then is complete.

        One transaction. After an error the file must be closed: what its cache of series ids
        holds may have been rolled back.

        Raises:
            StoreUnavailable: nothing was stored.
            StoreDamaged: nothing was stored.
        """
        with database.in_our_words(self.path):
            self._connection.execute("begin immediate")
            try:
                for lineup, rows in filed.items():
                    self._insert(lineup, rows)
                if self._table.corrected:
                    self._correct(filed)
                self._connection.execute(
                    "update meta set value = max(value, ?) where key = 'mark'", (up_to_m,)
                )
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def close(self) -> None:
        """Close the file, folding its log back when nobody else has it open."""
        self._connection.close()

    def _insert(self, lineup: str, rows: Sequence[Filed]) -> None:
        series = self._series.get(lineup)
        if series is None:
            series = self._series[lineup] = _SeriesIds(self._connection, lineup)
        self._connection.executemany(self._table.insert_sql, self._table.to_values(rows, series))

    def _correct(self, filed: Mapping[str, Sequence[Filed]]) -> None:
        """Mark the prints that cancels and corrections among these rows name."""
        by_series: dict[int, list[Correction]] = {}
        for lineup, rows in filed.items():
            for m, _, _, tick in rows:
                if tick.kind == TRADE:
                    continue  # nearly all are, and none of them says anything about another
                one = correction_of(tick, lineup, m)
                if one is not None:
                    by_series.setdefault(self._series[lineup][tick.symbol], []).append(one)
        for series_id, corrections in by_series.items():
            self._connection.executemany(
                "update trades set upd = ?, upd_m = ? where m = ?",
                self._marks_of(series_id, sorted(corrections, key=lambda one: one.m)),
            )

    def _marks_of(self, series_id: int, corrections: Sequence[Correction]) -> list[Values]:
        """(upd, upd_m, m) of each print that one of `corrections` (by mark) is the first to name.

        Looks at the series' whole day: corrections are some hundred a day, and an index of all
        ids would double what every trade costs.
        """
        named: dict[tuple[int, int], list[Correction]] = {}
        for one in corrections:
            named.setdefault((one.venue, one.trade_id - ID_OFFSET), []).append(one)
        ids = sorted({trade_id for _, trade_id in named})
        found = []
        for m, venue, trade_id, upd_m in self._prints(series_id, ids):
            for one in named.get((venue, trade_id), ()):
                if one.m > m:
                    if not upd_m or one.m < upd_m:
                        found.append((one.upd, one.m, m))
                    break
        return found

    def _prints(self, series_id: int, ids: Sequence[int]) -> Iterable[Values]:
        for first in range(0, len(ids), _IDS_PER_LOOK):
            some = ids[first : first + _IDS_PER_LOOK]
            yield from self._connection.execute(
                "select m, venue, trade_id, upd_m from trades indexed by trades_by_time "
                f"where series_id = ? and kind in ({', '.join(map(str, PRINT_KINDS))}) "
                f"and trade_id in ({', '.join('?' * len(some))})",
                (series_id, *some),
            ).fetchall()


class _SeriesIds(dict[str, int]):
    """Symbol → series id in one file and line-up; a symbol not seen before gets the next id."""

    def __init__(self, connection: sqlite3.Connection, lineup: str) -> None:
        super().__init__(connection.execute("select symbol, id from series where lineup = ?", (lineup,)))
        self._connection = connection
        self._lineup = lineup

    def __missing__(self, symbol: str) -> int:
        cursor = self._connection.execute(
            "insert into series (lineup, symbol) values (?, ?)", (self._lineup, symbol)
        )
        assert cursor.lastrowid is not None  # an insert that worked has one
        self[symbol] = cursor.lastrowid
        return cursor.lastrowid


def _schema(table: Table) -> Iterator[str]:
    yield "create table meta (key text primary key, value integer not null) without rowid"
    yield f"insert into meta values ('format', {database.FORMAT}), ('mark', 0)"
    yield (
        "create table series (id integer primary key, lineup text not null, symbol text not null, "
        "unique (lineup, symbol))"
    )
    yield table.create_sql
    yield table.index_sql
