"""Planted defects of the alerts: each breaks one rule of what rings when, or of what is kept.

Not called `alerts`: this folder is on the path of a sabotaged process, in front of the package.
"""

from typing import Any

from msgspec.structs import replace

from proofs.sabotage.defects import acted, defect


class _Told:
    """Counts a defect that acts millions of times once in a thousand."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count % 1_000 == 1:
            acted()


@defect("level-not-beyond", "alerts.machine")
def level_not_beyond(module: Any) -> None:
    """A crossing has to go beyond its level: to be equal is not enough."""
    told, original = _Told(), module._crossed

    def broken(crossing: Any, state: Any, value: int) -> bool:
        if value == crossing.level:
            told()
            return False
        return bool(original(crossing, state, value))

    module._crossed = broken


@defect("flapping", "alerts.machine")
def flapping(module: Any) -> None:
    """A crossing counts again as soon as the price is back at its level."""
    told, original = _Told(), module._used

    def broken(crossing: Any, state: Any, value: int) -> Any:
        if value == crossing.level:
            told()
            return module._on_side(crossing, state, -1)
        return original(crossing, state, value)

    module._used = broken


@defect("odd-lots-ring", "alerts.values")
def odd_lots_ring(module: Any) -> None:
    """Odd lots set the last price."""
    told, original = _Told(), module.last_session

    def broken(elig: int) -> int:
        if elig & module.ODD_LOT:
            told()
            return int(module.session_of(elig))
        return int(original(elig))

    module.last_session = broken


@defect("sessions-mixed", "alerts.streams")
def sessions_mixed(module: Any) -> None:
    """Rules that name two sessions hear every session."""
    told, original = _Told(), module.Stream.__init__

    def broken(self: Any, market: Any, feature: int, sessions: int) -> None:
        if sessions.bit_count() == 2:
            told()
        original(self, market, feature, sessions)
        if sessions.bit_count() == 2:
            self.sessions = 0b1111

    # The stream is found by what was asked for, or each rule would get a new one.
    find = module.Market.find

    def found(self: Any, feature: int, sessions: int) -> Any:
        return find(self, feature, 0b1111 if sessions.bit_count() == 2 else sessions)

    module.Stream.__init__ = broken
    module.Market.find = found


@defect("threshold-lost", "alerts.thresholds")
def threshold_lost(module: Any) -> None:
    """Of the thresholds that a value reaches, the last one is passed over when there are several."""
    told, original = _Told(), module.Thresholds.reached

    def broken(self: Any, place: int) -> list[int]:
        found: list[int] = original(self, place)
        if len(found) > 1:
            told()
            found.pop()
        return found

    module.Thresholds.reached = broken


@defect("one-tick-confirms", "alerts.machine")
def one_tick_confirms(module: Any) -> None:
    """`double_last` rings by the first tick."""
    told, original = _Told(), module.plan_of

    def broken(rule: Any) -> Any:
        plan = original(rule)
        if plan.double:
            told()
        return plan._replace(double=False)

    module.plan_of = broken


@defect("states-forgotten", "alerts.store")
def states_forgotten(module: Any) -> None:
    """Of several states that have changed one is not written down."""
    told, original = _Told(), module.AlertStore._write_states

    def broken(self: Any, changes: Any) -> None:
        if len(changes.states) > 1:
            told()
            changes = replace(changes, states=dict(list(changes.states.items())[1:]))
        original(self, changes)

    module.AlertStore._write_states = broken


@defect("mark-too-far", "alerts.store")
def mark_too_far(module: Any) -> None:
    """The mark that is written down is fifty ticks beyond what was evaluated."""
    told, original = _Told(), module.AlertStore.commit

    def broken(self: Any, changes: Any, now_ns: int) -> Any:
        told()
        return original(self, replace(changes, m=changes.m + 50), now_ns)

    module.AlertStore.commit = broken
