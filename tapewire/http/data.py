"""Routes with the rows of the past: trades, quotes, bars."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from aiohttp import hdrs, web

from storage.cursor import Place
from storage.errors import StorageError
from storage.scan_messages import EncodedPage
from tapewire.http import ndjson
from tapewire.http.call import Call
from tapewire.http.formats import choose
from tapewire.http.questions import TIMEFRAMES, rows_question
from tapewire.http.responses import json_response
from tapewire.http.rows import gaps_about, page_body, trailer_line
from tapewire.http.settle import Frozen, cursor_behind, settle, storage_problem

STREAM_PAGE_ROWS: Final = 2_000
"""Rows read at a time for a stream: half a megabyte."""
LOOKS_MAX: Final = 64
"""A page that is not full after so many looks into the store is sent as it is, with a cursor."""


async def trades(call: Call) -> web.StreamResponse:
    """Trades, their cancels and corrections."""
    return await _rows(call, "trades", "t")


async def quotes(call: Call) -> web.StreamResponse:
    """Quotes."""
    return await _rows(call, "quotes", "q")


async def bars(call: Call) -> web.StreamResponse:
    """Bars, the newest revision of each."""
    kind, kinds = TIMEFRAMES[call.values.get("timeframe", "1Min")]
    return await _rows(call, "bars", kind, kinds)


async def _rows(call: Call, family: str, kind: str, kinds: tuple[int, ...] = ()) -> web.StreamResponse:
    form = choose(call.values.get("format"), call.request.headers.get(hdrs.ACCEPT))
    frozen = await settle(call, rows_question(family, call.values, kinds), kind)
    if form == "ndjson":
        return await _stream(call, frozen)
    return await _page(call, frozen, family)


async def _page(call: Call, frozen: Frozen, family: str) -> web.Response:
    """One page: as many rows as were asked for, unless there are no more."""
    limit = frozen.question.limit or call.services.settings.page_rows
    bodies: list[bytes] = []
    looks = 0
    async with aclosing(_pages(call, frozen, limit, limit, lines=False)) as pages:
        async for page in pages:
            looks += 1
            if page.rows:
                bodies.append(page.body)
            if looks == LOOKS_MAX:
                break
    shown = gaps_about(page.gaps, frozen.question.query.symbols)
    cursor = _next_cursor(call, frozen, page)
    return json_response(
        page_body(family, b",".join(bodies), shown, cursor, frozen.about(page.complete_until))
    )


async def _stream(call: Call, frozen: Frozen) -> web.StreamResponse:
    """All rows, or as many as were asked for, one a line."""
    last: list[EncodedPage] = []

    async def chunks() -> AsyncGenerator[ndjson.Chunk, None]:
        pages = _pages(call, frozen, STREAM_PAGE_ROWS, frozen.question.limit, lines=True)
        async with aclosing(pages):
            async for page in pages:
                last[:] = [page]
                yield ndjson.Chunk(page.body, page.rows)

    def trailer(rows: int, crc: int) -> bytes:
        (page,) = last  # a stream has one page at least
        shown = gaps_about(page.gaps, frozen.question.query.symbols)
        cursor = _next_cursor(call, frozen, page)
        return trailer_line(rows, crc, shown, cursor, frozen.about(page.complete_until))

    return await ndjson.send(call.request, chunks(), trailer)


async def _pages(
    call: Call, frozen: Frozen, page_rows: int, rows_max: int | None, *, lines: bool
) -> AsyncGenerator[EncodedPage, None]:
    """Page after page of the history; a failure of the store is a problem."""
    request = frozen.page_request(page_rows, lines=lines)
    try:
        async with aclosing(call.services.history.stream(request, rows_max)) as pages:
            async for page in pages:
                yield page
    except StorageError as error:
        raise storage_problem(error) from error


def _next_cursor(call: Call, frozen: Frozen, page: EncodedPage) -> str | None:
    """The cursor behind a page; None when nothing follows."""
    if page.next_key is None:
        return None
    return cursor_behind(call, frozen, Place(page.next_key, frozen.known_at))
