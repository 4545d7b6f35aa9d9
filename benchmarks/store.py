"""How fast ticks get into the SQLite store: `python -m benchmarks.store [ROWS]`.

Prints one JSON line per load. `rows_per_s` is wall-clock time from `Batch` objects to committed
rows, the checkpoint included, in rounds as the writer makes them, median of three runs with a
store of its own each; `rows_per_cpu_s` the same per second of processor time, which a busy machine
changes less; `last_quarter` is over the last quarter of the rows, when the files are largest. The
loads: `trades` alone, `quotes` alone, `mixed` (one trade to nine quotes), and `drain`: mixed, read
from a journal on the disk, as the writer process does it.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks._ticks import DISTRIBUTION, made_up
from config.settings import StorageSettings, TapeSettings
from proofs.machine import machine
from storage.sqlite.writer import SqliteWriter
from tape.batch import Batch
from tape.reader import TapeReader
from tape.tape import Tape

ROWS: Final = 2_000_000
RUNS: Final = 3
SETTINGS: Final = StorageSettings()
LOADS: Final = {"trades": 1.0, "quotes": 0.0, "mixed": 0.1}


def rounds_of(batches: Iterator[Batch]) -> Iterator[list[Batch]]:
    """Batches in rounds of as many rows as the settings allow."""
    round_: list[Batch] = []
    rows = 0
    for batch in batches:
        round_.append(batch)
        rows += len(batch.ticks)
        if rows >= SETTINGS.round_rows:
            yield round_
            round_, rows = [], 0
    if round_:
        yield round_


def write(batches: Iterator[Batch], folder: Path, rows: int) -> tuple[float, float, float, float]:
    """Rows per second, per CPU second, per second of the last quarter, and the longest round in ms."""
    writer = SqliteWriter(folder, "benchmark", open_files=SETTINGS.open_files, cache_kib=SETTINGS.cache_kib)
    gc.collect()
    started, started_cpu = time.perf_counter(), time.process_time()
    stored, quarter_at, quarter_rows, slowest, before = 0, started, 0, 0.0, started
    for round_ in rounds_of(batches):
        writer.write(round_, round_[-1].last_m)
        stored += sum(len(batch.ticks) for batch in round_)
        now = time.perf_counter()
        slowest, before = max(slowest, now - before), now
        if stored <= rows * 3 // 4:
            quarter_at, quarter_rows = now, stored
    ended, cpu = time.perf_counter(), time.process_time() - started_cpu
    writer.close()
    return (
        stored / (ended - started),
        stored / cpu,
        (stored - quarter_rows) / (ended - quarter_at),
        slowest * 1000,
    )


def journal(batches: list[Batch], folder: Path) -> TapeReader:
    """A tape with these ticks on the disk."""
    tape = Tape(TapeSettings(), folder, batches[0].ticks[0].ts_recv)
    for batch in batches:
        tape.publish("", batch.ticks, None, batch.ticks[-1].ts_recv)
    tape.flush()
    tape.close()
    return TapeReader(folder)


def measure(load: str, rows: int) -> dict[str, object]:
    """The median of some runs of one load."""
    batches = made_up(rows, LOADS.get(load, LOADS["mixed"]))
    figures = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as name:
            source = iter(batches)
            if load == "drain":
                reader = journal(batches, Path(name) / "tape")
                source = (item for item in reader.read(0, rows) if isinstance(item, Batch))
            figures.append(write(source, Path(name) / "store", rows))
            size = sum(path.stat().st_size for path in (Path(name) / "store").glob("*.sqlite"))
    return {
        "benchmark": f"store/{load}",
        "rows": rows,
        "rows_per_s": round(median(figure[0] for figure in figures)),
        "range": [round(pick(figure[0] for figure in figures)) for pick in (min, max)],
        "rows_per_cpu_s": round(median(figure[1] for figure in figures)),
        "last_quarter_rows_per_s": round(median(figure[2] for figure in figures)),
        "slowest_round_ms": round(max(figure[3] for figure in figures), 1),
        "bytes_per_row": round(size / rows, 1),
        "distribution": DISTRIBUTION,
        "machine": machine(),
    }


def main() -> None:
    """Measure each load and print it."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for load in (*LOADS, "drain"):
        print(json.dumps(measure(load, rows)), flush=True)


if __name__ == "__main__":
    main()
