"""The writer process: it follows the tape, ends cleanly, and may be killed at any moment."""

import fcntl
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage import process as process_module
from storage.child import ChildSettings
from storage.contract import Checkpoint, Hole
from storage.errors import StoreLocked, StoreMismatch, StoreUnavailable
from storage.memory import MemoryStore
from storage.process import EXIT_UNUSABLE, Clock, Stop, Writer, run_writer
from storage.sqlite.writer import SqliteWriter
from tape.batch import Batch
from tape.folder import read_boot_id
from tape.reader import TapeReader
from tape.tape import Tape
from tests.storage.making import NOON, batch, trade
from tests.storage.running import (
    BOOT_ID_PATH,
    model_of,
    open_tape,
    publish,
    some_ticks,
    stored_in,
    wait_for,
    writer_process,
)

CHILD = ChildSettings(StorageSettings(), BOOT_ID_PATH)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """An empty tape in the test's folder."""
    tape = open_tape(tmp_path)
    yield tape
    tape.close()


class StubbornStore(MemoryStore):
    """Refuses some rounds before it takes them, and notes what it takes and when."""

    def __init__(self, refusals: int, script: "Script") -> None:
        super().__init__()
        self.refusals = refusals
        self.rounds: list[tuple[int, int]] = []
        self.syncs: list[int] = []
        self._script = script

    def write(self, batches: Sequence[Batch], up_to_m: int, holes: Sequence[Hole] = ()) -> None:
        """Take a round, unless refusals are left."""
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("database or disk is full")
        super().write(batches, up_to_m, holes)
        self.rounds.append((up_to_m, self._script.now_ns() - NOON))

    def sync(self) -> None:
        """Note how far it was synced."""
        self.syncs.append(self.stored_m())


class Script:
    """A clock that runs by waiting, and says after so many waits that it is time to end."""

    def __init__(self, waits: int) -> None:
        self.waits: list[float] = []
        self._left = waits
        self._now_ns = NOON

    def now_ns(self) -> int:
        """The present."""
        return self._now_ns

    def wait(self, seconds: float) -> bool:
        """Let time go by."""
        self.waits.append(seconds)
        self._now_ns += int(seconds * 1e9)
        return len(self.waits) > self._left

    def clock(self) -> Clock:
        """As the writer wants it."""
        return Clock(self.now_ns, self.now_ns, self.wait)


def writer(tape: Tape, folder: Path, store: MemoryStore, script: Script, **settings: int) -> Writer:
    """A writer in this process, on a scripted clock."""
    boot_id = read_boot_id(Path(BOOT_ID_PATH))
    return Writer(StorageSettings(**settings), store, TapeReader(folder), tape.marks, boot_id, script.clock())  # type: ignore[arg-type]  # numbers they are


def test_being_told_to_end_is_remembered() -> None:
    """However often one asks, and however often it was told."""
    stop = Stop()
    assert not stop.wait(0.0)
    stop.set()
    stop.set()
    assert stop.wait(20.0)
    assert stop.wait(20.0)


def test_a_signal_ends_a_wait() -> None:
    """Also when it comes in the middle of one, many times over: nothing locks up."""
    for _ in range(50):
        stop = Stop()
        before = signal.signal(signal.SIGALRM, lambda signum, frame: stop.set())  # noqa: B023
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        try:
            while not stop.wait(0.0001):
                pass
        finally:
            signal.signal(signal.SIGALRM, before)


def test_an_idle_writer_sleeps_longer_and_longer(tape: Tape, tmp_path: Path) -> None:
    """Up to 20 ms: it neither spins nor oversleeps."""
    script = Script(10)
    writer(tape, tmp_path, MemoryStore(), script).run()
    assert script.waits[:6] == [0.001, 0.002, 0.004, 0.008, 0.016, 0.02]
    assert set(script.waits[6:]) == {0.02}


def test_a_small_round_waits_for_more_and_a_large_one_does_not(tape: Tape, tmp_path: Path) -> None:
    """Everything is stored in the end, and the marks say so."""
    publish(tape, some_ticks(0, 950), 100)
    script = Script(100)
    store = StubbornStore(0, script)
    writer(tape, tmp_path, store, script, round_rows=400, round_ms=100).run()
    (first, first_ns), (second, second_ns), (third, third_ns) = store.rounds
    assert (first, second, third) == (400, 800, 950)
    assert first_ns == second_ns == 0
    assert 100_000_000 <= third_ns <= 120_000_000
    assert tape.marks.stored == 950


def test_a_store_that_refuses_is_asked_until_it_takes_the_round(tape: Tape, tmp_path: Path) -> None:
    """Nothing is skipped, nothing is lost, and the writer shows that it lives."""
    batches = publish(tape, some_ticks(0, 300))
    script = Script(60)
    store = StubbornStore(3, script)
    writer(tape, tmp_path, store, script, round_rows=300).run()
    assert script.waits[:3] == [1.0, 1.0, 1.0]
    assert store.stored_m() == batches[-1].last_m == tape.marks.stored
    assert store.counts([(1, 300)]) == {"trade": 100, "quote": 200}
    assert tape.marks.beat > 3


def test_a_writer_told_to_end_gives_up_a_store_that_refuses(tape: Tape, tmp_path: Path) -> None:
    """It cannot wait for ever; the next one goes on at the checkpoint."""
    publish(tape, some_ticks(0, 300))
    script = Script(5)
    store = StubbornStore(10**9, script)
    with pytest.raises(StoreUnavailable):
        writer(tape, tmp_path, store, script).run()
    assert tape.marks.stored == 0


def test_the_store_is_synced_now_and_then(tape: Tape, tmp_path: Path) -> None:
    """Every two seconds while there is something to sync."""
    publish(tape, some_ticks(0, 300))
    script = Script(400)
    store = StubbornStore(0, script)
    writer(tape, tmp_path, store, script, round_rows=300).run()
    assert sum(script.waits) > 6
    assert store.syncs == [300]


def test_only_what_is_durable_is_stored(tape: Tape, tmp_path: Path) -> None:
    """What a power cut could take from the tape must not be in the store."""
    publish(tape, some_ticks(0, 300))
    tape.marks.durable = 120
    store = MemoryStore()
    writer(tape, tmp_path, store, Script(50)).run()
    assert store.stored_m() == 120
    assert sum(store.counts([(1, 10**6)]).values()) == 120


def test_before_the_tape_has_been_opened_in_this_boot_nothing_is_written(tape: Tape, tmp_path: Path) -> None:
    """The marks on disk may be those of before a power cut."""
    publish(tape, some_ticks(0, 300))
    tape.marks.stamp("another boot")
    store = MemoryStore()
    writer(tape, tmp_path, store, Script(50)).run()
    assert store.stored_m() == 0


def test_a_store_ahead_of_its_tape_is_refused(tape: Tape, tmp_path: Path) -> None:
    """Somebody put another tape into the folder: its marks would be taken for stored."""
    publish(tape, some_ticks(0, 300))
    store = MemoryStore()
    store.write([], 301)
    with pytest.raises(StoreMismatch, match="up to mark 301, but the tape ends at 300"):
        writer(tape, tmp_path, store, Script(50)).run()


def test_a_writer_goes_on_where_the_store_is(tape: Tape, tmp_path: Path) -> None:
    """And tells everybody at once how far that is."""
    batches = publish(tape, some_ticks(0, 300))
    store = MemoryStore()
    store.write(batches[:2], 200)
    writer(tape, tmp_path, store, Script(0)).run()
    assert tape.marks.stored == 300


def test_a_second_writer_is_refused_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once would not corrupt anything, but would do everything twice."""
    monkeypatch.setattr(process_module, "LOCK_SECONDS", 0.05)
    (tmp_path / "store").mkdir()
    with (tmp_path / "store" / "writer.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked, match="another writer has"):
            run_writer(CHILD, tmp_path, Stop())
        ended = Stop()
        ended.set()
        run_writer(CHILD, tmp_path, ended)


def test_the_process_stores_what_is_durable_and_ends_when_told(tape: Tape, tmp_path: Path) -> None:
    """While ticks keep coming; SIGTERM leaves nothing behind that was durable."""
    batches = publish(tape, some_ticks(0, 2_000))
    with writer_process(tmp_path) as run:
        wait_for(lambda: tape.marks.stored == 2_000, "the first ticks in the store")
        batches += publish(tape, some_ticks(2_000, 3_000))
        run.process.send_signal(signal.SIGTERM)
        assert run.wait() == 0
    assert tape.marks.stored == 5_000
    assert stored_in(tmp_path) == model_of(batches)
    assert [line["event"] for line in run.lines()] == ["writer begins", "writer ends"]


def test_the_process_ends_when_its_input_ends(tape: Tape, tmp_path: Path) -> None:
    """As it does when whoever started it has gone."""
    publish(tape, some_ticks(0, 100))
    with writer_process(tmp_path) as run:
        wait_for(lambda: tape.marks.stored == 100, "the ticks in the store")
        assert run.process.stdin is not None
        run.process.stdin.close()
        assert run.wait() == 0


def test_an_interrupt_from_the_terminal_is_left_to_the_parent(tape: Tape, tmp_path: Path) -> None:
    """Control-C reaches all processes at once, but only one decides in which order they end."""
    with writer_process(tmp_path) as run:
        wait_for(lambda: tape.marks.beat > 0, "the writer")
        run.process.send_signal(signal.SIGINT)
        publish(tape, some_ticks(0, 100))
        wait_for(lambda: tape.marks.stored == 100, "the ticks in the store")


def test_a_writer_killed_again_and_again_stores_everything_once(tape: Tape, tmp_path: Path) -> None:
    """SIGKILL in the middle of a drain, at other places each time: the same rows as without."""
    batches = publish(tape, some_ticks(0, 24_000), 150)
    interrupted = 0
    for part in range(1, 7):
        with writer_process(tmp_path) as run:
            enough = part * 3_000 + 137 * part
            wait_for(lambda: tape.marks.stored >= enough, f"mark {enough} in the store")  # noqa: B023
            run.process.kill()
            run.wait()
        interrupted += tape.marks.stored < batches[-1].last_m
    assert interrupted == 6, "each kill must have come before the end"
    with writer_process(tmp_path):
        wait_for(lambda: tape.marks.stored == batches[-1].last_m, "everything in the store")
    assert stored_in(tmp_path) == model_of(batches)


def test_the_next_writer_waits_for_the_one_before(tape: Tape, tmp_path: Path) -> None:
    """A hub that was killed and started again finds its old writer in the last round."""
    publish(tape, some_ticks(0, 100))
    with writer_process(tmp_path) as first:
        wait_for(lambda: tape.marks.stored == 100, "the first writer")
        with writer_process(tmp_path) as second:
            first.process.terminate()
            assert first.wait() == 0
            publish(tape, some_ticks(100, 100))
            wait_for(lambda: tape.marks.stored == 200, "the second writer")
            assert second.process.poll() is None


@pytest.mark.parametrize(
    ("spoil", "says"), [("file", "store"), ("damaged", "checkpoint"), ("ahead", "belong")]
)
def test_a_folder_that_cannot_be_used_ends_the_process_with_one_line(
    tape: Tape, tmp_path: Path, spoil: str, says: str
) -> None:
    """The exit code says that trying again does not help, the line says why."""
    publish(tape, some_ticks(0, 10))
    folder = tmp_path / "store"
    if spoil == "file":
        folder.touch()
    elif spoil == "damaged":
        folder.mkdir()
        (folder / "checkpoint.sqlite").write_bytes(b"x" * 8_192)
    else:
        other = SqliteWriter(folder, read_boot_id(Path(BOOT_ID_PATH)))
        other.write([batch([trade()], 50)], 50)
        other.close()
    with writer_process(tmp_path) as run:
        assert run.wait() == EXIT_UNUSABLE
    (line,) = (line for line in run.lines() if line["level"] == "error")
    assert says in str(line["error"])


def test_a_deleted_lock_file_does_no_harm(tmp_path: Path) -> None:
    """It is made again with the folder."""
    ended = Stop()
    ended.set()
    run_writer(CHILD, tmp_path, ended)
    os.unlink(tmp_path / "store" / "writer.lock")
    run_writer(CHILD, tmp_path, ended)
    assert SqliteWriter(tmp_path / "store", "boot").checkpoint() == Checkpoint(0, 0)
