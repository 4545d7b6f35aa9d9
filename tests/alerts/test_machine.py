"""When an alert rings, condition by condition."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.errors import AlreadyTrue
from alerts.machine import (
    ANY,
    ASK,
    BID,
    FALLS,
    LAST,
    RISES,
    Need,
    Plan,
    Values,
    first_state,
    needs,
    plan_of,
    spoken_of,
    step,
)
from alerts.model import ARMED, BLIND, FIRED, PENDING, WAITING, Condition, Rule, State

LEVEL: Final = 100
OPS: Final = (">=", "<=", "cross_up", "cross_down", "cross")
UP_OPS: Final = (">=", "cross_up", "cross")
prices = st.lists(st.integers(LEVEL - 4, LEVEL + 4), max_size=30)


def one(op: str, rearm: int = 1, **members: object) -> Plan:
    """A plan of one condition on `last` at the level."""
    return plan_of(Rule("A", (Condition("last", op, LEVEL, "", rearm),), **members))  # type: ignore[arg-type]


def play(plan: Plan, values: Sequence[int], known: int | None = None) -> tuple[list[int], State]:
    """The places of the values that ring, and the state at the end."""
    state = first_state(plan, [known, None, None, None], State(ARMED))
    rings = []
    for place, value in enumerate(values):
        state, rang = step(plan, state, [value, None, None, None], 1 << LAST)
        if rang:
            rings.append(place)
    return rings, state


@pytest.mark.parametrize("op", [">=", "cross_up", "cross"])
def test_rising_to_the_level_rings_once(op: str) -> None:
    """Being equal counts as beyond; staying there does not ring again."""
    rings, state = play(one(op), [98, 99, 100, 100, 101, 100], known=98)
    assert (rings, state.phase) == ([2], FIRED)
    assert (state.generation, state.fires) == (2, 1)


@pytest.mark.parametrize("op", ["<=", "cross_down", "cross"])
def test_falling_to_the_level_rings_once(op: str) -> None:
    """The mirror image."""
    assert play(one(op), [102, 101, 100, 100, 99], known=102)[0] == [2]


@pytest.mark.parametrize("op", OPS)
def test_a_price_that_stays_at_the_level_neither_flaps_nor_doubles(op: str) -> None:
    """Thousands of equal prices are one touch, also with the smallest distance."""
    known = LEVEL - 1 if op in UP_OPS else LEVEL + 1
    assert play(one(op, repeat="every"), [LEVEL] * 5_000, known=known)[0] == [0]


@pytest.mark.parametrize("op", OPS)
@given(values=prices, rearm=st.integers(1, 3), known=st.none() | st.integers(LEVEL - 2, LEVEL + 2))
@settings(max_examples=100, deadline=None)
def test_between_two_rings_the_price_went_back(
    op: str, values: list[int], rearm: int, known: int | None
) -> None:
    """`every` rings again only after the re-arm distance, and each ring is at or beyond the level."""
    rings, _ = play(one(op, rearm, repeat="every"), values, known)
    for first, second in pairwise(rings):
        between = values[first : second + 1]
        if op in (">=", "cross_up"):
            assert min(between) <= LEVEL - rearm
        elif op in ("<=", "cross_down"):
            assert max(between) >= LEVEL + rearm
        else:
            assert max(between) >= LEVEL + rearm or min(between) <= LEVEL - rearm
    for ring in rings:
        if op in (">=", "cross_up"):
            assert values[ring] >= LEVEL
        elif op in ("<=", "cross_down"):
            assert values[ring] <= LEVEL


@given(values=prices, known=st.integers(LEVEL - 4, LEVEL + 4))
@settings(max_examples=200, deadline=None)
def test_the_first_ring_is_the_first_time_beyond_for_every_operator(values: list[int], known: int) -> None:
    """Begun on the other side, states and crossings ring at the same first price."""
    sides: tuple[tuple[tuple[str, ...], Callable[[int], bool]], ...] = (
        (UP_OPS, LEVEL.__le__),
        (("<=", "cross_down", "cross"), LEVEL.__ge__),
    )
    for ops, beyond in sides:
        if beyond(known):
            continue
        expected = [place for place, value in enumerate(values) if beyond(value)][:1]
        for op in ops:
            assert play(one(op), values, known)[0] == expected


def test_a_crossing_of_either_way_rings_on_the_way_up_and_on_the_way_down() -> None:
    """A jump over the level and back is two crossings; a touch and back is one."""
    plan = one("cross", repeat="every")
    assert play(plan, [99, 101, 99, 101], known=99)[0] == [1, 2, 3]
    assert play(plan, [99, 100, 99, 100, 99], known=99)[0] == [1, 3]
    assert play(plan, [100, 101, 100, 99], known=99)[0] == [0, 2]


def test_the_re_arm_distance_keeps_a_nervous_price_quiet() -> None:
    """Going back by less than the distance does not arm again."""
    plan = one("cross_up", 3, repeat="every")
    assert play(plan, [100, 98, 100, 98, 101, 97, 100], known=99)[0] == [0, 6]


@pytest.mark.parametrize("op", [">=", "<="])
def test_what_is_true_at_creation_waits_fires_or_is_refused(op: str) -> None:
    """As the rule asked."""
    beyond, other = (101, 98) if op == ">=" else (99, 102)
    assert play(one(op), [beyond, other, beyond], known=beyond)[0] == [2]
    assert play(one(op, on_true_at_creation="fire"), [beyond], known=beyond)[0] == [0]
    with pytest.raises(AlreadyTrue):
        play(one(op, on_true_at_creation="reject"), [], known=beyond)
    assert play(one(op, on_true_at_creation="reject"), [beyond], known=other)[0] == [0]


@pytest.mark.parametrize("op", ["cross_up", "cross_down", "cross"])
def test_a_crossing_cannot_be_true_already(op: str) -> None:
    """It is neither refused nor rung, wherever the price is."""
    for answer in ("fire", "reject"):
        for known in (99, 100, 101):
            assert play(one(op, on_true_at_creation=answer), [], known)[1].phase in (ARMED, WAITING)


def test_without_any_value_the_first_one_decides() -> None:
    """Nothing was seen: what the first value shows counts as having been so at creation."""
    assert play(one(">="), [])[1].phase == BLIND
    assert play(one(">="), [101])[1].phase == WAITING
    assert play(one(">="), [99, 100])[0] == [1]
    assert play(one(">=", on_true_at_creation="fire"), [101])[0] == [0]
    assert play(one(">=", on_true_at_creation="reject"), [101])[1].phase == WAITING
    assert play(one("cross"), [100])[1].phase == WAITING
    assert play(one("cross"), [99, 100])[0] == [1]


@pytest.mark.parametrize("op", [">=", "cross_up", "cross"])
def test_double_last_needs_two_in_a_row(op: str) -> None:
    """A single print beyond the level is taken back, and the next pair rings at its second."""
    plan = one(op, confirm="double_last", repeat="every")
    rings, state = play(plan, [101, 99, 101], known=99)
    assert (rings, state.phase) == ([], PENDING)
    assert play(plan, [101, 99, 101, 100, 102], known=99)[0] == [3]
    assert play(plan, [101, 99, 98, 99], known=99)[1].phase == ARMED


BAND: Final = plan_of(
    Rule(
        "A",
        (Condition("bid", ">=", 90, ""), Condition("ask", "<=", 110, "")),
        all_form=True,
        repeat="every",
    )
)


def test_several_states_ring_when_the_last_of_them_becomes_true() -> None:
    """Whichever that is; again after one of them has gone back."""
    state = first_state(BAND, [None, 80, 100, None], State(ARMED))
    assert state.phase == ARMED
    state, rang = step(BAND, state, [None, 90, 111, None], 1 << BID | 1 << ASK)
    assert not rang
    state, rang = step(BAND, state, [None, 90, 110, None], 1 << ASK)
    assert (rang, state.phase) == (True, WAITING)
    state, rang = step(BAND, state, [None, 90, 111, None], 1 << ASK)
    assert (rang, state.phase) == (False, ARMED)


def test_several_states_are_blind_until_one_is_false_or_all_are_known() -> None:
    """An unknown feature does not hold."""
    assert first_state(BAND, [None, 95, None, None], State(ARMED)).phase == BLIND
    assert first_state(BAND, [None, 80, None, None], State(ARMED)).phase == ARMED
    assert first_state(BAND, [None, 95, 100, None], State(ARMED)).phase == WAITING


def test_a_crossing_counts_only_while_the_other_conditions_hold() -> None:
    """A crossing at the wrong time is used up: it has to go back before it counts again."""
    plan = plan_of(
        Rule(
            "A",
            (Condition("last", "cross_up", LEVEL, "", 2), Condition("bid", ">=", 90, "")),
            all_form=True,
        )
    )
    state = first_state(plan, [99, 80, None, None], State(ARMED))
    state, rang = step(plan, state, [100, 80, None, None], 1 << LAST)
    assert (rang, state.phase) == (False, WAITING)
    state, rang = step(plan, state, [100, 95, None, None], 1 << BID)
    assert (rang, state.phase) == (False, WAITING)
    state, rang = step(plan, state, [99, 95, None, None], 1 << LAST)
    state, rang = step(plan, state, [100, 95, None, None], 1 << LAST)
    assert not rang
    state, rang = step(plan, state, [98, 95, None, None], 1 << LAST)
    state, rang = step(plan, state, [100, 95, None, None], 1 << LAST)
    assert rang
    assert spoken_of(plan, 1 << LAST) == LAST


def test_a_doubted_crossing_is_used_up_when_the_others_fail_meanwhile() -> None:
    """Confirmed by price, but not by the rest: it has to go back first."""
    plan = plan_of(
        Rule(
            "A",
            (Condition("last", "cross_up", LEVEL, ""), Condition("bid", ">=", 90, "")),
            all_form=True,
            confirm="double_last",
        )
    )
    state = first_state(plan, [99, 95, None, None], State(ARMED))
    state, _ = step(plan, state, [100, 95, None, None], 1 << LAST)
    assert state.phase == PENDING
    state, rang = step(plan, state, [101, 80, None, None], 1 << LAST)
    assert (rang, state.phase) == (False, WAITING)


def test_the_spoken_of_feature_is_the_first_that_the_tick_gave() -> None:
    """It names the value that a ring shows."""
    assert spoken_of(BAND, 1 << ASK) == ASK
    assert spoken_of(BAND, 1 << BID | 1 << ASK) == BID


FEATURE: Final = st.sampled_from(("last", "bid", "ask", "mid"))
conditions = st.builds(
    lambda feature, op, level, rearm: Condition(feature, op, level, "", rearm),
    FEATURE, st.sampled_from(OPS), st.integers(98, 102), st.integers(1, 3),
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that may be put."""
    found = draw(st.lists(conditions, min_size=1, max_size=3, unique=True))
    crossings = [c for c in found if c.op.startswith("cross")]
    kept = [c for c in found if c not in crossings[1:]]
    return Rule(
        "A", tuple(kept), len(kept) > 1, draw(st.sampled_from(("once", "every"))),
        on_true_at_creation=draw(st.sampled_from(("wait_for_cross", "fire"))),
        confirm=draw(st.sampled_from(("last", "double_last"))),
    )  # fmt: skip


def is_needed(wanted: Sequence[Need], values: Values, given: int) -> bool:
    """Whether one of the values that came is among those that were asked for."""
    for need in wanted:
        value = values[need.feature]
        if not given >> need.feature & 1 or value is None:
            continue
        if need.way == ANY or (value >= need.price if need.way == RISES else value <= need.price):
            return True
    return False


@given(
    rule=rules(),
    known=st.lists(st.none() | st.integers(96, 104), min_size=4, max_size=4),
    ticks=st.lists(
        st.one_of(
            st.tuples(st.integers(96, 104)),
            st.tuples(st.none() | st.integers(96, 104), st.none() | st.integers(96, 104)),
        ),
        max_size=25,
    ),
)
@settings(max_examples=300, deadline=None)
def test_a_value_that_nobody_needs_changes_nothing(
    rule: Rule, known: list[int | None], ticks: list[tuple[int | None, ...]]
) -> None:
    """So the engine may leave out every call of `step` that no threshold asks for."""
    plan = plan_of(rule)
    state = first_state(plan, known, State(ARMED))
    values: list[int | None] = [None] * 4
    for tick in ticks:
        wanted = needs(plan, state, values)
        if len(tick) == 1:
            values[LAST], given = tick[0], 1 << LAST
        else:
            bid, ask = tick
            mid = None if bid is None or ask is None else (bid + ask) // 2
            values[1:] = [bid, ask, mid]
            given = sum(1 << f for f in (1, 2, 3) if values[f] is not None)
        after, rang = step(plan, state, values, given)
        if not is_needed(wanted, values, given):
            assert (after, rang) == (state, False)
        state = after


def test_needs_name_the_nearest_false_condition_only() -> None:
    """A rule of many states costs one threshold."""
    assert needs(BAND, State(ARMED), [None, 80, 120, None]) == [Need(BID, RISES, 90)]
    assert needs(BAND, State(ARMED), [None, 95, 120, None]) == [Need(ASK, FALLS, 110)]
    assert needs(BAND, State(FIRED), [None, 95, 120, None]) == []
