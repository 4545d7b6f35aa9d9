"""When an alert rings: its state, one value after the other. Written as functions of values.

A rule is made into a `Plan`; `first_state` says where a new alert stands, `step` what a value
makes of its state, and `needs` which values can change the state at all: as long as none of
those comes, `step` would return what it was given, and nobody has to call it. The words for
what is decided here are in docs/alerts.md; `tests/alerts/naive.py` says the same in another way.

A value equal to the level counts as beyond it. To be false again takes the re-arm distance, at
least one unit: so an equal price neither rings twice nor arms and rings in turn.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from alerts.errors import AlreadyTrue
from alerts.model import ARMED, BLIND, FEATURES, FIRED, PENDING, WAITING, Rule, State

LAST, BID, ASK, MID = range(len(FEATURES))
"""Numbers of the features: places in `Values`."""

Values = Sequence[int | None]
"""The newest value of each feature that the rule's sessions have seen, × 1e-9; None = none."""

RISES: Final = 1
"""Of a need: the value rises to the price, or is above it."""
FALLS: Final = -1
ANY: Final = 0
"""Of a need: every value."""


class Need(NamedTuple):
    """Values of `feature` that can change the state: those that rise or fall to `price`, or any."""

    feature: int
    way: int
    price: int = 0


class Part(NamedTuple):
    """A condition in numbers."""

    feature: int
    way: int
    """`RISES` for `>=`, `FALLS` for `<=`; of a crossing: `RISES`, `FALLS`, or `ANY` for either."""
    level: int
    rearm: int

    def holds(self, values: Values) -> bool:
        """Whether a condition that is no crossing is true."""
        value = values[self.feature]
        return value is not None and (value >= self.level if self.way > 0 else value <= self.level)

    def has_gone_back(self, value: int) -> bool:
        """Whether a condition that is no crossing is false by the re-arm distance."""
        return value <= self.level - self.rearm if self.way > 0 else value >= self.level + self.rearm


class Plan(NamedTuple):
    """A rule in numbers."""

    states: tuple[Part, ...]
    """The conditions that are no crossing."""
    crossing: Part | None
    every: bool
    double: bool
    on_true: str
    looked_at: int
    """Bits of the features whose values can change the state: the crossing's alone, if there is one."""

    @property
    def features(self) -> frozenset[int]:
        """The features that the rule speaks of."""
        parts = self.states if self.crossing is None else (*self.states, self.crossing)
        return frozenset(part.feature for part in parts)


class Step(NamedTuple):
    """What a value has made of an alert."""

    state: State
    rang: bool


_WAYS: Final = {">=": RISES, "<=": FALLS, "cross_up": RISES, "cross_down": FALLS, "cross": ANY}


def plan_of(rule: Rule) -> Plan:
    """The rule in numbers."""
    parts = [Part(FEATURES.index(c.feature), _WAYS[c.op], c.level, c.rearm) for c in rule.conditions]
    place = rule.crossing
    looked_at = parts if place < 0 else [parts[place]]
    return Plan(
        tuple(part for index, part in enumerate(parts) if index != place),
        parts[place] if place >= 0 else None,
        rule.repeat == "every",
        rule.confirm == "double_last",
        rule.on_true_at_creation,
        sum({1 << part.feature for part in looked_at}),
    )


def first_state(plan: Plan, values: Values, state: State) -> State:
    """Where an alert stands that is new, or whose rule has changed.

    Args:
        plan: its rule.
        values: the newest values known, of any session.
        state: carries the generation and what else goes over from before.

    Raises:
        AlreadyTrue: it is, and the rule asked for that.
    """
    decided = _decide(plan, values, state)
    if plan.on_true == "reject" and decided.phase == WAITING and plan.crossing is None:
        raise AlreadyTrue
    return decided


def step(plan: Plan, state: State, values: Values, given: int) -> Step:
    """What a tick makes of the state.

    Args:
        plan: the rule.
        state: where the alert stands.
        values: the newest values in the rule's sessions, those of the tick among them.
        given: bits of the features to which the tick gave a value.
    """
    given &= plan.looked_at
    if not given:
        return Step(state, False)
    phase = state.phase
    if phase == ARMED:
        return _armed(plan, state, values)
    if phase == WAITING:
        return Step(_waiting(plan, state, values, given), False)
    if phase == PENDING:
        return _confirm(plan, state, values)
    if phase == BLIND:
        return Step(_decide(plan, values, state), False)
    return Step(state, False)


def spoken_of(plan: Plan, given: int) -> int:
    """The feature by which a tick that gave these has rung: the crossing's, else the first named."""
    if plan.crossing is not None:
        return plan.crossing.feature
    return next(part.feature for part in plan.states if given >> part.feature & 1)


def needs(plan: Plan, state: State, values: Values) -> list[Need]:
    """Which values can change the state."""
    phase = state.phase
    crossing = plan.crossing
    if phase == ARMED:
        if crossing is not None:
            return [Need(crossing.feature, -state.side, crossing.level)]
        # One condition that does not hold is enough: until it does, they cannot all hold.
        for part in plan.states:
            if not part.holds(values):
                return [Need(part.feature, part.way, part.level)]
        # What was last seen in its sessions holds, and is older than what armed it.
        return _any(plan)
    if phase == WAITING:
        if crossing is not None:
            below = Need(crossing.feature, FALLS, crossing.level - crossing.rearm)
            above = Need(crossing.feature, RISES, crossing.level + crossing.rearm)
            return [need for need in (below, above) if crossing.way != need.way]
        return [Need(part.feature, -part.way, part.level - part.way * part.rearm) for part in plan.states]
    if phase in (PENDING, BLIND):
        return _any(plan)
    return []


def _any(plan: Plan) -> list[Need]:
    return [Need(feature, ANY) for feature in range(len(FEATURES)) if plan.looked_at >> feature & 1]


def _decide(plan: Plan, values: Values, state: State) -> State:
    """Whether it was true already, by the first values."""
    if plan.crossing is not None:
        return _side_at_first(plan.crossing, values[plan.crossing.feature], state)
    if plan.on_true == "fire" or any(
        values[part.feature] is not None and not part.holds(values) for part in plan.states
    ):
        return replace(state, phase=ARMED)
    known = all(values[part.feature] is not None for part in plan.states)
    return replace(state, phase=WAITING if known else BLIND)


def _side_at_first(crossing: Part, value: int | None, state: State) -> State:
    """Which way the value may cross: it need not be a re-arm distance away to begin with."""
    if value is None:
        return replace(state, phase=BLIND, side=0)
    return _on_side(crossing, state, (value > crossing.level) - (value < crossing.level))


def _on_side(crossing: Part, state: State, side: int) -> State:
    """Armed when a crossing from that side counts, else waiting."""
    if side == 0 or side == crossing.way:
        return replace(state, phase=WAITING, side=0)
    return replace(state, phase=ARMED, side=side)


def _used(crossing: Part, state: State, value: int) -> State:
    """The state after a crossing, or while it waits for a side: only the re-arm distance counts."""
    return _on_side(
        crossing,
        state,
        (value >= crossing.level + crossing.rearm) - (value <= crossing.level - crossing.rearm),
    )


def _crossed(crossing: Part, state: State, value: int) -> bool:
    return value >= crossing.level if state.side < 0 else value <= crossing.level


def _all_hold(plan: Plan, values: Values) -> bool:
    return all(part.holds(values) for part in plan.states)


def _value(values: Values, feature: int) -> int:
    value = values[feature]
    assert value is not None  # it has just come
    return value


def _armed(plan: Plan, state: State, values: Values) -> Step:
    crossing = plan.crossing
    if crossing is None:
        return _hit(plan, state, values) if _all_hold(plan, values) else Step(state, False)
    value = _value(values, crossing.feature)
    if not _crossed(crossing, state, value):
        return Step(state, False)
    if _all_hold(plan, values):
        return _hit(plan, state, values)
    return Step(_used(crossing, state, value), False)


def _waiting(plan: Plan, state: State, values: Values, given: int) -> State:
    if plan.crossing is not None:
        return _used(plan.crossing, state, _value(values, plan.crossing.feature))
    for part in plan.states:
        if given >> part.feature & 1 and part.has_gone_back(_value(values, part.feature)):
            return replace(state, phase=ARMED)
    return state


def _hit(plan: Plan, state: State, values: Values) -> Step:
    if plan.double:
        return Step(replace(state, phase=PENDING), False)
    return _ring(plan, state, values)


def _confirm(plan: Plan, state: State, values: Values) -> Step:
    """The value after a hit: the same once more, or the hit is taken back."""
    crossing = plan.crossing
    if crossing is None:
        if _all_hold(plan, values):
            return _ring(plan, state, values)
        return Step(replace(state, phase=ARMED), False)
    value = _value(values, crossing.feature)
    if not _crossed(crossing, state, value):
        return Step(replace(state, phase=ARMED), False)
    if _all_hold(plan, values):
        return _ring(plan, state, values)
    return Step(_used(crossing, state, value), False)


def _ring(plan: Plan, state: State, values: Values) -> Step:
    counted = replace(state, generation=state.generation + 1, fires=state.fires + 1)
    if not plan.every:
        return Step(replace(counted, phase=FIRED, side=0), True)
    if plan.crossing is None:
        return Step(replace(counted, phase=WAITING), True)
    return Step(_used(plan.crossing, counted, _value(values, plan.crossing.feature)), True)
