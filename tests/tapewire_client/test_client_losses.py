"""Lost connections, against a hub that does what the test says."""

import asyncio
import random
from http import HTTPStatus

import pytest

from tapewire_client import ConnectionLost, connect
from tests.tapewire_client.scripted import (
    at_once,
    numbers,
    opened,
    scripted_hub,
    take,
    take_all,
)
from tests.tapewire_client.wire import mark, ok, resumed_ok, trade


@pytest.mark.parametrize(
    ("how", "told"),
    [("cut", "closed: 1006"), ("closed", "closed: 4101 overload"), ("drained", "closed: 4100 drain")],
)
async def test_a_loss_is_made_good_from_the_last_mark(how: str, told: str) -> None:
    """With the mark and its epoch; what was received already is dropped, and nothing is missing."""
    losses: list[str] = []
    async with scripted_hub() as hub:
        client, visit = await opened(hub, on_loss=lambda why, wait_s: losses.append(why))
        await visit.send(trade(5), mark(101), trade(6))
        assert await numbers(client, 2) == [5, 6]
        if how == "cut":
            visit.cut()
        elif how == "closed":
            await visit.close(4101, "overload")
        else:
            await visit.send({"op": "drain", "deadline_ms": 0, "after": [0, 1], "m": 101})
            await visit.close(4100, "drain")
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(numbers(client, 2))
            visit = await hub.greeted()
            assert (await visit.receive())["from"] == {"m": 101, "e": 1}
            await visit.send(resumed_ok("t:A"), trade(6), trade(7), trade(8))
        assert taking.result() == [7, 8]
        assert (client.connects, client.continuity.holes) == (2, [])
        assert losses == [
            {"cut": "closed: 1006", "closed": "closed: 4101 overload"}.get(how, "closed: 4100 drain")
        ]
        await client.close()


async def test_each_subscription_goes_on_from_its_own_mark() -> None:
    """One that was not confirmed yet begins as it was asked for."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await client.subscribe(["B"], kinds=["t"], since=10)
        await client.subscribe(["C"], kinds=["q"])
        await visit.send(mark(120))
        await take(client, "mark")
        visit.cut()
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "t"))
            visit = await hub.greeted()
            starts = [(await visit.receive())["from"] for _ in range(3)]
            await visit.send(resumed_ok("t:A"), trade(5))
        assert starts == [{"m": 120, "e": 1}, {"m": 10}, "snapshot"]
        assert taking.result()["n"] == 5
        await client.close()


async def test_marks_of_a_new_connection_speak_for_what_it_has_granted() -> None:
    """A second loss in front of the second answer: that subscription still goes on from its old mark."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await client.subscribe(["B"], kinds=["t"])
        await visit.receive()
        await visit.send(ok({"t:B": 1}, sub_id=2), mark(120))
        await take(client, "mark")
        for first_m in (120, 150):
            visit.cut()
            async with asyncio.TaskGroup() as group:
                taking = group.create_task(take(client, "mark"))
                visit = await hub.greeted()
                starts = [(await visit.receive())["from"]["m"] for _ in range(2)]
                await visit.send(resumed_ok("t:A"), mark(first_m + 30))
                await taking
            assert starts == [first_m, 120]
        await client.close()


class Longest(random.Random):
    """Always draws the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        """The end of the range."""
        return b


async def test_waits_are_short_again_once_the_connection_works() -> None:
    """It works when a mark has come; a welcome alone might be followed by the next loss."""
    waits: list[float] = []
    async with scripted_hub() as hub:
        client, visit = await opened(hub, on_loss=lambda why, wait_s: waits.append(wait_s), rng=Longest())
        await take(client, "snap")
        for told in (False, False, False, True, False):
            if told:
                await visit.send(mark(101))
                await take(client, "mark")
            visit.cut()
            async with asyncio.TaskGroup() as group:
                taking = group.create_task(take(client, "welcome"))
                visit = await hub.greeted(reconnect={"min": 1, "max": 4})
                await taking
        assert waits == [0.001, 0.002, 0.004, 0.001, 0.002]
        await client.close()


async def test_it_tries_until_somebody_answers() -> None:
    """Each failed attempt is told."""
    losses: asyncio.Queue[str] = asyncio.Queue()
    async with scripted_hub() as hub:
        client, visit = await opened(hub, on_loss=lambda why, wait_s: losses.put_nowait(why))
        await visit.send(mark(101))
        await take(client, "mark")
        hub.answer = (HTTPStatus.SERVICE_UNAVAILABLE, {})
        visit.cut()
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "t"))
            told = [await losses.get() for _ in range(4)]
            assert told == ["closed: 1006", *["turned away: 503 Service Unavailable"] * 3]
            hub.answer = None
            visit = await hub.visit()
            await visit.close(1013, "try again later")
            visit = await hub.greeted()
            await visit.send(resumed_ok("t:A"), trade(5))
        assert taking.result()["n"] == 5
        rest = [losses.get_nowait() for _ in range(losses.qsize())]
        assert rest[-1] == "turned away: 1013 try again later"
        await client.close()


@pytest.mark.parametrize(
    ("code", "reason", "least_s", "most_s"),
    [(4101, "overload, retry in 5 s", 5.0, 5.1), (4007, "slow", 0.0, 0.1), (1011, "", 0.0, 0.1)],
)
async def test_a_hub_that_says_when_is_not_asked_before(
    code: int, reason: str, least_s: float, most_s: float
) -> None:
    """The reason of the close code holds the wait; closing the client ends it."""
    waits: asyncio.Queue[float] = asyncio.Queue()
    async with scripted_hub() as hub:
        client, visit = await opened(hub, on_loss=lambda why, wait_s: waits.put_nowait(wait_s))
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(take_all(client))
            await visit.close(code, reason)
            assert least_s <= await waits.get() <= most_s
            await client.close()
        assert "t" not in ended.result()


async def test_a_drain_says_when_to_come_back() -> None:
    """Each client at a moment of its own, drawn from the range that the hub gave."""
    waits: asyncio.Queue[float] = asyncio.Queue()
    async with scripted_hub() as hub:
        client, visit = await opened(hub, on_loss=lambda why, wait_s: waits.put_nowait(wait_s))
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(take_all(client))
            await visit.send({"op": "drain", "deadline_ms": 0, "after": [7_000, 9_000]})
            await visit.close(4100, "drain")
            assert 7 <= await waits.get() <= 9
            await client.close()
        assert ended.result()[-1] == "drain"


async def test_a_hub_that_says_nothing_is_left() -> None:
    """After two of its own ping intervals."""
    async with scripted_hub() as hub, asyncio.TaskGroup() as group:
        losses: list[str] = []
        client = connect(hub.url, backoff=at_once(), on_loss=lambda why, wait_s: losses.append(why))
        entering = group.create_task(client.__aenter__())
        await hub.greeted(ping_s=0.02)
        await entering
        taking = group.create_task(take(client, "mark"))
        visit = await hub.greeted()
        await visit.send(mark(5))
        await taking
        assert losses == ["nothing heard for 0.04 s"]
        await client.close()


async def test_without_reconnecting_a_loss_is_an_error() -> None:
    """Whoever wants to decide for themselves."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub, reconnect=False)
        visit.cut()
        with pytest.raises(ConnectionLost, match="1006"):
            await take(client, "t")
        await client.close()
