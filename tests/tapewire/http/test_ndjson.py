"""Streams: back-pressure, stalls, the last line."""

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator

import pytest
from aiohttp import web

from tapewire.http.call import Call, Route
from tapewire.http.ndjson import PIECE_BYTES, Chunk, send
from tapewire.http.problems import Problem
from tests.tapewire.http.world import World

LINE = b'{"x":"' + b"y" * 1_000 + b'"}\n'


class Source:
    """Chunks on demand; counts what was asked for."""

    def __init__(self, chunks: int, lines: int = 64) -> None:
        self.asked = 0
        self.closed = asyncio.Event()
        self._chunks = chunks
        self._body = Chunk(LINE * lines, lines)

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The stream."""
        try:
            for _ in range(self._chunks):
                self.asked += 1
                yield self._body
        finally:
            self.closed.set()


def trailer(rows: int, crc: int) -> bytes:
    """The last line."""
    return json.dumps({"end": True, "rows": rows, "crc": crc}).encode()


def route(source: Source, stall_seconds: float = 10.0) -> list[Route]:
    """A route that sends the source."""

    async def handle(call: Call) -> web.StreamResponse:
        return await send(call.request, source.chunks(), trailer, stall_seconds)

    return [Route("/stream", "GET", "public", handle, "")]


async def test_all_chunks_arrive_and_the_last_line_counts_them(world: World) -> None:
    """Rows and CRC-32 of all bytes before it."""
    source = Source(50)
    async with world.serving(route(source)) as client:
        answer = await client.get("/stream")
    body, _, last = answer.body[:-1].rpartition(b"\n")
    body += b"\n"
    assert body == LINE * 50 * 64
    assert json.loads(last) == {"end": True, "rows": 3_200, "crc": zlib.crc32(body)}


async def test_empty_chunks_do_not_end_a_stream(world: World) -> None:
    """A look that found nothing is followed by the next."""

    async def chunks() -> AsyncGenerator[Chunk, None]:
        for body, rows in ((b"", 0), (LINE, 1), (b"", 0), (LINE, 1)):
            yield Chunk(body, rows)

    async def handle(call: Call) -> web.StreamResponse:
        return await send(call.request, chunks(), trailer)

    async with world.serving([Route("/stream", "GET", "public", handle, "")]) as client:
        answer = await client.get("/stream")
    assert answer.body.startswith(LINE * 2)
    assert json.loads(answer.body[len(LINE) * 2 :])["rows"] == 2


async def test_a_client_that_does_not_read_holds_the_source_back_and_is_cut_off(world: World) -> None:
    """A gigabyte is offered; what is asked for stays within the socket's buffers."""
    source = Source(16_384)
    async with world.serving(route(source, stall_seconds=0.2)) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port, limit=1_024)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readexactly(100), 10)
        await asyncio.wait_for(source.closed.wait(), 20)
        writer.transport.abort()
    assert source.asked < 1_000


async def test_a_slow_client_has_the_time_for_each_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk is handed over in pieces, so that who takes some of it is not taken for gone."""
    sizes: list[int] = []
    write = web.StreamResponse.write

    async def counted(response: web.StreamResponse, data: bytes) -> None:
        sizes.append(len(data))
        await write(response, data)

    monkeypatch.setattr(web.StreamResponse, "write", counted)
    async with world.serving(route(Source(1, lines=330))) as client:
        answer = await client.get("/stream")
    assert json.loads(answer.body.splitlines()[-1])["rows"] == 330
    assert sum(sizes[:-1]) == len(LINE) * 330 > 5 * PIECE_BYTES
    assert max(sizes) == PIECE_BYTES


async def test_a_client_that_leaves_closes_the_source(world: World) -> None:
    """Long before its end."""
    source = Source(10**9)
    async with world.serving(route(source)) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readexactly(100), 10)
        writer.transport.abort()
        await asyncio.wait_for(source.closed.wait(), 10)


async def test_what_fails_before_the_first_chunk_is_an_ordinary_error(world: World) -> None:
    """With its own status."""

    async def chunks() -> AsyncGenerator[Chunk, None]:
        for name in ("busy",):
            raise Problem(name)
        yield Chunk(b"", 0)

    async def handle(call: Call) -> web.StreamResponse:
        return await send(call.request, chunks(), trailer)

    async with world.serving([Route("/stream", "GET", "public", handle, "")]) as client:
        assert (await client.get("/stream")).problem == "busy"
