"""Routes of alerts and rings, over a real runtime."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tapewire.http.alerts import read_offset, read_one_symbol
from tapewire.http.parameters import BadValue
from tests.alerts.webhooks.making import ANN
from tests.tapewire.http.alerting import HOOK, RULE, alerting
from tests.tapewire.http.world import World
from ticks.errors import SymbolError

EVERY = RULE | {"repeat": {"mode": "every"}}


async def test_an_alert_is_put_and_repeated_in_the_form_it_was_sent(tmp_path: Path, world: World) -> None:
    """201 with where it stands; then it is in the list, and under its own path."""
    async with alerting(tmp_path, world) as (client, market):
        market.print(99)
        made = await client.send("POST", "/v1/alerts", RULE | {"client_id": "mine"})
        assert made.status == 201
        assert made.json["when"] == RULE["when"]
        assert (made.json["state"], made.json["value"], made.json["distance"]) == ("armed", 99, 1.5)
        path = f"/v1/alerts/{made.json['id']}"
        assert (made.headers["Location"], made.headers["ETag"]) == (path, '"1"')
        assert (await client.get(path)).json == made.json
        assert (await client.get("/v1/alerts/mine")).json == made.json
        listed = await client.get("/v1/alerts")
        assert listed.json == {"alerts": [made.json], "next_cursor": None}
        for query, count in (("symbol=aapl", 1), ("symbol=MSFT", 0), ("state=armed", 1), ("state=fired", 0)):
            assert len((await client.get(f"/v1/alerts?{query}")).json["alerts"]) == count


@pytest.mark.parametrize(
    ("change", "pointer", "kind"),
    [
        ({"color": "red"}, "/color", "unknown_member"),
        ({"symbol": "ΑAPL"}, "/symbol", "unknown_symbol"),
        ({"when": {"feature": "last", "op": ">=", "level": 200.1}}, "/when/level", "bad_level"),
        ({"when": {"feature": "last", "op": ">=", "level": "1e400"}}, "/when/level", "bad_level"),
        ({"when": {"feature": "rsi", "op": ">=", "level": "1"}}, "/when/feature", "unknown_feature"),
        ({"channels": ["push"]}, "/channels/0", "unknown_channel"),
        ({"channels": ["ws", "webhook:http://127.0.0.1/"]}, "/channels/1", "unsafe_url"),
        ({"channels": ["webhook:wh_nothing"]}, "/channels/0", "unknown_channel"),
        ({"expires": "2020-01-01T00:00:00Z"}, "/expires", "expired_in_past"),
        ({"sessions": []}, "/sessions", "bad_value"),
    ],
)
async def test_what_is_no_rule_is_refused_with_a_pointer(
    change: dict[str, Any], pointer: str, kind: str, tmp_path: Path, world: World
) -> None:
    """422, and nothing is watched."""
    async with alerting(tmp_path, world) as (client, market):
        answer = await client.send("POST", "/v1/alerts", RULE | change)
        assert (answer.status, answer.problem) == (422, "invalid")
        (fault,) = answer.json["errors"]
        assert (fault["pointer"], fault["kind"]) == (pointer, kind)
        assert (await client.get("/v1/alerts")).json["alerts"] == []
        assert market.endpoints.list(ANN) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a":1,"a":2}', b"[" * 30_000, b"NaN"]
)
async def test_no_body_makes_a_mistake_of_ours(body: bytes, tmp_path: Path, world: World) -> None:
    """400 or 422, never 500."""
    async with alerting(tmp_path, world) as (client, _):
        for method, path in (("POST", "/v1/alerts"), ("PUT", "/v1/alerts/x"), ("POST", "/v1/watchlists"),
                             ("PUT", "/v1/watchlists/x"), ("POST", "/v1/webhooks")):  # fmt: skip
            answer = await client.send(method, path, body)
            assert answer.status in (400, 422), (method, path)
            assert answer.problem in ("malformed", "invalid")


async def test_a_put_by_name_is_safe_to_repeat(tmp_path: Path, world: World) -> None:
    """Made once, then the same; another rule makes a new revision, which `If-Match` can ask for."""
    async with alerting(tmp_path, world) as (client, _):
        first = await client.send("PUT", "/v1/alerts/mine", RULE)
        again = await client.send("PUT", "/v1/alerts/mine", RULE)
        assert (first.status, again.status) == (201, 200)
        assert first.json == again.json
        other = EVERY
        stale = await client.send("PUT", "/v1/alerts/mine", other, If_Match='"7"')
        assert (stale.status, stale.headers["ETag"]) == (412, '"1"')
        changed = await client.send("PUT", "/v1/alerts/mine", other, If_Match='"1"')
        assert (changed.status, changed.json["rev"], changed.headers["ETag"]) == (200, 2, '"2"')
        by_id = await client.send("PUT", f"/v1/alerts/{first.json['id']}", RULE | {"client_id": "mine"})
        assert (by_id.status, by_id.json["rev"]) == (200, 3)
        wrong = await client.send("PUT", "/v1/alerts/mine", RULE | {"client_id": "other"})
        assert wrong.json["errors"][0]["pointer"] == "/client_id"


async def test_a_patch_changes_what_it_names(tmp_path: Path, world: World) -> None:
    """Null takes a member away; the rest stays."""
    async with alerting(tmp_path, world) as (client, _):
        made = await client.send("POST", "/v1/alerts", RULE | {"client_id": "mine", "use_by": "5m"})
        path = f"/v1/alerts/{made.json['id']}"
        patched = await client.send("PATCH", path, {"use_by": None, "repeat": {"mode": "every"}})
        assert (patched.status, patched.json["rev"]) == (200, 2)
        assert "use_by" not in patched.json
        assert (patched.json["client_id"], patched.json["repeat"]) == ("mine", {"mode": "every"})
        assert (await client.send("PATCH", path, {"x": 1})).json["errors"][0]["pointer"] == "/x"
        assert (await client.send("PATCH", path, {}, If_Match='"1"')).status == 412
        assert (await client.send("PATCH", path, {}, If_Match="2")).status == 412


async def test_a_deleted_alert_is_gone(tmp_path: Path, world: World) -> None:
    """204, then 404."""
    async with alerting(tmp_path, world) as (client, _):
        made = await client.send("POST", "/v1/alerts", RULE)
        path = f"/v1/alerts/{made.json['id']}"
        deleted = await client.send("DELETE", path)
        assert (deleted.status, deleted.body) == (204, b"")
        for method in ("GET", "DELETE"):
            assert (await client.get(path, method=method)).status == 404


async def test_what_one_may_not_see_live_cannot_be_watched(tmp_path: Path, world: World) -> None:
    """Bob sees trades of AAPL live, its quotes delayed, and nothing of TSLA."""
    async with alerting(tmp_path, world) as (client, _):
        quote = {"when": {"feature": "bid", "op": ">=", "level": "1"}}
        for rule, status in ((RULE, 201), (RULE | quote, 403), (RULE | {"symbol": "TSLA"}, 403)):
            assert (await client.send("POST", "/v1/alerts", rule, "canary-bob")).status == status


async def test_there_are_so_many_alerts_of_a_user(tmp_path: Path, world: World) -> None:
    """429 with how many; another user has room."""
    async with alerting(tmp_path, world) as (client, _):
        answers = [await client.send("POST", "/v1/alerts", RULE) for _ in range(6)]
        assert [one.status for one in answers] == [201] * 5 + [429]
        assert answers[-1].problem == "limit-reached"
        assert (await client.send("POST", "/v1/alerts", RULE, "canary-other")).status == 201


async def test_the_same_key_makes_one_alert(tmp_path: Path, world: World) -> None:
    """Also when both come at once; with another body it is a conflict; other users have their own keys."""
    async with alerting(tmp_path, world) as (client, _):
        answers = await asyncio.gather(
            *(client.send("POST", "/v1/alerts", RULE, Idempotency_Key="k1") for _ in range(5))
        )
        assert [one.status for one in answers] == [201] * 5
        assert len({one.body for one in answers}) == 1
        assert answers[0].headers["ETag"] == answers[4].headers["ETag"]
        other = await client.send("POST", "/v1/alerts", EVERY, Idempotency_Key="k1")
        assert (other.status, other.problem) == (409, "idempotency-mismatch")
        assert (
            await client.send("POST", "/v1/alerts", EVERY, "canary-other", Idempotency_Key="k1")
        ).status == 201
        assert len((await client.get("/v1/alerts")).json["alerts"]) == 1


async def test_rings_come_newest_first_page_by_page(tmp_path: Path, world: World) -> None:
    """And oldest first when asked; each has its proof, and under its id its deliveries."""
    async with alerting(tmp_path, world) as (client, market):
        market.print(90)
        made = await client.send("POST", "/v1/alerts", EVERY)
        await market.ring(5)
        seen: list[int] = []
        query = "limit=2"
        while query:
            page = (await client.get(f"/v1/fires?{query}")).json
            seen += [one["off"] for one in page["fires"]]
            query = f"limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
        assert seen == [5, 4, 3, 2, 1]
        up = (await client.get(f"/v1/fires?order=asc&alert={made.json['id']}")).json["fires"]
        down = (await client.get(f"/v1/fires?alert={made.json['id']}&limit=5")).json["fires"]
        assert [one["off"] for one in up] == [1, 2, 3, 4, 5]
        assert up[::-1] == down
        assert up[0]["proof"]["tick"]["price"] == 101
        assert (await client.get("/v1/fires?alert=nothing")).json["fires"] == []
        one = (await client.get(f"/v1/fires/{up[0]['event_id']}")).json
        assert one["deliveries"] == [{"channel": "ws", "state": "pending", "attempts": 0, "error": ""}]
        assert {name: one[name] for name in up[0]} == up[0]


async def test_an_address_in_a_rule_becomes_an_endpoint_without_telling_its_secret(
    tmp_path: Path, world: World
) -> None:
    """A new secret can be asked for."""
    async with alerting(tmp_path, world) as (client, market):
        made = await client.send("POST", "/v1/alerts", RULE | {"channels": [f"webhook:{HOOK}"]})
        assert made.json["channels"] == [f"webhook:{HOOK}"]
        (one,) = market.endpoints.list(ANN)
        listed = await client.get("/v1/webhooks")
        assert b"whsec" not in made.body + listed.body
        assert listed.json["webhooks"][0]["id"] == one.id


async def test_without_alerts_the_routes_say_that_there_are_none(world: World) -> None:
    """404, as for a path that is not there."""
    async with world.serving() as client:
        for path in ("/v1/alerts", "/v1/fires", "/v1/watchlists", "/v1/webhooks"):
            assert (await client.get(path)).status == 404


def test_a_cursor_of_rings_is_a_number() -> None:
    """Anything else is none of ours."""
    assert read_offset("12") == 12
    for text in ("", "-1", "x", "٣", "9" * 16):
        with pytest.raises(BadValue):
            read_offset(text)


def test_a_symbol_may_be_written_as_alpaca_does() -> None:
    """What is no symbol is said to be none."""
    assert read_one_symbol("brk.b") == "BRK.B"
    with pytest.raises(SymbolError):
        read_one_symbol("")
