"""Routes of watchlists."""

from pathlib import Path

from tests.tapewire.http.alerting import alerting
from tests.tapewire.http.world import World


async def test_a_list_is_made_changed_and_deleted(tmp_path: Path, world: World) -> None:
    """Order is kept, revisions count, the same again changes nothing."""
    async with alerting(tmp_path, world) as (client, _):
        made = await client.send("POST", "/v1/watchlists", {"name": "main", "symbols": ["MSFT", "AAPL"]})
        assert (made.status, made.json["symbols"], made.headers["ETag"]) == (201, ["MSFT", "AAPL"], '"1"')
        twice = await client.send("POST", "/v1/watchlists", {"name": "main", "symbols": []})
        assert (twice.status, twice.problem) == (409, "conflict")
        same = await client.send("PUT", "/v1/watchlists/main", {"symbols": ["MSFT", "AAPL"]})
        assert same.json == made.json
        stale = await client.send("PUT", "/v1/watchlists/main", {"symbols": []}, If_Match='"2"')
        assert stale.status == 412
        new = await client.send("PUT", "/v1/watchlists/main", {"symbols": ["BRK.B"]}, If_Match='"1"')
        assert (new.status, new.json["rev"]) == (200, 2)
        assert (await client.get("/v1/watchlists")).json == {"watchlists": [new.json]}
        assert (await client.get("/v1/watchlists/main")).json == new.json
        assert (await client.send("DELETE", "/v1/watchlists/main")).status == 204
        assert (await client.get("/v1/watchlists/main")).status == 404


async def test_a_name_may_have_blanks_and_other_letters(tmp_path: Path, world: World) -> None:
    """In the path they are percent-encoded."""
    async with alerting(tmp_path, world) as (client, _):
        made = await client.send("PUT", "/v1/watchlists/caf%C3%A9%20list", {"symbols": []})
        assert (made.status, made.json["name"]) == (201, "café list")


async def test_what_is_no_list_is_refused_with_a_pointer(tmp_path: Path, world: World) -> None:
    """Names, symbols, unknown members."""
    async with alerting(tmp_path, world) as (client, _):
        for body, pointer in (
            ({"name": "", "symbols": []}, "/name"),
            ({"name": 5}, "/name"),
            ({"symbols": []}, "/name"),
            ({"name": "x", "symbols": "AAPL"}, "/symbols"),
            ({"name": "x", "symbols": ["AAPL", "AAPL"]}, "/symbols"),
            ({"name": "x", "symbols": ["AAPL", 5]}, "/symbols/1"),
            ({"name": "x", "color": 1}, "/color"),
        ):
            answer = await client.send("POST", "/v1/watchlists", body)
            assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
