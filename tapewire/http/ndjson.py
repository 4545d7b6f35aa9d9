"""Streams of rows as NDJSON: one JSON object a line, and a last line that says it was the last.

Bound: one chunk, and what the socket's buffers hold. The scan is asked for the next chunk only
when the socket has taken the one before; a client that stops reading for `STALL_SECONDS` is
cut off; one that leaves cancels the scan. An answer without the last line was cut.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from aiohttp import web
from msgspec import Struct

from tapewire.http.responses import HEADERS

CONTENT_TYPE: Final = "application/x-ndjson"
STALL_SECONDS: Final = 30.0
"""A client that takes nothing for so long is not reading any more."""
PIECE_BYTES: Final = 65_536
"""What a client has to take within that time: a phone on a poor line is slow, not gone."""


class Chunk(Struct, frozen=True):
    """Some lines of a stream."""

    body: bytes
    """Whole lines, each with its line break."""
    rows: int


async def send(
    request: web.Request,
    chunks: AsyncGenerator[Chunk, None],
    trailer: Callable[[int, int], bytes],
    stall_seconds: float = STALL_SECONDS,
) -> web.StreamResponse:
    """Send chunks as they come, then the trailer.

    Args:
        request: whom to answer.
        chunks: closed in any case, also when the client leaves. What fails before the first chunk
            becomes an ordinary error answer; what fails later cuts the connection.
        trailer: from (rows, CRC-32 of all bytes before it) to the last line, without line break.
        stall_seconds: how long a piece of a chunk may wait for a client that does not read.
    """
    async with aclosing(chunks):
        first = await anext(chunks, None)
        response = web.StreamResponse(headers=HEADERS)
        response.content_type = CONTENT_TYPE
        await response.prepare(request)
        rows, crc = 0, 0
        if first is not None:
            rows, crc = first.rows, zlib.crc32(first.body)
            await _write(request, response, first.body, stall_seconds)
        async for chunk in chunks:
            rows += chunk.rows
            crc = zlib.crc32(chunk.body, crc)
            await _write(request, response, chunk.body, stall_seconds)
        await _write(request, response, trailer(rows, crc) + b"\n", stall_seconds)
        await response.write_eof()
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, body: bytes, stall_seconds: float
) -> None:
    """Hand a chunk to the socket, piece by piece, and wait each time until it has room again."""
    try:
        for place in range(0, len(body), PIECE_BYTES):
            async with asyncio.timeout(stall_seconds):
                await response.write(body[place : place + PIECE_BYTES])
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client does not read") from None
