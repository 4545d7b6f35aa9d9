"""The thread that makes written bytes durable: group commit by fdatasync.

The thread only ever calls fdatasync. It is told what to sync (`follow`, `wrote`), and tells
how far it got by moving `durable_m`; a failure is left in `error` for the journal to act on,
and nothing more is synced until the journal has moved to another segment: a failed fdatasync
says nothing about what a second one would mean.

Only the newest segment is synced, because it holds copies of everything in the one before
that was not durable when it was begun (`tape.unsynced`).
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from tape.disk import Disk


class _Target(Struct):
    descriptor: int
    last_m: int
    reserved_m: int
    folder: Path | None
    """Sync this folder too: the file is new."""


class Syncer:
    """Owns the sync thread. `on_durable(m)` is called from it whenever more has become durable."""

    def __init__(
        self, disk: Disk, interval_s: float, durable_m: int, on_durable: Callable[[int], None]
    ) -> None:
        self.error: OSError | None = None
        self.durable_m = durable_m
        self.reserved_m = 0
        """The reservation that is known to be on the disk."""
        self.syncs = 0
        self._disk = disk
        self._interval_s = interval_s
        self._on_durable = on_durable
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._stop = threading.Event()
        self._target: _Target | None = None
        self._sealed: list[int] = []
        self._busy = False
        self._dirty = False
        self._frozen = False
        self._thread = threading.Thread(target=self._run, name="tape-sync", daemon=True)
        self._thread.start()

    def follow(self, descriptor: int, last_m: int, reserved_m: int, folder: Path) -> None:
        """From now on sync this new file in `folder`; the one before needs it no more and is closed."""
        with self._lock:
            if self._target is not None:
                self._sealed.append(self._target.descriptor)
            self._target = _Target(descriptor, last_m, reserved_m, folder)
            self._dirty = True
            self._frozen = False
        self._wake.set()

    def freeze(self) -> int:
        """The durable mark, which stays there until `follow` or `thaw`: a new file is made behind it."""
        with self._lock:
            self._frozen = True
            return self.durable_m

    def thaw(self) -> None:
        """Let the durable mark move again: no new file was made."""
        with self._lock:
            self._frozen = False
        self._wake.set()  # for what was synced meanwhile and not told

    def wrote(self, last_m: int, reserved_m: int) -> None:
        """Say that the followed file now holds everything up to `last_m`."""
        target = self._target
        assert target is not None
        target.last_m = last_m
        target.reserved_m = reserved_m
        # In this order: the thread clears the mark before it looks at the target.
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    def drop(self) -> list[int]:
        """Forget the file, and a failure; return the descriptors that are still open."""
        with self._lock:
            self._wait_until_idle()
            descriptors = [*self._sealed, *([self._target.descriptor] if self._target else [])]
            self._sealed.clear()
            self._target = None
            self.error = None
            self._dirty = False
        return descriptors

    def flush(self) -> None:
        """Sync everything now, in the calling thread.

        Raises:
            OSError: fdatasync fails, or had failed before; it is not tried again.
        """
        with self._lock:
            self._wait_until_idle()
            if self.error is None:
                self._sync_locked()
            if self.error is not None:
                raise self.error

    def sync_dirty(self) -> None:
        """One round of the thread: sync what has been written since the last; a failure stays in `error`."""
        with self._lock:
            self._wait_until_idle()
            if self._dirty and self.error is None and not self._stop.is_set():
                self._sync_locked()

    def close(self) -> None:
        """End the thread. What was not flushed is not synced."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _wait_until_idle(self) -> None:
        while self._busy:
            self._idle.wait()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._interval_s and self._stop.wait(self._interval_s):
                return
            self.sync_dirty()

    def _sync_locked(self) -> None:
        """Sync the target. Holds the lock, but not while the disk works."""
        self._dirty = False
        target = self._target
        if target is None:
            return
        descriptor, folder = target.descriptor, target.folder
        last_m, reserved_m = target.last_m, target.reserved_m
        sealed, self._sealed = self._sealed, []
        self._busy = True
        self._lock.release()
        error = None
        try:
            error = self._work(descriptor, folder, sealed)
        finally:
            self._lock.acquire()
            self._busy = False
            self._idle.notify_all()
        if self._target is not target:
            # Another file has taken over meanwhile, from the durable mark of that moment on: what
            # this one holds beyond it will not be read, so its success or failure means nothing.
            return
        self.error = error
        if error is not None:
            return
        if self._frozen:
            self._dirty = True  # another file is about to take over: once more, if it does not
            return
        target.folder = None
        self.reserved_m = max(self.reserved_m, reserved_m)
        if last_m > self.durable_m:
            self.durable_m = last_m
            self._on_durable(last_m)

    def _work(self, descriptor: int, folder: Path | None, sealed: list[int]) -> OSError | None:
        """Return the disk's refusal, if it refuses."""
        for other in sealed:
            with suppress(OSError):  # nothing in that file is needed that is not in this one
                self._disk.close(other)
        try:
            self._disk.sync(descriptor)
            if folder is not None:
                self._disk.sync_folder(folder)
        except OSError as error:
            return error
        self.syncs += 1
        return None
