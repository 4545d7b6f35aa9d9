"""The server under the routes: what the parser refuses, limits, and a token that is never told."""

import asyncio
import io
import json
import re

import pytest
from aiohttp import web

from tapewire.http.call import Call, Route
from tapewire.http.responses import json_response
from tapewire.http.server import FIELD_BYTES_MAX, HEADERS_MAX, REQUEST_LINE_BYTES_MAX
from tests.tapewire.http.world import World

HOST = b"Host: x\r\nConnection: close\r\n"
AUTHORIZATION = b"Authorization: Bearer canary-ann\r\n"


def status_and_problem(answer: bytes) -> tuple[int, str]:
    """Status and name of the problem in raw bytes of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    name = json.loads(body)["type"].removeprefix("urn:tapewire:problem:") if body else ""
    return int(head.split(b" ")[1]), name


LINE = b"GET /healthz HTTP/1.1\r\n"
REFUSED = {
    "garbage": (b"GARBAGE\r\n\r\n", 400, "bad-request"),
    "TLS": (b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n", 400, "bad-request"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad-request"),
    "bare line feeds": (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400, "bad-request"),
    "NUL in a header": (LINE + HOST + b"X: a\0b\r\n\r\n", 400, "bad-request"),
    "not ASCII in the path": (b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", 400, "bad-request"),
    "two lengths": (LINE + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "bad-request"),
    "length and chunks": (
        LINE + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "bad-request",
    ),
    "unknown coding": (LINE + HOST + b"Transfer-Encoding: xchunked\r\n\r\n", 400, "bad-request"),
    "two hosts": (LINE + HOST + HOST + b"\r\n", 400, "bad-request"),
    "no host": (LINE + b"Connection: close\r\n\r\n", 400, "bad-request"),
    "too many headers": (LINE + HOST + b"X: 1\r\n" * (HEADERS_MAX + 1) + b"\r\n", 400, "bad-request"),
    "long line": (b"GET /" + b"a" * REQUEST_LINE_BYTES_MAX + b" HTTP/1.1\r\n", 414, "uri-too-long"),
    "long header": (
        LINE + b"Authorization: canary" + b"a" * FIELD_BYTES_MAX + b"\r\n",
        431,
        "headers-too-large",
    ),
    "body": (LINE + HOST + b"Content-Length: 3\r\n\r\nabc", 413, "body-not-allowed"),
    "chunked body": (
        LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        413,
        "body-not-allowed",
    ),
    "gzip body": (
        LINE + HOST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        413,
        "body-not-allowed",
    ),
    "expectation": (LINE + HOST + b"Expect: 200-ok\r\n\r\n", 417, "expectation-failed"),
    "TRACE": (b"TRACE /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method-not-allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_a_fit_request_is_a_problem_and_no_error_of_ours(
    name: str, world: World, logged: io.StringIO
) -> None:
    """Each with its status as problem+json, nothing logged as an error, nothing quoted."""
    request, status, problem = REFUSED[name]
    async with world.serving() as client:
        answer = await client.raw(request)
        assert status_and_problem(answer) == (status, problem)
        assert b"\r\nContent-Type: application/problem+json\r\n" in answer
        assert b"\r\nServer: tapewire\r\n" in answer
        assert b"canary" not in answer
        # and the server goes on
        assert (await client.get("/healthz")).status == 200
    assert logged.getvalue() == ""


async def test_a_large_body_is_refused_before_it_was_sent(world: World) -> None:
    """The answer comes at once, and the connection is closed although most of it is missing."""
    async with world.serving() as client:
        answer = await client.raw(LINE + HOST + b"Content-Length: 1000000000\r\n\r\n" + b"x" * 70_000)
    assert status_and_problem(answer) == (413, "body-not-allowed")


async def test_the_longest_allowed_request_line_is_read(world: World) -> None:
    """The limit leaves room for 2,000 symbols."""
    path = b"/v1/marks?x=" + b"a" * (REQUEST_LINE_BYTES_MAX - 100)
    async with world.serving() as client:
        answer = await client.raw(b"GET " + path + b" HTTP/1.1\r\n" + HOST + AUTHORIZATION + b"\r\n")
    assert status_and_problem(answer) == (400, "bad-parameter")


async def test_a_mistake_of_ours_is_a_500_without_details_and_one_line_a_second(
    world: World, logged: io.StringIO
) -> None:
    """The client learns nothing about it; the log has the traceback once, and the count of the rest."""

    async def broken(call: Call) -> web.StreamResponse:
        raise RuntimeError("canary-inside Bearer canary-ann")

    async with world.serving([Route("/broken", "GET", "token", broken, "")]) as client:
        for _ in range(3):
            answer = await client.get("/broken")
            assert (answer.status, answer.problem) == (500, "internal")
            assert b"canary" not in answer.body
        world.now_ns += 1_000_000_000
        await client.get("/broken")
    first, second = (json.loads(line) for line in logged.getvalue().splitlines())
    assert (first["level"], first["path"], first["not_told"], second["not_told"]) == (
        "error",
        "/broken",
        0,
        2,
    )
    assert "RuntimeError" in first["exception"]
    assert "canary-ann" not in logged.getvalue()


async def test_an_answer_that_fails_half_way_is_cut_not_ended(world: World, logged: io.StringIO) -> None:
    """The client sees that the end is missing."""

    async def half(call: Call) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(call.request)
        await response.write(b"some")
        raise RuntimeError("later")

    async with world.serving([Route("/half", "GET", "public", half, "")]) as client:
        answer = await client.raw(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b"4\r\nsome\r\n")
    assert len(logged.getvalue().splitlines()) == 1


async def test_a_client_that_leaves_cancels_its_request(world: World, logged: io.StringIO) -> None:
    """Work for nobody stops at once, and is no error."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> web.StreamResponse:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return json_response(b"{}")

    async with world.serving([Route("/slow", "GET", "public", slow, "")]) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(started.wait(), 10)
        writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 10)
    assert logged.getvalue() == ""


async def test_a_connection_serves_one_request_after_the_other(world: World) -> None:
    """Refusals that leave no doubt about what comes next do not close it."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    refused = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    async with world.serving() as client:
        answer = await client.raw(
            request + refused + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"404", b"200"]
