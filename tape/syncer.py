"""The thread that makes written bytes durable: group commit by fdatasync.

The thread only ever calls fdatasync. It is told what to sync (`wrote`), and tells how far
it got by moving `durable_m`; a failure is left in `error` for the journal to act on, and
nothing more is synced until the journal has moved to another segment: a failed fdatasync
says nothing about what a second one would mean.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from tape.disk import Disk


class _Target(Struct):
    descriptor: int
    last_m: int
    reserved_m: int
    sealed: bool = False
    """Nothing more is written to it: close it when it is synced."""
    folder: Path | None = None
    """Sync this folder too: the file is new."""


class Syncer:
    """Owns the sync thread. `on_durable(m)` is called from it whenever more has become durable."""

    def __init__(self, disk: Disk, interval_s: float, on_durable: Callable[[int], None]) -> None:
        self.error: OSError | None = None
        self.durable_m = 0
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
        self._targets: list[_Target] = []
        self._busy = False
        self._dirty = False
        self._thread = threading.Thread(target=self._run, name="tape-sync", daemon=True)
        self._thread.start()

    def follow(self, descriptor: int, last_m: int, reserved_m: int, folder: Path | None = None) -> None:
        """From now on sync this file; the one before is sealed."""
        with self._lock:
            if self._targets:
                self._targets[-1].sealed = True
            self._targets.append(_Target(descriptor, last_m, reserved_m, folder=folder))
            self._dirty = True
        self._wake.set()

    def wrote(self, last_m: int, reserved_m: int) -> None:
        """Say that the followed file now holds everything up to `last_m`."""
        target = self._targets[-1]
        target.last_m = last_m
        target.reserved_m = reserved_m
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    def drop(self) -> list[int]:
        """Forget all files after a failure, and the failure; return their open descriptors."""
        with self._lock:
            while self._busy:
                self._idle.wait()
            descriptors = [target.descriptor for target in self._targets]
            self._targets.clear()
            self.error = None
            self._dirty = False
        return descriptors

    def flush(self) -> None:
        """Sync everything now, in the calling thread.

        Raises:
            OSError: fdatasync failed; `error` holds the same.
        """
        with self._lock:
            while self._busy:
                self._idle.wait()
            self._sync_locked()
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """End the thread. What was not flushed is not synced."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._interval_s and self._stop.wait(self._interval_s):
                return
            with self._lock:
                if self._dirty and self.error is None:
                    self._sync_locked()

    def _sync_locked(self) -> None:
        """Sync the targets in order. Holds the lock, but not while the disk works."""
        self._busy = True
        self._dirty = False
        work = [
            (target, target.descriptor, target.last_m, target.reserved_m, target.sealed, target.folder)
            for target in self._targets
        ]
        self._lock.release()
        error: OSError | None = None
        done: list[_Target] = []
        last_m, reserved_m = self.durable_m, self.reserved_m
        try:
            for target, descriptor, target_m, target_reserved, sealed, folder in work:
                self._disk.sync(descriptor)
                self.syncs += 1
                if folder is not None:
                    self._disk.sync_folder(folder)
                    target.folder = None
                last_m, reserved_m = target_m, max(reserved_m, target_reserved)
                if sealed:
                    self._disk.close(descriptor)
                    done.append(target)
        except OSError as caught:
            error = caught
        finally:
            self._lock.acquire()
        self._targets = [target for target in self._targets if target not in done]
        self.error = error
        self.reserved_m = reserved_m
        if last_m > self.durable_m:
            self.durable_m = last_m
            self._on_durable(last_m)
        self._busy = False
        self._idle.notify_all()
