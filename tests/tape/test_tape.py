"""The whole tape against a model, on a disk that fails: random lives, and single scenes."""

import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tape import segment
from tape.archive import archive_sealed
from tape.batch import Batch, SourcePosition
from tape.disk import Disk
from tape.errors import TickRefused
from tape.marks import Marks
from tape.reader import TapeReader
from tape.recovery import recover
from tape.tape import Tape
from tests.tape.faulty_disk import FaultyDisk
from tests.tape.lives import Step, live, threaded_life
from tests.tape.making import (
    NOW_NS,
    SETTINGS,
    boot,
    fill,
    flip,
    gaps,
    kill,
    places,
    position,
    quote,
    read_all,
    tape_in,
    trade,
    wait_for,
)
from tests.tape.world import World
from ticks.flags import REPLAY
from ticks.kinds import FEED_EVENT
from ticks.model import FeedEvent

SECOND_NS = 1_000_000_000

shares = st.floats(0, 1)
seeds = st.integers(0, 2**32)
counts = st.integers(0, 3) | st.integers(0, 40)

calm = st.one_of(
    st.tuples(st.just("publish"), counts, seeds, st.booleans(), st.sampled_from(("", "iex"))),
    st.tuples(st.just("publish"), counts, seeds, st.just(True), st.just("")),
    st.just(("flush",)),
    st.just(("background_sync",)),
    st.tuples(st.just("tend"), st.sampled_from((0.0, 0.5, 2.0, -3600.0))),
    st.tuples(st.just("tail"), st.sampled_from((1, 7, 1000))),
    st.tuples(st.just("read"), shares, shares),
)
ends = st.one_of(
    st.tuples(st.just("close"), st.booleans()),
    st.just(("crash",)),
    st.tuples(st.just("cut_power"), seeds),
    st.tuples(st.just("die_in"), st.integers(0, 12)),
    st.tuples(st.just("short_writes"), seeds),
)
faults = st.one_of(
    st.tuples(st.just("sync_failures"), st.integers(1, 4)),
    st.tuples(st.just("room_bytes"), st.integers(0, 3000)),
    st.tuples(st.just("refuse_files"), st.integers(1, 3)),
    st.just(("heal",)),
)
upkeep = st.one_of(
    st.tuples(st.just("archive"), shares),
    st.tuples(st.just("retire"), shares, st.integers(1, 60_000)),
)
steps = st.lists(st.one_of(calm, calm, calm, ends, faults, upkeep), max_size=40)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_no_life_breaks_a_promise(done: list[Step]) -> None:
    """Whatever happens in whatever order: marks, numbers, durability, declared losses, positions."""
    with tempfile.TemporaryDirectory() as folder:
        live(World(Path(folder)), done)


@pytest.mark.parametrize("seeds_", [range(25), pytest.param(range(100, 1_500), marks=pytest.mark.slow)])
def test_no_life_with_a_sync_thread_breaks_a_promise(tmp_path: Path, seeds_: range) -> None:
    """The same with two threads at once."""
    acted: Counter[str] = Counter()
    for seed in seeds_:
        acted += threaded_life(tmp_path / str(seed), seed).acted
    assert acted["power cut"] > 10
    assert acted["volatile"] > 10


def heard(tape: Tape) -> list[Batch]:
    """What the listener gets from now on."""
    found: list[Batch] = []
    tape.on_batch = found.append
    return found


def test_a_batch_is_journalled_before_anybody_sees_it(tmp_path: Path) -> None:
    """When the listener is called, the files, the marks, the ring and the newest values have it."""
    with tape_in(tmp_path) as tape:
        seen: list[tuple[int, int, int, int]] = []

        def listen(batch: Batch) -> None:
            latest = tape.latest("q:AAPL")
            assert latest is not None
            written_m = recover(tmp_path).state.next_m - 1
            seen.append((written_m, tape.marks.accepted, tape.ring.read(0, 9)[-1].last_m, latest.m))

        tape.on_batch = listen
        for seq in (1, 2):
            batch = tape.publish("", [quote(seq), quote(seq)], position(seq), NOW_NS)
            assert batch is not None
        assert seen == [(2, 2, 2, 2), (4, 4, 4, 4)]
        assert tape.position("source") == b"2"
        assert tape.position("other") is None
        assert (tape.epoch, tape.volatile, tape.last_ts_recv) == (1, False, NOW_NS)


def test_a_position_without_ticks_is_journalled(tmp_path: Path) -> None:
    """A source that only moved on goes on there, also after the process died."""
    tape = Tape(SETTINGS, tmp_path, NOW_NS)
    fill(tape, 10)
    batch = tape.publish("", [], position(77), NOW_NS)
    assert batch is not None
    assert (batch.first_m, batch.last_m) == (11, 10)
    kill(tape)
    with tape_in(tmp_path) as tape:
        assert tape.position("source") == b"77"
        assert fill(tape, 5) == 15


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    """No ticks and no position leave the journal alone."""
    with tape_in(tmp_path) as tape:
        before = tape.journal.bytes_written
        batch = tape.publish("", [], None, NOW_NS)
        assert batch is not None
        assert batch.ticks == []
        assert tape.journal.bytes_written == before


def test_a_batch_longer_than_a_reservation_waits_for_its_own(tmp_path: Path) -> None:
    """It is published whole, and only after the disk has confirmed that many marks."""
    disk = FaultyDisk()
    with tape_in(tmp_path, structs.replace(SETTINGS, reserve_marks=64), disk=disk) as tape:
        batch = tape.publish("", [quote(seq) for seq in range(1_000)], None, NOW_NS)
        assert batch is not None
        assert batch.last_m == 1_000 <= disk.reserved_m()


def test_numbering_stops_when_no_reserved_mark_is_left(tmp_path: Path) -> None:
    """While the disk refuses, the reserved marks may be used, and no more; then nothing is published."""
    disk = FaultyDisk()
    with tape_in(tmp_path, structs.replace(SETTINGS, reserve_marks=64), disk=disk) as tape:
        fill(tape, 20)
        tape.flush()
        limit_m = disk.reserved_m()
        disk.room_bytes = 0
        found = heard(tape)
        given_m = [
            batch.last_m
            for batch in (tape.publish("", [quote(1)], None, NOW_NS) for _ in range(100))
            if batch
        ]
        assert given_m[-1] == limit_m
        assert tape.numbering_stopped == 100 - len(given_m) > 0
        assert [batch.last_m for batch in found] == given_m
        assert tape.latest("q:AAPL") is not None
        disk.heal()
        tape.tend(NOW_NS + 2 * SECOND_NS)
        assert not tape.volatile
        ticks = [tick for batch in found[-1:] for tick in batch.ticks]
        assert [tick.lost for tick in ticks if isinstance(tick, FeedEvent)] == [100, 100]
        batch = tape.publish("", [quote(1)], None, NOW_NS)
        assert batch is not None
        assert batch.first_m > limit_m


def test_numbers_after_an_outage_go_on_from_the_last_kept_one(tmp_path: Path) -> None:
    """In a volatile epoch they go on from the last published; afterwards from the last journalled."""
    disk = FaultyDisk()
    with tape_in(tmp_path, disk=disk) as tape:
        found = heard(tape)
        tape.publish("", [quote(1), quote(2)], None, NOW_NS)
        disk.room_bytes = 0
        for seq in (3, 4):
            tape.publish("", [quote(seq)], None, NOW_NS)
        disk.heal()
        tape.publish("", [quote(5)], None, NOW_NS + 2 * SECOND_NS)
        assert [(batch.epoch, batch.first_m, batch.ns) for batch in found] == [
            (1, 1, [1, 2]), (2, 3, [3]), (2, 4, [4]), (3, 5, [1, 2]), (3, 7, [3]),
        ]  # fmt: skip
        assert [start.why for start in tape.sequencer.state.epochs] == ["start", "volatile", "recovered"]
        tape.flush()
        ticks, holes = read_all(tmp_path, tape.marks.durable)
        assert (list(ticks), holes) == ([1, 2, 5, 6, 7], [])


def test_a_position_stays_where_the_journal_is(tmp_path: Path) -> None:
    """During an outage, after it, and after the next start: its source can bring again what was not kept."""
    disk = FaultyDisk()
    with tape_in(tmp_path, disk=disk) as tape:
        tape.publish("", [quote(1)], SourcePosition("a", b"1"), NOW_NS)
        disk.room_bytes = 0
        tape.publish("", [quote(2)], SourcePosition("a", b"2"), NOW_NS)
        assert disk.acted["no room"]
        tape.publish("", [quote(3)], SourcePosition("a", b"3"), NOW_NS)
        tape.publish("", [quote(3)], SourcePosition("b", b"3"), NOW_NS)
        assert (tape.position("a"), tape.position("b")) == (b"1", None)
        disk.heal()
        tape.tend(NOW_NS + 2 * SECOND_NS)
        assert not tape.volatile
        assert (tape.position("a"), tape.position("b")) == (b"1", None)
    with tape_in(tmp_path, disk=disk) as tape:
        assert (tape.position("a"), tape.position("b")) == (b"1", None)
        tape.publish("", [quote(2)], SourcePosition("a", b"2"), NOW_NS)
        assert tape.position("a") == b"2"


def test_a_failed_sync_costs_no_epoch_when_the_next_file_works(tmp_path: Path) -> None:
    """What was not durable is written again; clients notice nothing."""
    disk = FaultyDisk()
    with tape_in(tmp_path, disk=disk) as tape:
        fill(tape, 20)
        tape.flush()
        tape.publish("", [quote(1)], None, NOW_NS)
        disk.sync_failures = 1
        tape.journal._syncer.sync_dirty()
        assert tape.journal.sync_failed
        assert tape.marks.durable == 20
        tape.publish("", [quote(2)], None, NOW_NS)
        assert (tape.epoch, tape.volatile, tape.marks.durable) == (1, False, 21)
        disk.sync_failures = 1
        tape.flush()
        assert (tape.epoch, tape.volatile, tape.marks.durable) == (1, False, 22)
        assert read_all(tmp_path, 22)[0].keys() == set(range(1, 23))


def test_an_end_with_a_failed_sync_is_saved_by_another_file(tmp_path: Path) -> None:
    """Closing writes again what was not durable, and ends cleanly there."""
    disk = FaultyDisk()
    tape = Tape(SETTINGS, tmp_path, NOW_NS, disk=disk)
    last_m = fill(tape, 12, sync_ticks=1 << 20)
    disk.sync_failures = 1
    tape.close()
    assert recover(tmp_path).state.closed
    with tape_in(tmp_path, disk=disk) as tape:
        assert (tape.verdict, tape.epoch, tape.marks.durable) == ("continue", 1, last_m)


def test_an_end_during_an_outage_tries_the_disk_once_more(tmp_path: Path) -> None:
    """When it works again, the gap is declared before the end; else at the next start."""
    for heals in (True, False):
        disk = FaultyDisk()
        folder = tmp_path / str(heals)
        tape = Tape(SETTINGS, folder, NOW_NS, disk=disk)
        fill(tape, 12)
        disk.room_bytes = 0
        tape.publish("", [quote(1)], None, NOW_NS)
        if heals:
            disk.heal()
        tape.close()
        disk.heal()
        with tape_in(folder, disk=disk) as tape:
            assert tape.verdict == ("continue" if heals else "restart")
            tape.flush()
            assert [gap.lost for gap in gaps(read_all(folder, tape.marks.durable)[0])] == [1 if heals else -1]


def test_a_loss_is_declared_in_every_lineup(tmp_path: Path) -> None:
    """Also in one that has had no tick for long; a new one needs none."""
    settings = boot(tmp_path, "one")
    with tape_in(tmp_path / "data", settings) as tape:
        tape.publish("iex", [quote(1)], None, NOW_NS)
        for seq in range(100):
            tape.publish("", [quote(seq)], None, NOW_NS)
    found: list[Batch] = []
    boot(tmp_path, "two")
    (tmp_path / "data" / "marks.bin").unlink()
    data = segment.list_files(tmp_path / "data")[-1].path
    data.write_bytes(data.read_bytes() + b"torn")
    tape = Tape(settings, tmp_path / "data", NOW_NS, found.append)
    assert tape.verdict == "restart"
    assert [(batch.lineup, [tick.kind for tick in batch.ticks]) for batch in found] == [
        ("", [FEED_EVENT] * 2), ("iex", [FEED_EVENT] * 2),
    ]  # fmt: skip
    tape.close()


def test_a_loss_is_declared_once_even_when_the_process_dies_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the start of the epoch and its first tick: the next start makes up for it."""
    settings = boot(tmp_path, "one")
    folder = tmp_path / "data"
    tape = Tape(settings, folder, NOW_NS)
    fill(tape, 20)
    tape.flush()
    kill(tape)
    boot(tmp_path, "two")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tape, "_declare", die)
    with pytest.raises(KeyboardInterrupt):
        Tape(settings, folder, NOW_NS)
    monkeypatch.undo()
    for _ in range(3):
        with tape_in(folder, settings) as tape:
            assert tape.verdict == "continue"
            tape.flush()
            assert len(gaps(read_all(folder, tape.marks.durable)[0])) == 1


def test_a_gap_in_a_replay_does_not_push_its_times_into_the_present(tmp_path: Path) -> None:
    """Feeds clamp receive times to the tape's newest: that must stay the recording's."""
    disk = FaultyDisk()
    with tape_in(tmp_path, disk=disk) as tape:
        recorded_ns = 1_500_000_000 * SECOND_NS
        tape.publish("", [trade(1, ts_recv=recorded_ns, flags=REPLAY)], None, NOW_NS)
        disk.room_bytes = 0
        tape.publish("", [trade(2, ts_recv=recorded_ns + 5, flags=REPLAY)], None, NOW_NS)
        disk.heal()
        tape.tend(NOW_NS + 2 * SECOND_NS)
        assert not tape.volatile
        assert tape.last_ts_recv == recorded_ns + 5


@pytest.mark.parametrize("boots", [False, True])
def test_a_start_finds_ring_and_newest_values(tmp_path: Path, boots: bool) -> None:
    """From the end of what is kept, also where marks have jumped since."""
    settings = boot(tmp_path, "one")
    tape = Tape(settings, tmp_path / "data", NOW_NS)
    last_m = fill(tape, 60)
    tape.flush()
    kill(tape)
    if boots:
        boot(tmp_path, "two")
    with tape_in(tmp_path / "data", settings) as tape:
        latest = tape.latest("q:SYM3")
        assert latest is not None
        assert (latest.m, latest.n) == (60, 9)
        assert tape.ring.first_m == 1
        assert sum(len(batch.ticks) for batch in tape.ring.read(0, last_m)) == last_m
        assert tape.latest("q:NONE") is None


def test_receive_times_are_remembered_over_starts_without_a_tick(tmp_path: Path) -> None:
    """Each boot begins a segment, and its tables do not say when the last tick was received."""
    for life in range(4):
        settings = boot(tmp_path, f"boot-{life}")
        with tape_in(tmp_path / "data", settings) as tape:
            assert tape.last_ts_recv == (NOW_NS + 9 if life else 0)
            if not life:
                fill(tape, 10)


def test_a_ring_is_never_filled_across_a_hole(tmp_path: Path) -> None:
    """Who reads from it would not see that something is missing."""
    settings = boot(tmp_path, "one")
    tape = Tape(settings, tmp_path / "data", NOW_NS)
    last_m = fill(tape, 60)
    tape.flush()
    kill(tape)
    path = segment.list_files(tmp_path / "data")[-1].path
    hit = places(path)[-3]
    flip(path, hit.end - 1)
    with tape_in(tmp_path / "data", settings) as tape:
        assert tape.ring.first_m == hit.last_m + 1
        assert not tape.ring.covers(hit.first_m - 1)
        assert tape.ring.covers(hit.last_m)
        assert tape.ring.read(0, last_m)[0].first_m == hit.last_m + 1


def test_a_refused_tick_costs_its_batch_and_nothing_else(tmp_path: Path) -> None:
    """No mark, no number, no position; the next batch goes on as if it had not been."""
    with tape_in(tmp_path) as tape:
        found = heard(tape)
        fill(tape, 5)
        wild = [structs.replace(quote(9), source=999), structs.replace(quote(9), bid_price="x")]
        for bad in (quote(9, "A B"), *wild):
            with pytest.raises(TickRefused):
                tape.publish("", [quote(7, "SYM1"), bad], position(9), NOW_NS)
        assert tape.position("source") == b"0"
        batch = tape.publish("", [quote(7, "SYM1")], None, NOW_NS)
        assert batch is not None
        assert (batch.first_m, batch.ns) == (6, [2])
        assert [batch.first_m for batch in found] == [1, 6]
        tape.flush()
        assert read_all(tmp_path, 6)[0].keys() == set(range(1, 7))


class Held(Disk):
    """A disk whose syncs take until they are let go."""

    def __init__(self) -> None:
        self.hold = False
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def sync(self, descriptor: int) -> None:
        if self.hold:
            self.entered.set()
            assert self.go_on.wait(20)
        super().sync(descriptor)


def test_a_sync_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Publishing goes on, through many segments' worth of ticks; only the durable mark waits."""
    disk = Held()
    with tape_in(tmp_path, structs.replace(SETTINGS, sync_interval_ms=1), disk=disk) as tape:
        fill(tape, 40)
        tape.flush()
        disk.hold = True
        tape.publish("", [quote(1)], None, NOW_NS)
        assert disk.entered.wait(20)
        last_m = fill(tape, 1_000, sync_ticks=1 << 20)
        assert (tape.marks.accepted, tape.marks.durable, tape.volatile) == (last_m, 40, False)
        disk.go_on.set()
        wait_for(lambda: tape.marks.durable == last_m)
        assert read_all(tmp_path, last_m)[0].keys() == set(range(1, last_m + 1))


def test_durable_moves_by_itself(tmp_path: Path) -> None:
    """The sync thread says so in the shared marks, which any process can read."""
    with tape_in(tmp_path, structs.replace(SETTINGS, sync_interval_ms=1)) as tape:
        last_m = fill(tape, 25, sync_ticks=1 << 20)
        others = Marks(tmp_path)
        wait_for(lambda: others.durable == last_m)
        assert others.accepted == last_m
        others.close()


def test_readers_in_other_threads_follow_a_tape_that_is_written_and_archived(tmp_path: Path) -> None:
    """Each gets every tick once, in order, whatever becomes of the files under it."""
    settings = structs.replace(SETTINGS, sync_interval_ms=1, segment_bytes=30_000)
    goal = 6_000
    with tape_in(tmp_path, settings) as tape:
        seen: list[list[int]] = [[], []]
        done = threading.Event()
        failed: list[BaseException] = []

        def follow(found: list[int]) -> None:
            reader, marks = TapeReader(tmp_path), Marks(tmp_path)
            try:
                while len(found) < goal and not done.is_set():
                    for item in reader.read(found[-1] if found else 0, marks.durable):
                        assert isinstance(item, Batch), item
                        found += range(item.first_m, item.last_m + 1)
            except BaseException as error:
                failed.append(error)
            finally:
                reader.close()
                marks.close()

        def tidy() -> None:
            try:
                while not done.wait(0.002):
                    archive_sealed(tmp_path, tape.marks.durable, settings)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=follow, args=(found,)) for found in seen]
        threads.append(threading.Thread(target=tidy))
        for thread in threads:
            thread.start()
        for start in range(0, goal, 500):
            fill(tape, 500, start=start, sync_ticks=1 << 20)
            wait_for(lambda: tape.marks.durable == tape.marks.accepted or bool(failed))
        wait_for(lambda: all(len(found) == goal for found in seen) or bool(failed))
        done.set()
        for thread in threads:
            thread.join()
        assert not failed, failed
        assert seen == [list(range(1, goal + 1))] * 2
        assert any(file.archived for file in segment.list_files(tmp_path))
