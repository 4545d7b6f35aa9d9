"""Gaps over HTTP, on a real small system."""

import pytest

from tapewire.http.access import DELAY_NS
from tests.storage.making import gap
from tests.tapewire.http.world import NOW, World
from ticks.times import format_time

OLD = NOW - 3_600 * 1_000_000_000
"""An hour ago: nobody's delay hides it."""
SECOND = 1_000_000_000


async def test_gaps_are_told_with_every_answer_they_concern(world: World) -> None:
    """Of the market and of the symbols asked for, within the time asked for."""
    world.publish(
        gap("gap_open", OLD, from_ts=OLD),
        gap("gap_close", OLD + 10 * SECOND, from_ts=OLD, to_ts=OLD + 10 * SECOND, lost=5),
        gap("gap_open", OLD, scope="MSFT", why="unsubscribed", from_ts=OLD + SECOND),
    )
    async with world.serving() as client:
        both = (await client.get("/v1/gaps")).json
        assert both["known_at"] == both["complete_until"] == 3
        market, msft = both["gaps"]
        assert market == {
            "lineup": "",
            "scope": "*",
            "why": "loss",
            "from": format_time(OLD),
            "to": format_time(OLD + 10 * SECOND),
            "lost": 5,
            "open_m": 1,
            "close_m": 2,
            "source": "iex-tops",
        }
        assert (msft["scope"], msft["to"], msft["lost"], msft["close_m"]) == ("MSFT", None, None, None)
        for path in (
            "/v1/gaps?symbols=AAPL",
            "/v1/trades?symbols=AAPL",
            f"/v1/gaps?end={OLD + 1}",
            "/v1/gaps?known_at=2",
        ):
            assert [found["open_m"] for found in (await client.get(path)).json["gaps"]] == [1], path
        for path in ("/v1/trades?symbols=MSFT", "/v1/quotes"):
            assert len((await client.get(path)).json["gaps"]) == 2
        assert (await client.get(f"/v1/gaps?start={OLD + 3600 * SECOND}&symbols=AAPL")).json["gaps"] == []
        answer = await client.get(f"/v1/gaps?start={OLD}&end=5")
        assert answer.problem == "bad-parameter"


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/v1/gaps?symbols=AAPL", "canary-bob", 200),
        ("/v1/gaps?symbols=AAPL,MSFT", "canary-bob", 200),
        ("/v1/gaps?symbols=AAPL,NVDA", "canary-bob", 403),
        ("/v1/gaps?symbols=AAPL&lineup=iex", "canary-bob", 403),
        ("/v1/gaps", "canary-bob", 403),
        ("/v1/gaps", "canary-cyd", 200),
    ],
)
async def test_gaps_need_a_grant_of_some_kind(world: World, path: str, token: str, status: int) -> None:
    """Where data is missing is told only of what one may read; of every symbol, only to who may read all."""
    async with world.serving() as client:
        answer = await client.get(path, token)
    assert answer.status == status
    if status == 403 and "NVDA" in path:
        assert [fault["symbol"] for fault in answer.json["errors"]] == ["NVDA"]


async def test_gaps_of_the_last_minutes_are_not_told_to_the_delayed(world: World) -> None:
    """Neither those that happened lately nor those that became known lately, whatever is asked."""
    late = NOW - DELAY_NS + SECOND
    world.publish(
        gap("gap_open", OLD, from_ts=OLD),
        gap("gap_open", late, scope="MSFT", why="unsubscribed", from_ts=OLD),
    )
    async with world.serving() as client:
        for path in ("/v1/gaps", "/v1/gaps?symbols=MSFT", "/v1/gaps?known_at=2"):
            answer = (await client.get(path, "canary-cyd")).json
            assert ([found["open_m"] for found in answer["gaps"]], answer["known_at"]) == ([1], 1), path
            assert answer["access"] == "delayed"
            live = (await client.get(path)).json
            assert (len(live["gaps"]), live["access"]) == (2, "live"), path
