"""Liveness and readiness."""

import pytest
from msgspec.structs import replace

from tapewire.health import LAG_MARKS_MAX, Level, States, assess

GOOD = States(started=True, draining=False, journal="ok", writer="alive", accepted=100, stored=90)


def test_all_well_is_ok_and_ready() -> None:
    """With a line on each thing that was looked at."""
    health = assess(GOOD)
    assert (health.status, health.ready) == ("ok", True)
    assert [(check.name, check.level, check.detail) for check in health.checks] == [
        ("service", "ok", "running"),
        ("journal", "ok", "written"),
        ("writer", "ok", "alive"),
        ("store", "ok", "10 marks behind"),
    ]


@pytest.mark.parametrize(
    ("states", "status", "ready", "name"),
    [
        (replace(GOOD, started=False), "failed", False, "service"),
        (replace(GOOD, draining=True), "failed", False, "service"),
        (replace(GOOD, journal="volatile"), "degraded", True, "journal"),
        (replace(GOOD, journal="stopped"), "failed", False, "journal"),
        (replace(GOOD, writer="restarting"), "degraded", True, "writer"),
        (replace(GOOD, accepted=LAG_MARKS_MAX + 91), "degraded", True, "store"),
    ],
)
def test_each_state_has_its_consequence(states: States, status: Level, ready: bool, name: str) -> None:
    """Live data that goes on is degraded, not down; what cannot go on is not ready."""
    health = assess(states)
    assert (health.status, health.ready) == (status, ready)
    assert [check.name for check in health.checks if check.level != "ok"] == [name]


def test_the_worst_check_decides() -> None:
    """Failed is worse than degraded."""
    assert assess(replace(GOOD, journal="stopped", writer="restarting")).status == "failed"


def test_a_store_ahead_of_the_last_reading_is_not_behind() -> None:
    """The two marks are read one after the other."""
    assert assess(replace(GOOD, stored=150)).checks[3].detail == "0 marks behind"
