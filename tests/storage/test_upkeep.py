"""The tape's folder stays small beside a running writer, and reads the same all along."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from config.settings import StorageSettings, TapeSettings
from storage import upkeep as upkeep_module
from storage.child import ChildSettings
from storage.upkeep import Upkeep
from tape.batch import Batch
from tape.reader import Damage, TapeReader
from tape.segment import ARCHIVE, DRAFT_SUFFIX, list_files
from tape.tape import Tape
from tests.storage.making import NOON
from tests.storage.running import (
    BOOT_ID_PATH,
    model_of,
    publish,
    some_ticks,
    stored_in,
    wait_for,
    writer_process,
)

SMALL = TapeSettings(segment_bytes=65_536, sync_interval_ms=1, tape_retention_s=100 * 366 * 86_400)
YEAR_NS = 366 * 86_400 * 10**9


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """A tape of small segments."""
    tape = Tape(SMALL, tmp_path, NOON)
    yield tape
    tape.close()


def fill(tape: Tape) -> list[Batch]:
    """Enough for several segments, however late the sync thread is: only what is durable lets one end."""
    return [batch for first in range(0, 12_000, 500) for batch in publish(tape, some_ticks(first, 500))]


def upkeep(folder: Path, settings: TapeSettings, safe_m: int, now_ns: int = NOON) -> Upkeep:
    """One that is called by hand."""
    return Upkeep(folder, settings, lambda: safe_m, lambda: now_ns)


def archived(folder: Path) -> list[bool]:
    """Of each file of the tape, whether it is compressed."""
    return [file.archived for file in list_files(folder)]


def on_tape(folder: Path, last_m: int) -> list[Batch | Damage]:
    """What the files say."""
    with closing(TapeReader(folder)) as reader:
        return list(reader.read(reader.first_m() - 1, last_m))


def test_only_what_is_safe_in_the_store_is_compressed(tmp_path: Path, tape: Tape) -> None:
    """The mark decides, asked anew each time; the last segment is being written and stays."""
    batches = fill(tape)
    before = on_tape(tmp_path, batches[-1].last_m)
    files = list_files(tmp_path)
    assert len(files) > 2
    upkeep(tmp_path, SMALL, files[1].first_m - 2).once()
    assert not any(archived(tmp_path))
    upkeep(tmp_path, SMALL, files[1].first_m - 1).once()
    assert archived(tmp_path) == [True] + [False] * (len(files) - 1)
    upkeep(tmp_path, SMALL, batches[-1].last_m).once()
    assert archived(tmp_path) == [True] * (len(files) - 1) + [False]
    assert on_tape(tmp_path, batches[-1].last_m) == before


def test_what_is_too_old_goes_but_never_the_last_file(tmp_path: Path, tape: Tape) -> None:
    """By the age of the file behind it."""
    batches = fill(tape)
    week = structs.replace(SMALL, tape_retention_s=7 * 86_400)
    upkeep(tmp_path, week, batches[-1].last_m, NOON + YEAR_NS).once()
    assert archived(tmp_path) == [False]
    assert on_tape(tmp_path, batches[-1].last_m)


def test_a_disk_that_refuses_is_told_once_and_tried_again(
    tmp_path: Path, tape: Tape, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder stands where a draft's remains should be; when it is gone, the work is done."""
    batches = fill(tape)
    in_the_way = tmp_path / ARCHIVE / f"1{DRAFT_SUFFIX}"
    in_the_way.mkdir(parents=True)
    job = upkeep(tmp_path, SMALL, batches[-1].last_m)
    job.once()
    job.once()
    assert capsys.readouterr().out.count("trying again") == 1
    assert not any(archived(tmp_path))
    in_the_way.rmdir()
    job.once()
    assert any(archived(tmp_path))


def test_it_begins_at_once(tmp_path: Path, tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never lives for long keeps the folder small all the same."""
    monkeypatch.setattr(upkeep_module, "EVERY_SECONDS", 3_600.0)
    batches = fill(tape)
    job = upkeep(tmp_path, SMALL, batches[-1].last_m)
    job.start()
    wait_for(lambda: all(archived(tmp_path)[:-1]), "the archive")
    job.end()


def test_a_running_writer_archives_what_it_has_stored(tmp_path: Path, tape: Tape) -> None:
    """The real process, small segments: store and tape hold the same as ever."""
    storage = StorageSettings(round_rows=500, round_ms=5)
    child = ChildSettings(storage, BOOT_ID_PATH, SMALL)
    batches = fill(tape)
    before = on_tape(tmp_path, batches[-1].last_m)
    with writer_process(tmp_path, child=child) as run:
        wait_for(lambda: all(archived(tmp_path)[:-1]), "the archive")
        run.process.terminate()
        assert run.wait() == 0
        told = [line for line in run.lines() if line["event"] == "tape kept small"]
    assert told, json.dumps(run.lines())
    assert on_tape(tmp_path, batches[-1].last_m) == before
    assert stored_in(tmp_path) == model_of(batches)


def test_settings_of_the_tape_reach_the_writer(tmp_path: Path, tape: Tape) -> None:
    """A budget of one byte leaves the last segment alone, once everything is stored."""
    budget = structs.replace(SMALL, tape_retention_bytes=1)
    fill(tape)
    child = ChildSettings(StorageSettings(), BOOT_ID_PATH, budget)
    with writer_process(tmp_path, child=child):
        wait_for(lambda: archived(tmp_path) == [False], "the old files to go")
