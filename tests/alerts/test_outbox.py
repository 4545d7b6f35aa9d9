"""The outbox: leases, retries, use-by times, dead letters, acknowledgements."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.changes import Changes
from alerts.errors import NotFound
from alerts.outbox import Outbox
from alerts.store import AlertStore
from config.settings import AlertSettings
from tests.alerts.making import ANN, BOB, NOON_NS, fire

SECOND_NS = 10**9
LEASE_NS = 30 * SECOND_NS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    """A store with three rings, one of them another owner's."""
    store = AlertStore(tmp_path, AlertSettings(use_by_s=100))
    store.commit(Changes(fires=[fire(1), fire(2), fire(3, owner=BOB)]), NOON_NS)
    yield store
    store.close()


@pytest.fixture
def outbox(store: AlertStore) -> Outbox:
    """Its outbox."""
    return Outbox(store.connection)


def test_what_is_due_is_given_out_once(outbox: Outbox) -> None:
    """In order, at most as many as asked for, with the ring; nobody else gets it meanwhile."""
    first = outbox.claim("webhook", NOON_NS, LEASE_NS, 2)
    assert [one.stored.fire.event_id for one in first] == [fire(1).event_id, fire(2).event_id]
    assert [(one.channel, one.attempts) for one in first] == [("webhook:https://example.com/hook", 1)] * 2
    assert [one.stored.fire.owner for one in outbox.claim("webhook", NOON_NS, LEASE_NS, 9)] == [BOB]
    assert outbox.claim("webhook", NOON_NS, LEASE_NS, 9) == []


def test_a_lease_that_ends_makes_it_due_again(outbox: Outbox) -> None:
    """Whoever died with it loses nothing."""
    outbox.claim("webhook", NOON_NS, LEASE_NS, 9)
    assert outbox.next_due_ns("webhook") == NOON_NS + LEASE_NS
    again = outbox.claim("webhook", NOON_NS + LEASE_NS, LEASE_NS, 9)
    assert [one.attempts for one in again] == [2, 2, 2]


def test_leases_of_a_process_before_us_end_at_once(store: AlertStore, outbox: Outbox) -> None:
    """A restart does not wait for them; a planned retry keeps its time."""
    first, second, _ = outbox.claim("webhook", NOON_NS, LEASE_NS, 9)
    outbox.retry(first.id, NOON_NS + 50 * SECOND_NS, "500", NOON_NS)
    outbox.delivered(second.id, NOON_NS)
    after = Outbox(store.connection).claim("webhook", NOON_NS + 1, LEASE_NS, 9)
    assert [one.stored.fire.owner for one in after] == [BOB]


def test_what_was_delivered_is_not_given_out_again(outbox: Outbox) -> None:
    """Nor is it pending."""
    for one in outbox.claim("webhook", NOON_NS, LEASE_NS, 9):
        outbox.delivered(one.id, NOON_NS + 5)
    assert outbox.next_due_ns("webhook") is None
    assert outbox.claim("webhook", NOON_NS + 2 * LEASE_NS, LEASE_NS, 9) == []
    assert outbox.counts() == {"delivered": 3, "pending": 3}


def test_a_retry_comes_at_its_time_with_the_reason_kept(outbox: Outbox) -> None:
    """And expires when that would be too late."""
    one, other, _ = outbox.claim("webhook", NOON_NS, LEASE_NS, 9)
    outbox.retry(one.id, NOON_NS + 10 * SECOND_NS, "503 " + "x" * 5_000 + "\ud800", NOON_NS)
    outbox.retry(other.id, NOON_NS + 101 * SECOND_NS, "", NOON_NS)
    assert outbox.claim("webhook", NOON_NS + 9 * SECOND_NS, LEASE_NS, 9) == []
    line = outbox.ledger(ANN, 1)[1]
    assert (line.state, line.due_ns, len(line.error)) == ("pending", NOON_NS + 10 * SECOND_NS, 1_000)
    assert outbox.ledger(ANN, 2)[1].state == "expired"
    (again,) = outbox.claim("webhook", NOON_NS + 10 * SECOND_NS, LEASE_NS, 9)
    assert (again.id, again.attempts) == (one.id, 2)


def test_what_is_beyond_its_use_by_time_is_not_given_out(outbox: Outbox) -> None:
    """It is shown as expired instead of coming silently late."""
    assert outbox.claim("webhook", NOON_NS + 101 * SECOND_NS, LEASE_NS, 9) == []
    assert {line.state for line in outbox.ledger(ANN, 1) if line.channel != "ws"} == {"expired"}


def test_dead_letters_can_be_listed_and_revived(outbox: Outbox) -> None:
    """With the reason, by the operator; nothing else can be revived."""
    one, _, _ = outbox.claim("webhook", NOON_NS, LEASE_NS, 9)
    outbox.dead(one.id, "410 gone", NOON_NS)
    ((owner, letter),) = outbox.letters("dead", 9)
    assert (owner, letter.id, letter.error) == (ANN, one.id, "410 gone")
    assert outbox.letters("dead", 9, after_id=one.id) == []
    outbox.revive(one.id, NOON_NS + 500 * SECOND_NS, NOON_NS + 600 * SECOND_NS)
    (again,) = outbox.claim("webhook", NOON_NS + 500 * SECOND_NS, LEASE_NS, 9)
    assert (again.id, again.attempts) == (one.id, 1)
    with pytest.raises(NotFound):
        outbox.revive(one.id, NOON_NS, NOON_NS)


def test_an_answer_that_comes_after_the_lease_still_counts(outbox: Outbox) -> None:
    """Delivered is delivered; a retry of what is delivered changes nothing."""
    one, *_ = outbox.claim("webhook", NOON_NS, LEASE_NS, 9)
    outbox.delivered(one.id, NOON_NS + 2 * LEASE_NS)
    outbox.retry(one.id, NOON_NS, "late", NOON_NS)
    assert outbox.ledger(ANN, 1)[1].state == "delivered"


def test_an_acknowledgement_covers_everything_up_to_its_offset(outbox: Outbox) -> None:
    """It never goes back, nor beyond the newest ring, and touches neither webhooks nor others."""
    assert outbox.acknowledged(ANN) == 0
    assert outbox.acknowledge(ANN, 1, NOON_NS) == 1
    assert [outbox.ledger(ANN, offset)[0].state for offset in (1, 2)] == ["delivered", "pending"]
    assert outbox.acknowledge(ANN, 99, NOON_NS) == 2
    assert outbox.acknowledge(ANN, 1, NOON_NS) == 2
    assert outbox.acknowledged(ANN) == 2
    assert outbox.acknowledged(BOB) == 0
    assert outbox.ledger(BOB, 1)[0].state == "pending"
    assert outbox.ledger(ANN, 1)[1].state == "pending"


def test_an_owner_without_rings_has_nothing_to_acknowledge(tmp_path: Path) -> None:
    """Whatever the client says."""
    store = AlertStore(tmp_path, AlertSettings())
    outbox = Outbox(store.connection)
    assert outbox.acknowledge(ANN, 5, NOON_NS) == 0
    assert outbox.next_due_ns("webhook") is None
    store.close()
