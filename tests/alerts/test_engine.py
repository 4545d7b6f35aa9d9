"""The engine: which alerts ring at which tick, while rules come and go."""

import json
import random
from collections.abc import Sequence
from typing import Final

import pytest

from alerts.engine import Engine, Kept
from alerts.errors import AlreadyTrue
from alerts.model import ARMED, BLIND, EXPIRED, FIRED, WAITING, Rule, State, event_id
from tape.batch import Batch
from tests.alerts import naive
from tests.alerts.making import (
    NOON_NS,
    UNIT,
    alert,
    at,
    batch,
    condition,
    quote,
    random_batches,
    random_rule,
    rule,
    trade,
)
from ticks.conditions import POST, PRE, RTH
from ticks.flags import BACKFILL, LATE, SNAPSHOT, TEST_SYMBOL
from ticks.model import Tick

LEVELS: Final = (99.95, 100, 100.01, 100.05)


def engine_with(*rules: Rule, seen: Sequence[Tick] = ()) -> Engine:
    """An engine that has seen some ticks before these rules were put."""
    engine = Engine()
    engine.take(batch(seen))
    for number, one in enumerate(rules, 1):
        engine.put(alert(one, number))
    engine.take_changes()
    return engine


def rung(engine: Engine, *ticks: Tick, first_m: int = 100) -> list[tuple[int, int]]:
    """Mark and value in cents of each ring that these ticks cause."""
    engine.take(batch(ticks, first_m))
    return at(engine.take_changes().fires)


def test_a_rule_rings_at_the_tick_that_reaches_its_level() -> None:
    """And says so with mark, times, owner, channels and an id that follows from the generation."""
    engine = engine_with(rule(), seen=[trade(99)])
    engine.take(batch([trade(99.5), trade(100, seq=7), trade(101)], 10))
    changes = engine.take_changes()
    (fire,) = changes.fires
    assert (fire.m, fire.value, fire.symbol, fire.generation) == (11, 100 * UNIT, "AAPL", 1)
    assert fire.event_id == event_id(alert(rule()).id, 1)
    assert (fire.at_ns, fire.recv_ns, fire.channels) == (NOON_NS + 7, NOON_NS + 7, ("ws",))
    assert changes.m == 12
    assert changes.states[alert(rule()).id] == State(FIRED, 2, 0, NOON_NS + 7, 1)


def test_the_proof_holds_the_tick_the_one_before_and_the_quote() -> None:
    """As they lie on the tape, each with its epoch."""
    engine = engine_with(rule(), seen=[trade(98), quote(97, 98.5)])
    engine.take(batch([trade(99.5)], 10, epoch=1))
    engine.take(batch([trade(100)], 20, epoch=2))
    proof = json.loads(bytes(engine.take_changes().fires[0].proof))
    assert [proof[name]["m"] for name in ("quote", "before", "tick")] == [2, 10, 20]
    assert [proof[name]["e"] for name in ("quote", "before", "tick")] == [1, 1, 2]
    assert (proof["before"]["price"], proof["tick"]["price"]) == (99.5, 100)


@pytest.mark.parametrize("flags", [SNAPSHOT, LATE, BACKFILL, TEST_SYMBOL])
def test_a_tick_that_is_no_news_rings_nothing(flags: int) -> None:
    """State at a subscription's start, late and back-filled prints, test symbols."""
    engine = engine_with(rule(), rule(condition(feature="bid")), seen=[trade(99), quote(98, 99)])
    assert rung(engine, trade(101, flags=flags), quote(101, 102, flags=flags)) == []
    assert rung(engine, trade(101), quote(101, 102), first_m=200) == [(200, 10100), (201, 10100)]


@pytest.mark.parametrize("conds", ["@I", "W", "@7", "@4", "@?"])
def test_a_print_that_may_not_set_a_close_rings_nothing(conds: str) -> None:
    """Odd lots, average price, contingent, derivatively priced, unknown codes."""
    engine = engine_with(rule(), seen=[trade(99)])
    assert rung(engine, trade(101, conds=conds)) == []


def test_bid_ask_and_mid_listen_to_quotes() -> None:
    """Each to its own price; an absent side has none."""
    engine = engine_with(
        rule(condition(feature="bid")),
        rule(condition("<=", feature="ask")),
        rule(condition(feature="mid", level=100.5)),
        seen=[quote(99, 101)],
    )
    assert rung(engine, quote(None, 102), trade(100.5), first_m=10) == []
    assert rung(engine, quote(100, 101), first_m=20) == [(20, 10000), (20, 10050)]
    assert rung(engine, quote(None, 100), first_m=30) == [(30, 10000)]


def test_values_of_other_sessions_do_not_exist() -> None:
    """A regular-hours rule neither rings nor re-arms by what happens before or after."""
    sessions = ("rth",)
    engine = engine_with(rule(repeat="every", sessions=sessions), seen=[trade(99)])
    assert rung(engine, trade(101, session=PRE), trade(101, session=POST, conds="@T")) == []
    assert rung(engine, trade(101), trade(98, session=PRE), trade(101), first_m=200) == [(200, 10100)]


def test_a_gap_over_the_level_rings_at_the_open() -> None:
    """Put before the open with a price below, it rings at the first regular print beyond."""
    engine = engine_with(rule(sessions=("rth",)), seen=[trade(99, session=PRE, conds="@T")])
    assert rung(engine, trade(103)) == [(100, 10300)]


def test_two_rules_ring_at_one_tick_in_the_order_they_were_put() -> None:
    """Whatever their levels."""
    engine = engine_with(rule(condition(level=101)), rule(condition(level=100)), seen=[trade(99)])
    engine.take(batch([trade(102)], 10))
    ids = [fire.alert_id for fire in engine.take_changes().fires]
    assert ids == [alert(rule(), 1).id, alert(rule(), 2).id]


def test_a_rule_that_is_true_already_rings_at_once_when_it_asked_for_that() -> None:
    """By the newest tick in its sessions, also while no tick comes."""
    engine = engine_with(rule(on_true_at_creation="fire"), seen=[trade(101)])
    engine.put(alert(rule(on_true_at_creation="fire"), 2))
    engine.put(alert(rule(on_true_at_creation="fire", sessions=("pre",)), 3))
    changes = engine.take_changes()
    assert at(changes.fires) == [(1, 10100)]
    assert [state.phase for state in changes.states.values()] == [FIRED, ARMED]
    assert rung(engine, trade(102, session=PRE, conds="@T"), trade(103)) == [(100, 10200)]


def test_a_refused_rule_leaves_no_trace() -> None:
    """It is true already and asked to be refused then."""
    engine = engine_with(seen=[trade(101)])
    with pytest.raises(AlreadyTrue):
        engine.put(alert(rule(on_true_at_creation="reject")))
    assert len(engine) == 0
    assert not engine.take_changes().states
    assert rung(engine, trade(99), trade(101)) == []


def test_a_changed_rule_goes_on_with_the_next_generation() -> None:
    """No id is ever used twice; what it had rung stays counted."""
    engine = engine_with(rule(), seen=[trade(99)])
    assert len(rung(engine, trade(100), first_m=10)) == 1
    changed = alert(rule(condition(level=105)), rev=2)
    assert engine.put(changed) == State(ARMED, 3, 0, NOON_NS, 1)
    engine.take(batch([trade(104), trade(105)], 20))
    (fire,) = engine.take_changes().fires
    assert (fire.m, fire.rev, fire.event_id) == (21, 2, event_id(changed.id, 3))


def test_a_removed_rule_is_silent() -> None:
    """And its symbol costs nothing any more when nothing else is known of it."""
    engine = engine_with(rule(symbol="ZZZ"), rule(condition(), condition("<=", 120, "ask"), symbol="ZZZ"))
    engine.remove(alert(rule(), 1).id)
    engine.remove(alert(rule(), 2).id)
    assert not engine._lineups[""]
    assert rung(engine, trade(99, "ZZZ"), trade(101, "ZZZ")) == []
    with pytest.raises(KeyError):
        engine.remove(alert(rule(), 1).id)


def test_an_expired_rule_does_not_ring() -> None:
    """From its time on, to the nanosecond."""
    rules = [rule(condition(level=level), expires_ns=NOON_NS + 10) for level in (100, 101)]
    engine = engine_with(*rules, seen=[trade(99)])
    assert rung(engine, trade(100, seq=9), trade(101, seq=10)) == [(100, 10000)]
    assert engine.view(alert(rules[1], 2).id).state.phase == EXPIRED


def test_line_ups_do_not_mix() -> None:
    """A rule listens to its own only."""
    engine = engine_with(rule(lineup="iex"))
    engine.take(batch([trade(99), trade(101)], 10))
    assert engine.take_changes().fires == []
    engine.take(batch([trade(99), trade(101)], 20, lineup="iex"))
    assert at(engine.take_changes().fires) == [(21, 10100)]


def test_what_was_evaluated_before_is_left_out() -> None:
    """Batches may overlap: the end of the files and the beginning of what memory has."""
    engine = engine_with(rule(condition("cross"), repeat="every"), seen=[trade(99)])
    ticks = [trade(101), trade(99), trade(101)]
    assert len(rung(engine, *ticks[:2], first_m=10)) == 2
    assert rung(engine, *ticks, first_m=10) == [(12, 10100)]
    assert rung(engine, *ticks, first_m=10) == []
    assert engine.m == 12


def test_a_view_shows_state_and_newest_value_of_any_session() -> None:
    """What a list of alerts shows beside the rule."""
    engine = engine_with(rule(sessions=("rth",)), rule(symbol="MSFT"))
    assert engine.view(alert(rule(), 2).id).state.phase == BLIND
    rung(engine, trade(101, session=PRE, conds="@T"))
    view = engine.view(alert(rule(), 1).id)
    assert (view.value, view.state.phase) == (101 * UNIT, BLIND)
    assert engine.view(alert(rule(), 2).id).value is None
    assert (engine.number(alert(rule(), 2).id), len(engine)) == (2, 2)


def test_quiet_values_look_at_no_alert() -> None:
    """A thousand rules around the price cost nothing until it reaches one."""
    levels = [*range(10, 90), *range(110, 190)]
    rules = [rule(condition(">=" if level > 100 else "<=", level)) for level in levels for _ in range(6)]
    engine = engine_with(*rules, seen=[trade(100)])
    rung(engine, *[trade(91 + step % 18) for step in range(2_000)])
    assert engine.steps == 0
    assert len(rung(engine, trade(110), first_m=5_000)) == 6
    assert engine.steps == 6


# -- going on after a restart --------------------------------------------------------------------


class Notebook:
    """What would be written down, as of each mark."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.values: dict[tuple[str, str, str, int], int] = {}
        self.m = 0

    def write(self, engine: Engine) -> list[str]:
        """Take over what has changed; returns the ids of the rings."""
        changes = engine.take_changes()
        for alert_id, state in changes.states.items():
            view = engine.view(alert_id)
            self.kept[alert_id] = Kept(engine.number(alert_id), view.alert, state)
        for key, value in changes.values.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        self.m = changes.m
        return [fire.event_id for fire in changes.fires]

    def engine(self) -> Engine:
        """A new engine that goes on from here."""
        engine = Engine()
        engine.load(self.kept.values(), self.values, self.m)
        return engine


@pytest.mark.parametrize("seed", range(12))
def test_an_engine_that_was_stopped_anywhere_rings_the_same(seed: int) -> None:
    """Forgotten at random places and begun anew from what was written down, again and again."""
    chance = random.Random(seed)
    symbols = ("A", "B")
    batches = random_batches(chance, symbols, LEVELS, 2_000)
    rules = [random_rule(chance, symbols, LEVELS) for _ in range(30)]
    whole, halting, notebook = Engine(), Engine(), Notebook()
    expected: list[str] = []
    found: list[str] = []
    for place, one in enumerate(batches):
        if place == 5:
            for number, made in enumerate(rules, 1):
                whole.put(alert(made, number))
                halting.put(alert(made, number))
            found += notebook.write(halting)
        whole.take(one)
        expected += [fire.event_id for fire in whole.take_changes().fires]
        halting.take(one)
        if chance.random() < 0.3:
            found += notebook.write(halting)
        if place >= 5 and chance.random() < 0.2:
            # What came after the last writing is lost with the process, and read from the tape again.
            halting = notebook.engine()
            for again in batches[: place + 1]:
                halting.take(again)
    found += notebook.write(halting)
    assert found == expected
    assert len(expected) > 20


def test_a_new_engine_can_be_shown_what_was_before() -> None:
    """Ticks taken before the load ring nothing, but a proof names them."""
    first = engine_with(rule(), seen=[trade(99)])
    kept = Kept(1, first.view(alert(rule()).id).alert, first.view(alert(rule()).id).state)
    second = Engine()
    second.take(batch([trade(99), quote(98, 99)]))
    second.load([kept], {}, 2)
    second.take(batch([trade(99), quote(98, 99), trade(100)]))
    (fire,) = second.take_changes().fires
    proof = json.loads(bytes(fire.proof))
    assert (fire.m, proof["before"]["m"], proof["quote"]["m"]) == (3, 1, 2)
    second.put(alert(rule(condition(level=200)), 9))
    assert second.number(alert(rule(), 9).id) == 2


def test_values_that_no_rule_compares_any_more_are_crossed_out() -> None:
    """They would stay in the file for ever."""
    engine = Engine()
    engine.load([], {("", "AAPL", "last", 4): 5}, 7)
    assert engine.take_changes().values == {("", "AAPL", "last", 4): None}
    two = rule(condition(), condition("<=", 120, "ask"))
    engine.put(alert(two))
    rung(engine, trade(100), quote(99, 101))
    engine.remove(alert(two).id)
    assert set(engine.take_changes().values.values()) == {None}


# -- beside the naive evaluator ------------------------------------------------------------------


def compare(seed: int, ticks: int, rules: int, symbols: int) -> int:
    """The engine and the naive evaluator on the same market; returns how often it rang."""
    chance = random.Random(seed)
    names = [f"S{number}" for number in range(symbols)]
    batches = random_batches(chance, names, LEVELS, ticks)
    split = chance.randrange(len(batches) // 3 + 1)
    engine = Engine()
    for one in batches[:split]:
        engine.take(one)
    alerts = [alert(random_rule(chance, names, LEVELS), number) for number in range(1, rules + 1)]
    plain = [naive.naive_alert(one, batches[:split]) for one in alerts]
    for put in alerts:
        engine.put(put)
    at_once = {fire.event_id for fire in engine.take_changes().fires}
    assert at_once == {event_id(one.alert.id, 1) for one in plain if one.ring_at_once()}
    found = rings_of(engine, batches[split:])
    assert found == naive.rings(plain, batches[split:])
    return len(found) + len(at_once)


def rings_of(engine: Engine, batches: Sequence[Batch]) -> list[naive.Ring]:
    """Every ring of an engine, in the order in which the naive evaluator gives them."""
    found = []
    for one in batches:
        engine.take(one)
        found += [naive.Ring(fire.event_id, fire.m, fire.value) for fire in engine.take_changes().fires]
    return sorted(found, key=lambda ring: (ring.m, ring.event_id))


@pytest.mark.parametrize("seed", range(25))
def test_rings_are_those_of_an_evaluator_that_looks_at_everything(seed: int) -> None:
    """Random rules of every kind on a random market: same ids, marks and values."""
    assert compare(seed, 2_000, 25, 2) > 20


@pytest.mark.slow
def test_a_million_ticks_against_a_thousand_rules_ring_the_same() -> None:
    """10⁶ × 10³, over forty symbols."""
    assert compare(1, 1_000_000, 1_000, 40) > 100_000


def test_waiting_is_shown_after_a_ring_of_every() -> None:
    """Until the price has gone back."""
    engine = engine_with(rule(repeat="every"), seen=[trade(99)])
    rung(engine, trade(100, session=RTH))
    assert engine.view(alert(rule()).id).state.phase == WAITING
