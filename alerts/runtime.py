"""Alerts while the system runs: ticks in, rings out, and everything that is asked about them.

    tape ─▶ on_batch ─▶ engine ─▶ changes ─▶ commit thread ─▶ on_fires (rings that are on the disk)
             puts, deletes ──────────┘             └▶ outbox ─▶ deliveries

`on_batch` never waits. When the disk does not keep up, evaluation pauses at its mark and later
goes on from ring and journal, as after a restart: rings come late, and none is lost.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import structlog

from alerts.book import AlertBook
from alerts.committer import Committer
from alerts.engine import Engine
from alerts.errors import NotReady, StoreUnavailable
from alerts.follower import Follower
from alerts.model import AlertView, Owner, Rule, StoredFire, Watchlist
from alerts.outbox import Outbox
from alerts.store import AlertStore
from alerts.watchlists import Watchlists
from config.settings import AlertSettings
from tape.batch import Batch
from tape.tape import Tape

WAIT_SECONDS: Final = 5.0
"""Longest wait for a commit, or for the engine to have caught up."""

T = TypeVar("T")

log = structlog.get_logger()


class AlertRuntime:
    """The alerts of one tape.

    All methods are for the loop's thread. Methods with `_nowait` do the work; those without wait
    until it is on the disk. Objects of another owner are as if they did not exist.
    """

    def __init__(
        self,
        tape: Tape,
        settings: AlertSettings,
        directory: Path,
        clock_ns: Callable[[], int] = time.time_ns,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """Open the file in `directory`, load it, and start the commit thread.

        Args:
            tape: what is evaluated; its ring and files are read to catch up.
            settings: `[alerts]`.
            directory: the data folder.
            clock_ns: our clock, ns UTC.
            new_id: makes the UUID of a new alert.

        Raises:
            StoreUnavailable: the file cannot be opened.
            StoreDamaged: it is something else.
        """
        self.on_fires: list[Callable[[Sequence[StoredFire]], None]] = []
        """Called on the loop with rings that have been committed, in the order of their offsets."""
        self._clock_ns = clock_ns
        self._new_id = new_id
        self._store = AlertStore(directory, settings)
        loaded = self._store.load()
        self.engine = Engine()
        # A tape that was begun anew in an old folder has lower marks than the file.
        m = min(loaded.m, tape.marks.accepted)
        for batch in tape.ring.read(0, m):
            self.engine.take(batch)
        self.engine.load(loaded.kept, loaded.values, m)
        self.engine.take_changes()
        self._book = AlertBook(settings, self.engine, loaded.kept)
        self._watchlists = Watchlists(settings, loaded.watchlists)
        self._outbox = Outbox(self._store.connection)
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._committer = Committer(
            self._store, settings.commit_ms / 1_000, settings.queue_fires, clock_ns, self._on_committed, m
        )
        self._follower = Follower(
            tape, self.engine, self._evaluate, lambda: self._committer.full, self._committer.check
        )

    @property
    def following(self) -> bool:
        """Whether everything on the tape is evaluated, and batches are taken as they come."""
        return self._follower.present.is_set()

    # -- ticks -----------------------------------------------------------------------------------

    def on_batch(self, batch: Batch) -> None:
        """Take a batch that was handed on, right after the hub. Never waits."""
        self._follower.on_batch(batch)

    async def run(self) -> None:
        """Evaluate what is on the tape already, then keep up, until cancelled.

        Raises:
            StoreUnavailable: the commit thread has ended; nothing rings any more.
        """
        self._loop = asyncio.get_running_loop()
        while True:
            began, m = time.monotonic(), self.engine.m
            await self._follower.catch_up()
            log.info(
                "alerts follow the tape", alerts=len(self._book), marks=self.engine.m - m,
                seconds=round(time.monotonic() - began, 3),
            )  # fmt: skip
            await self._follower.fallen_behind()
            log.warning("alerts pause: rings wait for the disk", error=self._committer.error)

    def close(self) -> None:
        """Commit what was evaluated, if the disk lets it, and let the file go."""
        self._follower.stop()
        self._committer.close()
        self._store.close()

    # -- alerts ----------------------------------------------------------------------------------

    def put_nowait(
        self,
        owner: Owner,
        rule: Rule,
        *,
        alert_id: str | None = None,
        replace_named: bool = False,
        if_rev: int | None = None,
    ) -> AlertView:
        """Watch a new alert, or change one (`AlertBook.put` has the arguments); it may ring at once.

        Raises:
            NotReady: the engine is catching up: old ticks would ring it.
            NotFound, Conflict, LimitReached, AlreadyTrue: as `AlertBook.put`.
        """
        if not self.following:
            raise NotReady("alerts are catching up with the tape")
        with self._committer.gather() as changes:
            view = self._book.put(
                owner, rule, self._clock_ns(), changes, self._new_id(),
                alert_id=alert_id, replace_named=replace_named, if_rev=if_rev,
            )  # fmt: skip
            changes.add(self.engine.take_changes())
            changes.sequence += 1
        return view

    async def put(
        self,
        owner: Owner,
        rule: Rule,
        *,
        alert_id: str | None = None,
        replace_named: bool = False,
        if_rev: int | None = None,
    ) -> AlertView:
        """`put_nowait` once the engine has caught up; returns when it is on the disk.

        Raises:
            StoreUnavailable: it is not on the disk yet, and may get there: repeat it, by `client_id`.
            NotReady, NotFound, Conflict, LimitReached, AlreadyTrue: as `put_nowait`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._follower.present.wait()
        view = self.put_nowait(owner, rule, alert_id=alert_id, replace_named=replace_named, if_rev=if_rev)
        await self.committed()
        return view

    def get(self, owner: Owner, alert_id: str) -> AlertView:
        """An alert of this owner.

        Raises:
            NotFound: there is none.
        """
        return self._book.get(owner, alert_id, self._clock_ns())

    def named(self, owner: Owner, client_id: str) -> AlertView:
        """The alert that this owner calls so.

        Raises:
            NotFound: there is none.
        """
        return self._book.named(owner, client_id, self._clock_ns())

    def list(self, owner: Owner, symbol: str | None = None) -> list[AlertView]:
        """The owner's alerts, in the order they were put; `symbol` leaves out others."""
        return self._book.list(owner, self._clock_ns(), symbol)

    def delete_nowait(self, owner: Owner, alert_id: str) -> None:
        """Watch an alert no longer; its rings stay.

        Raises:
            NotFound: the owner has none of this id.
        """
        with self._committer.gather() as changes:
            self._book.delete(owner, alert_id, changes)
            changes.add(self.engine.take_changes())
            changes.sequence += 1

    async def delete(self, owner: Owner, alert_id: str) -> None:
        """`delete_nowait`; returns when it is on the disk.

        Raises:
            NotFound: as `delete_nowait`.
            StoreUnavailable: it is not on the disk yet.
        """
        self.delete_nowait(owner, alert_id)
        await self.committed()

    # -- watchlists ------------------------------------------------------------------------------

    async def put_watchlist(
        self, owner: Owner, name: object, symbols: object, if_rev: int | None = None
    ) -> Watchlist:
        """Make or replace a list; returns when it is on the disk.

        Raises:
            Invalid, Conflict, LimitReached: as `Watchlists.put`.
            StoreUnavailable: it is not on the disk yet.
        """
        with self._committer.gather() as changes:
            made = self._watchlists.put(owner, name, symbols, self._clock_ns(), changes, if_rev)
            changes.sequence += 1
        await self.committed()
        return made

    def watchlist(self, owner: Owner, name: str) -> Watchlist:
        """A list of this owner.

        Raises:
            NotFound: there is none.
        """
        return self._watchlists.get(owner, name)

    def watchlists(self, owner: Owner) -> Sequence[Watchlist]:
        """The owner's lists, by name."""
        return self._watchlists.list(owner)

    async def delete_watchlist(self, owner: Owner, name: str) -> None:
        """Delete a list; returns when that is on the disk.

        Raises:
            NotFound: there is none.
            StoreUnavailable: it is not on the disk yet.
        """
        with self._committer.gather() as changes:
            self._watchlists.delete(owner, name, changes)
            changes.sequence += 1
        await self.committed()

    # -- rings and deliveries --------------------------------------------------------------------

    async def fires(
        self, owner: Owner, after_offset: int = 0, limit: int = 100, alert_id: str | None = None
    ) -> Sequence[StoredFire]:
        """The owner's rings behind an offset, in order; of one alert, if it is named.

        Raises:
            StoreUnavailable: they cannot be read now.
        """
        return await self.in_store(lambda store, _: store.fires(owner, after_offset, limit, alert_id))

    async def fire(self, owner: Owner, event_id: str) -> StoredFire:
        """One ring of this owner.

        Raises:
            NotFound: there is none.
            StoreUnavailable: it cannot be read now.
        """
        return await self.in_store(lambda store, _: store.fire(owner, event_id))

    async def last_offset(self, owner: Owner) -> int:
        """The offset of this owner's newest ring; 0 when there never was one.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        return await self.in_store(lambda store, _: store.last_offset(owner))

    async def in_store(self, job: Callable[[AlertStore, Outbox], T]) -> T:
        """Do something with the outbox (or the store) in the thread that owns both, and wait for it.

        Whatever `job` raises is raised here.

        Raises:
            StoreUnavailable: too much waits already.
        """
        future = self._committer.submit(lambda: job(self._store, self._outbox))
        return await asyncio.wrap_future(future)

    async def committed(self) -> None:
        """Return when everything up to now is on the disk.

        Raises:
            StoreUnavailable: it is not within `WAIT_SECONDS`; it still may get there.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        with self._committer.gather() as changes:
            changes.sequence += 1
            waiter = (changes.sequence, loop.create_future())
            self._waiters.append(waiter)
        try:
            # Nothing may be left to commit: a job makes the thread go round all the same.
            self._committer.submit(lambda: None)
            async with asyncio.timeout(WAIT_SECONDS):
                await waiter[1]
        except TimeoutError:
            raise StoreUnavailable(self._committer.error or "the disk takes too long") from None
        finally:
            self._waiters.remove(waiter)

    def counts(self) -> dict[str, int]:
        """Figures for metrics."""
        return {
            "alerts": len(self._book),
            "evaluated_m": self.engine.m,
            "looked_at": self.engine.steps,
            "waiting": self._committer.waiting,
            "commits": self._committer.commits,
            "commit_failures": self._committer.failures,
            "pauses": self._follower.pauses,
            "damaged_marks": self._follower.damaged_marks,
        }

    # -- inside ----------------------------------------------------------------------------------

    def _evaluate(self, batch: Batch) -> None:
        self.engine.take(batch)
        with self._committer.gather() as changes:
            changes.add(self.engine.take_changes())

    def _on_committed(self, sequence: int, stored: Sequence[StoredFire]) -> None:
        """In the commit thread: tell the loop."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, sequence, stored)

    def _tell(self, sequence: int, stored: Sequence[StoredFire]) -> None:
        for _, waiter in [one for one in self._waiters if one[0] <= sequence]:
            if not waiter.done():
                waiter.set_result(None)
        if stored:
            for tell in self.on_fires:
                tell(stored)
