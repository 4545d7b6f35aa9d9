"""Routes of webhook endpoints: what is told of a secret, and when."""

import io
from pathlib import Path

from tests.tapewire.http.alerting import HOOK, alerting
from tests.tapewire.http.world import World


async def test_a_secret_is_told_when_it_is_made_and_never_again(
    tmp_path: Path, world: World, logged: io.StringIO
) -> None:
    """Not in lists, not under its path, not for the same URL again, not in a log."""
    async with alerting(tmp_path, world) as (client, _):
        made = await client.send("POST", "/v1/webhooks", {"url": HOOK})
        assert (made.status, made.headers["Location"]) == (201, f"/v1/webhooks/{made.json['id']}")
        assert made.json["secret"].startswith("whsec_")
        path = made.headers["Location"]
        again = await client.send("POST", "/v1/webhooks", {"url": HOOK})
        assert (again.status, again.json["id"]) == (200, made.json["id"])
        off = await client.send("PATCH", path, {"enabled": False})
        answers = (again, off, await client.get(path), await client.get("/v1/webhooks"))
        assert all(b"whsec_" not in answer.body for answer in answers)
        turned = await client.send("POST", f"{path}:rotate-secret")
        assert turned.json["secret"] not in ("", made.json["secret"])
    assert "whsec_" not in logged.getvalue()


async def test_an_endpoint_is_switched_off_and_on_and_deleted(tmp_path: Path, world: World) -> None:
    """With the reason why nothing is sent."""
    async with alerting(tmp_path, world) as (client, _):
        path = (await client.send("POST", "/v1/webhooks", {"url": HOOK})).headers["Location"]
        off = await client.send("PATCH", path, {"enabled": False})
        assert (off.json["enabled"], off.json["reason"]) == (False, "its owner switched it off")
        on = await client.send("PATCH", path, {"enabled": True})
        assert (on.json["enabled"], on.json["reason"]) == (True, None)
        for body in ({}, {"enabled": 1}, {"url": HOOK}):
            assert (await client.send("PATCH", path, body)).status == 422
        assert (await client.send("DELETE", path)).status == 204
        assert (await client.get(path)).status == 404


async def test_an_address_inside_is_refused(tmp_path: Path, world: World) -> None:
    """422 `unsafe_url`, with the pointer."""
    async with alerting(tmp_path, world) as (client, _):
        for url in ("http://169.254.169.254/", "https://localhost/", "https://[::ffff:10.0.0.1]/", 5, None):
            answer = await client.send("POST", "/v1/webhooks", {"url": url})
            assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/url")


async def test_a_key_gives_the_same_answer_again(tmp_path: Path, world: World) -> None:
    """So that whoever lost the first answer gets the secret with the second."""
    async with alerting(tmp_path, world) as (client, _):
        first = await client.send("POST", "/v1/webhooks", {"url": HOOK}, Idempotency_Key="k")
        again = await client.send("POST", "/v1/webhooks", {"url": HOOK}, Idempotency_Key="k")
        assert (again.status, again.body) == (201, first.body)
