"""Whose alerts there are: ownership, names, revisions and limits."""

from uuid import UUID

import pytest

from alerts.book import AlertBook
from alerts.changes import Changes
from alerts.engine import Engine, Kept
from alerts.errors import AlreadyTrue, Conflict, LimitReached, NotFound
from alerts.model import AlertView, Owner, Rule
from config.settings import AlertSettings
from tests.alerts.making import ANN, BOB, NOON_NS, batch, condition, rule, trade


class Desk:
    """A book with its engine, and what was noted."""

    def __init__(self, **settings: int) -> None:
        self.engine = Engine()
        self.book = AlertBook(AlertSettings(**settings), self.engine)
        self.changes = Changes()
        self.ids = 0

    def put(self, rule: Rule, owner: Owner = ANN, **named: object) -> AlertView:
        """Put a rule; new alerts are numbered."""
        self.ids += 1
        return self.book.put(owner, rule, NOON_NS, self.changes, str(UUID(int=self.ids)), **named)  # type: ignore[arg-type]


def test_a_new_alert_is_shown_found_and_noted() -> None:
    """By its id, by the caller's name for it, and in the list."""
    desk = Desk()
    view = desk.put(rule(client_id="mine"))
    alert_id = view.alert.id
    assert (view.alert.rev, view.state.phase) == (1, "blind")
    assert desk.book.get(ANN, alert_id, NOON_NS) == view
    assert desk.book.named(ANN, "mine", NOON_NS) == view
    assert desk.book.list(ANN, NOON_NS) == [view]
    assert desk.changes.alerts == {(ANN, alert_id): Kept(1, view.alert, view.state)}


def test_alerts_of_others_do_not_exist() -> None:
    """Every verb on another owner's alert finds nothing, and changes nothing."""
    desk = Desk()
    alert_id = desk.put(rule(client_id="mine")).alert.id
    changes = Changes()
    for act in (
        lambda: desk.book.get(BOB, alert_id, NOON_NS),
        lambda: desk.book.named(BOB, "mine", NOON_NS),
        lambda: desk.book.delete(BOB, alert_id, changes),
        lambda: desk.put(rule(), BOB, alert_id=alert_id),
    ):
        with pytest.raises(NotFound):
            act()
    assert desk.book.list(BOB, NOON_NS) == []
    assert desk.put(rule(client_id="mine"), BOB).alert.id != alert_id
    assert desk.book.get(ANN, alert_id, NOON_NS).alert.rev == 1
    assert not changes.alerts


def test_users_of_two_tenants_are_two_owners() -> None:
    """The tenant is part of the key."""
    desk = Desk()
    alert_id = desk.put(rule(), Owner("a", "ann")).alert.id
    with pytest.raises(NotFound):
        desk.book.get(Owner("b", "ann"), alert_id, NOON_NS)


def test_a_changed_rule_is_a_new_revision_of_the_same_alert() -> None:
    """The same rule again changes nothing, unless it has rung and is done."""
    desk = Desk()
    first = desk.put(rule(client_id="mine"))
    again = desk.put(rule(client_id="mine"), replace_named=True)
    assert again == first
    changed = desk.put(rule(condition(level=5), client_id="mine"), replace_named=True)
    assert (changed.alert.id, changed.alert.rev) == (first.alert.id, 2)
    desk.engine.take(batch([trade(4), trade(5)]))
    assert desk.book.named(ANN, "mine", NOON_NS).state.phase == "fired"
    armed = desk.put(rule(condition(level=5), client_id="mine"), replace_named=True)
    assert (armed.alert.rev, armed.state.phase, armed.state.fires) == (3, "waiting", 1)


def test_names_are_unique_and_move_with_the_alert() -> None:
    """A second alert of the name is a conflict; a name that is given up is free."""
    desk = Desk()
    first = desk.put(rule(client_id="a")).alert.id
    second = desk.put(rule(client_id="b")).alert.id
    with pytest.raises(Conflict):
        desk.put(rule(client_id="a"))
    with pytest.raises(Conflict):
        desk.put(rule(client_id="a"), alert_id=second)
    desk.put(rule(client_id="c"), alert_id=first)
    assert desk.put(rule(client_id="a"), alert_id=second).alert.id == second
    desk.book.delete(ANN, second, desk.changes)
    assert desk.put(rule(client_id="a")).alert.id not in (first, second)


def test_a_revision_that_was_named_must_be_there() -> None:
    """Two who change at once: the second is told."""
    desk = Desk()
    alert_id = desk.put(rule()).alert.id
    desk.put(rule(condition(level=5)), alert_id=alert_id, if_rev=1)
    with pytest.raises(Conflict) as caught:
        desk.put(rule(condition(level=6)), alert_id=alert_id, if_rev=1)
    assert caught.value.rev == 2


def test_a_deleted_alert_is_gone_and_noted() -> None:
    """Deleting it again finds nothing."""
    desk = Desk()
    alert_id = desk.put(rule()).alert.id
    desk.book.delete(ANN, alert_id, desk.changes)
    assert desk.changes.alerts == {(ANN, alert_id): None}
    assert len(desk.book) == 0
    with pytest.raises(NotFound):
        desk.book.delete(ANN, alert_id, desk.changes)


def test_limits_hold_for_each_user_and_for_all() -> None:
    """What is there can still be changed."""
    desk = Desk(per_user_max=2, total_max=3)
    alert_id = desk.put(rule()).alert.id
    desk.put(rule())
    with pytest.raises(LimitReached, match="no more than 2 alerts are"):
        desk.put(rule())
    desk.put(rule(condition(level=7)), alert_id=alert_id)
    desk.put(rule(), BOB)
    with pytest.raises(LimitReached, match="all users"):
        desk.put(rule(), BOB)


def test_a_refused_rule_is_not_there() -> None:
    """True already: neither listed, nor noted, nor named."""
    desk = Desk()
    desk.engine.take(batch([trade(101)]))
    with pytest.raises(AlreadyTrue):
        desk.put(rule(on_true_at_creation="reject", client_id="a"))
    assert desk.book.list(ANN, NOON_NS) == []
    assert not desk.changes.alerts
    desk.put(rule(client_id="a"))


def test_an_alert_whose_time_is_over_is_shown_as_expired() -> None:
    """Also when no tick has come since."""
    desk = Desk()
    alert_id = desk.put(rule(expires_ns=NOON_NS + 5)).alert.id
    assert desk.book.get(ANN, alert_id, NOON_NS + 4).state.phase == "blind"
    assert desk.book.get(ANN, alert_id, NOON_NS + 5).state.phase == "expired"


def test_a_list_can_be_of_one_symbol() -> None:
    """In the order the alerts were put."""
    desk = Desk()
    ids = [desk.put(rule(symbol=symbol)).alert.id for symbol in ("IBM", "AAPL", "IBM")]
    assert [view.alert.id for view in desk.book.list(ANN, NOON_NS, "IBM")] == [ids[0], ids[2]]
    assert [view.alert.id for view in desk.book.list(ANN, NOON_NS)] == ids


def test_what_was_written_down_is_there_again() -> None:
    """Alerts, names and order."""
    desk = Desk()
    views = [desk.put(rule(client_id=name)) for name in ("b", "a")]
    kept = [one for one in desk.changes.alerts.values() if one is not None]
    engine = Engine()
    engine.load(kept, {}, 0)
    book = AlertBook(AlertSettings(), engine, reversed(kept))
    assert book.list(ANN, NOON_NS) == views
    assert book.named(ANN, "a", NOON_NS) == views[1]
