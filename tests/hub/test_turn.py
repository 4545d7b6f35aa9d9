"""What clients' messages may take of one turn of the loop."""

import asyncio
import time

import pytest

from hub import turn
from hub.turn import Turn


async def test_turn_is_over_when_enough_was_spent_and_the_next_is_fresh() -> None:
    """Whoever spent it."""
    one = Turn()
    assert not one.over()
    now = one.spend(time.thread_time() - turn.TURN_SECONDS / 2)
    assert not one.over()
    now = one.spend(now - turn.TURN_SECONDS)
    assert one.over()
    assert now <= time.thread_time()
    await asyncio.sleep(0)
    states = [one.over()]
    one.spend(time.thread_time() - 1.0)
    states.append(one.over())
    await asyncio.sleep(0)
    states.append(one.over())
    assert states == [False, True, False]


async def test_waiting_for_others_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy elsewhere must not make a client dear."""
    monkeypatch.setattr(turn, "TURN_SECONDS", 0.02)
    one = Turn()
    begin = time.thread_time()
    await asyncio.to_thread(time.sleep, 0.05)
    one.spend(begin)
    assert not one.over()
