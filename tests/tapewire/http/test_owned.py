"""Owned objects: every verb on every object of somebody else gives 404; errors become problems."""

from pathlib import Path
from typing import Any

import pytest

from alerts.errors import (
    AlertsError,
    AlreadyTrue,
    Conflict,
    Invalid,
    LimitReached,
    NotFound,
    NotReady,
    StoreDamaged,
    StoreUnavailable,
)
from tapewire.alert_desk import NotEntitled
from tapewire.http.owned import members_of, problem_of
from tapewire.http.routes import ROUTES
from tests.tapewire.http.alerting import HOOK, RULE, alerting
from tests.tapewire.http.world import World

OTHERS = ("canary-bob", "canary-other")
"""Another user, and a user of the same name in another tenant."""
BODIES: dict[str, Any] = {
    "/v1/alerts/{id}": RULE,
    "/v1/watchlists/{name}": {"symbols": ["AAPL"]},
    "/v1/webhooks/{id}": {"enabled": False},
}


async def test_every_verb_on_every_object_of_another_gives_404(tmp_path: Path, world: World) -> None:
    """All routes with an object in their path are walked; then everything is as it was."""
    async with alerting(tmp_path, world) as (client, market):
        market.print(90)
        rule = RULE | {"repeat": {"mode": "every"}, "client_id": "mine"}
        alert = (await client.send("POST", "/v1/alerts", rule)).json
        await client.send("PUT", "/v1/watchlists/main", {"symbols": ["AAPL", "MSFT"]})
        hook = (await client.send("POST", "/v1/webhooks", {"url": HOOK})).json
        await market.ring()
        fire = (await client.get("/v1/fires")).json["fires"][0]
        mine = {
            "/v1/alerts/{id}": alert["id"],
            "/v1/fires/{event_id}": fire["event_id"],
            "/v1/watchlists/{name}": "main",
            "/v1/webhooks/{id}": hook["id"],
            "/v1/webhooks/{id}:rotate-secret": hook["id"],
        }
        lists = ("/v1/alerts", "/v1/fires", "/v1/watchlists", "/v1/webhooks")
        before = [(await client.get(path)).body for path in lists]
        walked = 0
        for route in ROUTES:
            if "{" not in route.path or not route.path.startswith("/v1/"):
                continue
            if (route.method, route.path) == ("PUT", "/v1/watchlists/{name}"):
                continue  # it makes a list of the caller's own, which has nothing to do with the other
            path = route.path
            for part in ("{id}", "{event_id}", "{name}"):
                path = path.replace(part, mine[route.path])
            body = BODIES[route.path] if route.body else None
            for token in OTHERS:
                answer = await client.send(route.method, path, body, token)
                assert (answer.status, answer.problem) == (404, "not-found"), (route.method, path)
                missing = path.replace(mine[route.path], "00000000-0000-0000-0000-000000000000")
                assert (await client.send(route.method, missing, body, token)).body == answer.body
                walked += 1
        assert walked == 2 * 11
        for token in OTHERS:
            assert (await client.get("/v1/alerts/mine", token)).status == 404
            for path in lists:
                assert all(not found for found in (await client.get(path, token)).json.values())
        put = await client.send("PUT", "/v1/watchlists/main", {"symbols": ["TSLA"]}, "canary-bob")
        assert put.status == 201
        named = await client.send(
            "POST", "/v1/alerts", RULE | {"channels": [f"webhook:{hook['id']}"]}, "canary-other"
        )
        assert named.status == 422
        assert [(await client.get(path)).body for path in lists] == before


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (NotEntitled("AAPL", "t"), "forbidden"),
        (Invalid("bad_level", "/when/level", "no"), "invalid"),
        (AlreadyTrue(), "invalid"),
        (NotFound("no"), "not-found"),
        (Conflict("no", 3), "conflict"),
        (LimitReached("alerts", 5, 5), "limit-reached"),
        (NotReady("later"), "not-ready"),
        (StoreUnavailable("full"), "alerts-unavailable"),
        (StoreDamaged("bad"), "internal"),
    ],
)
def test_each_error_of_alerts_is_a_problem(error: AlertsError | NotEntitled, name: str) -> None:
    """What is a fault of ours says nothing of our files."""
    problem = problem_of(error)
    assert problem.kind.name == name
    assert (problem.kind.status == 503) is ("Retry-After" in problem.headers)
    if name in ("internal", "alerts-unavailable"):
        assert b"bad" not in problem.body()
        assert b"full" not in problem.body()


def test_a_conflict_with_a_named_revision_is_a_failed_precondition() -> None:
    """412 instead of 409, with the revision there is."""
    problem = problem_of(Conflict("no", 3), if_match=True)
    assert (problem.kind.name, problem.headers["ETag"]) == ("precondition-failed", '"3"')


def test_a_member_that_is_not_known_is_pointed_at() -> None:
    """With what is known; its name is escaped as RFC 6901 wants."""
    assert members_of({"url": 1}, "url") == {"url": 1}
    with pytest.raises(Invalid) as caught:
        members_of({"a/b~c": 1}, "url")
    assert (caught.value.pointer, caught.value.allowed) == ("/a~1b~0c", ("url",))
    with pytest.raises(Invalid):
        members_of([], "url")
