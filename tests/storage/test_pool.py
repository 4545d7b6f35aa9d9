"""Questions to the pool: answers, errors, bounds, and callers that leave."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage import pool as pool_module
from storage.contract import Key
from storage.errors import HistoryBusy, QueryError, StoreUnavailable
from storage.history import HistoryQuery
from storage.pool import HistoryPool
from storage.scan_messages import LatestRequest, PageRequest
from tests.storage.making import NOON
from tests.storage.running import open_tape, publish, some_ticks, wait_for, writer_process

TRADES = HistoryQuery("trades")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder: 900 ticks in the store, 300 more on the tape."""
    folder = tmp_path_factory.mktemp("data")
    tape = open_tape(folder)
    publish(tape, some_ticks(0, 900))
    with writer_process(folder) as run:
        wait_for(lambda: tape.marks.stored == 900, "the store")
        run.process.terminate()
        run.wait()
    publish(tape, some_ticks(900, 300))
    tape.close()
    return folder


@asynccontextmanager
async def running(folder: Path, readers: int = 1) -> AsyncIterator[HistoryPool]:
    """A pool that works until the end of the block."""
    pool = HistoryPool(StorageSettings(readers=readers), folder)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pool.run())
        try:
            yield pool
        finally:
            task.cancel()


async def let_it_begin() -> None:
    """Give the loop the turns it needs to hand a request to a worker."""
    for _ in range(20):
        await asyncio.sleep(0)


def workers() -> set[int]:
    """The processes that are our children and history workers."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            command = (entry.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and b"storage.scan_process" in command and fields[0] != "Z":
            found.add(int(entry.parent.name))
    return found


async def test_rows_of_store_and_tape_come_as_json(folder: Path) -> None:
    """A page as of a mark, with where to go on."""
    async with running(folder) as pool:
        page = await pool.page(PageRequest(TRADES, 1_200, limit=100))
        rows = json.loads(b"[%b]" % page.body)
        assert len(rows) == page.rows == 100
        assert (page.known_at, page.complete_until, page.gaps) == (1_200, 1_200, [])
        assert page.next_key is not None
        assert rows[-1]["m"] == page.next_key.m
        last = await pool.page(PageRequest(TRADES, 1_200, Key("S6", NOON, 0), 1_000))
        assert last.next_key is None
        assert pool.answered == 2


async def test_a_stream_is_the_whole_in_pages(folder: Path) -> None:
    """Line by line, and no further than asked."""
    async with running(folder, readers=2) as pool:
        request = PageRequest(TRADES, 1_200, limit=150, lines=True)
        lines = [
            line for page in [page async for page in pool.stream(request)] for line in page.body.splitlines()
        ]
        ms = [json.loads(line)["m"] for line in lines]
        assert sorted(ms) == list(range(1, 1_201, 3))
        some = [page.rows async for page in pool.stream(request, 200)]
        assert some == [150, 50]
        assert [page.rows async for page in pool.stream(request, 0)] == []


async def test_the_other_questions_are_answered_too(folder: Path) -> None:
    """Newest rows, gaps, times, marks, counts."""
    async with running(folder) as pool:
        latest = await pool.latest(LatestRequest("quotes", "", ("S1", "NONE"), 1_200))
        assert list(latest.rows) == ["S1"]
        assert json.loads(latest.rows["S1"])["m"] > 900
        assert (await pool.gaps("", 0, NOON * 2, 1_200)).gaps == []
        assert await pool.first_ts("trades", "") == NOON
        assert await pool.first_ts("bars", "") is None
        assert await pool.mark_at(NOON * 2, 1_000) == 1_000
        assert await pool.mark_at(1, 1_000) == 0
        stored = await pool.stored([(1, 1_200)])
        assert (stored.counts, stored.symbols) == ({"trade": 300, "quote": 600}, 7)


async def test_errors_arrive_as_what_they_are(folder: Path) -> None:
    """And the worker goes on."""
    async with running(folder) as pool:
        with pytest.raises(QueryError, match="no such table"):
            await pool.page(PageRequest(HistoryQuery("nonsense"), 5))
        assert (await pool.page(PageRequest(TRADES, 5))).rows == 2
        assert pool.ended == 0


async def test_more_than_may_wait_are_refused_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait are answered all the same, in order."""
    monkeypatch.setattr(pool_module, "WAITING_MAX", 5)
    async with running(folder) as pool:
        asked = [asyncio.ensure_future(pool.page(PageRequest(TRADES, 1_200, limit=n + 1))) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(HistoryBusy):
            await pool.page(PageRequest(TRADES, 5))
        assert [page.rows for page in await asyncio.gather(*asked)] == [1, 2, 3, 4, 5]
        assert (pool.refused, pool.waiting) == (1, 0)
        assert (await pool.page(PageRequest(TRADES, 5))).rows == 2


async def test_a_request_whose_caller_left_is_not_begun(folder: Path) -> None:
    """Five hundred impatient clients cost nothing."""
    async with running(folder) as pool:
        await pool.page(PageRequest(TRADES, 5))
        asked = [asyncio.ensure_future(pool.page(PageRequest(TRADES, 1_200))) for _ in range(100)]
        await asyncio.sleep(0)
        for one in asked[1:]:
            one.cancel()
        await asyncio.wait(asked)
        assert (await pool.page(PageRequest(TRADES, 5))).rows == 2
        assert (pool.begun, pool.answered, pool.waiting) == (3, 3, 0)


async def test_a_worker_that_nobody_waits_for_any_more_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that hangs (here: stopped) holds nobody up once its caller has left."""
    monkeypatch.setattr(pool_module, "LEAVING_SECONDS", 0.01)
    async with running(folder) as pool:
        await pool.page(PageRequest(TRADES, 5))
        (worker,) = workers()
        os.kill(worker, signal.SIGSTOP)
        asked = asyncio.ensure_future(pool.page(PageRequest(TRADES, 1_200)))
        await let_it_begin()
        asked.cancel()
        async with asyncio.timeout(pool_module.REQUEST_SECONDS / 2):
            assert (await pool.page(PageRequest(TRADES, 5))).rows == 2
        assert pool.ended == 1
        assert worker not in workers()


async def test_a_worker_that_takes_too_long_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told, and the next one is served by a new worker."""
    async with running(folder) as pool:
        await pool.page(PageRequest(TRADES, 5))
        monkeypatch.setattr(pool_module, "REQUEST_SECONDS", 0.05)
        (worker,) = workers()
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(StoreUnavailable, match="ask again"):
            await pool.page(PageRequest(TRADES, 1_200))
        monkeypatch.undo()
        assert (await pool.page(PageRequest(TRADES, 5))).rows == 2


async def test_a_worker_that_dies_fails_one_request_only(folder: Path) -> None:
    """Whatever killed it."""
    async with running(folder) as pool:
        await pool.page(PageRequest(TRADES, 5))
        (worker,) = workers()
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(StoreUnavailable):
            await pool.page(PageRequest(TRADES, 5))
        assert (await pool.page(PageRequest(TRADES, 5))).rows == 2


async def test_nothing_is_left_when_the_pool_ends(folder: Path) -> None:
    """No process, and nobody who waits for ever."""
    async with running(folder, readers=2) as pool:
        await pool.page(PageRequest(TRADES, 5))
        for worker in workers():
            os.kill(worker, signal.SIGSTOP)
        asked = [asyncio.ensure_future(pool.page(PageRequest(TRADES, 5))) for _ in range(5)]
        await let_it_begin()
    for one in asked:
        with pytest.raises(StoreUnavailable, match="shutting down"):
            await one
    assert workers() == set()
