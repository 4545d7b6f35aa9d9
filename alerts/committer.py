"""The commit thread: the only one that touches the file of alerts while the system runs.

The loop gathers changes; the thread takes all there are and commits them as one transaction.
While it does, the next ones gather: so rings that come together are written together, and one
that comes alone is written at once. A commit that fails is tried again with the same changes
until it works; meanwhile more gather, and `full` says when too many do.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from alerts.changes import Changes
from alerts.errors import StoreUnavailable
from alerts.model import StoredFire
from alerts.store import AlertStore

RETRY_SECONDS: Final = 0.5
JOBS_MAX: Final = 10_000
"""Reads and deliveries that may wait; more are refused."""

T = TypeVar("T")


class Committer:
    """Owns the thread. `gather`, `submit` and `close` are for the loop's thread."""

    def __init__(
        self,
        store: AlertStore,
        commit_seconds: float,
        queue_fires: int,
        clock_ns: Callable[[], int],
        on_committed: Callable[[int, Sequence[StoredFire]], None],
        m: int = 0,
    ) -> None:
        """Begin.

        Args:
            store: used by nobody else until `close` has returned.
            commit_seconds: longest wait for changes that nobody waits for.
            queue_fires: rings that may wait.
            clock_ns: our clock.
            on_committed: called in the thread after each commit, with its sequence and rings.
            m: up to where everything is evaluated already. What is written before the next tick must say
                so too: a lower mark beside newer states would ring the same ticks again, under other ids.
        """
        self.broken: Exception | None = None
        """What has ended the thread, if not `close`."""
        self.error = ""
        """Why the last commit failed; empty when it did not."""
        self.commits = 0
        self.failures = 0
        self._store = store
        self._commit_seconds = commit_seconds
        self._queue_fires = queue_fires
        self._clock_ns = clock_ns
        self._on_committed = on_committed
        self._lock = threading.Condition()
        self._gathered = Changes(m)
        self._committed_m = -1
        self._in_hand = 0
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="alerts-commit", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rings that are not committed yet."""
        return len(self._gathered.fires) + self._in_hand

    @property
    def full(self) -> bool:
        """Whether no more ticks should be evaluated until something is committed."""
        return self.broken is not None or self.waiting >= self._queue_fires

    def check(self) -> None:
        """See whether the thread is there.

        Raises:
            StoreUnavailable: it has ended, and nothing will be committed any more.
        """
        if self.broken is not None:
            raise StoreUnavailable("the thread that writes alerts has ended") from self.broken

    @contextmanager
    def gather(self) -> Iterator[Changes]:
        """The changes to add to; the thread does not take them meanwhile. Must not wait inside."""
        with self._lock:
            yield self._gathered
            if self._gathered.urgent:
                self._lock.notify()

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        """Let the thread do something with the store between two commits.

        Raises:
            StoreUnavailable: too much waits already, or the thread has ended.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._stop or len(self._jobs) >= JOBS_MAX:
                raise StoreUnavailable("the thread that writes alerts has too much to do")
            self._jobs.append((job, future))
            self._lock.notify()
        return future

    def close(self) -> None:
        """Commit what has been gathered, if the disk lets it, and end the thread."""
        with self._lock:
            self._stop = True
            self._lock.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:
            # Nothing is evaluated any more (`full`), whoever waits is told, and the supervisor is (`check`).
            self.broken = error
            with self._lock:
                self._stop = True
            for _, future in self._jobs:
                future.set_exception(StoreUnavailable("the thread that writes alerts has ended"))

    def _serve(self) -> None:
        while True:
            with self._lock:
                self._wait()
                stopping, changes = self._stop, self._gathered
                jobs, self._jobs = self._jobs, deque()
                self._gathered = Changes(changes.m, changes.sequence)
                self._in_hand = len(changes.fires)
            self._commit(changes)
            for job, future in jobs:
                _do(job, future)
            if stopping:
                return

    def _wait(self) -> None:
        """Until there is something to do: at once for what somebody waits for, else after a while."""
        if not (self._stop or self._jobs or self._gathered.urgent):
            self._lock.wait(self._commit_seconds)

    def _commit(self, changes: Changes) -> None:
        """Commit, again and again if need be; only a stop lets it go, and then nothing is half done."""
        if changes.m == self._committed_m and not (changes.urgent or changes.states or changes.values):
            self._on_committed(changes.sequence, ())
            return
        while True:
            try:
                stored = self._store.commit(changes, self._clock_ns())
            except StoreUnavailable as error:
                self.failures += 1
                self.error = str(error)
                self._serve_while_failing()
                if self._stop:
                    return
                continue
            break
        self.error = ""
        self.commits += 1
        self._committed_m = changes.m
        self._in_hand = 0
        self._on_committed(changes.sequence, stored)

    def _serve_while_failing(self) -> None:
        """Wait before the next attempt; what can be read all the same is."""
        with self._lock:
            self._lock.wait_for(lambda: self._stop, RETRY_SECONDS)
            jobs, self._jobs = self._jobs, deque()
        for job, future in jobs:
            _do(job, future)


def _do(job: Callable[[], T], future: "Future[T]") -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except Exception as error:  # whatever it is, it belongs to whoever asked
        future.set_exception(error)
    else:
        future.set_result(result)
