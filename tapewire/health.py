"""Liveness and readiness, from a few states.

*Alive*: the process answers; it says what is wrong, but nothing of it is mended by a restart.
*Ready*: it has started, is not being stopped, and still numbers ticks. A journal that cannot be
written, a writer that is being started again, or a store that is behind, is a degraded service,
not none: live data goes on.
"""

from typing import Final, Literal

from msgspec import Struct

LAG_MARKS_MAX: Final = 2_000_000
"""A store further behind than this is told: some twenty seconds of writing."""

Level = Literal["ok", "degraded", "failed"]
JournalState = Literal["ok", "volatile", "stopped"]
WriterState = Literal["alive", "restarting"]


class States(Struct, frozen=True):
    """What the wiring knows at one moment."""

    started: bool
    """Whether recovery is over and the port is served."""
    draining: bool
    """Whether the service is being stopped."""
    journal: JournalState
    """`volatile`: ticks are handed on without being kept; `stopped`: no tick can be numbered."""
    writer: WriterState
    accepted: int
    """Newest mark given."""
    stored: int
    """Newest mark of which everything before is in the store."""


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    level: Level
    detail: str


class Health(Struct, frozen=True):
    """The answer of `/healthz` and `/readyz`."""

    status: Level
    """The worst level of all checks."""
    ready: bool
    checks: tuple[Check, ...]


def assess(states: States) -> Health:
    """What the states mean."""
    checks = (_service(states), _journal(states), _writer(states), _store(states))
    levels = {check.level for check in checks}
    status: Level = "failed" if "failed" in levels else "degraded" if "degraded" in levels else "ok"
    return Health(status, status != "failed", checks)


def _service(states: States) -> Check:
    if states.draining:
        return Check("service", "failed", "stopping")
    return Check("service", "ok", "running") if states.started else Check("service", "failed", "starting")


def _journal(states: States) -> Check:
    match states.journal:
        case "ok":
            return Check("journal", "ok", "written")
        case "volatile":
            return Check("journal", "degraded", "cannot be written; live data goes on and is not kept")
        case "stopped":
            return Check("journal", "failed", "cannot be written and no mark is left; numbering has stopped")


def _writer(states: States) -> Check:
    return Check("writer", "ok" if states.writer == "alive" else "degraded", states.writer)


def _store(states: States) -> Check:
    lag = max(0, states.accepted - states.stored)
    level: Level = "degraded" if lag > LAG_MARKS_MAX else "ok"
    return Check("store", level, f"{lag} marks behind")
