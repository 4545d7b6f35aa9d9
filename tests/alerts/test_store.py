"""Alerts on the disk: all of it as of one mark, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from alerts.changes import Changes
from alerts.engine import Kept
from alerts.errors import NotFound, StoreDamaged
from alerts.model import Owner, State, Watchlist
from alerts.outbox import Outbox
from alerts.store import AlertStore
from config.settings import AlertSettings
from tests import checkout
from tests.alerts.making import ANN, BOB, NOON_NS, alert, condition, fire, rule

KEY = ("", "AAPL", "last", 4)
STEPS = (
    "begin", "alerts", "states", "values", "watchlists", "fire", "deliveries", "forgotten", "mark",
)  # fmt: skip


def changes() -> Changes:
    """A bit of everything, as of mark 9."""
    one = alert(rule(condition(), condition("<=", 120, "ask")))
    return Changes(
        m=9,
        fires=[fire(1)],
        states={one.id: State("waiting", 2, fires=1)},
        values={KEY: 100},
        alerts={(ANN, one.id): Kept(1, one, State("armed"))},
        watchlists={(ANN, "tech"): Watchlist(ANN, "tech", 1, ("IBM", "AAPL"), 5)},
    )


def whole(store: AlertStore) -> tuple[object, ...]:
    """Everything that is in the file."""
    return (
        store.load(), store.fires(ANN, 0, 100), store.fires(BOB, 0, 100), store.last_offset(ANN),
        Outbox(store.connection).ledger(ANN, 1),
    )  # fmt: skip


def test_what_was_committed_is_there_again(tmp_path: Path) -> None:
    """The newest state of each alert, values, lists, rings, deliveries, and the mark."""
    store = AlertStore(tmp_path, AlertSettings())
    (stored,) = store.commit(changes(), NOON_NS)
    store.close()
    store = AlertStore(tmp_path, AlertSettings())
    loaded = store.load()
    one = changes().alerts.popitem()[1]
    assert one is not None
    assert loaded.kept == [Kept(1, one.alert, State("waiting", 2, fires=1))]
    assert (loaded.m, loaded.values) == (9, {KEY: 100})
    assert loaded.watchlists == [Watchlist(ANN, "tech", 1, ("IBM", "AAPL"), 5)]
    assert store.fires(ANN, 0, 10) == [stored]
    assert (stored.offset, stored.fire, stored.committed_ns) == (1, fire(1), NOON_NS)
    assert store.fire(ANN, stored.fire.event_id) == stored
    ledger = Outbox(store.connection).ledger(ANN, 1)
    assert [(one.channel, one.state) for one in ledger] == [
        ("ws", "pending"), ("webhook:https://example.com/hook", "pending"),
    ]  # fmt: skip
    assert ledger[0].use_by_ns == NOON_NS + 900 * 10**9
    store.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_commit_that_stops_anywhere_has_done_nothing(tmp_path: Path, step: str) -> None:
    """And done again it is whole, with the same ids and places."""
    store = AlertStore(tmp_path, AlertSettings())
    before = whole(store)
    steps = store.steps(changes(), NOON_NS, [])
    for name in steps:
        if name == step:
            break
    else:
        pytest.fail(f"there is no step {step}")
    steps.close()  # type: ignore[attr-defined]  # it is a generator
    assert whole(store) == before
    store.close()
    store = AlertStore(tmp_path, AlertSettings())
    assert whole(store) == before
    assert [one.offset for one in store.commit(changes(), NOON_NS)] == [1]
    assert store.load().m == 9
    store.close()


CHILD = """
import os, signal, sys
from pathlib import Path
from alerts.store import AlertStore
from config.settings import AlertSettings
from tests.alerts.test_store import changes
from tests.alerts.making import NOON_NS
for name in AlertStore(Path(sys.argv[1]), AlertSettings()).steps(changes(), NOON_NS, []):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("step", ["begin", "deliveries", "mark", "commit"])
def test_a_killed_process_leaves_all_or_nothing(tmp_path: Path, step: str) -> None:
    """SIGKILL in the middle of the transaction, and right behind it."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), step], cwd=checkout.ROOT, timeout=60,
        env={**os.environ, "PYTHONPATH": str(checkout.ROOT)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    store = AlertStore(tmp_path, AlertSettings())
    there = step == "commit"
    assert (store.load().m, len(store.fires(ANN, 0, 9)), len(Outbox(store.connection).ledger(ANN, 1))) == (
        (9, 1, 2) if there else (0, 0, 0)
    )
    assert len(store.commit(changes(), NOON_NS)) == (0 if there else 1)
    assert [one.fire.event_id for one in store.fires(ANN, 0, 9)] == [fire(1).event_id]
    store.close()


def test_each_owner_counts_rings_without_a_hole(tmp_path: Path) -> None:
    """Offsets are the owner's own, also over commits and over a ring that comes again."""
    store = AlertStore(tmp_path, AlertSettings())
    store.commit(Changes(fires=[fire(1), fire(2, owner=BOB), fire(1, 2)]), NOON_NS)
    assert store.commit(Changes(fires=[fire(1), fire(1, 3)]), NOON_NS)[0].offset == 3
    assert [one.offset for one in store.fires(ANN, 0, 9)] == [1, 2, 3]
    assert [one.offset for one in store.fires(ANN, 1, 1)] == [2]
    assert [one.offset for one in store.fires(BOB, 0, 9)] == [1]
    assert (store.last_offset(ANN), store.last_offset(Owner("x", "y"))) == (3, 0)
    store.close()


def test_rings_can_be_of_one_alert(tmp_path: Path) -> None:
    """In their order, with the owner's offsets."""
    store = AlertStore(tmp_path, AlertSettings())
    store.commit(Changes(fires=[fire(1), fire(2), fire(1, 2)]), NOON_NS)
    assert [one.offset for one in store.fires(ANN, 0, 9, str(UUID(int=1)))] == [1, 3]
    assert store.fires(BOB, 0, 9, str(UUID(int=1))) == []
    store.close()


def test_rings_of_others_do_not_exist(tmp_path: Path) -> None:
    """Knowing the id is not enough."""
    store = AlertStore(tmp_path, AlertSettings())
    (stored,) = store.commit(Changes(fires=[fire(1)]), NOON_NS)
    with pytest.raises(NotFound):
        store.fire(BOB, stored.fire.event_id)
    assert store.fires(BOB, 0, 9) == []
    store.close()


def test_the_oldest_rings_go_with_their_deliveries(tmp_path: Path) -> None:
    """`fires_kept` of each owner stay; offsets go on."""
    store = AlertStore(tmp_path, AlertSettings(fires_kept=10))
    for generation in range(1, 31):
        store.commit(Changes(fires=[fire(1, generation)]), NOON_NS)
    store.commit(Changes(fires=[fire(9, owner=BOB)]), NOON_NS)
    assert [one.offset for one in store.fires(ANN, 0, 99)] == list(range(21, 31))
    outbox = Outbox(store.connection)
    assert (outbox.ledger(ANN, 20), len(outbox.ledger(ANN, 21)), len(outbox.ledger(BOB, 1))) == ([], 2, 2)
    store.close()


def test_deleted_things_are_gone(tmp_path: Path) -> None:
    """Alerts, lists and values that nobody compares; the rings stay."""
    store = AlertStore(tmp_path, AlertSettings())
    store.commit(changes(), NOON_NS)
    gone = Changes(m=12, values={KEY: None}, alerts={(ANN, alert(rule()).id): None})
    gone.watchlists[ANN, "tech"] = None
    store.commit(gone, NOON_NS)
    loaded = store.load()
    assert (loaded.kept, loaded.values, loaded.watchlists, loaded.m) == ([], {}, [], 12)
    assert len(store.fires(ANN, 0, 9)) == 1
    store.close()


def test_a_rule_can_say_how_long_a_ring_is_worth_delivering(tmp_path: Path) -> None:
    """Else the setting does."""
    store = AlertStore(tmp_path, AlertSettings(use_by_s=60))
    store.commit(Changes(fires=[fire(1, use_by_s=5), fire(2)]), NOON_NS)
    outbox = Outbox(store.connection)
    assert [outbox.ledger(ANN, offset)[0].use_by_ns - NOON_NS for offset in (1, 2)] == [5 * 10**9, 60 * 10**9]
    store.close()


def test_an_id_never_serves_two_alerts(tmp_path: Path) -> None:
    """A second owner with it is an error, and the first keeps its alert; a new revision is none."""
    store = AlertStore(tmp_path, AlertSettings())
    first = alert(rule())
    for rev in (1, 2):
        kept = Kept(1, alert(rule(condition(level=rev)), rev=rev), State("armed"))
        store.commit(Changes(alerts={(ANN, first.id): kept}), NOON_NS)
    other = Kept(2, alert(rule(), owner=BOB), State("armed"))
    with pytest.raises(StoreDamaged):
        store.commit(Changes(alerts={(BOB, first.id): other}), NOON_NS)
    assert [(one.alert.owner, one.alert.rev) for one in store.load().kept] == [(ANN, 2)]
    store.close()


@pytest.mark.parametrize("table", ["alerts set rule", "fires set fire", "watchlists set symbols"])
def test_a_row_that_was_tampered_with_is_damage(tmp_path: Path, table: str) -> None:
    """Not a crash of another kind, and not a default."""
    store = AlertStore(tmp_path, AlertSettings())
    store.commit(changes(), NOON_NS)
    store.connection.execute(f"update {table} = x'7b'")
    with pytest.raises(StoreDamaged):
        whole(store)
    store.close()
