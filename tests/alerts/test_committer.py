"""The commit thread: rings are written together and at once, again after a failure, and never twice."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from alerts.changes import Changes
from alerts.committer import JOBS_MAX, Committer
from alerts.errors import StoreDamaged, StoreUnavailable
from alerts.model import StoredFire
from alerts.store import AlertStore
from config.settings import AlertSettings
from tests.alerts.making import ANN, NOON_NS, fire
from tests.tape.making import wait_for


class Moody(AlertStore):
    """A store that fails, waits or breaks when it is told to."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, AlertSettings())
        self.fails = 0
        self.breaks = False
        self.gate = threading.Event()
        self.gate.set()
        self.entered = 0

    def commit(self, changes: Changes, now_ns: int) -> list[StoredFire]:
        """Commit, if the mood allows."""
        self.entered += 1
        assert self.gate.wait(20)
        if self.breaks:
            raise StoreDamaged("broken")
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("disk full")
        return super().commit(changes, now_ns)


class Rig:
    """A committer and what it has told."""

    def __init__(self, folder: Path, commit_seconds: float = 60, queue_fires: int = 3) -> None:
        self.store = Moody(folder)
        self.told: list[tuple[int, list[str]]] = []
        self.committer = Committer(
            self.store, commit_seconds, queue_fires, lambda: NOON_NS, self.on_committed
        )

    def on_committed(self, sequence: int, stored: Sequence[StoredFire]) -> None:
        """Keep what is told."""
        self.told.append((sequence, [one.fire.event_id for one in stored]))

    def ring(self, number: int, m: int = 1) -> None:
        """Gather a ring."""
        with self.committer.gather() as changes:
            changes.fires.append(fire(number))
            changes.m = m

    @property
    def rings(self) -> list[str]:
        """Every ring that was told."""
        return [event_id for _, ids in self.told for event_id in ids]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes a rig, which is taken down afterwards."""
    made: list[Rig] = []

    def rig(**settings: float) -> Rig:
        made.append(Rig(tmp_path, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield rig
    for one in made:
        one.store.gate.set()
        one.committer.close()
        one.store.close()


def test_a_ring_is_committed_at_once(make: Callable[..., Rig]) -> None:
    """Not only when it is time for the mark."""
    rig = make()
    rig.ring(1, m=7)
    wait_for(lambda: len(rig.rings) == 1)
    assert rig.rings == [fire(1).event_id]
    assert rig.store.load().m == 7
    assert rig.committer.waiting == 0


def test_rings_that_come_meanwhile_are_committed_together(make: Callable[..., Rig]) -> None:
    """One transaction for all that gathered while the disk was busy."""
    rig = make(queue_fires=100)
    rig.store.gate.clear()
    rig.ring(1)
    wait_for(lambda: rig.store.entered == 1)
    for number in range(2, 12):
        rig.ring(number)
    assert rig.committer.waiting == 11
    rig.store.gate.set()
    wait_for(lambda: len(rig.rings) == 11)
    assert [len(ids) for _, ids in rig.told] == [1, 10]
    assert rig.committer.commits == 2


def test_a_failed_commit_is_tried_again_with_the_same_rings(make: Callable[..., Rig]) -> None:
    """Nothing is lost and nothing doubled; meanwhile reads are served and the reason is shown."""
    rig = make()
    rig.store.fails = 2
    rig.ring(1)
    wait_for(lambda: rig.committer.error == "disk full")
    assert rig.committer.submit(lambda: 5).result(20) == 5
    wait_for(lambda: len(rig.rings) == 1)
    assert (rig.committer.failures, rig.committer.error) == (2, "")
    assert [one.offset for one in rig.store.fires(ANN, 0, 9)] == [1]


def test_too_many_waiting_rings_are_told(make: Callable[..., Rig]) -> None:
    """Whoever evaluates ticks has to pause then, until there is room again."""
    rig = make(queue_fires=3)
    rig.store.gate.clear()
    rig.ring(1)
    wait_for(lambda: rig.store.entered == 1)
    told = []
    for number in (2, 3):
        rig.ring(number)
        told.append(rig.committer.full)
    assert told == [False, True]
    rig.store.gate.set()
    wait_for(lambda: not rig.committer.full)


def test_quiet_changes_wait_for_their_time(make: Callable[..., Rig]) -> None:
    """The mark is noted now and then, not with each batch, and not when it has not moved."""
    rig = make(commit_seconds=0.02)
    with rig.committer.gather() as changes:
        changes.m = 5
    wait_for(lambda: rig.committer.commits == 1)
    rounds = len(rig.told)
    wait_for(lambda: len(rig.told) > rounds + 2)
    assert rig.committer.commits == 1
    assert rig.committer.submit(rig.store.load).result(20).m == 5


def test_jobs_run_between_commits_and_bring_their_own_errors(make: Callable[..., Rig]) -> None:
    """What is gathered before a job is on the disk when it runs."""
    rig = make()
    rig.ring(1)
    assert len(rig.committer.submit(lambda: rig.store.fires(ANN, 0, 9)).result(20)) == 1
    with pytest.raises(ZeroDivisionError):
        rig.committer.submit(lambda: 1 // 0).result(20)
    assert rig.committer.submit(lambda: 7).result(20) == 7


def test_a_job_that_was_given_up_is_not_done(make: Callable[..., Rig]) -> None:
    """A caller that went away costs nothing."""
    rig = make()
    rig.store.gate.clear()
    rig.ring(1)
    wait_for(lambda: rig.store.entered == 1)
    done: list[int] = []
    given_up = rig.committer.submit(lambda: done.append(1))
    given_up.cancel()
    after = rig.committer.submit(lambda: done.append(2))
    rig.store.gate.set()
    after.result(20)
    assert done == [2]


def test_jobs_are_bounded(make: Callable[..., Rig]) -> None:
    """More than so many are refused, not queued for ever."""
    rig = make()
    rig.store.gate.clear()
    rig.ring(1)
    wait_for(lambda: rig.store.entered == 1)
    for _ in range(JOBS_MAX):
        rig.committer.submit(lambda: None)
    with pytest.raises(StoreUnavailable):
        rig.committer.submit(lambda: None)


def test_closing_commits_what_was_gathered(make: Callable[..., Rig]) -> None:
    """Also what nobody waits for."""
    rig = make()
    with rig.committer.gather() as changes:
        changes.m = 5
    rig.committer.close()
    assert rig.store.load().m == 5
    with pytest.raises(StoreUnavailable):
        rig.committer.submit(lambda: None)


def test_closing_does_not_wait_for_a_disk_that_refuses(make: Callable[..., Rig]) -> None:
    """What was not written is evaluated again after the next start."""
    rig = make()
    rig.store.fails = 1_000_000
    rig.ring(1)
    wait_for(lambda: rig.committer.failures > 0)
    rig.committer.close()
    assert rig.store.load().m == 0
    rig.store.fails = 0


def test_a_damaged_file_ends_the_thread_and_is_told(make: Callable[..., Rig]) -> None:
    """Trying again is of no use: evaluation stops, and the supervisor hears why."""
    rig = make()
    rig.committer.check()
    rig.store.breaks = True
    rig.ring(1)
    wait_for(lambda: rig.committer.broken is not None)
    assert rig.committer.full
    with pytest.raises(StoreUnavailable) as caught:
        rig.committer.check()
    assert isinstance(caught.value.__cause__, StoreDamaged)
    wait_for(lambda: rig.committer._stop)
    with pytest.raises(StoreUnavailable):
        rig.committer.submit(lambda: None)


def test_a_real_full_disk_loses_nothing(make: Callable[..., Rig]) -> None:
    """SQLite's own limit of pages stands in for the disk's."""
    rig = make()
    (pages,) = rig.store.connection.execute("pragma page_count").fetchone()
    rig.store.connection.execute(f"pragma max_page_count = {pages}")
    with rig.committer.gather() as changes:
        changes.fires += [fire(number) for number in range(1, 40)]
    wait_for(lambda: "full" in rig.committer.error)
    rig.committer.submit(lambda: rig.store.connection.execute("pragma max_page_count = 100000")).result(20)
    wait_for(lambda: len(rig.rings) == 39)
    assert [one.offset for one in rig.store.fires(ANN, 0, 99)] == list(range(1, 40))
