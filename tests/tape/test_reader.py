"""Reading the tape back, against a list."""

import shutil
import tempfile
from bisect import bisect_right
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tape import segment
from tape.archive import archive_sealed, retire
from tape.batch import Batch
from tape.errors import FormatError, NewerFormat
from tape.reader import Damage, Span, TapeReader
from tape.tape import Tape
from tests.tape.making import (
    NOW_NS,
    SETTINGS,
    boot,
    fill,
    flip,
    kill,
    news,
    places,
    position,
    quote,
    read_all,
    tape_in,
    trade,
)
from tests.tape.test_segment import newer
from ticks.model import Tick

shares = st.floats(0, 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.lists(st.integers(0, 9), min_size=1, max_size=12)),
        st.tuples(st.just("publish"), st.lists(st.integers(20, 60), min_size=1, max_size=6)),
        st.tuples(st.just("read"), st.integers(0, 2), shares, shares),
        st.tuples(st.just("follow"), st.integers(0, 2), st.integers(1, 80)),
        st.tuples(st.just("archive"), shares),
        st.tuples(st.just("retire"), shares, st.integers(1, 80_000)),
        st.tuples(st.just("mark_at"), st.integers(0, 2), shares),
        st.just(("restart",)),
    ),
    max_size=25,
)


class Readers:
    """A tape, the list of what it holds, and three readers."""

    def __init__(self, folder: Path, segment_bytes: int, table_rows: int) -> None:
        self.folder = folder
        made = structs.replace(SETTINGS, segment_bytes=segment_bytes, table_rows=table_rows)
        self.settings = boot(folder, "boot-0", made)
        self.tape = Tape(self.settings, folder / "data", NOW_NS)
        self.held: list[tuple[int, int, int, Tick]] = []
        """(mark, epoch, number, tick) in order."""
        self.firsts: set[int] = set()
        """First marks of batches."""
        self.kept: list[tuple[int, int]] = [(1, 1)]
        """Stretches [first, end) of marks that were given."""
        self.readers = [self.tape.reader() for _ in range(3)]
        self.followed = [0, 0, 0]
        self.restarts = 0

    def publish(self, sizes: list[int]) -> None:
        for size in sizes:
            start = self.tape.sequencer.state.next_m
            ticks: list[Tick] = [
                news(start + i, "x" * (i * 7), NOW_NS + (start + i) // 3)
                if i % 5 == 4
                else quote(start + i, f"S{i % 6}", NOW_NS + (start + i) // 3)
                for i in range(size)
            ]
            self.take(self.tape.publish("", ticks, position(start) if size % 2 else None, NOW_NS))
        self.tape.flush()

    def take(self, batch: Batch | None) -> None:
        assert batch is not None
        self.firsts.add(batch.first_m)
        for i, (n, tick) in enumerate(zip(batch.ns, batch.ticks, strict=True)):
            self.held.append((batch.first_m + i, batch.epoch, n, tick))

    def compare(self, reader: TapeReader, after_m: int, up_to_m: int) -> None:
        """Ticks, holes and silence of a range are those of the list."""
        oldest_m = self.tape.reader().first_m()
        wanted = [row for row in self.held if after_m < row[0] <= up_to_m and row[0] >= oldest_m]
        found: list[tuple[int, int, int, Tick]] = []
        gone: set[int] = set()
        for item in reader.read(after_m, up_to_m):
            if isinstance(item, Damage):
                assert item.reason == "retention"
                gone.update(range(item.first_m, item.last_m + 1))
                continue
            assert item.first_m in self.firsts or item.first_m == after_m + 1
            for i, (n, tick) in enumerate(zip(item.ns, item.ticks, strict=True)):
                found.append((item.first_m + i, item.epoch, n, tick))
        assert found == wanted
        retired = {row[0] for row in self.held if after_m < row[0] <= up_to_m and row[0] < oldest_m}
        assert gone >= retired
        assert gone.isdisjoint(row[0] for row in wanted)
        spans = [item for item in reader.spans(after_m, up_to_m) if isinstance(item, Span)]
        assert [m for span in spans for m in range(span.first_m, span.last_m + 1)] == [
            row[0] for row in wanted
        ]

    def restart(self) -> None:
        """Power fails with everything synced: a new epoch, marks jump."""
        kill(self.tape)
        self.restarts += 1
        (self.folder / "boot_id").write_text(f"boot-{self.restarts}")
        self.tape = Tape(self.settings, self.folder / "data", NOW_NS, self.take)
        self.tape.on_batch = None
        self.tape.flush()

    def step(self, name: str, *details: Any) -> None:
        durable_m = self.tape.marks.durable
        match name:
            case "publish":
                self.publish(details[0])
            case "read":
                which, low, high = details
                after_m, up_to_m = sorted((round(low * durable_m), round(high * durable_m)))
                self.compare(self.readers[which], after_m, up_to_m)
            case "follow":
                which, most = details
                up_to_m = min(durable_m, self.followed[which] + most)
                self.compare(self.readers[which], self.followed[which], up_to_m)
                self.followed[which] = up_to_m
            case "archive":
                archive_sealed(self.folder / "data", round(details[0] * durable_m), self.settings)
            case "retire":
                settings = structs.replace(self.settings, tape_retention_bytes=details[1])
                retire(self.folder / "data", round(details[0] * durable_m), settings, NOW_NS)
            case "mark_at":
                which, share = details
                self.compare_time(self.readers[which], share, durable_m)
            case "restart":
                self.restart()

    def compare_time(self, reader: TapeReader, share: float, durable_m: int) -> None:
        oldest_m = self.tape.reader().first_m()
        rows = [row for row in self.held if row[0] >= oldest_m]
        times = [row[3].ts_recv for row in rows]
        time_ns = NOW_NS + round(share * len(self.held) / 2)
        at = bisect_right(times, time_ns)
        assert reader.mark_at(time_ns, durable_m) == (rows[at - 1][0] if at else 0)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from((2_000, 8_000, 1 << 26)), st.sampled_from((8, 100)), steps)
def test_readers_find_what_a_list_holds(
    segment_bytes: int, table_rows: int, done: list[tuple[Any, ...]]
) -> None:
    """Any range, any order, following or jumping, while files grow, are archived and retired."""
    with tempfile.TemporaryDirectory() as name:
        world = Readers(Path(name), segment_bytes, table_rows)
        for what, *details in done:
            world.step(what, *details)
        durable_m = world.tape.marks.durable
        for reader in world.readers:
            world.compare(reader, 0, durable_m)
            reader.close()
        world.tape.close()


@pytest.mark.parametrize("archived", [False, True])
def test_a_range_may_end_and_begin_inside_a_batch(tmp_path: Path, archived: bool) -> None:
    """The same reader goes on in the middle of a batch, and the position comes with its end only."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 400, each=20)
        tape.flush()
        if archived:
            assert archive_sealed(tmp_path, last_m, SETTINGS)
        reader = tape.reader()
        for step in (1, 7, 19, 20, 33):
            marks: list[int] = []
            ends: list[int] = []
            for after_m in range(0, last_m, step):
                for item in reader.read(after_m, min(after_m + step, last_m)):
                    assert isinstance(item, Batch)
                    marks += range(item.first_m, item.last_m + 1)
                    ends += [item.last_m] if item.position else []
            assert marks == list(range(1, last_m + 1))
            assert ends == list(range(20, last_m + 1, 20))
        reader.close()


def test_an_open_segment_may_be_archived_and_retired(tmp_path: Path) -> None:
    """A reader goes on in the file it has open, and finds the next one wherever it is now."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 1_000)
        tape.flush()
        reader = tape.reader()
        walk = reader.read(0, last_m)
        first = next(walk)
        assert isinstance(first, Batch)
        assert archive_sealed(tmp_path, last_m, SETTINGS) > 5
        half = structs.replace(SETTINGS, tape_retention_bytes=1)
        held = [m for item in [first] for m in range(item.first_m, item.last_m + 1)]
        for item in walk:
            assert isinstance(item, Batch)
            held += range(item.first_m, item.last_m + 1)
        assert held == list(range(1, last_m + 1))
        walk = reader.read(0, last_m)
        next(walk)
        assert retire(tmp_path, last_m, half, NOW_NS) > 5
        oldest_m = reader.first_m()
        rest = list(walk)
        holes = [item for item in rest if isinstance(item, Damage)]
        assert [hole.last_m for hole in holes] == [oldest_m - 1]
        assert rest[-1].last_m == last_m
        reader.close()


def test_an_empty_tape_has_nothing(tmp_path: Path) -> None:
    """Neither ticks nor holes, with or without a file."""
    reader = TapeReader(tmp_path)
    assert list(reader.read(0, 0)) == []
    assert (reader.first_m(), reader.mark_at(NOW_NS, 0), reader.channels()) == (1, 0, [])
    with tape_in(tmp_path):
        assert list(reader.read(0, 0)) == []
        assert list(reader.read(5, 3)) == []
    reader.close()


def test_marks_without_any_file_are_gone(tmp_path: Path) -> None:
    """Somebody took the files away: that is told."""
    assert list(TapeReader(tmp_path).read(2, 9)) == [Damage(3, 9, "disk")]


def test_what_was_given_and_not_kept_is_passed_over_in_front_of_an_epoch_only(tmp_path: Path) -> None:
    """Marks between epochs never were on the tape; marks on either side that are lost are declared."""
    settings = boot(tmp_path, "one")
    folder = tmp_path / "data"
    tape = Tape(settings, folder, NOW_NS)
    fill(tape, 30)
    tape.flush()
    kill(tape)
    boot(tmp_path, "two")
    tape = Tape(settings, folder, NOW_NS)
    first_m = tape.sequencer.state.epochs[-1].first_m
    last_m = fill(tape, 30)
    tape.flush()
    files = segment.list_files(folder)
    for file in files:
        flip(file.path, places(file.path)[-1].end - 1)
    reader = tape.reader()
    holes = [item for item in reader.read(0, last_m) if isinstance(item, Damage)]
    assert holes == [Damage(26, 30, "disk"), Damage(last_m - 4, last_m, "disk")]
    assert reader.epochs()[-1].first_m == first_m
    reader.close()
    tape.close()


def test_a_cold_seek_reads_little(tmp_path: Path) -> None:
    """Near the end of a long segment nothing in front is read but the tables and a few probes."""
    long = structs.replace(SETTINGS, segment_bytes=1 << 30, table_rows=1 << 20)
    settings = boot(tmp_path, "one", long)
    with tape_in(tmp_path / "data", settings) as tape:
        fill(tape, 50)
    boot(tmp_path, "two")  # so a segment begins here, with all names in its tables
    with tape_in(tmp_path / "data", settings) as tape:
        last_m = fill(tape, 30_000, each=1, sync_ticks=1 << 20)
        tape.flush()
        reader = tape.reader()
        read: list[int] = []
        reader._seek(last_m - 10)
        assert reader._open is not None
        original = reader._open._read

        def counting(offset: int, size: int) -> bytes:
            data = original(offset, size)
            read.append(len(data))
            return data

        reader._open._read = counting  # type: ignore[method-assign]
        ticks = [
            tick
            for item in reader.read(last_m - 10, last_m)
            if isinstance(item, Batch)
            for tick in item.ticks
        ]
        assert len(ticks) == 10
        size = reader._open.size()
        assert size > 4_000_000
        assert 0 < sum(read) < size / 4
        reader.close()


def test_names_left_out_by_a_seek_are_found(tmp_path: Path) -> None:
    """Channels that first appeared in front of the place are known all the same."""
    with tape_in(tmp_path, structs.replace(SETTINGS, segment_bytes=1 << 30, table_rows=1 << 20)) as tape:
        for seq in range(1, 4_000):
            tape.publish("", [trade(seq, f"N{seq % 997}")], None, NOW_NS)
        last_m = fill(tape, 3_000)
        assert tape.publish("", [trade(1, "N500")], None, NOW_NS) is not None
        tape.flush()
        reader = tape.reader()
        item = next(iter(reader.read(last_m, last_m + 1)))
        assert isinstance(item, Batch)
        assert reader.channels()[item.channel_ids[0]] == "t:N500"
        reader.close()


def test_a_damaged_table_of_channels_costs_no_tick(tmp_path: Path) -> None:
    """Every later table says the same names again, in this file or in the next."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 600, symbols=40)
        tape.flush()
        first = segment.list_files(tmp_path)[0].path
        data = bytearray(first.read_bytes())
        at = data.index(b"q:SYM7")  # the first time it is named
        data[at + 5] ^= 1
        first.write_bytes(data)
        ticks, holes = read_all(tmp_path, last_m)
        assert holes == []
        assert len(ticks) == last_m


@pytest.mark.parametrize("archived", [False, True])
def test_a_newer_file_is_refused_by_name(tmp_path: Path, archived: bool) -> None:
    """Readers do not guess what a later version means."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 300)
        tape.flush()
        if archived:
            archive_sealed(tmp_path, last_m, SETTINGS)
        file = segment.list_files(tmp_path)[1]
        header = segment.read_header(file)
        file.path.write_bytes(newer(header) + file.path.read_bytes()[segment.HEADER_BYTES :])
        with pytest.raises(NewerFormat, match=file.path.name):
            read_all(tmp_path, last_m)


def test_a_file_of_another_tape_is_refused(tmp_path: Path) -> None:
    """Somebody copied a segment into the wrong folder."""
    for name in ("one", "two"):
        with tape_in(tmp_path / name) as tape:
            last_m = fill(tape, 300)
    files = [segment.list_files(tmp_path / name)[1].path for name in ("one", "two")]
    shutil.copy(files[1], files[0])
    with pytest.raises(FormatError, match="another tape"):
        read_all(tmp_path / "one", last_m)


def test_a_file_that_vanishes_between_listing_and_opening_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went into the archive at that very moment: no hole is declared."""
    from tape import reader as module

    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 500)
        tape.flush()
        original = segment.read_header
        vanished: list[segment.TapeFile] = []

        def vanish(file: segment.TapeFile) -> segment.SegmentHeader:
            if not file.archived and file.first_m > 1 and not vanished:
                vanished.append(file)
                archive_sealed(tmp_path, last_m, SETTINGS)
            return original(file)

        monkeypatch.setattr(module, "read_header", vanish)
        ticks, holes = read_all(tmp_path, last_m)
        assert vanished
        assert holes == []
        assert list(ticks) == list(range(1, last_m + 1))
