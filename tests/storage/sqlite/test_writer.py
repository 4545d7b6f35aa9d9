"""What writing SQLite needs beyond the contract: crashes, power cuts, bounds."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.contract import Hole, Order, ScanQuery, StoreReader
from storage.errors import StoreUnavailable
from storage.memory import MemoryStore
from storage.sqlite import database
from storage.sqlite import writer as writer_module
from storage.sqlite.reader import SqliteReader
from storage.sqlite.writer import SqliteWriter
from tape.batch import Batch
from tests.storage.making import DAY, NOON, batch, quote, tapes, trade, walk
from ticks.kinds import FAMILIES
from ticks.model import Tick

ORDERS: Final[tuple[Order, ...]] = ("asc", "desc")
IN_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files cost no disk: what is tested is the order of commits, not what a disk keeps."""
RANGES = [(1, 20), (30, 2**40)]


def everything(reader: StoreReader, up_to_m: int, page_rows: int) -> list[object]:
    """All that a store answers, as of a mark."""
    found: list[object] = []
    for lineup in ("", "iex"):
        for family in FAMILIES:
            for order in ORDERS:
                query = ScanQuery(family, up_to_m, lineup=lineup, limit=page_rows, order=order)
                found.append(walk(reader, query))
            symbols = ["A", "AAPL", "B", "BRK.A", "SPY", "*", "NONE"]
            found.append(reader.latest(family, lineup, symbols, up_to_m))
        found.append(reader.gaps(lineup, -(2**63), 2**63 - 1, up_to_m))
        found.append(reader.gaps(lineup, NOON - 2, NOON + 3, up_to_m))
    return found


def whole(reader: StoreReader) -> list[object]:
    """What a store answers about everything it holds."""
    first = [reader.first_ts(family, lineup) for family in FAMILIES for lineup in ("", "iex")]
    return [reader.counts([(1, 2**40)]), reader.counts(RANGES), reader.symbol_count(RANGES), first]


class CrashingWriter:
    """Writes a tape as the writer process does, but for the crashes that `data` draws."""

    def __init__(self, folder: Path, tape: list[Batch], data: st.DataObject) -> None:
        self._folder, self._tape, self._data = folder, tape, data
        self._boots = 0

    def run(self) -> None:
        """Start again after each crash until the whole tape is stored."""
        end_m = self._tape[-1].last_m if self._tape else 0
        for crashes_left in (3, 2, 1, 0):
            power_cut = self._data.draw(st.booleans(), label="machine started anew")
            self._boots += power_cut
            writer = SqliteWriter(self._folder, f"boot-{self._boots}", open_files=2)
            done = self._write_on(writer, crashes_left > 0)
            writer.abandon()
            if done:
                assert writer.checkpoint().m == end_m
                return
        raise AssertionError("without crashes it must come to the end")

    def _write_on(self, writer: SqliteWriter, may_crash: bool) -> bool:
        """Rounds of random length from the checkpoint on; False when it crashed."""
        while batches := [one for one in self._tape if one.last_m > writer.checkpoint().m and one.ticks]:
            taken = batches[: self._data.draw(st.integers(1, len(batches)), label="batches in the round")]
            shuffled = self._data.draw(st.permutations(taken))
            steps = writer.steps(shuffled, taken[-1].last_m)
            stop = (
                self._data.draw(st.integers(0, 9), label="crash after so many commits")
                if may_crash
                else 10_000
            )
            for made, _ in enumerate(steps, 1):
                if made > stop:
                    return False
            if self._data.draw(st.booleans()):
                writer.sync()
        writer.write([], self._tape[-1].last_m if self._tape else 0)
        return True


@settings(max_examples=40, deadline=None)
@given(tapes(), st.data())
def test_after_any_crashes_the_store_holds_what_the_model_holds(
    tape: list[Batch], data: st.DataObject
) -> None:
    """Crashes between any two commits, rounds cut anew each time: the same rows, marks and gaps."""
    model = MemoryStore()
    end_m = tape[-1].last_m if tape else 0
    model.write(tape, end_m)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name:
        CrashingWriter(Path(name) / "store", tape, data).run()
        reader = SqliteReader(Path(name) / "store", open_files=3)
        some_m = data.draw(st.integers(0, end_m))
        page_rows = data.draw(st.integers(1, 9))
        for up_to_m in (end_m, some_m):
            assert everything(reader, up_to_m, page_rows) == everything(model, up_to_m, 1_000)
        assert whole(reader) == whole(model)
        assert reader.stored_m() == end_m
        reader.close()


def test_rows_beyond_the_checkpoint_do_not_show_as_of_it(tmp_path: Path) -> None:
    """A crash between two files: what is stored is complete up to the checkpoint, no less."""
    writer = SqliteWriter(tmp_path, "boot")
    writer.write([batch([trade()])], 1)
    steps = writer.steps([batch([trade(), quote()], 2)], 3)
    next(steps)
    writer.abandon()
    reader = SqliteReader(tmp_path)
    assert reader.stored_m() == 1
    assert sum(len(reader.scan(ScanQuery(family, 1)).rows) for family in FAMILIES) == 1
    assert reader.counts([(1, 9)]) != {"trade": 1}, "the crash must have left something behind"
    reader.close()


def test_files_come_first_and_the_checkpoint_last(tmp_path: Path) -> None:
    """The other way round a crash would lose rows."""
    writer = SqliteWriter(tmp_path, "boot")
    ticks: list[Tick] = [trade(), quote(), quote(ts_event=NOON + DAY)]
    names = [path.name.removesuffix(".sqlite") for path in writer.steps([batch(ticks)], 3)]
    assert names == [
        "2026-07-13-quotes", "2026-07-14-quotes", "2026-07-13-trades", "checkpoint",
    ]  # fmt: skip
    writer.close()


def test_what_a_power_cut_takes_is_written_again(tmp_path: Path) -> None:
    """A day's file falls back behind the checkpoint: the next boot repeats from the synced mark."""
    writer = SqliteWriter(tmp_path / "store", "boot-1")
    writer.write([batch([trade("A"), trade("B")])], 2)
    writer.sync()
    shutil.copytree(tmp_path / "store", tmp_path / "after-power-cut")
    writer.write([batch([trade("C"), trade("D")], 3)], 4)
    writer.close()
    for name in ("checkpoint.sqlite", "checkpoint.sqlite-wal", "checkpoint.sqlite-shm"):
        (tmp_path / "after-power-cut" / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "store" / "checkpoint.sqlite", tmp_path / "after-power-cut")
    _forget_last_sync(tmp_path / "after-power-cut", synced_m=2)
    again = SqliteWriter(tmp_path / "after-power-cut", "boot-2")
    assert again.checkpoint().m == 2
    again.write([batch([trade("C"), trade("D")], 3)], 4)
    reader = SqliteReader(tmp_path / "after-power-cut")
    assert [row.m for row in reader.scan(ScanQuery("trades", 4)).rows] == [1, 2, 3, 4]
    reader.close()
    again.close()


def _forget_last_sync(folder: Path, synced_m: int) -> None:
    connection = database.open_to_write(folder / "checkpoint.sqlite", 1_024)
    connection.execute("update checkpoint set synced_m = ?", (synced_m,))
    connection.close()


def test_a_sync_that_fails_is_told_and_not_believed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are there for everybody, but after a reboot they are written again."""
    writer = SqliteWriter(tmp_path, "boot-1")
    writer.write([batch([trade()])], 1)

    def refuse(path: Path, flags: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(writer_module, "_fsync", refuse)
        with pytest.raises(StoreUnavailable, match="cannot sync"):
            writer.sync()
    writer.close()
    for boot, expected in (("boot-1", 1), ("boot-2", 0)):
        again = SqliteWriter(tmp_path, boot)
        assert again.checkpoint().m == expected
        again.abandon()


def logs_synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on, the names of what is synced, in order."""
    synced: list[str] = []
    fsync = writer_module._fsync

    def note(path: Path, flags: int) -> None:
        synced.append(path.name)
        fsync(path, flags)

    monkeypatch.setattr(writer_module, "_fsync", note)
    return synced


def test_what_a_killed_writer_had_committed_is_synced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the files that the next one never writes to: else a power cut would take them for good."""
    killed = SqliteWriter(tmp_path / "store", "boot")
    killed.write([batch([trade(), quote()])], 2)
    # Closing would fold the logs back, as no killed process does.
    shutil.copytree(tmp_path / "store", tmp_path / "left")
    synced = logs_synced(monkeypatch)
    writer = SqliteWriter(tmp_path / "left", "boot")
    assert {"2026-07-13-trades.sqlite-wal", "2026-07-13-quotes.sqlite-wal"} < set(synced)
    assert writer.synced_m() == writer.checkpoint().m == 2
    writer.abandon()
    again = SqliteWriter(tmp_path / "left", "another boot")
    assert again.checkpoint().m == 2
    again.abandon()
    killed.close()


def test_the_synced_mark_counts_when_it_is_on_the_disk_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows first, then their folder, then the checkpoint that speaks of them."""
    writer = SqliteWriter(tmp_path, "boot")
    writer.write([batch([trade()])], 1)
    assert writer.synced_m() == 0
    synced = logs_synced(monkeypatch)
    writer.sync()
    assert synced == ["2026-07-13-trades.sqlite-wal", tmp_path.name, "checkpoint.sqlite-wal"]
    assert writer.synced_m() == 1
    writer.write([batch([trade()], 2)], 2)

    def refuse(path: Path, flags: int) -> None:
        if path.name.startswith("checkpoint"):
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(writer_module, "_fsync", refuse)
        with pytest.raises(StoreUnavailable, match="cannot sync"):
            writer.sync()
    assert writer.synced_m() == 1
    writer.close()


def test_after_a_sync_that_failed_the_synced_mark_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the next one succeeds: whoever deletes what is safe must not believe it."""
    writer = SqliteWriter(tmp_path, "boot")
    writer.write([batch([trade()])], 1)

    def refuse(path: Path, flags: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(writer_module, "_fsync", refuse)
        with pytest.raises(StoreUnavailable, match="cannot sync"):
            writer.sync()
    writer.sync()
    assert writer.synced_m() == 0
    writer.close()
    again = SqliteWriter(tmp_path, "boot")
    assert (again.synced_m(), again.checkpoint().m) == (0, 1)
    again.close()
    booted = SqliteWriter(tmp_path, "another boot")
    booted.write([batch([trade()])], 1)
    booted.sync()
    assert booted.synced_m() == 1
    booted.close()


def test_a_folder_that_cannot_be_synced_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left open, and the same folder can be opened when it can be synced again."""
    with monkeypatch.context() as patched:

        def refuse(path: Path, flags: int) -> None:
            raise OSError(5, "Input/output error")

        patched.setattr(writer_module, "_fsync", refuse)
        with pytest.raises(StoreUnavailable, match="cannot sync"):
            SqliteWriter(tmp_path, "boot")
    SqliteWriter(tmp_path, "boot").close()


def test_open_files_are_bounded_and_nothing_is_lost_by_closing_them(tmp_path: Path) -> None:
    """A back-fill over many days goes through few descriptors."""
    writer = SqliteWriter(tmp_path, "boot", open_files=3)
    ticks = [trade(ts_event=NOON + day * DAY) for day in range(10)]
    for first in range(0, 20, 10):
        writer.write([batch(ticks, first + 1)], first + 10)
        assert len(writer._files) == 3
    writer.close()
    reader = SqliteReader(tmp_path)
    assert len(reader.scan(ScanQuery("trades", 20)).rows) == 20
    reader.close()


def test_wild_times_make_few_files(tmp_path: Path) -> None:
    """A broken clock cannot fill the folder with files."""
    writer = SqliteWriter(tmp_path, "boot")
    wild = [trade(ts_event=time, ts_recv=NOON) for time in range(-(2**62), 2**62, 2**54)]
    writer.write([batch(wild)], len(wild))
    writer.close()
    assert len(wild) > 500
    assert len(list(tmp_path.glob("*-trades.sqlite"))) < 30, "only those within ten years have days"


def test_after_an_error_the_same_round_can_be_written(tmp_path: Path) -> None:
    """What the first attempt left half done does not stand in the way."""
    writer = SqliteWriter(tmp_path, "boot")
    path = tmp_path / "2026-07-13-trades.sqlite"
    path.mkdir()
    one = batch([quote(), trade()])
    with pytest.raises(StoreUnavailable, match=path.name):
        writer.write([one], 2)
    assert writer.checkpoint().m == 0
    path.rmdir()
    writer.write([one], 2, [Hole(3, 4, "disk", NOON, NOON)])
    reader = SqliteReader(tmp_path)
    assert reader.counts([(1, 9)]) == {"quote": 1, "trade": 1}
    reader.close()
    writer.close()


def test_a_file_that_refused_a_round_is_opened_anew(tmp_path: Path) -> None:
    """What its cache of symbols held was rolled back with the rows."""
    writer = SqliteWriter(tmp_path, "boot")
    writer.write([batch([trade("A")])], 1)
    file = next(iter(writer._files.values()))
    file._connection.execute("pragma max_page_count = 12")
    more = batch([trade(f"S{i}") for i in range(2_000)], 2)
    with pytest.raises(StoreUnavailable, match="full"):
        writer.write([more], 2_001)
    assert not writer._files
    writer.write([more], 2_001)
    reader = SqliteReader(tmp_path)
    assert reader.symbol_count([(1, 2_001)]) == 2_001
    assert len(walk(reader, ScanQuery("trades", 2_001))) == 2_001
    reader.close()
    writer.close()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """With its name in the message."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        SqliteWriter(tmp_path / "file" / "store", "boot")
