"""Bodies: who may send one, how large, how slowly."""

from pathlib import Path

import pytest

from tapewire.http import bodies
from tapewire.http.bodies import BODY_BYTES_MAX, decoded
from tapewire.http.problems import Problem
from tapewire.http.routes import ROUTES
from tests.tapewire.http.alerting import RULE, alerting
from tests.tapewire.http.world import World


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_body_is_refused_where_none_is_taken(route: object, world: World) -> None:
    """413, and the connection is closed; whoever takes one looks at the credential first."""
    async with world.serving() as client:
        method, path, body = route.method, route.path, route.body  # type: ignore[attr-defined]
        path = path.replace("{id}", "x").replace("{event_id}", "x").replace("{name}", "x")
        answer = await client.send(method, path, b"{}", "")
        assert answer.status == (401 if body else 413)
        assert (answer.problem == "body-not-allowed") is not body


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_another_type_is_not_read(kind: str, tmp_path: Path, world: World) -> None:
    """415: a form of some page cannot put an alert."""
    async with alerting(tmp_path, world) as (client, _):
        answer = await client.send("POST", "/v1/alerts", RULE, Content_Type=kind)
        assert (answer.status, answer.problem) == (415, "unsupported-media-type")


async def test_a_compressed_body_is_not_read(tmp_path: Path, world: World) -> None:
    """415: nothing is inflated."""
    async with alerting(tmp_path, world) as (client, _):
        answer = await client.send("POST", "/v1/alerts", b"\x1f\x8b", Content_Encoding="gzip")
        assert answer.status == 415


async def test_a_body_has_a_bound_whether_its_length_is_told_or_not(tmp_path: Path, world: World) -> None:
    """413, and the connection is closed."""
    async with alerting(tmp_path, world) as (client, _):
        told = await client.send("POST", "/v1/alerts", b" " * (BODY_BYTES_MAX + 1))
        assert (told.status, told.problem) == (413, "body-too-large")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        head = (
            b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-ann\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        raw = await client.raw(head + chunk + chunk)
        assert raw.startswith(b"HTTP/1.1 413")


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """408, and the connection is closed."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    async with alerting(tmp_path, world) as (client, _):
        raw = await client.raw(
            b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-ann\r\n"
            b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        )
        assert raw.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'{"a":1,"a":1}', b"1 2", b"[" * 100_000])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    """Read strictly, and never too deep for us."""
    with pytest.raises(Problem) as caught:
        decoded(body)
    assert caught.value.kind.name == "malformed"
