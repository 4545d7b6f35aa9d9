"""What a tape demands, what the file of alerts holds, and what differs."""

from pathlib import Path
from typing import Any

import pytest

from alerts.changes import Changes
from alerts.engine import Engine
from alerts.form import rule_form
from alerts.model import event_id
from alerts.store import AlertStore
from config.settings import AlertSettings, TapeSettings
from proofs import rings
from proofs.aims import ProofError
from proofs.rings import Demand, Ring
from tape.tape import Tape
from tests.alerts.making import NOON_NS, alert, batch, fire, rule, trade
from ticks.times import format_time


def view() -> dict[str, Any]:
    """A rule as the hub answers it: AAPL at 100 or more, again and again."""
    one = alert(rule(repeat="every"))
    return {**rule_form(one.rule), "id": one.id, "rev": 1, "created": format_time(NOON_NS)}


def test_a_rule_rings_from_its_place_on(tmp_path: Path) -> None:
    """What was true before waits for the way back; then each return rings once, as the engine has it."""
    demand = Demand(tmp_path)
    demand.take(batch([trade(101)]))
    demand.put(view())
    later = batch([trade(102), trade(99), trade(100), trade(100)], first_m=2)
    demand.take(later)
    one = alert(rule(repeat="every"))
    assert demand.rings == {event_id(one.id, 1): Ring(event_id(one.id, 1), one.id, 4)}
    assert (demand.m, demand.rules, demand.silent_since(0), demand.silent_since(5)) == (5, 1, False, True)

    engine = Engine()
    engine.take(batch([trade(101)]))
    engine.put(one)
    engine.take(later)
    assert [made.event_id for made in engine.take_changes().fires] == list(demand.rings)


def test_a_tape_is_followed_where_it_has_grown(tmp_path: Path) -> None:
    """Following twice evaluates nothing twice."""
    demand = Demand(tmp_path)
    tape = Tape(TapeSettings(), tmp_path, now_ns=1)
    tape.publish("", [trade(99)], None, now_ns=1)
    tape.close()
    demand.follow()
    demand.put(view())
    tape = Tape(TapeSettings(), tmp_path, now_ns=2)
    tape.publish("", [trade(100)], None, now_ns=2)
    tape.close()
    demand.follow()
    demand.follow()
    assert [ring.m for ring in demand.rings.values()] == [2]
    assert demand.values["AAPL"] == {"last": 100 * 10**9}


def test_the_file_is_read_while_its_owner_has_it_open(tmp_path: Path) -> None:
    """Rings, offsets and what is pending are those that were committed; the file stays as it is."""
    (tmp_path / "data").mkdir()
    store = AlertStore(tmp_path / "data", AlertSettings())
    store.commit(Changes(m=7, fires=[fire(1, 1), fire(1, 2)]), NOON_NS)
    found = rings.kept(tmp_path / "data")
    assert [ring.event_id for ring in found.rings] == [fire(1, 1).event_id, fire(1, 2).event_id]
    assert (found.offsets, found.pending, rings.pending(tmp_path / "data")) == ([1, 2], 2, 2)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """In the words of a proof."""
    (tmp_path / "data").mkdir()
    with pytest.raises(ProofError, match="cannot be read"):
        rings.kept(tmp_path / "data")
    with pytest.raises(ProofError, match="cannot be read"):
        rings.pending(tmp_path / "data")


def test_one_ring_under_two_ids_is_found() -> None:
    """The same ring again is none; another tick is another ring."""
    one = Ring("x", "a", 1)
    assert rings.two_ids([one, one, Ring("y", "a", 2)]) == 0
    assert rings.two_ids([one, Ring("y", "a", 1)]) == 1


def test_another_body_under_the_same_id_is_found() -> None:
    """A repetition is the same bytes."""
    assert rings.differing_bodies([("x", b"1"), ("x", b"1"), ("y", b"2")]) == 0
    assert rings.differing_bodies([("x", b"1"), ("x", b"2")]) == 1


def test_a_body_tells_its_ring() -> None:
    """By its members."""
    body = b'{"type":"alert.fired","data":{"event_id":"x","alert":"a","m":3,"value":1.5}}'
    assert rings.told(body) == Ring("x", "a", 3)
