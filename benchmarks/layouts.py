"""Five ways to lay out a day of trades in SQLite: `python -m benchmarks.layouts [ROWS] [NAME…]`.

What decision 0006 rests on. Prints one JSON line a layout: rows committed per second of wall-clock
and of processor time, overall and in the last quarter; bytes written to the disk per row; and the
time of a page of up to 10,000 rows of a busy, a middling and a thin symbol.

* `plain`: rows by mark, no index; what the file costs without being able to read by symbol.
* `by_mark`: rows by mark, an index by (series, time) to which SQLite appends the mark.
* `covering`: rows by mark, and an index that holds every column.
* `clustered`: `WITHOUT ROWID`, the key is (series, time, mark).
* `deferred`: rows by mark; the index is a table of its own, filled every 200,000 rows in its own order.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks._ticks import DISTRIBUTION, START_NS, made_up
from config.settings import StorageSettings
from proofs.machine import machine
from storage.sqlite import database
from storage.sqlite.columns import TRADES, Filed
from tape.batch import Batch

ROWS: Final = 2_000_000
ROUND_ROWS: Final = StorageSettings().round_rows
DEFERRED_ROWS: Final = 200_000
PAGE_ROWS: Final = 10_000
PAGES: Final = 30
READ: Final = {"busy": "S0", "middling": "S20", "thin": "S500"}

Ids = dict[str, int]
ROW_KEY: Final = "m integer primary key"
COLUMNS: Final = TRADES.create_sql.partition(ROW_KEY)[2].removesuffix(")")
NAMES: Final = [column.split()[0] for column in COLUMNS.strip(", ").split(", ")]
OTHERS: Final = ", ".join(name for name in NAMES if name not in ("series_id", "ts_event"))
PAGE_SQL: Final = (
    "select {columns} where {index}.series_id = ? and ({index}.ts_event, {index}.m) > (?, 0) "
    "order by {index}.ts_event, {index}.m limit ?"
)


def by_key(index: str) -> Sequence[str]:
    """A table of rows by mark, and an index."""
    return [f"create table trades ({ROW_KEY}{COLUMNS})", f"create index i on trades ({index})"]


LAYOUTS: Final[Mapping[str, Sequence[str]]] = {
    "plain": [f"create table trades ({ROW_KEY}{COLUMNS})"],
    "by_mark": by_key("series_id, ts_event"),
    "covering": by_key(f"series_id, ts_event, m, {OTHERS}"),
    "clustered": [
        f"create table trades (m integer not null{COLUMNS}, "
        "primary key (series_id, ts_event, m)) without rowid"
    ],
    "deferred": [
        f"create table trades ({ROW_KEY}{COLUMNS})",
        "create table i (series_id integer, ts_event integer, m integer, "
        "primary key (series_id, ts_event, m)) without rowid",
    ],
}


def rounds_of(batches: Sequence[Batch]) -> list[list[Filed]]:
    """What one transaction takes, as the day's file is given it."""
    filed = [
        (batch.first_m + at, batch.ns[at], batch.epoch, tick)
        for batch in batches
        for at, tick in enumerate(batch.ticks)
    ]
    return [filed[at : at + ROUND_ROWS] for at in range(0, len(filed), ROUND_ROWS)]


class Layout:
    """One layout, being filled."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._ids: Ids = {}
        self._indexed_m = 0
        self.connection = database.open_to_write(path, StorageSettings().cache_kib)
        for statement in LAYOUTS[name]:
            self.connection.execute(statement)

    def write(self, rows: Sequence[Filed]) -> None:
        """Commit one round."""
        for _, _, _, tick in rows:
            self._ids.setdefault(tick.symbol, len(self._ids))
        self.connection.execute("begin immediate")
        self.connection.executemany(TRADES.insert_sql, TRADES.to_values(rows, self._ids))
        last_m = rows[-1][0]
        if self.name == "deferred" and last_m - self._indexed_m >= DEFERRED_ROWS:
            self.connection.execute(
                "insert into i select series_id, ts_event, m from trades where m > ? order by 1, 2, 3",
                (self._indexed_m,),
            )
            self._indexed_m = last_m
        self.connection.execute("commit")

    def page_ms(self, symbol: str, path: Path) -> float:
        """The median time of a page that begins anywhere in the first half of the day."""
        reader = database.open_to_read(path)
        sql = PAGE_SQL.format(columns="trades.* from trades", index="trades")
        if self.name == "deferred":
            sql = PAGE_SQL.format(columns="trades.* from i join trades using (m)", index="i")
        chance = random.Random(7)
        seconds = []
        for _ in range(PAGES):
            begin_ns = START_NS + chance.randrange(11_700) * 1_000_000_000
            started = time.process_time()
            reader.execute(sql, (self._ids[symbol], begin_ns, PAGE_ROWS)).fetchall()
            seconds.append(time.process_time() - started)
        reader.close()
        return round(median(seconds) * 1000, 1)


def written_bytes() -> int:
    """Bytes this process has sent to the disk so far."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    return 0


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of wall-clock and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(name: str, rounds: Sequence[Sequence[Filed]], folder: Path) -> dict[str, object]:
    """Fill one layout and read from it."""
    path = folder / f"{name}.sqlite"
    layout = Layout(name, path)
    rows = sum(map(len, rounds))
    before = written_bytes()
    times = [timed(lambda: layout.write(round_)) for round_ in rounds]  # noqa: B023
    quarter = times[len(times) * 3 // 4 :]
    figures: dict[str, object] = {
        "benchmark": f"layouts/{name}",
        "rows": rows,
        "rows_per_s": round(rows / sum(wall for wall, _ in times)),
        "rows_per_cpu_s": round(rows / sum(cpu for _, cpu in times)),
        "last_quarter_rows_per_cpu_s": round(rows / 4 / sum(cpu for _, cpu in quarter)),
        "written_bytes_per_row": round((written_bytes() - before) / rows),
    }
    layout.connection.execute("pragma wal_checkpoint(truncate)")
    figures["bytes_per_row"] = round(path.stat().st_size / rows)
    if name != "plain":
        figures["page_cpu_ms"] = {what: layout.page_ms(symbol, path) for what, symbol in READ.items()}
    layout.connection.close()
    return figures | {"distribution": DISTRIBUTION, "machine": machine()}


def main() -> None:
    """Measure the layouts that are named, or all."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    rounds = rounds_of(made_up(rows, trades=1.0))
    for name in sys.argv[2:] or LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(name, rounds, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
