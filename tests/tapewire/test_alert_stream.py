"""Alerts on WebSockets, over a real runtime and a real hub without sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import AlertSettings
from tapewire import alert_stream
from tapewire.alert_desk import owner_of
from tapewire.alert_stream import AlertStream
from tapewire.fanout import KnownCaller
from tests.hub.phone import Phone
from tests.hub.rig import Rig
from tests.tapewire.http.alerting import RULE, Market
from tests.tapewire.http.world import World

EVERY = RULE | {"repeat": {"mode": "every"}}
NAMES = ("ann", "bob", "other")


class Scene:
    """A market, its alerts, and a hub whose desk they are."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.market = Market(folder / "tape", self.world)
        self.stream = AlertStream(self.market.desk, AlertSettings(), lambda: self.world.now_ns)
        self.market.alerts.on_fires.append(self.stream.on_fires)
        self.rig = Rig(desk=self.stream)
        for name in NAMES:
            principal = self.world.accounts.authenticate(f"canary-{name}", self.world.now_ns)
            self.rig.users[name] = KnownCaller(self.world.accounts, principal)

    def phone(self, name: str = "ann", packed: bool = False) -> Phone:
        """A client that is in."""
        return Phone(self.rig, packed=packed).hello(name)

    async def ring(self, times: int = 1) -> None:
        """Ring ann's alert so often."""
        if not self.market.alerts.list(owner_of(self.ann)):
            self.market.print(90)
            await self.market.desk.put(self.ann, EVERY)
        await self.market.ring(times)

    @property
    def ann(self) -> Any:
        """Who ann is."""
        return self.world.accounts.authenticate("canary-ann", self.world.now_ns)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene that runs."""
    made = Scene(tmp_path)
    tasks = [asyncio.create_task(made.market.alerts.run()), asyncio.create_task(made.stream.run())]
    await asyncio.sleep(0)
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    made.market.alerts.close()
    made.market.endpoints.close()
    made.market.tape.close()
    made.world.marks.close()


async def heard(phone: Phone, enough: Callable[[Phone], object]) -> None:
    """Wait until a client has heard something."""
    async with asyncio.timeout(20):
        while not enough(phone):
            await asyncio.sleep(0.001)
            phone.read()


def offsets(phone: Phone) -> list[int]:
    """The rings that a client was sent."""
    return [one["off"] for one in phone.of("alert")]


@pytest.mark.parametrize("packed", [False, True])
async def test_an_alert_is_put_listed_changed_and_deleted(packed: bool, scene: Scene) -> None:
    """In the form of HTTP; errors with their code."""
    phone = scene.phone(packed=packed)
    scene.market.print(99.5)
    rule = EVERY | {"client_id": "mine"}
    phone.send({"op": "alert.put", "id": 1, "rule": rule})
    await heard(phone, lambda phone: phone.of("ok"))
    made = phone.of("ok")[0]["alert"]
    assert (made["when"], made["state"], made["value"]) == (RULE["when"], "armed", 99.5)
    phone.send({"op": "alert.put", "id": 2, "rule": RULE | {"client_id": "mine"}, "rev": 9})
    phone.send({"op": "alert.put", "id": 3, "rule": {"symbol": "AAPL"}})
    phone.send({"op": "alert.del", "id": 4, "alert": "nothing"})
    await heard(phone, lambda phone: len(phone.of("err")) == 3)
    told = {one["id"]: one["code"] for one in phone.of("err")}
    assert told == {2: "CONFLICT", 3: "BAD_MSG", 4: "NOT_FOUND"}
    assert {one.get("pointer") for one in phone.of("err") if one["id"] == 3} == {"/when"}
    phone.send({"op": "alert.list", "id": 5}, {"op": "alert.del", "id": 6, "alert": "mine"})
    await heard(phone, lambda phone: len(phone.of("ok")) == 3)
    listed = next(one for one in phone.of("ok") if one["id"] == 5)
    assert [one["id"] for one in listed["alerts"]] == [made["id"]]
    assert scene.market.alerts.list(owner_of(scene.ann)) == []


async def test_a_ring_goes_to_every_connection_of_its_owner_and_to_nobody_else(scene: Scene) -> None:
    """With its proof; a user of the same name in another tenant hears nothing."""
    phones = [scene.phone(), scene.phone(packed=True)]
    others = [scene.phone("bob"), scene.phone("other")]
    await scene.ring()
    for phone in phones:
        await heard(phone, lambda phone: phone.of("alert"))
        ring = phone.of("alert")[0]
        assert (ring["off"], ring["symbol"], ring["value"]) == (1, "AAPL", 101)
        assert ring["proof"]["tick"]["price"] == 101
    for phone in others:
        phone.read()
        assert phone.of("alert") == []


async def test_what_was_not_confirmed_is_sent_when_a_client_connects(scene: Scene) -> None:
    """And what was is not; one confirmation stands for all of an owner's clients."""
    await scene.ring(3)
    phone = scene.phone()
    await heard(phone, lambda phone: len(phone.of("alert")) == 3)
    assert offsets(phone) == [1, 2, 3]
    phone.send({"op": "alert.ack", "off": 2})
    phone.send({"op": "alert.list", "id": 1})
    await heard(phone, lambda phone: phone.of("ok"))
    again = scene.phone()
    await heard(again, lambda phone: phone.of("alert"))
    assert offsets(again) == [3]


async def test_what_was_not_confirmed_is_sent_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same connection; then it is confirmed."""
    monkeypatch.setattr(alert_stream, "RESEND_SECONDS", 0.01)
    scene = Scene(tmp_path)
    tasks = [asyncio.create_task(scene.market.alerts.run()), asyncio.create_task(scene.stream.run())]
    await asyncio.sleep(0)
    phone = scene.phone()
    await scene.ring()
    await heard(phone, lambda phone: len(phone.of("alert")) >= 3)
    assert set(offsets(phone)) == {1}
    phone.send({"op": "alert.ack", "off": 1})
    await heard(phone, lambda _: not scene.stream._unconfirmed)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    scene.market.alerts.close()
    scene.market.endpoints.close()
    scene.market.tape.close()
    scene.world.marks.close()


async def test_what_is_of_no_use_any_more_is_not_sent(scene: Scene) -> None:
    """A ring of an hour ago; one that came since is sent, however many old ones there are."""
    await scene.ring(alert_stream.RINGS_AT_ONCE + 5)
    scene.world.now_ns += 3_600 * 1_000_000_000
    await scene.ring()
    phone = scene.phone()
    await heard(phone, lambda phone: phone.of("alert"))
    assert offsets(phone) == [alert_stream.RINGS_AT_ONCE + 6]


async def test_a_long_list_of_rings_comes_in_pages(scene: Scene) -> None:
    """The next one when the one before was confirmed."""
    await scene.ring(alert_stream.RINGS_AT_ONCE + 5)
    phone = scene.phone()
    await heard(phone, lambda phone: len(phone.of("alert")) == alert_stream.RINGS_AT_ONCE)
    phone.send({"op": "alert.ack", "off": alert_stream.RINGS_AT_ONCE})
    await heard(phone, lambda phone: len(phone.of("alert")) == alert_stream.RINGS_AT_ONCE + 5)
    assert offsets(phone) == list(range(1, alert_stream.RINGS_AT_ONCE + 6))


async def test_a_watchlist_is_its_owners(scene: Scene) -> None:
    """Another's is as if it did not exist."""
    await scene.market.alerts.put_watchlist(owner_of(scene.ann), "main", ["AAPL"])
    phone, other = scene.phone(), scene.phone("other")
    for one in (phone, other):
        one.send({"op": "sub", "id": 1, "watchlist": "main", "kinds": ["t"]})
    assert set(phone.of("ok")[0]["chans"]) == {"t:AAPL"}
    assert other.of("err")[0]["code"] == "NOT_FOUND"
