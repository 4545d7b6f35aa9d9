"""The newest tick of each symbol over HTTP."""

import pytest

from storage.errors import StoreUnavailable
from tapewire.http.access import DELAY_NS
from tests.storage.making import quote, trade
from tests.tapewire.http.world import NOW, World

OLD = NOW - 2 * DELAY_NS
SECOND = 1_000_000_000


async def test_newest_values_come_by_symbol_trade_before_quote(world: World) -> None:
    """In the shape of rows, in the form asked; symbols without values are left out."""
    world.publish(quote("MSFT", OLD), trade("ABR-D", OLD, 1), quote("ABR-D", OLD), trade("ABR-D", OLD, 2))
    async with world.serving() as client:
        answer = (await client.get("/v1/latest?symbols=MSFT,ABR.PRD,IBM")).json
        rows = answer.pop("latest")
        assert [(row["symbol"], row["channel"], row["m"]) for row in rows] == [
            ("ABR.PRD", "t:ABR-D", 4),
            ("ABR.PRD", "q:ABR-D", 3),
            ("MSFT", "q:MSFT", 1),
        ]
        assert answer == {"known_at": 4, "complete_until": 4, "access": "live"}
        trades = (await client.get("/v1/trades?symbols=ABR.PRD")).json["trades"]
        assert rows[0] == trades[1]
        assert [
            row["m"] for row in (await client.get("/v1/latest?symbols=ABR-D&kinds=q")).json["latest"]
        ] == [3]


async def test_what_memory_lost_comes_from_the_history(world: World) -> None:
    """After a start only the newest part of the tape is in memory."""
    world.publish(trade("AAPL", OLD, 1), trade("MSFT", OLD, 2))
    world.store_all()
    async with world.serving() as client:
        whole = (await client.get("/v1/latest?symbols=AAPL,MSFT")).json
        del world.memory["t:AAPL"]
        assert (await client.get("/v1/latest?symbols=AAPL,MSFT")).json == whole
        world.history.failure = StoreUnavailable("x")
        assert (await client.get("/v1/latest?symbols=MSFT&kinds=t")).status == 200
        assert (await client.get("/v1/latest?symbols=AAPL&kinds=t")).problem == "store-unavailable"


async def test_delayed_values_are_fifteen_minutes_old_by_both_clocks(world: World) -> None:
    """Memory, which has the newest, is not asked."""
    edge = NOW - DELAY_NS
    world.publish(
        trade("MSFT", OLD, 1),
        trade("AAPL", OLD, 2),
        trade("MSFT", edge + SECOND, 3, ts_recv=edge),  # a clock that is ahead
        trade("IBM", edge + SECOND, 4, ts_recv=edge),
        trade("AAPL", edge, 5, ts_recv=edge),
        trade("AAPL", edge, 6, ts_recv=edge + 1),
        trade("MSFT", NOW, 7),
    )
    async with world.serving() as client:
        answer = (await client.get("/v1/latest?symbols=AAPL,MSFT,IBM&kinds=t", "canary-cyd")).json
    assert [(row["symbol"], row["trade_id"]) for row in answer["latest"]] == [("AAPL", 5), ("MSFT", 1)]
    assert (answer["access"], answer["known_at"]) == ("delayed", 5)


async def test_one_kind_may_be_live_and_the_other_delayed(world: World) -> None:
    """Each kind has its own ceiling; the answer says the least of them."""
    world.publish(quote("AAPL", OLD), trade("AAPL", NOW, 1), quote("AAPL", NOW))
    async with world.serving() as client:
        answer = (await client.get("/v1/latest?symbols=AAPL", "canary-bob")).json
        assert [(row["channel"], row["m"]) for row in answer["latest"]] == [("t:AAPL", 2), ("q:AAPL", 1)]
        assert answer["access"] == "delayed"
        answer = (await client.get("/v1/latest?symbols=AAPL&kinds=t", "canary-bob")).json
        assert (answer["access"], [row["m"] for row in answer["latest"]]) == ("live", [2])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?symbols=", 400),
        ("?symbols=A&kinds=x", 400),
        ("?symbols=A&limit=1", 400),
        ("?symbols=A&kinds=t,q", 200),
    ],
)
async def test_symbols_are_needed_and_kinds_are_two(query: str, status: int, world: World) -> None:
    """Every symbol's newest value is what the streams are for."""
    async with world.serving() as client:
        assert (await client.get("/v1/latest" + query)).status == status


async def test_what_is_not_allowed_is_refused_as_a_whole(world: World) -> None:
    """With each denied symbol."""
    async with world.serving() as client:
        answer = await client.get("/v1/latest?symbols=AAPL,IBM&kinds=t", "canary-bob")
    assert (answer.status, answer.json["errors"]) == (403, [{"detail": "not entitled", "symbol": "IBM"}])
