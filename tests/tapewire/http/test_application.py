"""What every request goes through, whatever its route."""

import asyncio
import io

import pytest
from aiohttp import web
from msgspec.structs import replace

from storage.errors import StoreUnavailable
from tapewire.http.call import Call, Route
from tapewire.http.parameters import Parameter, one_of
from tapewire.http.responses import json_response
from tapewire.http.seats import SEATS_MAX
from tests.tapewire.http.world import World


async def test_an_unknown_path_is_a_problem(world: World) -> None:
    """Also when it is written in ways that some servers would clean up."""
    async with world.serving() as client:
        for path in (
            "/v1",
            "/v1/nothing",
            "/v1/../healthz",
            "/%2e%2e/healthz",
            "//healthz",
            "/healthz/",
            "/%00",
        ):
            answer = await client.get(path)
            assert (answer.status, answer.problem) == (404, "not-found"), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_is_refused_with_the_allowed_ones(method: str, world: World) -> None:
    """405 with `Allow`, as RFC 9110 wants it."""
    async with world.serving() as client:
        answer = await client.get("/v1/marks", method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("token", "problem"),
    [("", "auth-missing"), ("canary-nobody", "auth-failed"), ("canary-eve", "token-expired")],
)
async def test_a_route_with_data_needs_a_valid_token(token: str, problem: str, world: World) -> None:
    """401 with a challenge, and the token is not told back."""
    async with world.serving() as client:
        answer = await client.get("/v1/marks", token)
    assert (answer.status, answer.problem) == (401, problem)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="tapewire"')
    assert b"canary" not in answer.body


async def test_a_key_in_its_headers_is_as_good_as_a_token(world: World) -> None:
    """As Alpaca's clients send it; a wrong half is refused."""
    async with world.serving() as client:
        for secret, status in (("canary-ann", 200), ("canary-nobody", 401)):
            keys = {"APCA-API-KEY-ID": "ann", "APCA-API-SECRET-KEY": secret}
            assert (await client.get("/v1/marks", "", **keys)).status == status


async def test_a_token_in_the_url_is_refused_before_anything_else(world: World) -> None:
    """Even with a good token in the header, and without one."""
    async with world.serving() as client:
        for token in ("canary-ann", ""):
            answer = await client.get("/v1/marks?access_token=canary-ann", token)
            assert (answer.status, answer.problem) == (400, "token-in-query")
            assert b"canary" not in answer.body


async def test_parameters_are_only_looked_at_for_who_is_known(world: World) -> None:
    """A stranger learns nothing about what a route takes."""
    async with world.serving() as client:
        assert (await client.get("/v1/marks?x=1", "")).status == 401
        answer = await client.get("/v1/marks?x=1")
    assert (answer.status, answer.problem) == (400, "bad-parameter")
    assert answer.json["errors"] == [{"detail": "unknown parameter; allowed: none", "parameter": "x"}]


async def test_a_handler_gets_who_asks_typed_values_and_the_time(world: World) -> None:
    """And a public route is asked without anybody."""
    calls: list[Call] = []

    async def handler(call: Call) -> web.StreamResponse:
        calls.append(call)
        return json_response(b"{}")

    rows = (Parameter("order", one_of("asc", "desc"), "", ""),)
    routes = [
        Route("/a", "GET", "token", handler, "", lambda settings: rows),
        Route("/b", "GET", "public", handler, ""),
    ]
    async with world.serving(routes) as client:
        assert (await client.get("/a?order=desc", "canary-bob")).status == 200
        assert (await client.get("/b", "")).status == 200
    first, second = calls
    assert (first.principal.user, first.values, first.now_ns) == ("bob", {"order": "desc"}, world.now_ns)
    assert second.known is None


async def test_one_user_takes_nobody_elses_place(world: World) -> None:
    """With as many requests under way as one may have, another user is answered at once."""
    leave = asyncio.Event()
    entered = 0

    async def wait(call: Call) -> web.StreamResponse:
        nonlocal entered
        entered += 1
        if call.principal.user == "bob":
            await leave.wait()
        return json_response(b"{}")

    async with world.serving([Route("/a", "GET", "token", wait, "")]) as client:
        waiting = [asyncio.create_task(client.get("/a", "canary-bob")) for _ in range(SEATS_MAX)]
        async with asyncio.timeout(20):
            while entered < SEATS_MAX:  # noqa: ASYNC110 - the server's tasks move it
                await asyncio.sleep(0.001)
        refused = await client.get("/a", "canary-bob")
        assert (refused.status, refused.problem) == (429, "too-many-requests")
        assert (await client.get("/a", "canary-ann")).status == 200
        leave.set()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


async def test_behind_a_proxy_only_the_proxy_and_this_machine_may_connect(world: World) -> None:
    """Whoever finds the port in the network does not get past the proxy."""
    world.settings = replace(world.settings, trusted_proxies=("192.0.2.0/24",))
    async with world.serving() as client:
        assert (await client.get("/healthz")).status == 200


async def test_a_token_gets_into_no_log_and_no_answer(world: World, logged: io.StringIO) -> None:
    """Good, bad and expired ones, in headers and URLs, with and without a store that fails."""
    paths = (
        "/v1/trades",
        "/v1/quotes?x=canary-1",
        "/v1/latest?symbols=A",
        "/v1/gaps",
        "/metrics",
        "/nothing",
    )
    async with world.serving() as client:
        for failure in (None, StoreUnavailable("gone")):
            world.history.failure = failure
            for token in ("canary-ann", "canary-bob", "canary-eve", "canary-nobody", "canary-" + "x" * 5_000):
                for path in paths:
                    answer = await client.get(path, token)
                    assert b"canary" not in answer.body
                answer = await client.get(f"/v1/trades?api_key={token}", "")
                assert (answer.problem, b"canary" in answer.body) == ("token-in-query", False)
    assert "request not answered" in logged.getvalue()
    assert "canary" not in logged.getvalue()
