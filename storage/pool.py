"""History queries off the event loop, in worker processes.

Processes, not threads: reading and encoding a page of 10,000 rows keeps an interpreter busy
for some 55 ms, and a thread takes them from the loop that serves live ticks. With two such pages
always under way, the 99th percentile of a timer's lateness was 3 ms beside processes and 18 ms
beside threads (14 and 75 ms on a busier machine), and processes gave 1.4 times the pages:
`python -m benchmarks.page`, 2 × AMD EPYC, Linux 6.18, Python 3.11.7.

The wiring keeps `run` going; everything else waits for replies.

Bounds: `settings.readers` workers, each with one request at a time; `WAITING_MAX` requests
that wait or run, then `HistoryBusy`; a request for `REQUEST_SECONDS`. Requests are served in
the order they came, page by page, so a long stream does not hold up a short question. A
request whose caller has gone is not begun, and one that runs is ended within
`LEAVING_SECONDS`.
"""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from config.settings import StorageSettings
from storage.child import ChildSettings, child_command, child_environment
from storage.contract import MarkRange
from storage.errors import HistoryBusy, StoreUnavailable
from storage.history import Gaps, Stored
from storage.scan_messages import (
    LENGTH,
    EncodedLatest,
    EncodedPage,
    ErrorReply,
    FirstTimeRequest,
    GapsReply,
    GapsRequest,
    LatestRequest,
    MarkAtRequest,
    NumberReply,
    PageRequest,
    Reply,
    Request,
    StoredReply,
    StoredRequest,
    decode_reply,
    encode_message,
    error_of,
)

WAITING_MAX: Final = 128
REQUEST_SECONDS: Final = 30.0
LEAVING_SECONDS: Final = 0.5
_STREAM_BYTES: Final = 1 << 20

_ENDED: Final = StoreUnavailable("history is shutting down")

R = TypeVar("R", bound=Reply)


class HistoryPool:
    """Asks the workers. Use from one event loop.

    Every question may raise

    * `HistoryBusy`: too many are waiting;
    * `StoreUnavailable`: the store cannot answer now, or took too long;
    * `StoreDamaged`: somebody has to look;
    * `QueryError`: the question has no meaning.
    """

    def __init__(self, settings: StorageSettings, data_dir: Path) -> None:
        """The folder has to exist; the store in it need not."""
        self.waiting = 0
        """Requests that wait or run now."""
        self.begun = 0
        """Requests that a worker was given."""
        self.answered = 0
        self.refused = 0
        """Requests turned away because too many were waiting."""
        self.ended = 0
        """Workers that were ended because nobody waited any more, took too long, or died."""
        self._command = child_command("storage.scan_process", data_dir)
        # The boot id only concerns writers.
        self._environment = child_environment(ChildSettings(settings, ""))
        self._readers = settings.readers
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()  # bounded by `waiting`

    async def run(self) -> None:
        """Keep the workers going until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._readers):
                    group.create_task(self._serve())
        finally:
            while not self._jobs.empty():
                self._jobs.get_nowait().fail(_ENDED)

    async def page(self, request: PageRequest) -> EncodedPage:
        """One page of rows as JSON."""
        return await self._ask(request, EncodedPage)

    async def stream(
        self, request: PageRequest, rows_max: int | None = None
    ) -> AsyncGenerator[EncodedPage, None]:
        """Yield the pages of a walk, `request.limit` rows at most in each, up to `rows_max` in all.

        The next page is read when it is asked for: whoever stops asking stops the scan.
        """
        left = rows_max
        while left is None or left > 0:
            limit = request.limit if left is None else min(request.limit, left)
            page = await self.page(structs.replace(request, limit=limit))
            yield page
            if page.next_key is None:
                return
            left = None if left is None else left - page.rows
            request = structs.replace(request, after=page.next_key)

    async def latest(self, request: LatestRequest) -> EncodedLatest:
        """The newest row of each symbol as JSON."""
        return await self._ask(request, EncodedLatest)

    async def gaps(self, lineup: str, start_ns: int, end_ns: int, known_at: int) -> Gaps:
        """The gaps that touch a stretch of time."""
        return (await self._ask(GapsRequest(lineup, start_ns, end_ns, known_at), GapsReply)).gaps

    async def first_ts(self, family: str, lineup: str) -> int | None:
        """The oldest event time stored, ns; None when nothing is."""
        return (await self._ask(FirstTimeRequest(family, lineup), NumberReply)).number

    async def mark_at(self, time_ns: int, up_to_m: int) -> int | None:
        """The last mark up to `up_to_m` received at or before a time; 0 when there is none.

        None when the tape is not kept so far back.
        """
        return (await self._ask(MarkAtRequest(time_ns, up_to_m), NumberReply)).number

    async def stored(self, ranges: Sequence[MarkRange]) -> Stored:
        """What the store holds of some marks."""
        return (await self._ask(StoredRequest(tuple(ranges)), StoredReply)).stored

    async def _ask(self, request: Request, kind: type[R]) -> R:
        if self.waiting >= WAITING_MAX:
            self.refused += 1
            raise HistoryBusy("too many history queries are waiting")
        job = _Job(request, asyncio.get_running_loop().create_future())
        self.waiting += 1
        self._jobs.put_nowait(job)
        try:
            reply = await job.reply
        finally:
            self.waiting -= 1
        self.answered += 1
        if isinstance(reply, ErrorReply):
            raise error_of(reply)
        assert isinstance(reply, kind)  # each request has its own kind of reply
        return reply

    async def _serve(self) -> None:
        """Hand requests to one worker, which is started again when it died."""
        worker: Process | None = None
        try:
            worker = await self._start()
            while True:
                job = await self._jobs.get()
                if job.reply.done():
                    continue  # the caller has gone
                try:
                    worker = worker or await self._start()
                    self.begun += 1
                    job.finish(await _exchange(worker, job))
                except (OSError, EOFError, TimeoutError, msgspec.DecodeError) as error:
                    await _end(worker)
                    worker = None
                    self.ended += 1
                    job.fail(StoreUnavailable(f"the history worker ended ({error!r}): ask again"))
                except asyncio.CancelledError:
                    job.fail(_ENDED)
                    raise
        finally:
            await _end(worker)

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=self._environment, limit=_STREAM_BYTES
        )


class _Job:
    """A request, and whoever waits for its reply."""

    def __init__(self, request: Request, reply: asyncio.Future[Reply]) -> None:
        self.request = request
        self.reply = reply

    def finish(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)


async def _exchange(worker: Process, job: _Job) -> Reply:
    """Send a request and read its reply; kill the worker when it takes too long for anybody."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.TimerHandle] = []

    def caller_left(reply: asyncio.Future[Reply]) -> None:
        leaving.append(loop.call_later(LEAVING_SECONDS, _kill, worker))

    job.reply.add_done_callback(caller_left)
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            worker.stdin.write(encode_message(job.request))
            await worker.stdin.drain()
            (length,) = LENGTH.unpack(await worker.stdout.readexactly(LENGTH.size))
            return decode_reply(await worker.stdout.readexactly(length))
    finally:
        job.reply.remove_done_callback(caller_left)
        for timer in leaving:
            timer.cancel()


async def _end(worker: Process | None) -> None:
    """Kill a worker: it only reads, so there is nothing it would have to finish."""
    if worker is not None:
        _kill(worker)
        await worker.wait()


def _kill(worker: Process) -> None:
    if worker.returncode is None:
        worker.kill()
