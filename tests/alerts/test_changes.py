"""What is gathered between two transactions."""

from alerts.changes import Changes
from alerts.engine import EngineChanges
from alerts.model import State
from tests.alerts.making import ANN, fire


def test_newer_changes_replace_older_ones_and_rings_add_up() -> None:
    """The whole is as of the newest mark."""
    changes = Changes()
    key = ("", "AAPL", "last", 4)
    changes.add(EngineChanges(5, [fire(1)], {"a": State("armed")}, {key: 1}))
    changes.add(EngineChanges(9, [fire(2)], {"a": State("fired"), "b": State("armed")}, {key: None}))
    assert (changes.m, len(changes.fires)) == (9, 2)
    assert changes.states == {"a": State("fired"), "b": State("armed")}
    assert changes.values == {key: None}


def test_only_what_somebody_waits_for_is_urgent() -> None:
    """States and marks can wait for company."""
    quiet = Changes()
    quiet.add(EngineChanges(5, [], {"a": State("armed")}, {}))
    assert not quiet.urgent
    assert Changes(fires=[fire()]).urgent
    assert Changes(alerts={(ANN, "a"): None}).urgent
    assert Changes(watchlists={(ANN, "a"): None}).urgent
