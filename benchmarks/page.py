"""How long a page of 10,000 trades takes: `python -m benchmarks.page [ROWS]`.

Prints JSON lines; the store holds a made-up day of that many trades.

* `page/read_and_encode`: rows read from SQLite, made into ticks, encoded as JSON, in this process;
  pages of the busiest symbol, at random places. `page/many_symbols`: pages across thin symbols.
  `cpu_p50_ms` is processor time, which a busy machine changes less.
* `page/pool`: the same through the pool, from question to answer, one question at a time.
* `page/loop_lag_processes`, `page/loop_lag_threads`: how late the event loop runs a 1 ms timer
  while two such pages are always under way, in the pool's processes, or in threads instead.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks._ticks import DISTRIBUTION, START_NS, made_up
from benchmarks.store import rounds_of
from config.settings import StorageSettings
from proofs.machine import machine
from storage.contract import Key
from storage.encode import encode_rows
from storage.history import History, HistoryQuery
from storage.pool import HistoryPool
from storage.scan_messages import PageRequest
from storage.sqlite.reader import SqliteReader
from storage.sqlite.writer import SqliteWriter

ROWS: Final = 2_000_000
PAGE_ROWS: Final = 10_000
PAGES: Final = 100
BUSIEST: Final = "S0"
LAG_SECONDS: Final = 5.0
TIMER_SECONDS: Final = 0.001
READERS: Final = 2

Page = Callable[[], Awaitable[object]]


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the longest, in ms."""
    seconds.sort()
    places = {"p50_ms": len(seconds) // 2, "p99_ms": len(seconds) * 99 // 100, "max_ms": len(seconds) - 1}
    return {name: round(seconds[place] * 1000, 2) for name, place in places.items()}


def report(name: str, seconds: list[float], **more: object) -> None:
    """Print one line."""
    about = {"rows": PAGE_ROWS, "distribution": DISTRIBUTION, "machine": machine()}
    print(json.dumps({"benchmark": f"page/{name}", **percentiles(seconds), **more, **about}), flush=True)


class Pages:
    """Pages of the busiest symbol from random places on, all of them full."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder = folder
        self.known_at = rows
        reader = SqliteReader(folder / "store")
        history = History(reader, lambda after_m, up_to_m: (), lambda: rows)
        self.query = HistoryQuery("trades", (BUSIEST,))
        whole = history.page(self.query, rows, None, 1_000_000)
        self._places = [row.key for row in whole.rows[: max(1, len(whole.rows) - PAGE_ROWS)]]
        self._chance = random.Random(7)
        reader.close()

    def after(self) -> Key:
        """Where a page begins."""
        return self._chance.choice(self._places)

    def history(self) -> History:
        """A history of its own, as each worker has one."""
        return History(
            SqliteReader(self.folder / "store"), lambda after_m, up_to_m: (), lambda: self.known_at
        )

    def encoded(self, history: History, query: HistoryQuery, after: Key | None) -> bytes:
        """One page, read and encoded."""
        page = history.page(query, self.known_at, after, PAGE_ROWS)
        assert len(page.rows) == PAGE_ROWS
        return encode_rows(page.rows, {}, lines=False)


def here(pages: Pages) -> None:
    """Pages in this process."""
    history = pages.history()
    measured("read_and_encode", lambda: pages.encoded(history, pages.query, pages.after()))
    thin = (Key(f"S{number}", START_NS, 0) for number in range(1_000, 1_000 + PAGES))
    measured("many_symbols", lambda: pages.encoded(history, HistoryQuery("trades"), next(thin)))


def measured(name: str, page: Callable[[], bytes]) -> None:
    """Time some pages and report them."""
    wall, cpu, size = [], [], 0
    for _ in range(PAGES):
        started, started_cpu = time.perf_counter(), time.process_time()
        size = len(page())
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - started_cpu)
    report(name, wall, cpu_p50_ms=percentiles(cpu)["p50_ms"], bytes=size)


async def through_pool(pages: Pages) -> None:
    """Pages through the pool, one at a time; then the loop's lag while two are under way."""
    pool = HistoryPool(StorageSettings(readers=READERS), pages.folder)

    async def page() -> object:
        return await pool.page(PageRequest(pages.query, pages.known_at, pages.after(), PAGE_ROWS))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(pool.run())
        seconds = []
        for _ in range(PAGES):
            started = time.perf_counter()
            await page()
            seconds.append(time.perf_counter() - started)
        report("pool", seconds)
        await lag("loop_lag_processes", page)
        task.cancel()


async def in_threads(pages: Pages) -> None:
    """The loop's lag when the same work is done in threads."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        histories = {}
        for thread in (one, two):  # SQLite's connections stay in their thread
            histories[thread] = await loop.run_in_executor(thread, pages.history)
        free = [one, two]

        async def page() -> object:
            thread = free.pop()
            try:
                return await loop.run_in_executor(
                    thread, pages.encoded, histories[thread], pages.query, pages.after()
                )
            finally:
                free.append(thread)

        await lag("loop_lag_threads", page)


async def lag(name: str, page: Page) -> None:
    """Measure how late a timer is while two pages are always under way."""
    end = time.perf_counter() + LAG_SECONDS
    done = 0

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await page()
            done += 1

    late = []
    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(ask())
        while time.perf_counter() < end:
            started = time.perf_counter()
            await asyncio.sleep(TIMER_SECONDS)
            late.append(time.perf_counter() - started - TIMER_SECONDS)
    report(name, late, pages_per_s=round(done / LAG_SECONDS, 1))


def main() -> None:
    """Fill a store and measure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        writer = SqliteWriter(Path(name) / "store", "benchmark")
        for round_ in rounds_of(iter(made_up(rows, trades=1.0))):
            writer.write(round_, round_[-1].last_m)
        writer.close()
        pages = Pages(Path(name), rows)
        here(pages)
        asyncio.run(through_pool(pages))
        asyncio.run(in_threads(pages))


if __name__ == "__main__":
    main()
