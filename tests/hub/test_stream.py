"""One client's WebSocket on a real socket, with the `websockets` client and with raw bytes."""

import asyncio
import gc
import json
import re
import socket
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from hub import stream, turn
from hub.stream import JSON, MSGPACK, is_own_page
from tests.hub.loopback import LIMIT_SECONDS, House, ReadTape, until
from tests.hub.rig import quote, trade
from tests.hub.test_websocket import CLOSE, CONT, PING, TEXT, head, masked

HELLO = {"op": "hello", "token": "token"}
SUB = {"op": "sub", "id": 1, "symbols": ["A"], "kinds": ["t"], "from": "live"}


class Client:
    """A client that reads until it has what it waits for."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()

    async def send(self, *messages: dict[str, Any]) -> None:
        """One frame."""
        packed = self.socket.subprotocol == MSGPACK
        await self.socket.send(msgspec.msgpack.encode(messages) if packed else json.dumps(messages))

    async def read(self, op: str, count: int = 1) -> list[dict[str, Any]]:
        """Read until `count` messages with this op have come."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while self.counts[op] < count:
                data = await self.socket.recv()
                new = msgspec.msgpack.decode(data) if isinstance(data, bytes) else json.loads(data)
                self.messages += new
                self.counts.update(message["op"] for message in new)
        return self.of(op)

    def of(self, op: str) -> list[dict[str, Any]]:
        """Those received so far with this op."""
        return [message for message in self.messages if message["op"] == op]


@asynccontextmanager
async def client_of(house: House, subprotocol: str = JSON, **options: Any) -> AsyncIterator[Client]:
    """A connected client."""
    uri = f"ws://127.0.0.1:{house.port}/v1/stream"
    offered = [Subprotocol(subprotocol)] if subprotocol else None
    async with connect(uri, subprotocols=offered, max_size=None, **options) as socket:
        yield Client(socket)


class Raw:
    """A client that sends bytes of its own, and sees bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seen = bytearray()

    async def send(self, data: bytes) -> None:
        """Send, whatever it is."""
        self.writer.write(data)
        await self.writer.drain()

    async def see(self, wanted: bytes) -> None:
        """Read until these bytes have come."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while wanted not in self.seen:
                data = await self.reader.read(65_536)
                assert data, f"ended before {wanted!r} came: {bytes(self.seen)!r}"
                self.seen += data

    async def end(self) -> bytes:
        """Read to the end; everything seen."""
        async with asyncio.timeout(LIMIT_SECONDS):
            try:
                while data := await self.reader.read(65_536):
                    self.seen += data
            except ConnectionError:
                pass
        return bytes(self.seen)


@asynccontextmanager
async def raw_of(house: House) -> AsyncIterator[Raw]:
    """A connected socket that has said nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def code_of(seen: bytes) -> int:
    """The code of the close frame at the end of what was seen."""
    place = seen.rindex(b"\x88")
    return int.from_bytes(seen[place + 2 : place + 4], "big")


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_first_frame_in_the_packet_of_the_upgrade_is_served(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """On both loops: hello and sub need no round trip at all."""

    async def main() -> None:
        async with House().running(listen=True) as house, raw_of(house) as raw:
            await raw.send(head() + masked(TEXT, json.dumps([HELLO, SUB]).encode()))
            await raw.see(b'"op":"ok"')
            house.publish(trade("A"))
            await raw.see(b'"op":"t"')

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@pytest.mark.parametrize("subprotocol", [JSON, MSGPACK, ""])
async def test_client_of_the_websockets_package_is_served(subprotocol: str) -> None:
    """In the codec that was agreed on; without one it is JSON."""
    async with House().running(listen=True) as house, client_of(house, subprotocol) as client:
        assert client.socket.subprotocol == (subprotocol or None)
        await client.send(HELLO, SUB)
        await client.read("ok")
        house.publish(trade("A", 2), quote("A"))
        (message,) = await client.read("t")
        assert (message["c"], message["n"]) == ("t:A", 1)
        await client.send({"op": "bye"})
        with pytest.raises(ConnectionClosed) as caught:
            await client.read("never")
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1000
        await until(lambda: not house.hub.connections)


async def test_compression_is_offered_in_vain() -> None:
    """The frames are shared by all, so nobody gets them compressed."""
    async with (
        House().running(listen=True) as house,
        client_of(house, compression="deflate") as client,
    ):
        assert client.socket.protocol.extensions == []


@pytest.mark.parametrize(
    ("origin", "allowed", "enters"),
    [
        (None, (), True),
        ("https://app.example", (), False),
        ("https://app.example", ("https://app.example",), True),
        ("https://app.example", ("*",), True),
        ("null", (), False),
        ("http://127.0.0.1:{port}", (), True),
        ("http://localhost:{port}", (), True),
        ("http://localhost:1", (), False),
        ("https://localhost:{port}", (), False),
    ],
)
async def test_pages_of_other_sites_are_kept_out(
    origin: str | None, allowed: tuple[str, ...], enters: bool
) -> None:
    """A browser says where a page comes from; programs do not."""
    async with House(origins=allowed).running(listen=True) as house:
        told = Origin(origin.replace("{port}", str(house.port))) if origin else None
        if enters:
            async with client_of(house, origin=told) as client:
                await client.send(HELLO)
                assert await client.read("welcome")
        else:
            with pytest.raises(InvalidStatus) as caught:
                async with client_of(house, origin=told):
                    raise AssertionError("it was let in")
            assert caught.value.response.status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "here", "own"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", True),
        ("http://localhost:8080", "127.0.0.1:8080", "127.0.0.1", True),
        ("http://localhost:9", "localhost:9", "127.0.0.1", True),  # a tunnel
        ("http://[::1]:9", "[::1]:9", "::1", True),
        ("http://evil.example:8080", "evil.example:8080", "127.0.0.1", False),
        ("https://hub.example", "hub.example", "192.0.2.1", True),
        ("https://hub.example", "HUB.example", "192.0.2.1", True),
        ("https://hub.example:8443", "hub.example:8443", "2001:db8::1", True),
        ("https://hub.example", "hub.example:8443", "192.0.2.1", False),
        ("https://evil.example", "hub.example", "192.0.2.1", False),
        ("https://hub.example", None, "192.0.2.1", False),
        ("ftp://hub.example", "hub.example", "192.0.2.1", False),
        ("null", "null", "192.0.2.1", False),
    ],
)
def test_own_page_is_one_that_came_from_where_it_connects_to(
    origin: str, host: str | None, here: str, own: bool
) -> None:
    """By address or name; by name not on this machine alone, where any site's name can lead."""
    assert is_own_page(origin, host, (here, 8080)) is own
    assert not is_own_page(origin, host, None)


async def test_hub_that_is_full_refuses_the_handshake() -> None:
    """With the seconds to wait."""
    async with House(connections_max=1).running(listen=True) as house, client_of(house) as first:
        await first.send(HELLO)
        await first.read("welcome")
        with pytest.raises(InvalidStatus) as caught:
            async with client_of(house):
                raise AssertionError("it was let in")
        assert caught.value.response.status_code == 503
        assert int(caught.value.response.headers["Retry-After"]) > 0


async def test_client_that_does_not_read_is_not_read_either_and_loses_nothing() -> None:
    """Its answers cannot pile up: while it does not take them, its commands wait in the network."""
    async with House(ReadTape(ring_ticks=1_000)).running(listen=True) as house, client_of(house) as client:
        await client.send(HELLO, SUB)
        await client.read("ok")
        client.socket.transport.pause_reading()
        (connection,) = house.hub.connections
        published = 0
        while not connection.stalled:
            house.publish(*[trade("A")] * 500)
            published += 500
            house.tape.sync()
            await asyncio.sleep(0)
        assert published < 1_000_000
        for _ in range(20):
            house.publish(*[trade("A")] * 500)
            published += 500
        house.tape.sync()
        assert connection.stalled
        client.socket.transport.resume_reading()
        trades = await client.read("t", published)
        assert [message["n"] for message in trades] == list(range(1, published + 1))
        assert not client.of("gap")


async def test_client_with_much_to_say_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its messages are acted on a few at a time, all of them, and in order."""
    monkeypatch.setattr(turn, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(stream, "BUSY_SECONDS", LIMIT_SECONDS)
    pings = 2_000
    async with (
        House(commands_burst=pings * 2).running(listen=True) as house,
        raw_of(house) as long,
        raw_of(house) as short,
    ):
        said = [masked(TEXT, json.dumps([{"op": "ping", "id": number}]).encode()) for number in range(pings)]
        await long.send(head() + masked(TEXT, json.dumps([HELLO]).encode()) + b"".join(said))
        await short.send(head() + masked(TEXT, json.dumps([HELLO, {"op": "ping", "id": 7}]).encode()))
        await short.see(b'"op":"pong","id":7,')
        assert house.hub.counters["writes"] < pings / 2
        await long.see(f'"op":"pong","id":{pings - 1},'.encode())
        ids = [int(number) for number in re.findall(rb'"op":"pong","id":(\d+)', long.seen)]
        assert ids == list(range(pings))
        long.seen.clear()
        await long.send(said[5])
        await long.see(b'"op":"pong","id":5,')


async def test_client_that_is_dear_waits_until_it_has_earned_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read meanwhile, is served all the same, and all it said is acted on in the end."""
    monkeypatch.setattr(stream, "BUSY_SECONDS", 0.0)
    pings = 50
    async with House().running(listen=True) as house, raw_of(house) as raw:
        await raw.send(head() + masked(TEXT, json.dumps([HELLO, SUB]).encode()))
        await raw.see(b'"op":"ok"')
        (connection,) = house.hub.connections
        transport = connection.wire.transport  # type: ignore[attr-defined]
        waited = 0
        for number in range(pings):
            await raw.send(masked(TEXT, json.dumps([{"op": "ping", "id": number}]).encode()))
            await raw.see(f'"op":"pong","id":{number},'.encode())
            waited += not transport.is_reading()
            house.publish(trade("A"))
            await raw.see(f'"n":{number + 1},'.encode())
        assert waited > 0
        await until(transport.is_reading)


async def test_client_that_was_closed_is_read_on_however_dear_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could not be told why: what nobody has read ends a connection with a reset."""
    monkeypatch.setattr(stream, "BUSY_SECONDS", -0.05)
    monkeypatch.setattr(stream, "CLOSE_SECONDS", 0.5)
    async with House().running(listen=True) as house, raw_of(house) as raw:
        await raw.send(head())
        await until(lambda: house.hub.connections)
        (connection,) = house.hub.connections
        await raw.send(masked(TEXT, b"{") * 3)
        await until(lambda: not house.hub.connections)
        for _ in range(100):
            await raw.send(masked(TEXT, bytes(10_000)))
        await until(lambda: connection.wire.transport is None)  # type: ignore[attr-defined]
        assert code_of(await raw.end()) == 4502


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such bound")
async def test_kernel_takes_little_for_a_client_that_does_not_read() -> None:
    """What it holds is memory too, and old when it is read."""
    async with House(ReadTape(ring_ticks=1_000)).running(listen=True) as house, client_of(house) as client:
        await client.send(HELLO, SUB)
        await client.read("ok")
        (connection,) = house.hub.connections
        sock = connection.wire.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == stream.UNSENT_BYTES


async def test_connection_that_breaks_is_forgotten() -> None:
    """Without a goodbye."""
    async with House().running(listen=True) as house, client_of(house) as client:
        await client.send(HELLO, SUB)
        await client.read("ok")
        client.socket.transport.abort()
        await until(lambda: not house.hub.connections)


async def test_memory_of_a_lost_connection_does_not_wait_for_the_garbage_collector() -> None:
    """It looks seldom, and a thousand clients may come and go in between."""
    gc.disable()
    try:
        async with House().running(listen=True) as house:
            wires = []
            for number in range(5):
                async with raw_of(house) as raw:
                    await raw.send(head() + masked(TEXT, json.dumps([HELLO, SUB]).encode()))
                    await raw.see(b'"op":"ok"')
                    wires += [weakref.ref(connection.wire) for connection in house.hub.connections]
                    if number % 2:
                        await raw.send(masked(CLOSE, b"\x03\xe8"))
                        await raw.end()
                await until(lambda: not house.hub.connections)
            # whoever was served last is still known
            await until(lambda: sum(wire() is not None for wire in wires) <= 1)
    finally:
        gc.enable()


async def test_client_that_ends_its_side_is_gone() -> None:
    """Half-open connections are not kept."""
    async with House().running(listen=True) as house, raw_of(house) as raw:
        await raw.send(head())
        await raw.see(b"\r\n\r\n")
        await until(lambda: house.hub.connections)
        raw.writer.write_eof()
        await raw.end()
        await until(lambda: not house.hub.connections)


async def test_upgrade_that_does_not_come_is_waited_for_no_longer_than_hello() -> None:
    """Somebody who connects and says nothing holds a socket."""
    async with House(hello_s=1).running(listen=True) as house, raw_of(house) as raw:
        await raw.send(head()[:-2])
        assert await raw.end() == b""


async def test_close_that_is_not_answered_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that ignores the close frame is cut."""
    monkeypatch.setattr("hub.stream.CLOSE_SECONDS", 0.05)
    async with House().running(listen=True) as house, raw_of(house) as raw:
        await raw.send(head() + masked(TEXT, json.dumps([HELLO, {"op": "bye"}]).encode()))
        seen = await raw.end()
        assert code_of(seen) == 1000
        assert not house.hub.connections


async def neighbours_numbers(house: House, attack: Callable[[], Awaitable[None]]) -> list[int]:
    """What a neighbour of an attack is sent of ten ticks published meanwhile."""
    async with client_of(house) as neighbour:
        await neighbour.send(HELLO, SUB)
        await neighbour.read("ok")
        for _ in range(5):
            house.publish(trade("A"))
        await attack()
        for _ in range(5):
            house.publish(trade("A"))
        return [message["n"] for message in await neighbour.read("t", 10)]


ATTACKS = {
    "bad UTF-8": (masked(TEXT, b"[\xff]"), 1007),
    "giant frame": (masked(TEXT, b"x" * 300_000), 1009),
    "giant message in pieces": (
        masked(TEXT, b"[", fin=False) + masked(CONT, b"x" * 200, fin=False) * 1_400,
        1009,
    ),
    "many tiny fragments": (masked(TEXT, b"[", fin=False) + masked(CONT, b"", fin=False) * 2_000, 1009),
    "flood of pings": (masked(PING, b"x") * 500, 4509),
    "frames that are no messages": (masked(TEXT, b"{}") * 3, 4502),
    "hello without a token": (masked(TEXT, b'[{"op":"hello"}]'), 4501),
    "reserved bits": (masked(TEXT, b"[]", rsv=0x20), 1002),
    "not masked": (b"\x81\x02[]", 1002),
    "nested without end": (masked(TEXT, (b"[" * 500 + b"]" * 500)) * 3, 4502),
    "flood of commands": (
        masked(TEXT, json.dumps([HELLO]).encode())
        + masked(TEXT, json.dumps([{"op": "ping"}] * 200).encode()) * 10,
        4509,
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_one_client_sends_harms_no_other(name: str) -> None:
    """It gets the close code that says what was wrong; its neighbour gets every tick."""
    data, code = ATTACKS[name]
    async with House().running(listen=True) as house:
        codes: list[int] = []

        async def attack() -> None:
            async with raw_of(house) as raw:
                await raw.send(head() + data)
                await raw.see(b"\x88")
                await raw.send(masked(CLOSE, code.to_bytes(2, "big")))
                codes.append(code_of(await raw.end()))

        assert await neighbours_numbers(house, attack) == list(range(1, 11))
        assert codes == [code]
        assert not house.faults
