"""Alerts, rings and watchlists on the disk: one file, one transaction for everything as of a mark.

Rings, what became of the alerts, their deliveries, and the mark up to which the tape is
evaluated are committed together. So after a crash either all of it is there and the tape is
evaluated from behind it, or none of it, and evaluating again makes the same rings with the same ids.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from alerts.changes import Changes
from alerts.database import in_our_words, open_database, transaction
from alerts.engine import Kept, ValueKey
from alerts.errors import NotFound, StoreDamaged
from alerts.model import Alert, Fire, Owner, Rule, State, StoredFire, Watchlist
from config.settings import AlertSettings

_FIRE_COLUMNS = "off, committed_ns, fire"


class Loaded(Struct, frozen=True):
    """Everything that the engine and the tables in memory go on from."""

    m: int
    kept: list[Kept]
    values: dict[ValueKey, int]
    watchlists: list[Watchlist]


class AlertStore:
    """The file of alerts. One connection; used by one thread at a time."""

    def __init__(self, directory: Path, settings: AlertSettings) -> None:
        """Open it, or make it.

        Raises:
            StoreUnavailable: it cannot be opened now.
            StoreDamaged: it is something else.
        """
        self._settings = settings
        self.connection = open_database(directory)
        """Shared with the outbox."""

    def close(self) -> None:
        """Let the file go. What is not committed is not kept."""
        self.connection.close()

    def load(self) -> Loaded:
        """Read everything but rings and deliveries.

        Raises:
            StoreUnavailable: it cannot be read now.
            StoreDamaged: a row is not what was written.
        """
        read = self.connection.execute
        with in_our_words():
            (m,) = read("select value from meta where key = 'm'").fetchone()
            alerts = read(
                "select tenant, user, id, number, rev, created_ns, updated_ns, rule, state from alerts"
                " order by number"
            ).fetchall()
            values = read("select lineup, symbol, feature, sessions, value from stream_values").fetchall()
            lists = read("select tenant, user, name, rev, symbols, updated_ns from watchlists").fetchall()
        try:
            return Loaded(
                m,
                [_kept(row) for row in alerts],
                {
                    (lineup, symbol, feature, sessions): value
                    for lineup, symbol, feature, sessions, value in values
                },
                [
                    Watchlist(Owner(tenant, user), name, rev, tuple(_symbols(symbols)), updated_ns)
                    for tenant, user, name, rev, symbols, updated_ns in lists
                ],
            )
        except msgspec.MsgspecError as error:
            raise StoreDamaged(f"a row cannot be read: {error}") from error

    def commit(self, changes: Changes, now_ns: int) -> list[StoredFire]:
        """Write changes down, all or nothing; returns the rings with their places.

        A ring that is there already is left out.

        Raises:
            StoreUnavailable: nothing was written; the same call may succeed later.
            StoreDamaged: nothing was written, and somebody has to look.
        """
        stored: list[StoredFire] = []
        for _ in self.steps(changes, now_ns, stored):
            pass
        return stored

    def steps(self, changes: Changes, now_ns: int, stored: list[StoredFire]) -> Iterator[str]:
        """`commit`, statement by statement: yields the name of each step that is done.

        Whoever stops in between has done what a crash there does.
        """
        with transaction(self.connection):
            yield "begin"
            self._write_alerts(changes)
            yield "alerts"
            self._write_states(changes)
            yield "states"
            self._write_values(changes)
            yield "values"
            self._write_watchlists(changes)
            yield "watchlists"
            for fire in changes.fires:
                one = self._write_fire(fire, now_ns)
                yield "fire"
                if one is not None:
                    stored.append(one)
                    self._write_deliveries(one)
                    yield "deliveries"
            self._forget_old(stored)
            yield "forgotten"
            self.connection.execute("update meta set value = ? where key = 'm'", (changes.m,))
            yield "mark"
        yield "commit"

    def fires(
        self, owner: Owner, after_offset: int, limit: int, alert_id: str | None = None
    ) -> list[StoredFire]:
        """An owner's rings behind an offset, in order; of one alert, if it is named.

        Raises:
            StoreUnavailable: they cannot be read now.
        """
        condition, values = "", [owner.tenant, owner.user, after_offset]
        if alert_id is not None:
            condition = " and alert_id = ?"
            values.append(alert_id)
        with in_our_words():
            rows = self.connection.execute(
                f"select {_FIRE_COLUMNS} from fires where tenant = ? and user = ? and off > ?{condition}"
                " order by off limit ?",
                (*values, limit),
            ).fetchall()
        return [stored_fire(*row) for row in rows]

    def fire(self, owner: Owner, event_id: str) -> StoredFire:
        """One ring of an owner.

        Raises:
            NotFound: the owner has none of this id, or it is no longer kept.
            StoreUnavailable: it cannot be read now.
        """
        with in_our_words():
            row = self.connection.execute(
                f"select {_FIRE_COLUMNS} from fires where tenant = ? and user = ? and event_id = ?",
                (owner.tenant, owner.user, event_id),
            ).fetchone()
        if row is None:
            raise NotFound("no such ring")
        return stored_fire(*row)

    def last_offset(self, owner: Owner) -> int:
        """The offset of an owner's newest ring; 0 when there never was one.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        with in_our_words():
            row = self.connection.execute(
                "select last_off from owners where tenant = ? and user = ?", (owner.tenant, owner.user)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def _write_alerts(self, changes: Changes) -> None:
        for (owner, alert_id), kept in changes.alerts.items():
            if kept is None:
                self.connection.execute(
                    "delete from alerts where tenant = ? and user = ? and id = ?",
                    (owner.tenant, owner.user, alert_id),
                )
                continue
            alert = kept.alert
            self.connection.execute(
                # Not `insert or replace`, which would take another alert of the same id away.
                "insert into alerts values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (tenant, user, id)"
                " do update set rev = excluded.rev, updated_ns = excluded.updated_ns,"
                " rule = excluded.rule, state = excluded.state",
                (
                    owner.tenant, owner.user, alert_id, kept.number, alert.rev, alert.created_ns,
                    alert.updated_ns, msgspec.json.encode(alert.rule), msgspec.json.encode(kept.state),
                ),
            )  # fmt: skip

    def _write_states(self, changes: Changes) -> None:
        self.connection.executemany(
            "update alerts set state = ? where id = ?",
            [(msgspec.json.encode(state), alert_id) for alert_id, state in changes.states.items()],
        )

    def _write_values(self, changes: Changes) -> None:
        gone = [key for key, value in changes.values.items() if value is None]
        self.connection.executemany(
            "delete from stream_values where lineup = ? and symbol = ? and feature = ? and sessions = ?", gone
        )
        self.connection.executemany(
            "insert or replace into stream_values values (?, ?, ?, ?, ?)",
            [(*key, value) for key, value in changes.values.items() if value is not None],
        )

    def _write_watchlists(self, changes: Changes) -> None:
        for (owner, name), watchlist in changes.watchlists.items():
            if watchlist is None:
                self.connection.execute(
                    "delete from watchlists where tenant = ? and user = ? and name = ?",
                    (owner.tenant, owner.user, name),
                )
                continue
            self.connection.execute(
                "insert or replace into watchlists values (?, ?, ?, ?, ?, ?)",
                (
                    owner.tenant, owner.user, name, watchlist.rev, msgspec.json.encode(watchlist.symbols),
                    watchlist.updated_ns,
                ),
            )  # fmt: skip

    def _write_fire(self, fire: Fire, now_ns: int) -> StoredFire | None:
        """Give a ring its place; None when it has one already."""
        owner = fire.owner.tenant, fire.owner.user
        known = self.connection.execute(
            "select 1 from fires where tenant = ? and user = ? and event_id = ?", (*owner, fire.event_id)
        ).fetchone()
        if known is not None:
            return None
        (offset,) = self.connection.execute(
            "insert into owners values (?, ?, 1, 0)"
            " on conflict do update set last_off = last_off + 1 returning last_off",
            owner,
        ).fetchone()
        self.connection.execute(
            "insert into fires values (?, ?, ?, ?, ?, ?, ?)",
            (*owner, offset, fire.event_id, fire.alert_id, now_ns, msgspec.json.encode(fire)),
        )
        return StoredFire(offset, fire, now_ns)

    def _write_deliveries(self, stored: StoredFire) -> None:
        fire = stored.fire
        use_by_ns = stored.committed_ns + (fire.use_by_s or self._settings.use_by_s) * 1_000_000_000
        self.connection.executemany(
            "insert into outbox values (null, ?, ?, ?, ?, ?, 'pending', ?, 0, ?, '', ?)",
            [
                (
                    fire.owner.tenant, fire.owner.user, stored.offset, channel, channel.partition(":")[0],
                    stored.committed_ns, use_by_ns, stored.committed_ns,
                )
                for channel in fire.channels
            ],
        )  # fmt: skip

    def _forget_old(self, stored: Sequence[StoredFire]) -> None:
        """Let go of the oldest rings of those who have new ones."""
        newest = {one.fire.owner: one.offset for one in stored}
        for owner, offset in newest.items():
            bound = (owner.tenant, owner.user, offset - self._settings.fires_kept)
            for table in ("outbox", "fires"):
                self.connection.execute(
                    f"delete from {table} where tenant = ? and user = ? and off <= ?", bound
                )


def stored_fire(offset: int, committed_ns: int, fire: bytes) -> StoredFire:
    """A row of `fires`.

    Raises:
        StoreDamaged: it is not what was written.
    """
    try:
        return StoredFire(offset, msgspec.json.decode(fire, type=Fire), committed_ns)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"a ring cannot be read: {error}") from error


def _kept(row: tuple[str, str, str, int, int, int, int, bytes, bytes]) -> Kept:
    tenant, user, alert_id, number, rev, created_ns, updated_ns, rule, state = row
    alert = Alert(
        alert_id, Owner(tenant, user), rev, msgspec.json.decode(rule, type=Rule), created_ns, updated_ns
    )
    return Kept(number, alert, msgspec.json.decode(state, type=State))


def _symbols(text: bytes) -> list[str]:
    return msgspec.json.decode(text, type=list[str])
