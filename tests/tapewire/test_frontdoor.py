"""The front door: every way into the stream, over real sockets, on both loops; and what is turned away."""

import asyncio
import ipaddress
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from hub.stream import StreamProtocol
from tapewire import frontdoor
from tapewire.frontdoor import HEAD_BYTES_MAX, FrontDoor, is_stream, stream_route, take_over
from tapewire.http.application import build_app
from tapewire.http.call import Call, Route
from tapewire.http.problems import Problem
from tapewire.http.routes import ROUTES
from tapewire.http.server import HttpRunner
from tapewire.http.serving import serving
from tapewire.preflight import open_listener
from tests.hub.loopback import House, until
from tests.tapewire.http.world import World

LIMIT_SECONDS = 20.0
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
FIELDS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "tapewire.v1.json",
}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MISSING = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
PINGS = 10


def upgrade(line: str = "GET /v1/stream HTTP/1.1", **changed: str | None) -> bytes:
    """An upgrade request; `Upgrade=None` leaves a field out (underscores stand for hyphens)."""
    fields = {**FIELDS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([line, *lines, "", ""]).encode()


def frame(*messages: dict[str, Any]) -> bytes:
    """A masked text frame of messages."""
    return Frame(Opcode.TEXT, json.dumps(messages).encode()).serialize(mask=True)


SPOKEN = frame({"op": "hello", "token": "token"}) + b"".join(
    frame({"op": "ping", "id": number}) for number in range(1, PINGS + 1)
)
"""What every client says once it is connected."""

WAYS: dict[str, tuple[list[bytes], list[int]]] = {
    "fresh": ([b""], []),
    "pipelined": ([HEALTH], [200]),
    "pipelined twice": ([HEALTH + MISSING], [200, 404]),
    "reused": ([HEALTH, b""], [200]),
    "reused and pipelined": ([HEALTH, MISSING, HEALTH], [200, 404, 200]),
}
"""What is sent before the upgrade request, and the statuses of the answers. Each part but the last waits
for its answers; the last goes out in one packet with the upgrade request."""

TOGETHER = {
    "nothing": 0,
    "half a frame": 5,
    "a frame": len(frame({"op": "hello", "token": "token"})),
    "everything": len(SPOKEN),
}
"""How much of what is spoken comes in one packet with the upgrade request, bytes."""


class Answers:
    """Reads what comes back on one connection: HTTP answers first, then frames."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.head = b""

    async def status(self) -> int:
        """The next HTTP answer's status; its body is read."""
        self.head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", self.head)
        await self._reader.readexactly(int(length.group(1)) if length else 0)
        return int(self.head.split(b" ")[1])

    async def messages(self) -> list[dict[str, Any]]:
        """The next frame's messages; none of a close frame."""
        opcode, size = await self._reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
        payload = await self._reader.readexactly(size)
        return list(json.loads(payload)) if opcode == 0x81 else []

    async def rest(self) -> bytes:
        """Everything until the connection is closed."""
        try:
            return await self._reader.read()
        except ConnectionResetError:
            return b""


class Street:
    """A door with a real hub and real routes behind it."""

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.port = port
        self.left = asyncio.Event()
        """To be set when the port is to be closed, while the scenario goes on."""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[Answers, asyncio.StreamWriter]]:
        """One connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                yield Answers(reader), writer
        finally:
            writer.close()


def on_street(
    loop: str, folder: Path, scenario: Callable[[Street], Awaitable[None]], *more: Route, **options: Any
) -> None:
    """Run a scenario; afterwards no task may be left, and no fault may have been told."""

    async def run() -> None:
        house = House(**options)
        world = World(folder)

        open_streams: set[StreamProtocol] = set()

        def stream() -> asyncio.Protocol:
            protocol = StreamProtocol(house.hub, house.settings, lambda: open_streams.discard(protocol))
            open_streams.add(protocol)
            return protocol

        listener = open_listener(world.settings)
        app = build_app(world.services(), (*ROUTES, stream_route(stream), *more))
        runner = HttpRunner(app, now_ns=lambda: world.now_ns, shutdown_seconds=LIMIT_SECONDS)
        try:
            async with house.running(), asyncio.TaskGroup() as group:
                street = Street(house, listener.getsockname()[1])
                async with serving(runner, listener, stream):
                    playing = group.create_task(_play(scenario, street))
                    await street.left.wait()
                await playing
                await until(lambda: not open_streams)
        finally:
            world.marks.close()
        assert house.faults == []

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())


async def _play(scenario: Callable[[Street], Awaitable[None]], street: Street) -> None:
    try:
        await scenario(street)
    finally:
        street.left.set()


async def converse(answers: Answers) -> None:
    """Be let in, be welcomed, and get each answer once and in order."""
    assert await answers.status() == 101
    assert b"\r\nSec-WebSocket-Protocol: tapewire.v1.json\r\n" in answers.head
    got: list[dict[str, Any]] = []
    while len(got) < PINGS + 1:
        got += await answers.messages()
    assert [message["op"] for message in got] == ["welcome", *["pong"] * PINGS]
    assert [message["id"] for message in got[1:]] == list(range(1, PINGS + 1))


async def come_in(street: Street, way: str, packets: Callable[[bytes], list[bytes]], together: int) -> None:
    """Go one way in: what is not sent `together` with the upgrade follows when that was answered."""
    before, statuses = WAYS[way]
    async with street.client() as (answers, writer):

        async def send(data: bytes) -> None:
            for packet in packets(data):
                writer.write(packet)
                await writer.drain()
                await asyncio.sleep(0)

        for part in before[:-1]:
            await send(part)
            assert await answers.status() == statuses[0]
            statuses = statuses[1:]
        await send(before[-1] + upgrade() + SPOKEN[:together])
        for status in statuses:
            assert await answers.status() == status
        later = asyncio.ensure_future(send(SPOKEN[together:]))
        await converse(answers)
        await later
        assert len(street.house.hub.connections) == 1
    await until(lambda: not street.house.hub.connections)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("together", TOGETHER)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_into_the_stream(way: str, together: str, loop: str, tmp_path: Path) -> None:
    """Fresh, pipelined or reused, with and without frames in the packet of the request: all is heard once."""

    async def scenario(street: Street) -> None:
        await come_in(street, way, lambda data: [data], TOGETHER[together])

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_a_client_may_send_byte_by_byte(way: str, loop: str, tmp_path: Path) -> None:
    """However the bytes come, nothing is lost or doubled."""

    async def scenario(street: Street) -> None:
        await come_in(street, way, lambda data: [data[at : at + 1] for at in range(len(data))], len(SPOKEN))

    on_street(loop, tmp_path, scenario)


@given(
    way=st.sampled_from(list(WAYS)),
    loop=st.sampled_from(list(LOOPS)),
    together=st.integers(0, len(SPOKEN)),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cut_of_the_bytes_matters(
    way: str, loop: str, together: int, sizes: list[int], tmp_path: Path
) -> None:
    """Any way in, cut anywhere."""

    def packets(data: bytes) -> list[bytes]:
        cut: list[bytes] = []
        at = 0
        while at < len(data):
            size = sizes[len(cut) % len(sizes)]
            cut.append(data[at : at + size])
            at += size
        return cut

    async def scenario(street: Street) -> None:
        await come_in(street, way, packets, together)

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_answers_that_are_not_read_yet_come_before_the_stream(loop: str, tmp_path: Path) -> None:
    """A long answer, asked for in the packet of the upgrade and read late, is whole."""
    body = b"0123456789abcdef" * 500_000

    async def long(call: Call) -> web.StreamResponse:
        return web.Response(body=body)

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer):
            writer.write(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n" + upgrade() + SPOKEN)
            assert await answers.status() == 200
            await converse(answers)

    on_street(loop, tmp_path, scenario, Route("/long", "GET", "public", long, ""))


REFUSED = {
    "a page of another site": (upgrade(Origin="https://evil.example"), 403, b""),
    "another version": (upgrade(Sec_WebSocket_Version="8"), 426, b"\r\nSec-WebSocket-Version: 13\r\n"),
    "no version": (upgrade(Sec_WebSocket_Version=None), 426, b"\r\nSec-WebSocket-Version: 13\r\n"),
    "no key": (upgrade(Sec_WebSocket_Key=None), 400, b""),
    "a key that is none": (upgrade(Sec_WebSocket_Key="short"), 400, b""),
    "another subprotocol": (upgrade(Sec_WebSocket_Protocol="chat"), 400, b""),
    "no connection field": (upgrade(Connection="close"), 426, b"\r\nUpgrade: websocket\r\n"),
    "no upgrade": (
        upgrade(Upgrade=None, Connection="close"), 426, b"\r\nContent-Type: application/problem+json\r\n",
    ),
    "another upgrade": (
        upgrade(Upgrade="h2c", Connection="Upgrade, close"), 426, b"\r\nUpgrade: websocket\r\n",
    ),
    "another method": (upgrade("POST /v1/stream HTTP/1.1", Connection="Upgrade, close"), 405, b""),
    "another path": (upgrade("GET /v1/streams HTTP/1.1", Connection="Upgrade, close"), 404, b""),
    "a query": (upgrade("GET /v1/stream?x=1 HTTP/1.1", Connection="Upgrade, close"), 400, b""),
    "a token in the query": (
        upgrade("GET /v1/stream?token=canary HTTP/1.1", Connection="Upgrade, close"), 400, b"",
    ),
    "an old HTTP": (upgrade("GET /v1/stream HTTP/1.0"), 505, b""),
    "a body": (upgrade(Content_Length="3") + b"abc", 413, b""),
    "no host": (upgrade(Host=None, Connection="Upgrade, close"), 400, b""),
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("name", REFUSED)
def test_an_upgrade_that_is_not_fit_is_refused_by_http(
    name: str, reused: bool, loop: str, tmp_path: Path
) -> None:
    """Each with its status, on a fresh connection and on a reused one; nobody is connected then."""
    request, status, contained = REFUSED[name]

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer):
            if reused:
                writer.write(HEALTH)
                assert await answers.status() == 200
            writer.write(request)
            assert await answers.status() == status
            assert contained in answers.head
            assert b"canary" not in answers.head
            assert not street.house.hub.connections
        await come_in(street, "fresh", lambda data: [data], 0)

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("way", ["fresh", "reused"])
def test_a_full_hub_says_when_to_come_again(way: str, tmp_path: Path) -> None:
    """503 with `Retry-After`."""

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer), street.client() as (others, other):
            writer.write(upgrade() + SPOKEN)
            await converse(answers)
            if way == "reused":
                other.write(HEALTH)
                assert await others.status() == 200
            other.write(upgrade())
            assert await others.status() == 503
            assert b"\r\nRetry-After: 5\r\n" in others.head

    on_street("uvloop", tmp_path, scenario, connections_max=1)


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:{port}", "http://localhost:{port}", "https://ours.example"]
)
def test_own_pages_and_listed_ones_may_connect(origin: str, tmp_path: Path) -> None:
    """The page that this port serves, and what `hub.origins` names."""

    async def scenario(street: Street) -> None:
        origin_field = origin.format(port=street.port)
        host = origin_field.rpartition("/")[2]
        async with street.client() as (answers, writer):
            writer.write(upgrade(Origin=origin_field, Host=host) + SPOKEN)
            await converse(answers)

    on_street("uvloop", tmp_path, scenario, origins=("https://ours.example",))


NO_HEADS = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "bare line feeds": (b"GET /v1/stream HTTP/1.1\nHost: x\n\n", 400),
    "a long line": (b"GET /" + b"a" * HEAD_BYTES_MAX + b" HTTP/1.1\r\n", 414),
    "a long field": (b"GET /v1/stream HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX, 431),
    "many fields": (upgrade()[:-2] + b"X: 1\r\n" * 12_000, 400),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", NO_HEADS)
def test_what_is_no_head_or_too_long_is_answered_at_once(name: str, loop: str, tmp_path: Path) -> None:
    """None of them has an end that could be waited for."""
    request, status = NO_HEADS[name]

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer):
            writer.write(request)
            assert await answers.status() == status
            await answers.rest()

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_empty_lines_before_a_request_do_not_matter(loop: str, tmp_path: Path) -> None:
    """Some clients end a request with one too many."""

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer):
            writer.write(b"\r\n\r\n" + upgrade() + SPOKEN)
            await converse(answers)

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("begun", "answer"), [(upgrade()[:-1], b"HTTP/1.1 408 "), (b"", b"")])
def test_a_head_that_does_not_come_in_time_ends_the_connection(
    begun: bytes, answer: bytes, loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has begun is told why."""
    monkeypatch.setattr(frontdoor, "HEAD_SECONDS_MAX", 0.05)

    async def scenario(street: Street) -> None:
        async with street.client() as (answers, writer):
            writer.write(begun)
            told = await answers.rest()
            assert told.startswith(answer)
            assert bool(told) == bool(answer)

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_oldest_of_too_many_who_wait_is_cut(
    loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow heads cost a bounded number of connections; those who come with a head are served meanwhile."""
    monkeypatch.setattr(frontdoor, "WAITING_MAX", 2)

    async def scenario(street: Street) -> None:
        async with street.client() as (first, slow), street.client() as (second, slower):
            slow.write(upgrade()[:-1])
            slower.write(upgrade()[:-1])
            for _ in range(3):
                await come_in(street, "fresh", lambda data: [data], 0)
            assert await first.rest() == b""
            slower.write(b"\n" + SPOKEN)
            await converse(second)

    on_street(loop, tmp_path, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_closing_the_service_cuts_who_waits_and_holds_nothing_up(loop: str, tmp_path: Path) -> None:
    """Streams on reused connections are no requests in flight; they are the hub's to close."""

    async def scenario(street: Street) -> None:
        async with (
            street.client() as (first, _),
            street.client() as (second, begun),
            street.client() as (third, reused),
        ):
            begun.write(b"GET")
            reused.write(HEALTH + upgrade() + SPOKEN)
            assert await third.status() == 200
            await converse(third)
            street.left.set()
            assert await first.rest() == await second.rest() == b""
            reused.write(frame({"op": "ping", "id": 77}))
            assert (await third.messages())[0]["id"] == 77

    on_street(loop, tmp_path, scenario)


def test_streams_of_untrusted_peers_are_left_to_http() -> None:
    """With proxies configured, only they and this machine come in directly."""
    door = FrontDoor(asyncio.Protocol, asyncio.Protocol, [ipaddress.ip_network("192.0.2.0/24")])
    for peer, trusted in ((("192.0.2.7", 1), True), (("127.0.0.1", 1), True), (("198.51.100.1", 1), False)):
        assert door.trusts(asyncio.Transport({"peername": peer})) is trusted
    assert not door.trusts(asyncio.Transport({}))
    assert FrontDoor(asyncio.Protocol, asyncio.Protocol).trusts(asyncio.Transport({}))


@given(
    st.lists(
        st.sampled_from([b"a: b", b"Host: x", b"Upgrade: websocket", b"Upgrade: h2c", b":", b"", b"\xff"])
    )
)
def test_only_heads_without_doubt_go_straight_to_the_hub(fields: list[bytes]) -> None:
    """One host, one upgrade; all else needs a closer look."""
    head = b"\r\n".join([b"GET /v1/stream HTTP/1.1", *fields])
    hosts, upgrades = fields.count(b"Host: x"), fields.count(b"Upgrade: websocket")
    assert is_stream(head) is (hosts == 1 and upgrades == 1)


async def test_a_plain_request_is_not_taken_over(tmp_path: Path) -> None:
    """Without an upgrade there is nothing to take."""
    app = web.Application()

    async def handler(request: web.Request) -> web.StreamResponse:
        with pytest.raises(Problem):
            take_over(request, asyncio.Protocol)
        return web.Response(text="still here")

    app.router.add_get("/", handler)
    runner = HttpRunner(app, now_ns=lambda: 0)
    world = World(tmp_path)
    listener = open_listener(world.settings)
    async with serving(runner, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"still here")
        writer.close()
    world.marks.close()
