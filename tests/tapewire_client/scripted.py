"""A hub that does what the test says: a real WebSocket server on loopback, driven message by message."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tapewire_client import Backoff, Client, connect
from tests.tapewire_client.wire import ok, snap, welcome

SECONDS_MAX = 20.0
JSON = Subprotocol("tapewire.v1.json")
MSGPACK = Subprotocol("tapewire.v1.msgpack")


class Visit:
    """One connection of a client."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.packed = socket.subprotocol == MSGPACK

    async def receive(self) -> dict[str, Any]:
        """The next message of the client; each comes in a frame of its own."""
        async with asyncio.timeout(SECONDS_MAX):
            frame = await self.socket.recv(decode=False)
        (message,) = msgspec.msgpack.decode(frame) if self.packed else json.loads(frame)
        assert isinstance(message, dict)
        return message

    async def send(self, *messages: dict[str, Any]) -> None:
        """Send one frame of messages."""
        if self.packed:
            await self.socket.send(msgspec.msgpack.encode(list(messages)))
        else:
            await self.socket.send(json.dumps(list(messages)))

    async def greet(self, *more: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Take the hello and welcome the client, perhaps with more in the same frame; the hello."""
        hello = await self.receive()
        assert hello["op"] == "hello"
        await self.send(welcome(**fields), *more)
        return hello

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close in an orderly way."""
        await self.socket.close(code, reason)

    def cut(self) -> None:
        """Break the connection without a word."""
        self.socket.transport.abort()


class ScriptedHub:
    """Waits for clients."""

    def __init__(self) -> None:
        self.answer: tuple[HTTPStatus, dict[str, str]] | None = None
        """What is answered in place of the handshake: status, headers."""
        self.script: Callable[[Visit], Awaitable[None]] | None = None
        """What happens on each connection; without it the test takes them with `visit`."""
        self.visits: asyncio.Queue[Visit] = asyncio.Queue()
        self.url = ""

    async def visit(self) -> Visit:
        """The next connection of a client."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.visits.get()

    async def greeted(self, **fields: Any) -> Visit:
        """The next connection, welcomed."""
        visit = await self.visit()
        await visit.greet(**fields)
        return visit

    async def _handle(self, socket: ServerConnection) -> None:
        if self.script is not None:
            await self.script(Visit(socket))
        else:
            self.visits.put_nowait(Visit(socket))
            await socket.wait_closed()

    def _process(self, socket: ServerConnection, request: Request) -> Response | None:
        if self.answer is None:
            return None
        status, headers = self.answer
        response = socket.respond(status, "")
        response.headers.update(headers)
        return response


@asynccontextmanager
async def scripted_hub(subprotocols: tuple[Subprotocol, ...] = (JSON, MSGPACK)) -> AsyncIterator[ScriptedHub]:
    """A hub on a free port."""
    hub = ScriptedHub()
    server: Server
    async with serve(
        hub._handle, "127.0.0.1", 0, subprotocols=subprotocols, process_request=hub._process, compression=None
    ) as server:
        hub.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/stream"
        yield hub


def at_once(rng: random.Random | None = None) -> Backoff:
    """Waits of nothing, until the hub says otherwise."""
    return Backoff(0.0, 0.0, rng)


async def take(client: Client, op: str) -> dict[str, Any]:
    """Iterate to the next message with this op."""
    async with asyncio.timeout(SECONDS_MAX):
        async for message in client:
            if message["op"] == op:
                return dict(message)
    raise AssertionError("the client was closed")


async def numbers(client: Client, count: int) -> list[int]:
    """The numbers of the next ticks."""
    return [(await take(client, "t"))["n"] for _ in range(count)]


async def take_all(client: Client) -> list[str]:
    """The ops of everything until the client is closed."""
    async with asyncio.timeout(SECONDS_MAX):
        return [message["op"] async for message in client]


async def opened(
    hub: ScriptedHub, *, rng: random.Random | None = None, **options: Any
) -> tuple[Client, Visit]:
    """A client and its first connection, with one subscription to `t:A` granted."""
    client = connect(hub.url, backoff=at_once(rng), **options)
    async with asyncio.TaskGroup() as group:
        entering = group.create_task(client.__aenter__())
        visit = await hub.greeted()
        await entering
    await client.subscribe(["A"], kinds=["t"])
    assert (await visit.receive())["op"] == "sub"
    await visit.send(ok({"t:A": 4}), snap(4))
    return client, visit
