"""The outbox: which ring still has to go where. Rows come with the rings, in their transaction.

    pending ──claim──▶ pending, due again after the lease ──delivered──▶ delivered
       ▲                       │                       └──dead / use-by──▶ dead, expired
       └────────retry──────────┘

A claim is a lease: who dies with it loses nothing, the row is due again when the lease is over, at
the latest when the outbox is opened anew. So a ring is delivered at least once; its event id tells
the receiver that it has it already.
"""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from alerts.database import in_our_words, transaction
from alerts.errors import NotFound
from alerts.model import WS, Delivery, Owner
from alerts.store import stored_fire

PENDING = "pending"
DELIVERED = "delivered"
DEAD = "dead"
"""Given up: its receiver refuses it, or it was tried too often."""
EXPIRED = "expired"
"""Not delivered before its use-by time."""
ERROR_CHARS_MAX = 1_000


class DeliveryState(Struct, frozen=True):
    """What became of a delivery: a line of the ledger."""

    id: int
    offset: int
    channel: str
    state: str
    """`pending delivered dead expired`."""
    attempts: int
    due_ns: int
    """When it is tried next, while it is pending."""
    use_by_ns: int
    error: str
    """What the last attempt said; empty when nothing went wrong."""
    updated_ns: int


class Outbox:
    """The deliveries in the file of alerts. Used by one thread at a time, with its store.

    Every method raises `StoreUnavailable` when the file cannot be read or written now.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take the connection of an `AlertStore`; leases of a process before us end."""
        self._connection = connection
        with transaction(connection):
            connection.execute(
                "update outbox set due_ns = updated_ns where state = 'pending' and kind != ? and attempts > 0"
                " and error = ''",
                (WS,),
            )

    def claim(self, kind: str, now_ns: int, lease_ns: int, limit: int) -> list[Delivery]:
        """Take deliveries that are due, the longest due first, for the time of a lease.

        Those that are beyond their use-by time are marked expired and not given out.

        Args:
            kind: what the channel begins with: `webhook`.
            now_ns: our clock.
            lease_ns: how long nobody else gets them.
            limit: how many at most.
        """
        with transaction(self._connection):
            self._expire(kind, now_ns)
            rows = self._connection.execute(
                "update outbox set due_ns = ?, attempts = attempts + 1, error = '', updated_ns = ?"
                " where id in (select id from outbox where kind = ? and state = 'pending' and due_ns <= ?"
                " order by due_ns, id limit ?) returning id, tenant, user, off, channel, attempts, use_by_ns",
                (now_ns + lease_ns, now_ns, kind, now_ns, limit),
            ).fetchall()
            return [self._delivery(*row) for row in sorted(rows)]

    def next_due_ns(self, kind: str) -> int | None:
        """When the next delivery of a kind is due; None when none is pending."""
        with in_our_words():
            (due_ns,) = self._connection.execute(
                "select min(due_ns) from outbox where kind = ? and state = 'pending'", (kind,)
            ).fetchone()
        return None if due_ns is None else int(due_ns)

    def delivered(self, delivery_id: int, now_ns: int) -> None:
        """The receiver has it. Also right when it was given up or delivered meanwhile."""
        self._set(delivery_id, DELIVERED, now_ns, now_ns, "")

    def retry(self, delivery_id: int, due_ns: int, error: str, now_ns: int) -> None:
        """It did not work, and `error` says why; try again at `due_ns`, unless that is beyond its use-by."""
        with transaction(self._connection):
            self._connection.execute(
                "update outbox set state = case when ? > use_by_ns then 'expired' else 'pending' end,"
                " due_ns = ?, error = ?, updated_ns = ? where id = ? and state = 'pending'",
                (due_ns, due_ns, _short(error) or "failed", now_ns, delivery_id),
            )

    def dead(self, delivery_id: int, error: str, now_ns: int) -> None:
        """It will never work; keep it among the dead letters."""
        self._set(delivery_id, DEAD, now_ns, now_ns, error)

    def revive(self, delivery_id: int, now_ns: int, use_by_ns: int) -> None:
        """Deliver a dead or expired letter after all, until a new use-by time.

        Raises:
            NotFound: there is no such letter.
        """
        with transaction(self._connection):
            done = self._connection.execute(
                "update outbox set state = 'pending', due_ns = ?, use_by_ns = ?, attempts = 0, error = '',"
                " updated_ns = ? where id = ? and state in ('dead', 'expired')",
                (now_ns, use_by_ns, now_ns, delivery_id),
            )
            if not done.rowcount:
                raise NotFound("no such letter")

    def letters(self, state: str, limit: int, after_id: int = 0) -> list[tuple[Owner, DeliveryState]]:
        """Deliveries of all owners in a state such as `dead`, by id: for the operator."""
        with in_our_words():
            rows = self._connection.execute(
                "select tenant, user, id, off, channel, state, attempts, due_ns, use_by_ns, error, updated_ns"
                " from outbox where state = ? and id > ? order by id limit ?",
                (state, after_id, limit),
            ).fetchall()
        return [(Owner(*row[:2]), DeliveryState(*row[2:])) for row in rows]

    def ledger(self, owner: Owner, offset: int) -> list[DeliveryState]:
        """What became of each delivery of one ring."""
        with in_our_words():
            rows = self._connection.execute(
                "select id, off, channel, state, attempts, due_ns, use_by_ns, error, updated_ns from outbox"
                " where tenant = ? and user = ? and off = ? order by id",
                (owner.tenant, owner.user, offset),
            ).fetchall()
        return [DeliveryState(*row) for row in rows]

    def acknowledge(self, owner: Owner, offset: int, now_ns: int) -> int:
        """A WebSocket client has everything up to an offset; returns up to where clients now have all.

        An offset beyond the newest ring counts as that.
        """
        with transaction(self._connection):
            row = self._connection.execute(
                "update owners set acked_off = max(acked_off, min(last_off, ?)) where tenant = ? and user = ?"
                " returning acked_off",
                (offset, owner.tenant, owner.user),
            ).fetchone()
            if row is None:
                return 0
            self._connection.execute(
                "update outbox set state = 'delivered', updated_ns = ?"
                " where tenant = ? and user = ? and off <= ? and channel = ? and state = 'pending'",
                (now_ns, owner.tenant, owner.user, row[0], WS),
            )
            return int(row[0])

    def acknowledged(self, owner: Owner) -> int:
        """Up to which offset an owner's WebSocket clients have everything."""
        with in_our_words():
            row = self._connection.execute(
                "select acked_off from owners where tenant = ? and user = ?", (owner.tenant, owner.user)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        with in_our_words():
            rows: Sequence[tuple[str, int]] = self._connection.execute(
                "select state, count(*) from outbox group by state"
            ).fetchall()
        return dict(rows)

    def _expire(self, kind: str, now_ns: int) -> None:
        self._connection.execute(
            "update outbox set state = 'expired', updated_ns = ?"
            " where kind = ? and state = 'pending' and due_ns <= ? and use_by_ns < ?",
            (now_ns, kind, now_ns, now_ns),
        )

    def _delivery(
        self, row_id: int, tenant: str, user: str, offset: int, channel: str, attempts: int, use_by_ns: int
    ) -> Delivery:
        row = self._connection.execute(
            "select off, committed_ns, fire from fires where tenant = ? and user = ? and off = ?",
            (tenant, user, offset),
        ).fetchone()
        return Delivery(row_id, channel, attempts, use_by_ns, stored_fire(*row))

    def _set(self, delivery_id: int, state: str, due_ns: int, now_ns: int, error: str) -> None:
        with transaction(self._connection):
            self._connection.execute(
                "update outbox set state = ?, due_ns = ?, error = ?, updated_ns = ? where id = ?",
                (state, due_ns, _short(error), now_ns, delivery_id),
            )


def _short(error: str) -> str:
    return error[:ERROR_CHARS_MAX].encode("utf-8", "replace").decode()
