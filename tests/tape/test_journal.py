"""The journal by itself: what is written when, and what becomes of it when the disk refuses."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from config.settings import TapeSettings
from tape import frames, segment
from tape.batch import Batch
from tape.errors import JournalFailed, TickRefused
from tape.frames import BATCH, CLOSE, COUNTS, EPOCH, RESERVE, Frame, scan
from tape.journal import Journal
from tape.recovery import recover
from tape.sequencer import Sequencer
from tape.state import TABLES, TapeState
from tests.tape.faulty_disk import FaultyDisk
from tests.tape.making import NOW_NS, SETTINGS, position, quote
from ticks.model import Tick


class Desk:
    """A journal with a sequencer, as the tape puts them together."""

    def __init__(self, folder: Path, settings: TapeSettings = SETTINGS) -> None:
        self.folder = folder
        self.disk = FaultyDisk()
        self.state = TapeState()
        self.sequencer = Sequencer(self.state)
        self.sequencer.begin_epoch(1, 1, "start", 0)
        self.sequencer.limit_m = 1 << 40
        self.durable: list[int] = []
        self.journal = Journal(settings, folder, self.state, "boot", "tape", self.durable.append, self.disk)
        self.journal.restart(NOW_NS)

    def number(self, count: int = 1, symbol: str = "A", at: int | None = None) -> Batch:
        """The next batch."""
        ticks: list[Tick] = [quote(self.state.next_m + i, symbol) for i in range(count)]
        return self.sequencer.number("", ticks, NOW_NS, None if at is None else position(at))

    def append(self, count: int = 1, symbol: str = "A", at: int | None = None) -> Batch:
        """Number and write a batch."""
        batch = self.number(count, symbol, at)
        self.journal.append(batch, NOW_NS)
        return batch

    @property
    def paths(self) -> list[Path]:
        """The segments."""
        return [file.path for file in segment.list_files(self.folder)]

    def kinds(self, path: Path | None = None) -> list[int]:
        """The kinds of the frames of a segment, the last by default."""
        return [frame.kind for frame in self.frames(path)]

    def frames(self, path: Path | None = None) -> list[Frame]:
        """The frames of a segment, the last by default."""
        items = list(scan((path or self.paths[-1]).read_bytes(), segment.HEADER_BYTES))
        found = [item for item in items if isinstance(item, Frame)]
        assert len(found) == len(items)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A journal on a disk that can fail."""
    made = Desk(tmp_path)
    yield made
    made.journal.abandon()
    assert made.disk.open_files == 0


def test_a_new_journal_begins_with_tables_that_are_on_the_disk(desk: Desk) -> None:
    """The reservation among them: without it no mark may be given."""
    assert tuple(desk.kinds()) == TABLES
    assert desk.journal.limit_m == SETTINGS.reserve_marks == desk.disk.reserved_m()
    assert desk.journal.durable_m == 0
    assert not desk.journal.failed


def test_a_batch_is_in_the_file_when_append_returns(desk: Desk) -> None:
    """With the table of its new channel in front of it; durable it is only after a sync."""
    batch = desk.append(3)
    assert desk.kinds()[len(TABLES) :] == [frames.CHANNELS, BATCH]
    assert recover(desk.folder).state.next_m == 4
    assert desk.journal.written_m == batch.last_m == 3
    assert desk.journal.durable_m == 0
    desk.journal.flush()
    assert desk.journal.durable_m == 3
    assert desk.durable == [3]
    desk.append(1)
    assert desk.kinds()[-1] == BATCH, "a known channel needs no table"


def test_tables_are_repeated_after_so_many_rows(desk: Desk) -> None:
    """Names and counts, behind the rows: from there on a damaged table of names does no harm."""
    for _ in range(SETTINGS.table_rows):
        desk.append(1)
    assert desk.kinds()[-2:] == [frames.CHANNELS, COUNTS]
    desk.append(1)
    assert desk.kinds()[-1] == BATCH


def test_a_reservation_is_made_when_half_of_it_is_used(tmp_path: Path) -> None:
    """The limit follows when it is on the disk, not before."""
    desk = Desk(tmp_path, structs.replace(SETTINGS, reserve_marks=100, table_rows=1 << 20))
    desk.append(50)
    assert desk.kinds()[-1] == BATCH
    desk.append(1)
    assert desk.kinds()[-1] == RESERVE
    assert desk.journal.limit_m == 100
    desk.journal.flush()
    assert desk.journal.limit_m == 151 == desk.disk.reserved_m()
    desk.journal.reserve(1000)
    assert desk.journal.limit_m == 1100 == desk.disk.reserved_m()
    desk.journal.abandon()


def test_a_reservation_that_found_no_room_is_not_counted(tmp_path: Path) -> None:
    """The batch in front of it is written; the limit stays where the disk has it."""
    desk = Desk(tmp_path, structs.replace(SETTINGS, reserve_marks=100, table_rows=1 << 20))
    desk.append(50)
    frame = 32 + 8 + 96
    desk.disk.room_bytes = frame + 10
    desk.append(1)
    assert desk.disk.acted["no room"] == 1
    assert desk.kinds()[-1] == BATCH
    desk.journal.flush()
    assert (desk.journal.limit_m, desk.disk.reserved_m(), desk.state.reserved_m) == (100, 100, 100)
    desk.disk.heal()
    desk.append(1)
    assert desk.kinds()[-1] == RESERVE
    desk.journal.abandon()


@pytest.mark.parametrize("room", [0, 1, 31, 32, 40, 135])
def test_a_write_that_fails_half_way_leaves_nothing(desk: Desk, room: int) -> None:
    """The file is as it was, the journal is stopped, and says why."""
    desk.append(1)
    before = desk.paths[-1].read_bytes()
    desk.disk.room_bytes = room
    with pytest.raises(JournalFailed) as caught:
        desk.append(1)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert desk.paths[-1].read_bytes() == before
    assert desk.journal.failed
    desk.disk.heal()
    with pytest.raises(JournalFailed, match="stopped"):
        desk.append(1)
    assert desk.journal.written_m == 1


def test_nothing_follows_what_cannot_be_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """When even cutting back fails, the file is left alone until a new one is made."""

    def refuse(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, "failed")

    desk.disk.room_bytes = 50
    monkeypatch.setattr(desk.disk, "truncate", refuse)
    with pytest.raises(JournalFailed):
        desk.append(1)
    assert desk.journal.failed
    monkeypatch.undo()
    desk.disk.heal()
    assert desk.journal.restart(NOW_NS) == 0
    assert desk.kinds()[: len(TABLES)] == list(TABLES)


def test_a_tick_that_does_not_fit_is_refused_before_anything_is_written(desk: Desk) -> None:
    """The journal goes on."""
    desk.append(1)
    before = desk.paths[-1].read_bytes()
    wild = structs.replace(quote(2, "A"), source=999)
    with pytest.raises(TickRefused):
        desk.journal.append(desk.sequencer.number("", [wild], NOW_NS), NOW_NS)
    assert desk.paths[-1].read_bytes() == before
    assert not desk.journal.failed


def test_a_full_segment_is_followed_by_one_that_needs_nothing_of_it(tmp_path: Path) -> None:
    """It is named by the mark behind the last durable one, and has copies of all that is not durable."""
    desk = Desk(tmp_path)
    while True:
        desk.append(2, f"S{desk.state.next_m % 5}", at=desk.state.next_m)
        if len(desk.paths) == 2:
            break
        if desk.state.next_m % 10 == 1:
            desk.journal.flush()
    first, second = segment.list_files(tmp_path)
    assert desk.state.next_m - 1 > desk.durable[-1]
    assert second.first_m == desk.durable[-1] + 1
    copied = [frame for frame in desk.frames(second.path) if frame.kind == BATCH]
    assert copied[0].first_m == second.first_m
    assert copied[-1].first_m + copied[-1].count == desk.state.next_m
    whole = recover(tmp_path).state
    first.path.unlink()
    alone = recover(tmp_path).state
    assert alone == whole
    assert (alone.ns, alone.positions, alone.next_m) == (
        desk.state.ns,
        desk.state.positions,
        desk.state.next_m,
    )
    desk.journal.abandon()


def test_a_sync_that_ends_while_a_segment_is_made_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one begins behind the durable mark, also when the old file is synced at that very moment."""
    desk = Desk(tmp_path)
    create = desk.disk.create

    def create_and_sync(path: Path) -> int:
        desk.journal._syncer.sync_dirty()
        return create(path)

    monkeypatch.setattr(desk.disk, "create", create_and_sync)
    while len(desk.paths) == 1:
        if desk.state.next_m % 10 == 1:
            desk.journal.flush()
        desk.append(3)
    assert desk.state.next_m - 1 > desk.journal.durable_m == segment.list_files(tmp_path)[-1].first_m - 1
    desk.journal.flush()
    assert desk.journal.durable_m == desk.state.next_m - 1
    desk.journal.abandon()


def test_no_segment_follows_while_too_much_is_not_durable(tmp_path: Path) -> None:
    """Copying it would take long; the present one grows on, within bounds."""
    desk = Desk(tmp_path)
    desk.append(1)
    desk.journal.flush()
    while desk.paths[-1].stat().st_size < 3 * SETTINGS.segment_bytes:
        desk.append(5)
    assert len(desk.paths) == 1
    while desk.paths[-1].stat().st_size < 4 * SETTINGS.segment_bytes:
        desk.append(5)
    desk.append(5)
    assert len(desk.paths) == 2, "a disk that is slow all the time must not make one endless file"
    desk.journal.abandon()


def test_a_segment_that_cannot_be_made_does_no_harm(tmp_path: Path) -> None:
    """The present one is written on, and it is tried again later."""
    desk = Desk(tmp_path)
    desk.disk.refuse_files = 2
    while len(desk.paths) == 1:
        desk.append(5)
        desk.journal.flush()
        assert desk.journal.durable_m == desk.journal.written_m, "a file that was not made holds nothing up"
    assert desk.disk.acted["refused file"] == 2
    assert not desk.journal.failed
    assert desk.journal.failures == 2
    assert desk.journal.limit_m <= desk.disk.reserved_m()
    desk.journal.abandon()


def test_tables_longer_than_a_segment_do_not_make_one_of_each_batch(tmp_path: Path) -> None:
    """A segment holds at least as many bytes of ticks as of tables."""
    desk = Desk(tmp_path, structs.replace(SETTINGS, segment_bytes=2_000))
    for i in range(400):
        desk.append(1, f"SYMBOL{i}")
        desk.journal.flush()
    made = len(desk.paths)
    for i in range(100):
        desk.append(1, f"SYMBOL{i}")
        desk.journal.flush()
    assert len(desk.paths) <= made + 5
    desk.journal.abandon()


def test_what_a_failed_sync_left_open_is_written_again(desk: Desk) -> None:
    """Into a new segment behind the last durable mark, and that is synced before it gets its name."""
    desk.append(2, at=1)
    desk.journal.flush()
    desk.append(3, at=2)
    desk.append(1, "B", at=3)
    desk.disk.sync_failures = 1
    with pytest.raises(JournalFailed):
        desk.journal.flush()
    assert (desk.journal.sync_failed, desk.journal.durable_m) == (True, 2)
    assert desk.journal.restart(NOW_NS) == 0
    assert (desk.journal.sync_failed, desk.journal.durable_m) == (False, 6)
    last = segment.list_files(desk.folder)[-1]
    assert last.first_m == 3
    assert [frame.first_m for frame in desk.frames() if frame.kind == BATCH] == [3, 6]
    assert recover(desk.folder).state.positions == {"source": b"3"}
    assert desk.journal.unsynced_bytes == 0


def test_what_was_let_go_of_is_told_as_lost(tmp_path: Path) -> None:
    """Copies are bounded: beyond that a failing disk costs ticks, and they are counted."""
    desk = Desk(tmp_path, structs.replace(SETTINGS, unsynced_bytes=1_000))
    for _ in range(10):
        desk.append(2)
    assert desk.journal.unsynced_bytes <= 1_000
    kept = desk.journal._unsynced.frames()
    desk.disk.sync_failures = 1
    with pytest.raises(JournalFailed):
        desk.journal.flush()
    lost = desk.journal.restart(NOW_NS)
    assert lost == 20 - 2 * len(kept) > 0
    assert segment.list_files(tmp_path)[-1].first_m == 1
    assert next(frame.first_m for frame in desk.frames() if frame.kind == BATCH) == lost + 1
    desk.journal.abandon()


def test_a_restart_that_fails_leaves_no_file_and_can_be_tried_again(desk: Desk) -> None:
    """The copies are kept until it works."""
    desk.append(2)
    desk.disk.sync_failures = 1
    with pytest.raises(JournalFailed):
        desk.journal.flush()
    before = desk.paths
    reserved = desk.state.reserved_m
    for fault in ("sync_failures", "refuse_files"):
        setattr(desk.disk, fault, 1)
        with pytest.raises(JournalFailed):
            desk.journal.restart(NOW_NS)
        assert desk.paths == before
        assert segment.list_drafts(desk.folder / "journal") == []
        assert desk.state.reserved_m == reserved
    desk.disk.room_bytes = 100
    with pytest.raises(JournalFailed):
        desk.journal.restart(NOW_NS)
    desk.disk.heal()
    assert desk.journal.restart(NOW_NS) == 0
    assert recover(desk.folder).state.next_m == 3


def test_copies_of_an_earlier_epoch_come_before_the_start_of_the_next(desk: Desk) -> None:
    """Each frame keeps its epoch; the table in front of them does not know the later ones yet."""
    desk.append(2)
    desk.disk.sync_failures = 1
    with pytest.raises(JournalFailed):
        desk.journal.flush()
    desk.sequencer.begin_epoch(2, 3, "volatile", 2)
    desk.sequencer.begin_epoch(3, 9, "recovered", 2)
    desk.journal.restart(NOW_NS)
    found = desk.frames()
    assert [frame.kind for frame in found] == [*TABLES, frames.CHANNELS, BATCH, EPOCH, frames.POSITIONS]
    tables = TapeState()
    tables.apply(found[0])
    assert [start.epoch for start in tables.epochs] == [1]
    state = recover(desk.folder).state
    assert (state.epoch, state.next_m, len(state.epochs)) == (3, 9, 3)


def test_a_clean_end_is_on_the_disk(tmp_path: Path) -> None:
    """Its frame is the last, and everything is synced."""
    desk = Desk(tmp_path)
    desk.append(1)
    desk.journal.close()
    assert desk.kinds()[-1] == CLOSE
    assert recover(tmp_path).state.closed
    assert desk.disk.open_files == 0
    assert desk.durable == [1]


@pytest.mark.parametrize("fault", ["room_bytes", "sync_failures"])
def test_an_end_that_fails_is_not_clean(tmp_path: Path, fault: str) -> None:
    """It is told, and nothing is left open or running."""
    desk = Desk(tmp_path)
    desk.append(1)
    setattr(desk.disk, fault, 3)
    with pytest.raises(JournalFailed):
        desk.journal.close()
    assert desk.disk.open_files == 0
    assert not desk.journal._syncer._thread.is_alive()


def test_going_on_undoes_a_clean_end_on_the_disk(tmp_path: Path) -> None:
    """Before anything is published: else a power cut could leave a file that seems to have ended well."""
    desk = Desk(tmp_path)
    desk.append(1)
    desk.journal.close()
    recovered = recover(tmp_path, 1)
    again = Journal(SETTINGS, tmp_path, recovered.state, "boot", "tape", desk.durable.append, desk.disk)
    again.resume(recovered)
    assert desk.kinds()[-1] == RESERVE
    model = next(iter(desk.disk._synced_names.values()))
    assert bytes(model.image) == desk.paths[0].read_bytes()
    assert again.durable_m == 1
    again.abandon()


def test_what_was_not_durable_is_written_again_before_it_is_synced(tmp_path: Path) -> None:
    """The process before may have seen a sync fail: then the kernel would have nothing to write."""
    desk = Desk(tmp_path)
    desk.append(1)
    desk.journal.flush()
    desk.append(2)
    desk.disk.sync_failures = 1
    with pytest.raises(JournalFailed):
        desk.journal.flush()
    desk.journal.abandon()
    recovered = recover(tmp_path, 1)
    again = Journal(SETTINGS, tmp_path, recovered.state, "boot", "tape", desk.durable.append, desk.disk)
    again.resume(recovered)
    assert desk.disk.acted["rewritten bytes"] == recovered.end - recovered.durable_end > 2 * 96
    model = next(iter(desk.disk._synced_names.values()))
    assert bytes(model.image) == desk.paths[0].read_bytes()
    again.abandon()


@pytest.mark.parametrize("fault", ["sync_failures", "reopen"])
def test_a_last_segment_that_cannot_be_secured_stops_the_start(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is called durable that may not be."""
    desk = Desk(tmp_path)
    desk.append(1)
    desk.journal.abandon()
    recovered = recover(tmp_path)

    def refuse(path: Path, size: int) -> int:
        raise OSError(errno.EROFS, "read-only")

    if fault == "reopen":
        monkeypatch.setattr(desk.disk, "reopen", refuse)
    else:
        desk.disk.sync_failures = 1
    again = Journal(SETTINGS, tmp_path, recovered.state, "boot", "tape", desk.durable.append, desk.disk)
    with pytest.raises(JournalFailed):
        again.resume(recovered)
    again.abandon()
    assert desk.disk.open_files == 0
