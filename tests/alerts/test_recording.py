"""Alerts on the real pre-market recording: what rings, at which tick, and what stays silent."""

import asyncio
import json
from functools import cache

import pytest

from alerts.engine import Engine
from alerts.model import Fire, Rule
from feeds.replay import ReplayFeed
from tape.batch import Batch, SourcePosition
from tests.alerts import naive
from tests.alerts.making import alert, batch, condition, rule
from tests.feeds.data import TOPS_2026, real
from ticks.conditions import ODD_LOT
from ticks.model import Tick, Trade

EXTENDED = ("pre", "post")


@cache
def recorded(path: str) -> tuple[Batch, ...]:
    """The recording's ticks, as the tape would hand them on."""
    found: list[Batch] = []
    count = 0

    def sink(ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        nonlocal count
        found.append(batch(ticks, count + 1))
        count += len(ticks)

    asyncio.run(ReplayFeed([real(path)], speed=None, saved=lambda key: None).run(sink))
    return tuple(found)


def trades(symbol: str) -> list[tuple[int, Trade]]:
    """Mark and trade, of all trades of a symbol."""
    return [
        (m, tick)
        for one in recorded(TOPS_2026)
        for m, tick in enumerate(one.ticks, one.first_m)
        if isinstance(tick, Trade) and tick.symbol == symbol
    ]


def rings(*rules: Rule) -> list[Fire]:
    """What rings when the rules are put before the recording begins."""
    engine = Engine()
    for number, one in enumerate(rules, 1):
        engine.put(alert(one, number))
    for one_batch in recorded(TOPS_2026):
        engine.take(one_batch)
    return engine.take_changes().fires


def test_a_regular_hours_alert_stays_silent_before_the_open() -> None:
    """On every traded symbol, at a level that its prices crossed."""
    seen = rings(
        *[
            rule(condition("cross", level, feature), symbol=symbol, sessions=("rth",))
            for symbol, level in (("AGEN", 4.85), ("MIMI", 2.9), ("SOXS", 4.42))
            for feature in ("last", "bid", "ask", "mid")
        ]
    )
    assert seen == []


def test_an_extended_hours_alert_rings_at_the_first_whole_lot_beyond() -> None:
    """AGEN reaches 4.88 by odd lots first, and by a round lot later: that one rings, with its proof."""
    (fire,) = rings(rule(condition("cross_up", 4.88), symbol="AGEN", sessions=EXTENDED))
    beyond = [(m, tick) for m, tick in trades("AGEN") if tick.price >= 4_880_000_000]
    odd = [m for m, tick in beyond if tick.elig & ODD_LOT]
    whole = [(m, tick) for m, tick in beyond if not tick.elig & ODD_LOT]
    assert odd[0] < whole[0][0] == fire.m
    assert (fire.at_ns, fire.value) == (whole[0][1].ts_event, whole[0][1].price)
    proof = json.loads(bytes(fire.proof))
    assert (proof["tick"]["m"], proof["tick"]["trade_id"]) == (fire.m, whole[0][1].trade_id)
    assert proof["before"]["price"] < 4.88
    assert proof["quote"]["m"] < fire.m


def test_odd_lots_ring_nothing() -> None:
    """SKHY traded above 153 in odd lots alone."""
    prices = [tick.price for _, tick in trades("SKHY") if tick.price >= 153_000_000_000]
    assert len(prices) > 5
    assert rings(rule(condition(level=153), symbol="SKHY", on_true_at_creation="fire")) == []


@pytest.mark.parametrize("confirm", ["last", "double_last"])
def test_the_whole_recording_rings_as_the_naive_evaluator_says(confirm: str) -> None:
    """Rules on the most traded symbols, at each price they had, in both directions."""
    rules = []
    for symbol in ("AGEN", "MIMI", "SOXS", "SQQQ", "BMNR"):
        levels = sorted({tick.price / 1e9 for _, tick in trades(symbol)})[::2]
        for level in levels:
            for op, feature in (("cross", "last"), (">=", "bid"), ("<=", "mid")):
                rules.append(
                    rule(condition(op, level, feature), symbol=symbol, repeat="every", confirm=confirm)
                )
    alerts = [alert(made, number) for number, made in enumerate(rules, 1)]
    expected = naive.rings([naive.naive_alert(one, []) for one in alerts], recorded(TOPS_2026))
    found = [naive.Ring(fire.event_id, fire.m, fire.value) for fire in rings(*rules)]
    assert sorted(found, key=lambda ring: (ring.m, ring.event_id)) == expected
    assert len(expected) > 100
