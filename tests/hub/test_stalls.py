"""Clients that do not read, or say nothing: what they are sent later, and when they are given up."""

from typing import Any

import pytest

from hub import codes
from hub.connection import CHUNK_BYTES
from tests.hub.phone import Phone, missing
from tests.hub.rig import SYMBOLS, MemoryTape, Rig, quote, trade

CHANNELS = tuple(f"{kind}:{symbol}" for symbol in SYMBOLS for kind in "tq")


def test_stalled_client_is_written_nothing_and_loses_nothing() -> None:
    """It is served from the tape when it reads again."""
    rig = Rig(MemoryTape(ring_ticks=100))
    phone = Phone(rig, room=5_000).hello()
    phone.sub(start="live")
    phone.reading = False
    for price in range(1, 2_001):
        rig.publish(trade("AAPL", price))
        rig.flush()
    assert rig.board.counters["stalls"] == 1
    assert phone.wire.longest <= 5_000 + CHUNK_BYTES
    assert phone.connection is not None
    assert sum(map(len, phone.connection.outbox + phone.connection.rest)) == 0
    rig.tape.sync()
    phone.reading = True
    while phone.read() or rig.step() or rig.read_journal():
        pass
    assert [m["n"] for m in phone.data] == list(range(1, 2_001))
    assert not phone.gaps


@pytest.mark.parametrize("fields", [{}, {"mode": "interval", "hz": 16}])
def test_client_that_reads_again_before_anything_is_due_does_not_fall_behind(fields: dict[str, Any]) -> None:
    """A flush larger than the buffers stalls every client for a moment."""
    rig = Rig()
    names = [f"S{number}" for number in range(100)]
    phone = Phone(rig, room=5_000, reading=False).hello()
    phone.sub(1, names, "live", kinds=["q"], **fields)
    for number in range(1, 6):
        rig.publish(*(quote(name) for name in names))
        rig.flush()
        rig.turn()
        assert phone.connection is not None
        assert phone.connection.stalled
        while phone.take():
            pass
        assert len(phone.data) == 100 * number
    assert rig.board.counters["stalls"] >= 5
    assert rig.board.counters["fell_behind"] == 0
    assert not phone.holes


def test_sub_and_unsub_while_stalled_keep_their_order() -> None:
    """What was due to the one that is given up is dropped, and nothing of it comes after the answer."""
    rig = Rig()
    phone = Phone(rig, room=5_000, reading=False).hello()
    phone.sub(1, ["AAPL"], "live")
    phone.sub(2, ["MSFT"], "live")
    for _ in range(100):
        rig.publish(trade("AAPL"))
    rig.flush()
    rig.publish(trade("AAPL"), trade("MSFT"))
    phone.send({"op": "unsub", "id": 1})
    phone.reading = True
    phone.read()
    rig.settle()
    phone.read()
    place = [m.get("unsub") for m in phone.messages].index(True)
    assert "t:AAPL" not in [m.get("c") for m in phone.messages[place:]]
    assert not missing(phone, ["t:MSFT"], 0)


def test_stalled_client_beyond_the_budget_gets_a_gap_and_the_newest_state() -> None:
    """Never a silent drop."""
    rig = Rig(resume_ticks_max=100)
    phone = Phone(rig, room=5_000).hello()
    phone.sub(start="live")
    phone.reading = False
    for price in range(1, 2_001):
        rig.publish(trade("AAPL", price))
        rig.flush()
    phone.reading = True
    phone.read()
    rig.settle()
    phone.read()
    (gap,) = phone.gaps
    assert (gap["why"], gap["to"]) == ("slow", 2_000)
    assert phone.of("snap")[-1]["n"] == 2_000
    assert not missing(phone, CHANNELS, 0)


def test_client_that_stalls_for_too_long_is_closed_with_a_code_to_come_back() -> None:
    """After the whole ladder."""
    rig = Rig(stall_s=60)
    phone = Phone(rig, room=100, reading=False).hello()
    phone.sub()
    assert phone.connection is not None
    assert phone.connection.stalled
    rig.pass_seconds(59)
    rig.sweep()
    assert len(rig.board.connections) == 1
    rig.pass_seconds(2)
    rig.sweep()
    assert phone.wire.closed == (4007, "slow")
    assert codes.CLOSE_SLOW.come_back
    assert not rig.board.connections


def test_silent_client_is_pinged_and_then_closed() -> None:
    """One that answers stays."""
    rig = Rig(ping_s=20)
    silent, living = Phone(rig).hello(), Phone(rig).hello()
    for _ in range(5):
        rig.pass_seconds(10)
        rig.sweep()
        if living.wire.pings:
            assert living.connection is not None
            rig.board.heard(living.connection, rig.now)
    assert silent.wire.closed == (4008, "silent")
    assert living.wire.closed is None


def test_client_that_reads_again_after_long_is_not_taken_for_silent() -> None:
    """Nobody could hear it: it was not read while it did not read."""
    rig = Rig(ping_s=20)
    phone = Phone(rig, room=100, reading=False).hello()
    rig.pass_seconds(45)
    phone.reading = True
    phone.read()
    rig.sweep()
    assert phone.wire.closed is None
    assert rig.board.counters["accepted"] == 1
