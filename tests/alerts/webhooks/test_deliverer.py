"""Deliveries from a real outbox to real receivers: what arrives, what is tried again, what is given up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from alerts.changes import Changes
from alerts.errors import StoreUnavailable
from alerts.model import Owner, StoredFire
from alerts.outbox import DeliveryState, Outbox
from alerts.store import AlertStore
from alerts.webhooks.deliverer import Deliverer
from alerts.webhooks.endpoints import Endpoints
from alerts.webhooks.plan import NS
from alerts.webhooks.sender import Sender
from config.settings import AlertSettings, WebhookSettings
from tests.alerts.webhooks import making
from tests.alerts.webhooks.making import ANN, BOB, NOW, Receiver, answering, flood, hang, receiving, until

T = TypeVar("T")
SETTINGS = WebhookSettings(private_addresses=True, timeout_s=1)


class House:
    """A real file of alerts and receivers, a clock that tests set, and the deliverer."""

    def __init__(self, folder: Path) -> None:
        self.now_ns = NOW
        self.store = AlertStore(folder, AlertSettings())
        self.outbox = Outbox(self.store.connection)
        self.endpoints = Endpoints(folder, SETTINGS)
        self.sender = Sender(SETTINGS)
        self.deliverer = Deliverer(
            self, self.endpoints, SETTINGS, lambda: self.now_ns, self.sender, lambda: 0.5
        )
        self.unavailable = False
        self.offsets: dict[Owner, int] = {}

    async def in_store(self, job: Callable[[AlertStore, Outbox], T]) -> T:
        """As the runtime does it, without its thread."""
        if self.unavailable:
            raise StoreUnavailable("gone")
        return job(self.store, self.outbox)

    def ring(self, channel: str, owner: Owner = ANN) -> StoredFire:
        """Commit one ring."""
        self.offsets[owner] = number = self.offsets.get(owner, 0) + 1
        fire = making.stored(number, owner, channel).fire
        (made,) = self.store.commit(Changes(m=1, fires=[fire]), self.now_ns)
        self.deliverer.on_fires([made])
        return made

    def ledger(self, offset: int, owner: Owner = ANN) -> DeliveryState:
        """What became of a ring's delivery."""
        (found,) = self.outbox.ledger(owner, offset)
        return found

    def add(self, receiver: Receiver, owner: Owner = ANN, path: str = "") -> str:
        """Register a receiver; returns the channel."""
        return f"webhook:{self.endpoints.add(owner, receiver.url + path, NOW)[0].id}"

    def later(self, seconds: float) -> None:
        """Let time pass, and the outbox be looked at."""
        self.now_ns += int(seconds * NS)
        self.deliverer.on_fires([])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The deliverer at work."""
        task = asyncio.create_task(self.deliverer.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert self.deliverer.in_flight == 0 or task.cancelled()


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house in a folder of its own."""
    return House(tmp_path)


async def test_a_ring_is_delivered_once_and_noted(house: House) -> None:
    """By the id of the endpoint, and by its URL."""
    async with receiving() as receiver, house.running():
        channel = house.add(receiver)
        one = house.ring(channel)
        two = house.ring(f"webhook:{receiver.url}")
        await until(lambda: house.ledger(1).state == house.ledger(2).state == "delivered")
    assert sorted(got.event_id for got in receiver.got) == sorted((one.fire.event_id, two.fire.event_id))
    assert house.deliverer.counters["delivered"] == 2


async def test_a_failure_is_tried_again_later_under_the_same_id(house: House) -> None:
    """After the wait of its step, not before."""
    async with receiving() as receiver, house.running():
        receiver.answer = answering(500)
        house.ring(house.add(receiver))
        await until(lambda: house.ledger(1).error != "")
        assert house.ledger(1).due_ns == NOW + 5 * NS
        house.later(4.9)
        receiver.answer = making.ok
        house.later(0.2)
        await until(lambda: house.ledger(1).state == "delivered")
    assert len({got.event_id for got in receiver.got}) == 1
    assert len(receiver.got) == 2


async def test_what_cannot_be_delivered_in_time_expires(house: House) -> None:
    """A price of long ago rings nobody."""
    async with receiving() as receiver, house.running():
        receiver.answer = answering(500)
        house.ring(house.add(receiver))
        for _ in range(12):
            attempts = house.ledger(1).attempts
            await until(lambda n=attempts: house.ledger(1).error != "" and house.ledger(1).attempts >= n)  # type: ignore[misc]
            if house.ledger(1).state == "expired":
                break
            house.later(400)
        await until(lambda: house.ledger(1).state == "expired")
    assert house.deliverer.counters["delivered"] == 0


@pytest.mark.parametrize("status", [302, 400, 404, 410])
async def test_a_refusal_for_good_is_a_dead_letter(status: int, house: House) -> None:
    """With what the receiver said; 410 switches the endpoint off, and what comes later is not sent."""
    async with receiving() as receiver, house.running():
        receiver.answer = answering(status, Location="http://169.254.169.254/")
        channel = house.add(receiver)
        house.ring(channel)
        await until(lambda: house.ledger(1).state == "dead")
        assert str(status) in house.ledger(1).error
        endpoint_id = channel.removeprefix("webhook:")
        if status == 410:
            await until(lambda: house.endpoints.get(ANN, endpoint_id).disabled != "")
        house.ring(channel)
        await until(lambda: house.ledger(2).state == "dead")
    assert len(receiver.got) == (1 if status == 410 else 2)


async def test_what_was_for_a_deleted_endpoint_is_given_up(house: House) -> None:
    """Nothing is sent there any more."""
    async with receiving() as receiver, house.running():
        channel = house.add(receiver)
        house.endpoints.delete(ANN, channel.removeprefix("webhook:"))
        house.ring(channel)
        await until(lambda: house.ledger(1).state == "dead")
    assert receiver.got == []


async def test_an_endpoint_of_another_owner_is_not_called(house: House) -> None:
    """Whoever knows its id gains nothing."""
    async with receiving() as receiver, house.running():
        house.ring(house.add(receiver, ANN), BOB)
        await until(lambda: house.ledger(1, BOB).state == "dead")
    assert receiver.got == []


@pytest.mark.parametrize("bad", [hang, flood, answering(500), answering(302, Location="/")])
async def test_a_bad_receiver_does_not_hold_up_others(bad: making.Answer, house: House) -> None:
    """It hangs, floods, fails or redirects three hundred rings of ann's: bob's are delivered."""
    async with receiving() as worse, receiving() as good, house.running():
        worse.answer = bad
        channels = [house.add(worse, ANN, f"/{number}") for number in range(30)]
        for number in range(300):
            house.ring(channels[number % 30], ANN)
        channel = house.add(good, BOB)
        for _ in range(20):
            house.ring(channel, BOB)
        await until(lambda: len(good.got) == 20)
        await until(lambda: house.ledger(20, BOB).state == "delivered")
        assert len({got.event_id for got in good.got}) == 20
        assert house.deliverer.in_flight <= SETTINGS.in_flight


async def test_after_a_restart_what_was_under_way_is_sent_again_under_the_same_id(house: House) -> None:
    """The receiver had it, and we did not note that."""
    async with receiving() as receiver:
        receiver.answer = hang
        async with house.running():
            house.ring(house.add(receiver))
            await until(lambda: len(receiver.got) == 1)
        assert house.ledger(1).state == "pending"
        receiver.answer = making.ok
        house.outbox = Outbox(house.store.connection)
        house.deliverer = Deliverer(house, house.endpoints, SETTINGS, lambda: house.now_ns)
        async with house.running():
            await until(lambda: house.ledger(1).state == "delivered")
    assert len(receiver.got) == 2
    assert len({got.event_id for got in receiver.got}) == 1


async def test_a_file_that_cannot_be_used_stops_nothing_for_good(house: House) -> None:
    """When it can be again, what is due is delivered."""
    async with receiving() as receiver, house.running():
        channel = house.add(receiver)
        house.ring(channel)
        house.unavailable = True
        await until(lambda: house.deliverer.counters["not_marked"] > 0)
        house.unavailable = False
        house.later(121)
        await until(lambda: house.ledger(1).state == "delivered")
    assert len({got.event_id for got in receiver.got}) == 1


async def test_a_mistake_of_ours_ends_one_attempt_and_not_the_delivery(house: House) -> None:
    """It is logged, and tried again as any failure."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a mistake")

    async with receiving() as receiver, house.running():
        channel = house.add(receiver)
        right, house.sender.send = house.sender.send, broken  # type: ignore[assignment,method-assign]
        house.ring(channel)
        await until(lambda: house.ledger(1).error == "a mistake of this service")
        house.sender.send = right  # type: ignore[method-assign]
        house.later(6)
        await until(lambda: house.ledger(1).state == "delivered")
    assert len(receiver.got) == 1
