"""Readers that keep the client's rule: what they notice, alone and on a real hub."""

import array
import asyncio
import json
import socket
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.wire import TEXT, frame
from proofs import crowd
from proofs.crowd import CLOSE, FAULTS, LAST_SUB, LIVE_SUB, Reader, Readers, hold, masked
from tests.hub.loopback import House, until
from tests.hub.rig import User, quote, trade


class Heard:
    """A reader without a hub."""

    def __init__(self, wanted: str | list[str] = "*") -> None:
        self.faults: Counter[str] = Counter()
        self.samples = array.array("q")
        self.reader = Reader(socket.socket(), wanted, self.faults, self.samples)
        self.reader.socket.close()

    def hear(self, *messages: dict[str, Any]) -> "Heard":
        """One frame."""
        self.reader.feed(frame(json.dumps(messages).encode(), TEXT), 10**9)
        return self

    @property
    def found(self) -> dict[str, int]:
        """Faults that are not 0."""
        return {name: count for name, count in self.faults.items() if count}


OK: dict[str, Any] = {"op": "ok", "id": LIVE_SUB, "m": 5}
LAST: dict[str, Any] = {"op": "ok", "id": LAST_SUB, "m": 7}


def tick(n: int, channel: str = "t:A", **more: Any) -> dict[str, Any]:
    """A data message."""
    return {"op": "t", "c": channel, "n": n, "ts": 999_000, "tn": 7, **more}


def test_everything_in_its_order_is_no_fault_and_latency_is_noted() -> None:
    """Time of arrival, and how long after the tick's own time that was."""
    heard = Heard().hear({"op": "welcome"}, OK, tick(8), tick(3, "q:B"), {"op": "mark", "m": 7}, LAST)
    assert heard.found == {}
    assert heard.reader.finished
    assert list(heard.samples)[:2] == [10**9, 10**9 - 999_000_007]


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([OK, tick(8), tick(10)], "n_breaks"),
        ([OK, tick(8), tick(8)], "n_breaks"),
        ([OK, tick(8), {"op": "mark", "m": 7}], "miscounted"),
        ([OK, tick(8), LAST], "cut_short"),
        ([OK, {"op": "gap"}], "gap"),
        ([OK, {"op": "err", "code": "RATE"}], "err"),
    ],
)
def test_each_fault_is_noticed(messages: list[dict[str, Any]], fault: str) -> None:
    """By the numbers, by the marks, by the hub's word."""
    assert Heard().hear(*messages).found == {fault: 1}


def test_reader_of_some_symbols_knows_where_they_began_and_end() -> None:
    """Its `ok` tells, and that of the end."""
    begin = {**OK, "chans": {"t:A": {"n": 4}}}
    assert Heard(["A"]).hear(begin, tick(5), {**LAST, "chans": {"t:A": {"n": 5}}}).found == {}
    assert Heard(["A"]).hear(begin, tick(6)).found == {"n_breaks": 1}
    assert Heard(["A"]).hear(begin, tick(5), {**LAST, "chans": {"t:A": {"n": 6}}}).found == {"cut_short": 1}


def test_close_frame_is_a_fault() -> None:
    """Nobody closes a reader that does nothing wrong."""
    heard = Heard()
    heard.reader.socket, hub = socket.socketpair()
    heard.reader.feed(b"\x88\x02\x0f\xa7", 0)
    assert heard.found == {"closed": 1}
    assert hub.recv(100) == masked(CLOSE, b"\x0f\xa7")
    hub.close()
    heard.reader.socket.close()


@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=4), st.integers(1, 5_000))
@settings(max_examples=30, deadline=None)
def test_frames_of_any_size_are_put_together_from_any_cut(sizes: list[int], cut: int) -> None:
    """Nothing is lost between two reads."""
    heard = Heard()
    data = b"".join(
        frame(json.dumps([tick(n, more="x" * size)]).encode(), TEXT) for n, size in enumerate(sizes, 1)
    )
    for begin in range(0, len(data), cut):
        heard.reader.feed(data[begin : begin + cut], 10**9)
    assert heard.reader.ticks == len(sizes)
    assert heard.found == {}


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_masked_frames_say_their_size(size: int) -> None:
    """In one of three forms; the mask changes nothing."""
    data = masked(0x01, bytes(size), final=False)
    head = len(data) - size
    assert data[0] == 0x01
    assert data[1] & 0x80
    assert head == (6 if size < 126 else 8 if size < 65_536 else 14)


async def test_readers_of_a_real_hub_find_nothing_wrong() -> None:
    """Those of everything and those of some symbols; ticks are counted."""
    house = House(message_bytes=65_536)
    house.users["demo"] = User()
    async with house.running(listen=True):
        readers = await asyncio.to_thread(Readers, house.port, 3, 1, ["A", "B"])
        reading = asyncio.ensure_future(asyncio.to_thread(readers.wait, readers.begun))
        await reading
        for _ in range(20):
            house.publish(trade("A"), quote("B"))
        await asyncio.to_thread(readers.finish)
        assert readers.report() == {**dict.fromkeys(FAULTS, 0), "ticks": 120}
        assert len(readers.samples) == 240
        lost = asyncio.ensure_future(asyncio.to_thread(readers.wait, lambda: readers.faults["lost"] == 3))
        house.hub.shut()
        await lost
        assert readers.faults["lost"] == 3
        readers.close()


async def test_those_who_are_held_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have asked for everything, and take no more than the kernel keeps for them."""
    monkeypatch.setattr(crowd, "STALLED_BUFFER_BYTES", 1_024)
    house = House()
    house.users["demo"] = User()
    async with house.running(listen=True):
        held = await asyncio.to_thread(hold, house.port, 2)
        await until(lambda: sum(len(connection.subs) for connection in house.hub.connections) == 4)
        while house.hub.counters["stalls"] < 2:
            house.publish(*[trade("A")] * 100)
            await asyncio.sleep(0)
        for sock in held:
            sock.close()
        await until(lambda: not house.hub.connections)
