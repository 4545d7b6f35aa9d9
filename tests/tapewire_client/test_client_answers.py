"""What becomes of a subscription that the hub refuses, postpones, ends or cannot go on with."""

import asyncio
from typing import Any

import pytest

from tapewire_client import RequestRefused, connect
from tests.tapewire_client.scripted import (
    at_once,
    numbers,
    opened,
    scripted_hub,
    take,
)
from tests.tapewire_client.wire import mark, ok, resumed_ok, snap, trade


def refused(code: str, error_class: str, sub_id: int | None = 2, **more: Any) -> dict[str, Any]:
    """The hub's no to a `sub`."""
    answer = {"op": "err", "code": code, "no": 0, "class": error_class, "msg": "no", **more}
    return answer if sub_id is None else {**answer, "id": sub_id}


async def test_a_refused_subscription_is_an_error_and_the_rest_goes_on() -> None:
    """It is not asked for again on the next connection."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        sub_id = await client.subscribe(["B"], kinds=["nothing"])
        await visit.receive()
        await visit.send(refused("BAD_MSG", "fix", hint="kinds"), trade(5), mark(101))
        with pytest.raises(RequestRefused, match="BAD_MSG: no: kinds") as caught:
            await take(client, "t")
        assert caught.value.request_id == sub_id
        assert await numbers(client, 1) == [5]
        await take(client, "mark")
        assert client.mark == 101
        visit.cut()
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "t"))
            visit = await hub.greeted()
            assert (await visit.receive())["id"] == 1
            await visit.send(resumed_ok("t:A"), trade(6))
            await taking
        await client.close()


@pytest.mark.parametrize("named", [True, False])
async def test_what_is_too_much_for_now_is_asked_for_again(named: bool) -> None:
    """Whether the hub says which message it was or not; what was granted is not asked for again."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await take(client, "snap")
        await client.subscribe(["B"], kinds=["t"])
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "t"))
            first = await visit.receive()
            await visit.send(refused("RATE", "wait", 2 if named else None, retry_ms=1))
            assert await visit.receive() == first
            await visit.send(ok({"t:B": 1}, sub_id=2), trade(2, channel="t:B"))
        assert taking.result()["n"] == 2
        await client.close()


async def test_a_tape_that_is_another_one_is_begun_anew() -> None:
    """The message is passed on, so that the caller knows; numbers and mark of the old tape are forgotten."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await visit.send(trade(5), mark(900))
        await take(client, "mark")
        visit.cut()
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "err"))
            visit = await hub.greeted(m=7)
            assert (await visit.receive())["from"] == {"m": 900, "e": 1}
            await visit.send(refused("EPOCH", "gone", 1))
        assert taking.result()["code"] == "EPOCH"
        before = client.mark
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "mark"))
            assert (await visit.receive())["from"] == "snapshot"
            await visit.send(ok({"t:A": 2}, m=7), snap(2), trade(3), mark(8))
        assert (before, client.mark, client.continuity.holes) == (None, 8, [])
        await client.close()


async def test_a_hub_that_names_another_tape_is_not_asked_for_the_mark_of_the_old_one() -> None:
    """It might have such a mark too, of something else."""
    async with scripted_hub() as hub:
        client = connect(hub.url, backoff=at_once(), since=50)
        async with asyncio.TaskGroup() as group:
            entering = group.create_task(client.__aenter__())
            visit = await hub.greeted(tape="one")
            await entering
        await client.subscribe(["A"], kinds=["t"])
        assert (await visit.receive())["from"] == {"m": 50}
        starts = []
        for tape in ("one", "two"):
            await visit.send(resumed_ok("t:A"), trade(5), mark(101))
            await take(client, "mark")
            visit.cut()
            async with asyncio.TaskGroup() as group:
                group.create_task(take(client, "welcome"))
                visit = await hub.greeted(tape=tape)
                starts.append((await visit.receive())["from"])
        assert starts == [{"m": 101, "e": 1}, "snapshot"]
        assert (client.tape, client.mark) == ("two", None)
        await visit.send(ok({"t:A": 2}), trade(3))
        assert await numbers(client, 1) == [3]
        await client.close()


async def test_a_subscription_that_was_ended_is_not_asked_for_again() -> None:
    """The token's rights have become narrower; the other goes on."""
    async with scripted_hub() as hub:
        client, visit = await opened(hub)
        await client.subscribe(["B"], kinds=["t"])
        await visit.receive()
        await visit.send(ok({"t:B": 1}, sub_id=2), refused("ENT_NONE", "plan", ended=True))
        await take(client, "err")
        visit.cut()
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client, "t"))
            visit = await hub.greeted()
            assert (await visit.receive())["id"] == 1
            await visit.send(ok({"t:A": 4}), trade(5))
            await taking
        await client.close()
