"""Receivers of each owner and their secrets, in a file that only we may read.

A secret is told once, when it is made. After a change the one before is used as well for a day, so
that the receiver can change over without losing a ring. Everything is in memory too: finding a
receiver reads no file.
"""

import os
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alerts.errors import Invalid, LimitReached, NotFound, StoreUnavailable
from alerts.model import WEBHOOK_PREFIX, Owner
from alerts.webhooks.address import UnsafeUrl, check_url
from alerts.webhooks.signature import KEY_BYTES, secret_of
from config.settings import WebhookSettings

FILE_NAME: Final = "webhooks.sqlite"
ROTATION_NS: Final = 86_400 * 1_000_000_000
"""How long the secret before is used after a change."""
_TABLE: Final = """create table if not exists endpoints (
    id text primary key, tenant text not null, user text not null, url text not null,
    secret text not null, old_secret text not null, old_until_ns integer not null,
    disabled text not null, created_ns integer not null) without rowid"""


class Endpoint(Struct, frozen=True):
    """A receiver. Its secrets are in no `repr`."""

    id: str
    """`wh_…`."""
    owner: Owner
    url: str
    secret: str
    old_secret: str
    """The one before; empty = none."""
    old_until_ns: int
    disabled: str
    """Why nothing is sent; empty = it is sent."""
    created_ns: int

    def __repr__(self) -> str:
        return f"Endpoint(id={self.id!r}, url={self.url!r})"

    def secrets(self, now_ns: int) -> tuple[str, ...]:
        """Those that sign now, the newest first."""
        return (self.secret, self.old_secret) if now_ns < self.old_until_ns else (self.secret,)


class Endpoints:
    """The receivers of all owners. Another owner's is as if it did not exist.

    Methods that change something write the file: they are called in a thread, several at a time
    if need be. The others read memory, in any thread.
    """

    def __init__(
        self,
        directory: Path,
        settings: WebhookSettings,
        new_key: Callable[[], bytes] = lambda: secrets.token_bytes(KEY_BYTES),
        new_id: Callable[[], str] = lambda: f"wh_{uuid.uuid4().hex}",
    ) -> None:
        """Open the file, or make it.

        Raises:
            StoreUnavailable: it cannot be opened.
        """
        self._settings = settings
        self._new_key = new_key
        self._new_id = new_id
        self._lock = threading.Lock()
        path = directory / FILE_NAME
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma synchronous=full")
            self._connection.execute(_TABLE)
            rows = self._connection.execute("select * from endpoints order by created_ns, id").fetchall()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{FILE_NAME}: {error}") from error
        self._owned: dict[Owner, dict[str, Endpoint]] = {}
        for row in rows:
            self._keep(Endpoint(row[0], Owner(row[1], row[2]), *row[3:]))

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def add(self, owner: Owner, url: object, now_ns: int, pointer: str = "/url") -> tuple[Endpoint, bool]:
        """The owner's receiver of this URL, and whether it was made now (then its secret is to be told).

        Raises:
            Invalid: the URL may not be called; `pointer` says where it stands.
            LimitReached: the owner has too many.
            StoreUnavailable: it cannot be written down now; nothing has changed.
        """
        if not isinstance(url, str):
            raise Invalid("bad_value", pointer, "a URL is due here")
        self.check(url, pointer)
        with self._lock:
            for endpoint in self.list(owner):
                if endpoint.url == url:
                    return endpoint, False
            used, limit = len(self.list(owner)), self._settings.endpoints_per_user_max
            if used >= limit:
                raise LimitReached("webhook endpoints", limit, used)
            made = Endpoint(self._new_id(), owner, url, secret_of(self._new_key()), "", 0, "", now_ns)
            self._save(made)
            return made, True

    def check(self, url: str, pointer: str = "/url") -> None:
        """Make sure that a URL may be called, as far as it shows.

        Raises:
            Invalid: of kind `unsafe_url`.
        """
        try:
            check_url(url, ports=self._settings.ports, private=self._settings.private_addresses)
        except UnsafeUrl as error:
            raise Invalid("unsafe_url", pointer, str(error)) from None

    def get(self, owner: Owner, endpoint_id: str) -> Endpoint:
        """A receiver of this owner.

        Raises:
            NotFound: there is none.
        """
        found = self._owned.get(owner, {}).get(endpoint_id)
        if found is None:
            raise NotFound("no such webhook endpoint")
        return found

    def list(self, owner: Owner) -> list[Endpoint]:
        """The owner's receivers, the oldest first."""
        return list(self._owned.get(owner, {}).values())

    def find(self, owner: Owner, channel: str) -> Endpoint:
        """The receiver that a rule's channel `webhook:ID` or `webhook:URL` names.

        Raises:
            NotFound: the owner has none (any more).
        """
        name = channel.removeprefix(WEBHOOK_PREFIX)
        for endpoint in self.list(owner):
            if name in (endpoint.id, endpoint.url):
                return endpoint
        raise NotFound("no such webhook endpoint")

    def rotate(self, owner: Owner, endpoint_id: str, now_ns: int) -> Endpoint:
        """Make a new secret; the one before signs as well for a day.

        Raises:
            NotFound: the owner has none of this id.
            StoreUnavailable: it cannot be written down now; nothing has changed.
        """
        with self._lock:
            before = self.get(owner, endpoint_id)
            made = replace(
                before,
                secret=secret_of(self._new_key()),
                old_secret=before.secret,
                old_until_ns=now_ns + ROTATION_NS,
            )
            self._save(made)
            return made

    def switch(self, owner: Owner, endpoint_id: str, disabled: str) -> Endpoint:
        """Send it nothing any more, because of `disabled`; or send again, when that is empty.

        Raises:
            NotFound: the owner has none of this id.
            StoreUnavailable: it cannot be written down now; nothing has changed.
        """
        with self._lock:
            made = replace(self.get(owner, endpoint_id), disabled=disabled)
            self._save(made)
            return made

    def delete(self, owner: Owner, endpoint_id: str) -> None:
        """Forget a receiver; what was still to be sent to it is given up.

        Raises:
            NotFound: the owner has none of this id.
            StoreUnavailable: it cannot be written down now; nothing has changed.
        """
        with self._lock:
            self.get(owner, endpoint_id)
            self._write("delete from endpoints where id = ?", (endpoint_id,))
            self._owned[owner] = {one.id: one for one in self.list(owner) if one.id != endpoint_id}

    def _save(self, one: Endpoint) -> None:
        owner = one.owner
        self._write(
            "insert or replace into endpoints values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.id, owner.tenant, owner.user, one.url, one.secret, one.old_secret, one.old_until_ns,
                one.disabled, one.created_ns,
            ),
        )  # fmt: skip
        self._keep(one)

    def _keep(self, one: Endpoint) -> None:
        # Readers in other threads see the dictionary before or the one after, never one that changes.
        self._owned[one.owner] = self._owned.get(one.owner, {}) | {one.id: one}

    def _write(self, statement: str, values: tuple[str | int, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{FILE_NAME}: {error}") from error
