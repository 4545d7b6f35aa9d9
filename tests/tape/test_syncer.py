"""The thread that syncs."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tape.disk import Disk
from tape.syncer import Syncer
from tests.tape.making import wait_for

FOLDER = Path("folder")


class Scripted(Disk):
    """Notes what is synced; can fail, and can be held in the middle of a sync."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.fail: bool | int = False
        """Whether every sync fails, or which file's."""
        self.fail_folder = False
        self.held: dict[int, threading.Event] = {}
        """Files whose sync does not return before the event."""

    def hold(self, descriptor: int) -> threading.Event:
        """Hold the syncs of a file; set the event to let them go."""
        self.held[descriptor] = threading.Event()
        return self.held[descriptor]

    def sync(self, descriptor: int) -> None:
        self.calls.append(descriptor)
        if descriptor in self.held:
            assert self.held[descriptor].wait(10)
        if self.fail is True or self.fail == descriptor:
            raise OSError(errno.EIO, "failed")

    def sync_folder(self, path: Path) -> None:
        self.calls.append(path)
        if self.fail_folder:
            raise OSError(errno.EIO, "failed")

    def close(self, descriptor: int) -> None:
        self.calls.append(("closed", descriptor))


class Stage:
    """A syncer on a scripted disk."""

    def __init__(self, interval_s: float = 0.0) -> None:
        self.disk = Scripted()
        self.durable: list[int] = []
        self.syncer = Syncer(self.disk, interval_s, 0, self.durable.append)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A syncer that works at once, ended after the test."""
    made = Stage()
    yield made
    for event in made.disk.held.values():
        event.set()
    made.syncer.close()


@pytest.fixture
def idle() -> Iterator[Stage]:
    """A syncer whose thread waits for a minute before it does anything."""
    made = Stage(60.0)
    yield made
    for event in made.disk.held.values():
        event.set()
    made.syncer.close()


def test_what_is_written_becomes_durable_by_itself(stage: Stage) -> None:
    """The file first, then the folder that holds its name; then the mark moves."""
    stage.syncer.follow(5, 10, 100, FOLDER)
    wait_for(lambda: stage.syncer.durable_m == 10)
    assert stage.disk.calls[:2] == [5, FOLDER]
    assert stage.syncer.reserved_m == 100
    stage.syncer.wrote(12, 200)
    wait_for(lambda: stage.syncer.durable_m == 12)
    wait_for(lambda: stage.syncer.reserved_m == 200)
    assert FOLDER not in stage.disk.calls[2:], "the folder is synced once"
    assert stage.durable == [10, 12]


def test_marks_written_during_a_sync_wait_for_the_next(stage: Stage) -> None:
    """A sync says nothing about what was written after it began."""
    go_on = stage.disk.hold(5)
    stage.syncer.follow(5, 10, 0, FOLDER)
    wait_for(lambda: stage.disk.calls == [5])
    stage.syncer.wrote(20, 0)
    assert stage.syncer.durable_m == 0
    go_on.set()
    wait_for(lambda: stage.syncer.durable_m == 20)
    assert stage.durable == [10, 20]


def test_flush_syncs_in_the_callers_thread(idle: Stage) -> None:
    """It does not wait for the interval."""
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.flush()
    assert (idle.syncer.durable_m, idle.syncer.reserved_m, idle.durable) == (10, 50, [10])


def test_one_round_does_nothing_when_nothing_was_written(idle: Stage) -> None:
    """No needless syncs."""
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.sync_dirty()
    idle.syncer.sync_dirty()
    assert idle.disk.calls == [5, FOLDER]


@pytest.mark.parametrize("where", ["fail", "fail_folder"])
def test_a_failed_sync_is_never_tried_again(idle: Stage, where: str) -> None:
    """Not by the thread, not by a flush, although the second one would succeed."""
    setattr(idle.disk, where, True)
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.sync_dirty()
    assert idle.syncer.error is not None
    setattr(idle.disk, where, False)
    calls = len(idle.disk.calls)
    idle.syncer.wrote(11, 50)
    idle.syncer.sync_dirty()
    with pytest.raises(OSError, match="failed"):
        idle.syncer.flush()
    assert len(idle.disk.calls) == calls
    assert (idle.syncer.durable_m, idle.syncer.reserved_m, idle.durable) == (0, 0, [])


def test_dropping_forgets_files_and_failure(idle: Stage) -> None:
    """The next file starts with a clean slate."""
    idle.disk.fail = True
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.sync_dirty()
    assert idle.syncer.drop() == [5]
    idle.disk.fail = False
    assert idle.syncer.error is None
    idle.syncer.follow(6, 10, 60, FOLDER)
    idle.syncer.flush()
    assert (idle.syncer.durable_m, idle.syncer.reserved_m) == (10, 60)
    assert idle.syncer.drop() == [6]
    assert idle.syncer.drop() == []
    idle.syncer.flush()


def test_only_the_newest_file_is_synced_and_the_one_before_is_closed(idle: Stage) -> None:
    """It holds copies of all that was not durable."""
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.follow(6, 10, 60, FOLDER)
    idle.syncer.flush()
    assert idle.disk.calls == [("closed", 5), 6, FOLDER]


@pytest.mark.parametrize("fail", [False, True])
def test_the_end_of_a_sync_of_the_file_before_means_nothing(stage: Stage, fail: bool) -> None:
    """Readers take everything behind the new file's first mark from it, and it is not synced yet."""
    first, second = stage.disk.hold(5), stage.disk.hold(6)
    stage.disk.fail = 5 if fail else False
    stage.syncer.follow(5, 10, 50, FOLDER)
    wait_for(lambda: stage.disk.calls == [5])
    stage.syncer.follow(6, 10, 60, FOLDER)
    first.set()
    wait_for(lambda: 6 in stage.disk.calls)
    assert (stage.syncer.durable_m, stage.syncer.reserved_m, stage.syncer.error) == (0, 0, None)
    second.set()
    wait_for(lambda: stage.syncer.durable_m == 10)
    assert (stage.syncer.reserved_m, stage.durable) == (60, [10])


def test_the_durable_mark_stays_while_a_file_is_made_behind_it(stage: Stage) -> None:
    """A sync that ends meanwhile is not told: the new file has its own copies of what it synced."""
    first, second = stage.disk.hold(5), stage.disk.hold(6)
    stage.syncer.follow(5, 10, 50, FOLDER)
    wait_for(lambda: stage.disk.calls == [5])
    assert stage.syncer.freeze() == 0
    first.set()
    wait_for(lambda: not stage.syncer._busy)
    assert (stage.syncer.durable_m, stage.syncer.reserved_m) == (0, 0)
    stage.syncer.follow(6, 12, 60, FOLDER)
    wait_for(lambda: 6 in stage.disk.calls)
    assert stage.syncer.durable_m == 0
    second.set()
    wait_for(lambda: stage.syncer.durable_m == 12)
    assert stage.durable == [12]


@pytest.mark.parametrize("more", [False, True])
def test_a_durable_mark_that_was_held_moves_by_itself_when_no_file_was_made(stage: Stage, more: bool) -> None:
    """What was synced meanwhile is synced again, and then told, whether or not more was written."""
    held = stage.disk.hold(5)
    stage.syncer.follow(5, 10, 50, FOLDER)
    wait_for(lambda: stage.disk.calls == [5])
    stage.syncer.freeze()
    held.set()
    wait_for(lambda: not stage.syncer._busy)
    assert stage.syncer.durable_m == 0
    if more:
        stage.syncer.wrote(11, 50)
    stage.syncer.thaw()
    wait_for(lambda: stage.syncer.durable_m == 10 + more)
    assert stage.syncer.reserved_m == 50


def test_closing_ends_the_thread(stage: Stage) -> None:
    """Nothing is synced after it, and nothing is left running."""
    stage.syncer.close()
    stage.syncer.follow(5, 10, 50, FOLDER)
    stage.syncer.sync_dirty()
    assert stage.disk.calls == []
    assert not stage.syncer._thread.is_alive()


def test_a_file_that_cannot_be_closed_does_no_harm(idle: Stage) -> None:
    """Nothing in it is needed."""

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "failed")

    idle.disk.close = refuse  # type: ignore[method-assign]
    idle.syncer.follow(5, 10, 50, FOLDER)
    idle.syncer.follow(6, 10, 60, FOLDER)
    idle.syncer.flush()
    assert idle.syncer.durable_m == 10
