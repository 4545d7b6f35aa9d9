"""The hub's shell: the moments of a real loop, the thread that reads the journal, faults of ours."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import structs

from hub.connection import Connection
from hub.hub import FLUSH_WAIT_SECONDS_MAX, flush_wait_seconds, stood_still_ns
from tests.hub.loopback import House, ReadTape, until
from tests.hub.phone import frames
from tests.hub.rig import Wire, trade


class Client:
    """A client without a socket."""

    def __init__(self, house: House, *, token: str = "token") -> None:
        self.house = house
        self.wire = Wire()
        self.writes = 0
        write = self.wire.write

        def counted(data: bytes) -> None:
            self.writes += 1
            write(data)

        self.wire.write = counted  # type: ignore[method-assign]  # to count
        connection = house.hub.connect(self.wire, packed=False)
        assert connection is not None
        self.connection: Connection = connection
        self.send({"op": "hello", "token": token})

    def send(self, *messages: dict[str, Any]) -> None:
        """One frame."""
        self.house.hub.receive(self.connection, msgspec.json.encode(messages))

    def sub(self, start: Any = "live", symbol: str = "A", **fields: Any) -> None:
        """Subscribe to trades of a symbol."""
        self.send({"op": "sub", "id": 1, "symbols": [symbol], "kinds": ["t"], "from": start, **fields})

    def messages(self, *ops: str) -> list[dict[str, Any]]:
        """Those received so far with these ops."""
        return [m for m, _ in frames(bytes(self.wire.buffer), packed=False) if m["op"] in ops]

    def numbers(self) -> list[int]:
        """The numbers of the trades received so far."""
        return [message["n"] for message in self.messages("t")]


async def test_raw_ticks_leave_at_the_end_of_the_loop_turn_in_one_write() -> None:
    """However many batches came in it."""
    async with House().running() as house:
        client = Client(house)
        client.sub()
        before = client.writes
        house.publish(trade("A"))
        house.publish(trade("A"))
        assert client.writes == before
        await asyncio.sleep(0)
        assert client.writes == before + 1
        assert client.numbers() == [1, 2]


async def test_raw_ticks_wait_for_others_when_told_to() -> None:
    """`raw_flush_ms` joins what comes within it."""
    async with House(raw_flush_ms=20).running() as house:
        client = Client(house)
        client.sub()
        before = client.writes
        for _ in range(5):
            house.publish(trade("A"))
            await asyncio.sleep(0)
        assert client.writes == before
        await until(client.numbers)
        assert client.numbers() == [1, 2, 3, 4, 5]
        assert client.writes == before + 1


@pytest.mark.parametrize(
    ("least", "took", "idle", "waits"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 0.004, 1.0, 0.0),
        (0.0, 0.004, 0.001, 0.003),
        (0.0, 3.0, 0.05, FLUSH_WAIT_SECONDS_MAX - 0.05),
        (0.02, 0.004, 0.001, 0.02),
        (0.02, 0.1, 0.03, 0.07),
    ],
)
def test_flush_waits_as_long_as_the_last_one_took(
    least: float, took: float, idle: float, waits: float
) -> None:
    """So writing takes no more than half of a busy loop, and nothing of a quiet one's latency."""
    assert flush_wait_seconds(least, took, idle) == pytest.approx(waits)


async def test_ticks_right_after_a_long_flush_are_written_together() -> None:
    """The valve: what takes long is done less often."""
    async with House().running() as house:
        client = Client(house)
        client.sub()
        house.publish(trade("A"))
        await asyncio.sleep(0)
        house.hub._flush_took = 0.05
        before = client.writes
        for _ in range(5):
            house.publish(trade("A"))
            await asyncio.sleep(0)
        assert client.writes == before
        await until(lambda: len(client.numbers()) == 6)
        assert client.writes == before + 1


async def test_interval_ticks_leave_by_the_wheel() -> None:
    """Nothing else has to happen for it."""
    async with House().running() as house:
        client = Client(house)
        client.sub(mode="interval", hz=16)
        for _ in range(10):
            house.publish(trade("A"))
        await until(client.numbers)
        last = client.messages("t")[-1]
        assert (last["n"], sum(m.get("k", 1) for m in client.messages("t"))) == (10, 10)


async def test_resume_is_read_from_the_journal_beside_live_ticks() -> None:
    """The thread reads, the loop goes on; nothing is lost at the seam."""
    async with House(ReadTape(ring_ticks=100)).running() as house:
        for _ in range(50):
            house.publish(*[trade("A")] * 100)
        house.tape.sync()
        client = Client(house)
        client.sub({"m": 0})
        for _ in range(20):
            house.publish(trade("A"))
            house.tape.sync()
            await asyncio.sleep(0)
        await until(lambda: client.messages("cont"))
        await until(lambda: len(client.numbers()) == 5_020)
        assert client.numbers() == list(range(1, 5_021))
        assert client.messages("cont")[0]["chans"]["t:A"]["complete"]
        assert house.hub.behind == 0


async def test_journal_that_cannot_be_read_is_a_gap_and_counted() -> None:
    """The client goes on from what memory has."""
    async with House(ReadTape(ring_ticks=100)).running() as house:
        for _ in range(3):
            house.publish(*[trade("A")] * 100)
        house.tape.sync()
        house.tape.broken = True
        client = Client(house)
        client.sub({"m": 0})
        await until(lambda: client.messages("cont"))
        assert client.messages("gap")[0]["why"] == "restart"
        assert client.messages("cont")[0]["chans"]["t:A"]["complete"] is False
        assert client.messages("snap")[-1]["n"] == 300
        assert house.hub.counters["unreadable"] >= 1


async def test_what_is_not_on_the_disk_yet_is_waited_for() -> None:
    """It left memory before it was synced."""
    async with House(ReadTape(ring_ticks=10)).running() as house:
        for _ in range(30):
            house.publish(*[trade("A")] * 5)
        client = Client(house)
        client.sub({"m": 0})
        await asyncio.sleep(0)
        assert client.numbers() == []
        house.tape.sync()
        await until(lambda: len(client.numbers()) == 150)


async def test_fault_of_ours_ends_the_client_that_brought_it_out_and_nobody_else() -> None:
    """And it is reported, once."""
    async with House().running() as house:
        neighbour = Client(house)
        neighbour.sub()
        victim = Client(house, token="bug")
        assert victim.wire.closed == (1011, "internal error")
        house.publish(trade("A"))
        await until(neighbour.numbers)
        assert [str(fault["exception"]) for fault in house.faults] == ["a fault of ours"]
        assert house.hub.counters["failed"] == 1


@pytest.mark.parametrize("ring_ticks", [64, 1])
async def test_tick_that_cannot_be_encoded_ends_those_who_want_it_and_nobody_else(ring_ticks: int) -> None:
    """The feed is not told: tape and store have it. Neighbours get everything, by memory or journal."""
    async with House(ReadTape(ring_ticks)).running() as house:
        victim, neighbour = Client(house), Client(house)
        victim.sub()
        neighbour.sub(symbol="B")
        house.publish(structs.replace(trade("A"), price="broken"), trade("B"))
        for _ in range(3):
            house.publish(trade("B"))
            house.tape.sync()
            await asyncio.sleep(0)
        await until(lambda: victim.wire.closed)
        await until(lambda: len(neighbour.numbers()) == 4)
        assert victim.wire.closed == (1011, "internal error")
        assert neighbour.numbers() == [1, 2, 3, 4]
        assert len(house.hub.connections) == 1
        assert house.hub.counters["failed"] == len(house.faults) >= 2


async def test_backlog_and_stall_follow_the_clients_reading() -> None:
    """What a replay asks before it goes on."""
    async with House(ReadTape(ring_ticks=1_000)).running() as house:
        client = Client(house)
        client.sub()
        house.hub.stall(client.connection)
        house.publish(*[trade("A")] * 7)
        await asyncio.sleep(0)
        assert house.hub.backlog() == 7
        house.hub.drain(client.connection)
        await until(lambda: len(client.numbers()) == 7)
        assert house.hub.backlog() == 0


async def test_those_who_are_there_when_it_goes_down_are_told() -> None:
    """With where to go on, and a code to come back."""
    async with House().running() as house:
        client = Client(house)
        client.sub()
        house.publish(trade("A"))
    assert client.numbers() == [1]
    assert client.messages("drain")[0]["m"] == 1
    assert client.wire.closed == (4100, "drain")


@pytest.mark.parametrize(("steps", "seconds"), [(1, 0), (2, 0), (17, 0), (18, 17 / 16), (161, 10)])
def test_time_in_which_the_loop_stood_still_is_nobodys_silence(steps: int, seconds: float) -> None:
    """A process that was stopped must not close all its clients when it goes on."""
    assert stood_still_ns(5, 5 + steps) == int(seconds * 1e9)
