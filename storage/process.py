"""The writer process: `python -m storage.process --data DIR`.

Follows the tape up to its durable mark and writes it into the store, in rounds
(`storage.writer`). Nobody waits for it: when it is slow or dead, the store lags, and history
reads the rest from the tape.

* One writer at a time: it holds a lock on `store/writer.lock`. Another one waits for
  `LOCK_SECONDS`, which covers the last round of a writer whose hub has just died.
* It goes on where the store's checkpoint is.
* It ends, with what is durable committed, on SIGTERM, when its standard input ends, and when
  its parent dies. Killed at any moment it loses nothing.
* A store that cannot take a round (disk full) is asked again until it can; the round is kept.
* Beside that it keeps the tape's folder small (`storage.upkeep`).
* Memory: one round, and one segment of the tape while that is compressed.

Exit codes: 0 told to end; 75 the lock is taken, or the tape cannot be read just now; 78 the
store or the tape does not fit, or cannot be used: trying again does not help. One line on
standard error says which.
"""

import errno
import fcntl
import os
import select
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from config.settings import StorageSettings
from storage.child import ChildSettings, collect_seldom, end_with_parent, settings_from_environment
from storage.contract import StoreWriter
from storage.errors import StorageError, StoreLocked, StoreMismatch, StoreUnavailable
from storage.stores import STORE_FOLDER, open_writer
from storage.upkeep import Upkeep
from storage.writer import Round, WriterCore
from tape.errors import TapeError
from tape.folder import read_boot_id
from tape.marks import Marks
from tape.reader import TapeReader

LOCK_FILE: Final = "writer.lock"
LOCK_SECONDS: Final = 10.0
LOCK_TRY_SECONDS: Final = 0.02
IDLE_SECONDS_FIRST: Final = 0.001
IDLE_SECONDS_MOST: Final = 0.02
"""How long to sleep when there is nothing to do: twice as long each time, up to this."""
RETRY_SECONDS: Final = 1.0
"""How soon a store that refused a round is asked again."""
SYNC_NS: Final = 2_000_000_000
"""How often the store is told to survive power cuts; what came since is written again after one."""
LAST_ROUNDS_SECONDS: Final = 5.0
"""How long a writer that is told to end goes on writing what is durable already."""

EXIT_AGAIN: Final = 75
EXIT_UNUSABLE: Final = 78

log = structlog.get_logger()


class Stop:
    """Whether the process was told to end, and waiting for that.

    A pipe, because a signal handler may run while the same thread waits: the locks of
    `threading.Event` would then wait for themselves.
    """

    def __init__(self, *, watch_input: bool = False) -> None:
        """`watch_input`: also when the other end of our standard input goes away."""
        self._told, self._tell = os.pipe()
        self._watched = [self._told]
        mode = os.fstat(0).st_mode if watch_input else 0
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            self._watched.append(0)  # a terminal or /dev/null, of who starts us by hand, says nothing

    def set(self) -> None:
        """Tell the process to end."""
        os.write(self._tell, b"x")

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds` at most; True when the process was told to end, now or before."""
        ready, _, _ = select.select(self._watched, [], [], seconds)
        if self._told in ready:
            return True
        if ready and not os.read(0, 4096):
            self.set()
            return True
        return False


class Clock(Struct, frozen=True):
    """The time, and waiting."""

    wall_ns: Callable[[], int]
    """ns UTC."""
    steady_ns: Callable[[], int]
    """ns since some moment; never goes back."""
    wait: Callable[[float], bool]
    """Sleep for some seconds at most; True when the process was told to end."""


class Writer:
    """Moves the tape into the store until it is told to end."""

    def __init__(
        self,
        settings: StorageSettings,
        store: StoreWriter,
        tape: TapeReader,
        marks: Marks,
        boot_id: str,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._tape = tape
        self._marks = marks
        self._boot_id = boot_id
        self._clock = clock
        self._refused = False
        self._synced_ns = clock.steady_ns()
        self._synced_m = store.synced_m()

    def run(self) -> None:
        """Write rounds until told to end, then what is durable by then.

        Raises:
            StoreMismatch: the store is ahead of the tape.
            StoreDamaged: the store cannot take what has to be written.
        """
        core = WriterCore(
            self._store.checkpoint(),
            round_rows=self._settings.round_rows,
            round_ms=self._settings.round_ms,
        )
        self._marks.stored = core.read_m
        idle_seconds = IDLE_SECONDS_FIRST
        ended = False
        while not ended:
            self._marks.beat += 1
            if self._step(core):
                idle_seconds = IDLE_SECONDS_FIRST
                ended = self._clock.wait(0.0)
            else:
                ended = self._clock.wait(idle_seconds)
                idle_seconds = min(2 * idle_seconds, IDLE_SECONDS_MOST)
        self._finish(core)

    def _step(self, core: WriterCore) -> bool:
        """Read what there is, write a round when one is due. Whether there was anything to do."""
        durable_m = self._durable_m(core)
        before_m = core.read_m
        self._read(core, durable_m)
        if core.is_due(self._clock.wall_ns()):
            self._write(core.round(durable_m))
            return True
        self._sync_when_due()
        return core.read_m > before_m

    def _read(self, core: WriterCore, durable_m: int) -> None:
        """Take from the tape until the core is full or everything durable is taken."""
        if core.is_full() or core.read_m >= durable_m:
            return
        now_ns = self._clock.wall_ns()
        for item in self._tape.read(core.read_m, durable_m):
            core.take(item, now_ns)
            if core.is_full():
                return
        core.reached(durable_m, now_ns)

    def _write(self, round_: Round) -> None:
        """Write a round, however often that has to be tried."""
        while True:
            try:
                self._store.write(round_.batches, round_.up_to_m, round_.holes)
                break
            except StoreUnavailable as error:
                if not self._refused:
                    log.warning("the store refuses; trying again", error=str(error), m=round_.up_to_m)
                self._refused = True
                self._marks.beat += 1
                if self._clock.wait(RETRY_SECONDS):
                    raise
        if self._refused:
            log.info("the store takes rounds again", m=round_.up_to_m)
        self._refused = False
        self._marks.stored = self._store.checkpoint().m
        self._sync_when_due()

    def _sync_when_due(self) -> None:
        now_ns = self._clock.steady_ns()
        if now_ns - self._synced_ns < SYNC_NS or self._synced_m == self._marks.stored:
            return
        self._synced_ns = now_ns
        try:
            self._store.sync()
            self._synced_m = self._marks.stored
        except StoreUnavailable as error:
            log.warning("the store cannot be synced", error=str(error))

    def _durable_m(self, core: WriterCore) -> int:
        """How far may be read; nothing before somebody has opened the tape in this boot.

        Raises:
            StoreMismatch: the tape never came as far as the store is.
        """
        if not self._marks.stamped(self._boot_id):
            return core.read_m
        accepted_m, durable_m = self._marks.accepted, self._marks.durable
        if core.read_m > max(accepted_m, durable_m):
            raise StoreMismatch(
                f"the store has everything up to mark {core.read_m}, but the tape ends at {accepted_m}: "
                "they do not belong together"
            )
        return durable_m

    def _finish(self, core: WriterCore) -> None:
        """Write what is durable now, for a bounded time."""
        durable_m = self._durable_m(core)
        end_ns = self._clock.steady_ns() + int(LAST_ROUNDS_SECONDS * 1e9)
        while (core.read_m < durable_m or core.is_waiting()) and self._clock.steady_ns() < end_ns:
            self._read(core, durable_m)
            self._write(core.round(durable_m))


def run_writer(settings: ChildSettings, data_dir: Path, stop: Stop) -> None:
    """Write `data_dir`'s tape into its store until `stop` is set.

    Raises:
        StoreLocked: another writer has it, and kept it for `LOCK_SECONDS`.
        StorageError, TapeError, OSError: it cannot be done.
    """
    (data_dir / STORE_FOLDER).mkdir(parents=True, exist_ok=True)
    lock = _lock(data_dir / STORE_FOLDER / LOCK_FILE, stop)
    if lock is None:
        return
    try:
        boot_id = read_boot_id(Path(settings.boot_id_path))
        store = open_writer(settings.storage, data_dir, boot_id)
        try:
            _write_with(settings, data_dir, store, boot_id, stop)
        finally:
            store.close()
    finally:
        os.close(lock)


def _write_with(
    settings: ChildSettings, data_dir: Path, store: StoreWriter, boot_id: str, stop: Stop
) -> None:
    marks, tape = Marks(data_dir), TapeReader(data_dir)
    clock = Clock(time.time_ns, time.monotonic_ns, stop.wait)
    log.info("writer begins", stored=store.checkpoint().m, durable=marks.durable)
    writer = Writer(settings.storage, store, tape, marks, boot_id, clock)
    upkeep = Upkeep(data_dir, settings.tape, store.synced_m, time.time_ns)
    upkeep.start()
    try:
        writer.run()
        log.info("writer ends", stored=store.checkpoint().m, durable=marks.durable)
    finally:
        upkeep.end()
        tape.close()
        marks.close()


def _lock(path: Path, stop: Stop) -> int | None:
    """Take the lock, waiting for it a while; None when told to end meanwhile.

    Raises:
        StoreLocked: somebody else keeps it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    end = time.monotonic() + LOCK_SECONDS
    while not stop.wait(0.0):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES) or time.monotonic() >= end:
                os.close(descriptor)
                raise StoreLocked(f"another writer has {path.parent}") from error
            stop.wait(LOCK_TRY_SECONDS)
        else:
            return descriptor
    os.close(descriptor)
    return None


def main() -> None:
    """Run until told to end; say on standard error why it ends otherwise."""
    stop = Stop(watch_input=True)
    signal.signal(signal.SIGTERM, lambda signum, frame: stop.set())
    end_with_parent(signal.SIGTERM)
    collect_seldom()
    if not structlog.is_configured():  # started by hand
        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", key="time"),
                structlog.processors.add_log_level,
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
    data_dir = Path(sys.argv[sys.argv.index("--data") + 1])
    try:
        run_writer(settings_from_environment(), data_dir, stop)
    except (StoreLocked, StoreUnavailable) as error:
        sys.exit(_told(error, EXIT_AGAIN))
    except (StorageError, TapeError, OSError, ValueError) as error:
        sys.exit(_told(error, EXIT_UNUSABLE))


def _told(error: Exception, code: int) -> int:
    log.error("writer cannot go on", error=str(error), exit=code)
    return code


if __name__ == "__main__":
    main()
