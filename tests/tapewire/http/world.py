"""A small real system for the routes: accounts, marks, a clock that is set, and a server on loopback."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from msgspec.structs import replace
from yarl import URL

from accounts import Accounts
from config.settings import AccountsSettings, HttpSettings, TokenSettings
from storage.cursor import CursorKeeper
from storage.errors import StorageError
from storage.history import Gaps, History
from storage.memory import MemoryStore
from storage.scan_messages import (
    EncodedLatest,
    EncodedPage,
    ErrorReply,
    GapsReply,
    GapsRequest,
    LatestRequest,
    MarkAtRequest,
    NumberReply,
    PageRequest,
    Reply,
    Request,
    error_of,
)
from storage.scan_process import answer
from tape.batch import Batch
from tape.latest import Latest
from tape.marks import Marks
from tapewire.alert_desk import AlertDesk
from tapewire.health import Health, States, assess
from tapewire.http.application import build_app
from tapewire.http.call import Route
from tapewire.http.routes import ROUTES
from tapewire.http.server import HttpRunner
from tapewire.http.services import Services
from tapewire.metrics import Metric
from tapewire.preflight import open_listener
from tests.tapewire.http import conformance
from ticks.channels import channel_of
from ticks.model import Tick
from ticks.times import parse_time

NOW = parse_time("2026-07-13T20:00:00Z")
TOKENS = (
    TokenSettings(user="ann", token="canary-ann"),
    TokenSettings(user="bob", token="canary-bob", live=("t:AAPL",), delayed=("t:MSFT", "q:AAPL")),
    TokenSettings(user="cyd", token="canary-cyd", live=(), delayed=("*",)),
    TokenSettings(user="eve", token="canary-eve", expires="2026-07-13T19:00:00Z"),
    TokenSettings(user="ann", tenant="other", token="canary-other"),
)


R = TypeVar("R", bound=Reply)


class WorldHistory:
    """The real history over the memory model and a list of batches, without processes.

    `failure` is raised in place of an answer; `held` keeps a walk waiting behind its first page;
    a look into the store finds at most `rows_of_a_look` rows, as a real one may.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._history = History(world.store, world.read_tape, lambda: world.marks.durable)
        self.failure: StorageError | None = None
        self.held: asyncio.Event | None = None
        self.rows_of_a_look = 10**6
        self.pages = 0
        self.left = asyncio.Event()
        """Set when a walk was left before its end."""

    async def page(self, request: PageRequest) -> EncodedPage:
        """One page."""
        self.pages += 1
        short = replace(request, limit=min(request.limit, self.rows_of_a_look))
        return self._ask(short, EncodedPage)

    async def stream(
        self, request: PageRequest, rows_max: int | None = None
    ) -> AsyncGenerator[EncodedPage, None]:
        """Page after page, as the pool does."""
        left = rows_max
        try:
            while left is None or left > 0:
                limit = request.limit if left is None else min(request.limit, left)
                page = await self.page(replace(request, limit=limit))
                yield page
                if page.next_key is None:
                    return
                left = None if left is None else left - page.rows
                request = replace(request, after=page.next_key)
                if self.held is not None:
                    await self.held.wait()
        except (GeneratorExit, asyncio.CancelledError):
            self.left.set()
            raise

    async def latest(self, request: LatestRequest) -> EncodedLatest:
        """Newest rows."""
        return self._ask(request, EncodedLatest)

    async def gaps(self, lineup: str, start_ns: int, end_ns: int, known_at: int) -> Gaps:
        """Gaps."""
        return self._ask(GapsRequest(lineup, start_ns, end_ns, known_at), GapsReply).gaps

    async def mark_at(self, time_ns: int, up_to_m: int) -> int | None:
        """By receive time."""
        return self._ask(MarkAtRequest(time_ns, up_to_m), NumberReply).number

    def _ask(self, request: Request, kind: type[R]) -> R:
        if self.failure is not None:
            raise self.failure
        reply = answer(request, self._history, self._world.mark_at)
        if isinstance(reply, ErrorReply):
            raise error_of(reply)
        assert isinstance(reply, kind)
        return reply


class World:
    """What the routes see; tests change it while it is served."""

    def __init__(self, folder: Path) -> None:
        self.now_ns = NOW
        self.marks = Marks(folder)
        self.marks.epoch = 1
        self.states = States(True, False, "ok", "alive", 0, 0)
        self.audited: list[tuple[Any, ...]] = []
        self.accounts = Accounts(AccountsSettings(tokens=TOKENS), lambda *line: self.audited.append(line))
        self.settings = HttpSettings(port=0)
        self.metrics: list[Metric] = [Metric("ticks", "counter", "Ticks.", lambda: self.marks.accepted)]
        self.store = MemoryStore()
        self.tape: list[Batch] = []
        self.memory: dict[str, Latest] = {}
        self.history = WorldHistory(self)
        self.cursors = CursorKeeper(bytes(32), self.settings.cursor_ttl_s)
        self.desk: AlertDesk | None = None
        self._numbers: dict[str, int] = {}

    def publish(self, *ticks: Tick, lineup: str = "") -> None:
        """Number ticks, put them on the tape, and remember the newest."""
        ns = []
        for m, tick in enumerate(ticks, self.marks.accepted + 1):
            channel = str(channel_of(tick, lineup))
            self._numbers[channel] = self._numbers.get(channel, 0) + 1
            ns.append(self._numbers[channel])
            self.memory[channel] = Latest(tick, ns[-1], m, 1)
        self.tape.append(Batch(1, lineup, self.marks.accepted + 1, [0] * len(ns), ns, list(ticks)))
        self.marks.accepted = self.marks.durable = self.marks.accepted + len(ticks)

    def store_all(self) -> None:
        """Do the writer's work up to now."""
        self.store.write(self.tape, self.marks.durable)
        self.marks.stored = self.store.stored_m()

    def read_tape(self, after_m: int, up_to_m: int) -> Iterator[Batch]:
        """The tape between two marks."""
        for batch in self.tape:
            first = max(0, after_m + 1 - batch.first_m)
            last = max(0, up_to_m + 1 - batch.first_m)
            if batch.ticks[first:last]:
                numbers, ticks = batch.ns[first:last], batch.ticks[first:last]
                yield Batch(1, batch.lineup, batch.first_m + first, [0] * len(ticks), numbers, ticks)

    def mark_at(self, time_ns: int, up_to_m: int) -> int | None:
        """The last mark received up to a time; None when the tape does not begin at its first mark."""
        marks = [
            batch.first_m + place
            for batch in self.tape
            for place, tick in enumerate(batch.ticks)
            if tick.ts_recv <= time_ns
        ]
        first_m = self.tape[0].first_m if self.tape else 1
        return max((m for m in marks if m <= up_to_m), default=0 if first_m == 1 else None)

    def health(self) -> Health:
        """What the states mean now."""
        return assess(replace(self.states, accepted=self.marks.accepted, stored=self.marks.stored))

    def services(self) -> Services:
        """The system as the routes see it."""
        return Services(
            settings=self.settings,
            accounts=self.accounts,
            history=self.history,
            cursors=self.cursors,
            marks=self.marks,
            latest=self.memory.get,
            health=self.health,
            metrics=lambda: self.metrics,
            now_ns=lambda: self.now_ns,
            desk=self.desk,
        )

    @asynccontextmanager
    async def serving(self, routes: Sequence[Route] = ROUTES) -> AsyncIterator["Client"]:
        """A server on a free port, and a client for it."""
        listener = open_listener(self.settings)
        runner = HttpRunner(
            build_app(self.services(), routes), now_ns=lambda: self.now_ns, shutdown_seconds=1.0
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                yield Client(session, listener.getsockname()[1], described=tuple(routes) == ROUTES)
        finally:
            await runner.cleanup()


class Answer:
    """An answer that was read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The name of the problem it is; empty when it is none."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return ""
        assert self.json["status"] == self.status
        return str(self.json["type"]).removeprefix("urn:tapewire:problem:")


class Client:
    """Asks the server. `described`: each answer is compared with the OpenAPI document."""

    def __init__(self, session: aiohttp.ClientSession, port: int, *, described: bool = False) -> None:
        self.session = session
        self.described = described
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def get(self, path: str, token: str = "canary-ann", method: str = "GET", **headers: str) -> Answer:
        """One request; without a token when that is empty."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, headers=headers) as response:
            return await self._answer(method, path, response)

    async def send(
        self, method: str, path: str, body: Any = None, token: str = "canary-ann", **headers: str
    ) -> Answer:
        """A request with a body: bytes as they are, anything else as JSON, none when it is None."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        if token:
            sent["Authorization"] = f"Bearer {token}"
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, data=data, headers=sent) as response:
            answer = await self._answer(method, path, response)
        if self.described and data and answer.status < 300:
            conformance.check_body(method, path, data)
        return answer

    async def _answer(self, method: str, path: str, response: aiohttp.ClientResponse) -> Answer:
        answer = Answer(response.status, response.headers, await response.read())
        if self.described:
            content_type = response.headers.get("Content-Type", "")
            conformance.check(method, path, answer.status, content_type, answer.body)
        return answer

    async def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; everything that comes back until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
