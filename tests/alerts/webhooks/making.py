"""Deliveries, and receivers that are real HTTP servers on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Raw, Struct

from alerts.model import Delivery, Fire, Owner, StoredFire, event_id

ANN = Owner("default", "ann")
BOB = Owner("default", "bob")
ALERT = "0b2f8d5e-6a63-4c6c-9d1f-3f1f6d1f0a01"
NS = 1_000_000_000
NOW = 1_800_000_000 * NS


def stored(number: int = 1, owner: Owner = ANN, channel: str = "webhook:wh_1") -> StoredFire:
    """A ring that is committed."""
    fire = Fire(
        event_id(ALERT, number), ALERT, owner, 1, number, "AAPL", "", 40 + number, NOW - 3, NOW - 2,
        192_310_000_000, (channel,), 0, Raw(b'{"conditions":[],"tick":null,"before":null,"quote":null}'),
    )  # fmt: skip
    return StoredFire(number, fire, NOW)


def delivery(
    number: int, owner: Owner = ANN, channel: str = "webhook:wh_1", use_by_ns: int = NOW + 900 * NS
) -> Delivery:
    """A row of the outbox that was claimed."""
    return Delivery(number, channel, 1, use_by_ns, stored(number, owner, channel))


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Got(Struct, frozen=True):
    """A request that a receiver has got."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """Which ring it is."""
        return self.headers["webhook-id"]


class Receiver:
    """What a receiver has got, and how it answers: tests set `answer`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.got: list[Got] = []
        self.answer: Answer = ok

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(headers, await request.read()))
        return await self.answer(request)


async def ok(request: web.Request) -> web.StreamResponse:
    """Take it."""
    return web.Response(status=204)


def answering(status: int, **headers: str) -> Answer:
    """Answer with a status."""

    async def answer(request: web.Request) -> web.StreamResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text="because\nof \x1b[31mthat", headers=names)

    return answer


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def flood(request: web.Request) -> web.StreamResponse:
    """Answer 500 with a body without end."""
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    made: list[Receiver] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        return await made[0].handle(request)

    app.router.add_route("*", "/{path:.*}", handle)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.append(Receiver(runner.addresses[0][1]))
        yield made[0]
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds; it fails after a while."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the condition is in another part of the process
            await asyncio.sleep(0.002)
