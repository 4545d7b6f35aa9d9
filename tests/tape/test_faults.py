"""Faults on real files, each with the proof that it acted."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tape.archive import archive_sealed
from tape.errors import FormatError, TapeLocked
from tape.marks import FILE_NAME
from tape.tape import Tape
from tests import checkout
from tests.tape import scenes
from tests.tape.making import NOW_NS, SETTINGS, boot, fill, gaps, kill, read_all

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(checkout.ROOT)}


def scene(name: str, folder: Path, argument: object, **environment: str) -> dict[str, int]:
    """Run a scene in a process of its own and return what it has counted."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.tape.scenes", name, str(folder), str(argument)],
        env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return scenes.parsed(ended.stdout)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_tail_torn_at_any_byte_costs_exactly_what_was_torn(tmp_path: Path, seed: int) -> None:
    """Everything in front of the cut is kept, what is behind it is declared, no mark is given twice."""
    acted = scenes.torn_tails(tmp_path, seed)
    assert acted["torn tails"] > 200
    assert acted["restart"] > 200


@pytest.mark.parametrize("seed", range(2))
def test_a_flipped_bit_anywhere_costs_at_most_its_frame_or_block(tmp_path: Path, seed: int) -> None:
    """Never a crash, never a wrong tick, never silence; and the tape goes on."""
    acted = scenes.flipped_bits(tmp_path, seed, 150)
    classes = {name for name in acted if name.startswith("flipped ")}
    assert {"flipped marks", "flipped archive", "flipped last header", "flipped last row"} <= classes
    assert acted["flipped"] == 150
    assert acted["marks declared lost"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_thousand_flipped_bits(tmp_path: Path, seed: int) -> None:
    """The same with more luck needed to pass."""
    assert scenes.flipped_bits(tmp_path, seed, 1_000)["flipped"] == 1_000


def test_any_bit_of_the_shared_marks_may_be_wrong(tmp_path: Path) -> None:
    """Numbering goes on or begins an epoch; no mark is given twice or grows without bound."""
    settings, ledger = scenes.build(tmp_path, 3)
    verdicts: Counter[str] = Counter()
    for bit in range(0, 8 * 56, 3):
        spoilt = scenes.copy(tmp_path)
        path = spoilt / FILE_NAME
        data = bytearray(path.read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        lives = scenes.Ledger(ledger)
        tape, ticks, holes = scenes.go_on(spoilt, settings, lives)
        verdicts[tape.verdict] += 1
        assert not lives.compare(ticks, holes)
        assert not holes
        assert lives.last_m < ledger.last_m + 3 * scenes.SETTINGS.reserve_marks
    assert verdicts["restart"] > 40
    assert verdicts["continue"] > 40


def test_missing_marks_begin_an_epoch_unless_the_end_was_clean(tmp_path: Path) -> None:
    """Without them nobody knows what was published last."""
    settings, ledger = scenes.build(tmp_path, 4)
    spoilt = scenes.copy(tmp_path)
    (spoilt / FILE_NAME).unlink()
    tape, ticks, _ = scenes.go_on(spoilt, settings, scenes.Ledger(ledger))
    assert tape.verdict == "restart"
    assert len(gaps(ticks)) == 1
    (spoilt / FILE_NAME).unlink()
    assert scenes.go_on(spoilt, settings, scenes.Ledger())[0].verdict == "continue"


def test_marks_made_by_another_process_say_nothing(tmp_path: Path) -> None:
    """A reader that comes first makes the file, all zero; that must not look like a tape without ticks."""
    from tape.marks import Marks

    settings, ledger = scenes.build(tmp_path, 4)
    spoilt = scenes.copy(tmp_path)
    (spoilt / FILE_NAME).unlink()
    Marks(spoilt).close()
    assert scenes.go_on(spoilt, settings, scenes.Ledger(ledger))[0].verdict == "restart"


@pytest.mark.parametrize("clean", [True, False])
def test_files_that_were_taken_away_do_not_take_their_marks_with_them(tmp_path: Path, clean: bool) -> None:
    """The store and the clients still know them: a tape that lost its journal goes on above."""
    settings, ledger = scenes.build(tmp_path, 5)
    folder = tmp_path / "base"
    if clean:
        Tape(settings, folder, NOW_NS, disk=scenes.Quick()).close()
    shutil.rmtree(folder / "journal")
    lives = scenes.Ledger(ledger)
    tape, _, _ = scenes.go_on(folder, settings, lives)
    assert tape.verdict == "restart"
    assert tape.epoch > 1
    assert lives.last_m > ledger.last_m


def test_a_changed_boot_id_begins_an_epoch_each_time(tmp_path: Path) -> None:
    """Marks go on above the reserved ones, numbers go on, the gap is declared."""
    assert scenes.changed_boots(tmp_path, 6, 12) == {"boots changed": 11}


def test_a_clean_end_needs_no_epoch_on_another_boot(tmp_path: Path) -> None:
    """Everything is on the disk, and the last frame says so; the new boot begins a segment."""
    settings = boot(tmp_path, "one", SETTINGS)
    tape = Tape(settings, tmp_path / "data", NOW_NS)
    last_m = fill(tape, 100)
    tape.close()
    boot(tmp_path, "two")
    tape = Tape(settings, tmp_path / "data", NOW_NS)
    assert (tape.verdict, tape.epoch) == ("continue", 1)
    batch = tape.publish("", [], None, NOW_NS)
    assert batch is not None
    assert batch.first_m == last_m + 1
    tape.close()


def test_a_clean_end_counts_only_until_something_is_published(tmp_path: Path) -> None:
    """A power cut right after a restart must not leave a file that seems to have ended cleanly."""
    for seed in range(30):
        assert scenes.cut_after_clean_end(tmp_path / str(seed), seed).acted["restart"] == 1


def test_a_power_cut_while_archiving_takes_nothing(tmp_path: Path) -> None:
    """The archive is on the disk before the segment goes."""
    for seed in range(10):
        assert scenes.cut_after_archive(tmp_path / str(seed), seed).acted["archived"] >= 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of a megabyte, made for this test."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"NOT PERMITTED to mount a tmpfs, so no disk could be filled: {mounted.stderr.strip()}")
    return folder


@pytest.fixture
def ballast(small_disk: Path) -> "Ballast":
    """What fills the small disk."""
    return Ballast(small_disk)


class Ballast:
    """Fills a disk but for a few KiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "ballast"

    def fill(self, room_bytes: int = 8_192) -> None:
        free = os.statvfs(self.folder)
        self.path.write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - room_bytes)))

    def free(self) -> None:
        self.path.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def unmounted(tmp_path: Path) -> "object":
    """Whatever was mounted is unmounted after the test."""
    yield None
    folder = tmp_path / "small"
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def test_each_batch_is_on_the_tape_once_however_often_the_power_fails(tmp_path: Path) -> None:
    """A source that goes on at its position neither loses nor repeats anything."""
    cuts = 0
    for seed in range(60):
        cuts += scenes.exactly_once(tmp_path / str(seed), seed).acted["power cut"]
    assert cuts > 60


def test_a_full_disk_makes_an_epoch_that_is_not_kept(ballast: Ballast) -> None:
    """Publishing goes on, nothing durable is lost, the gap is declared, no restart is needed."""
    acted = scenes.full_disk(ballast.folder / "data", ballast.fill, ballast.free)
    assert acted["full disk"] == 1
    assert acted["writes refused"] >= 1


def test_a_full_disk_at_the_start_is_an_error(ballast: Ballast) -> None:
    """Nothing half-written is left, and the folder is free for the next start."""
    acted = scenes.full_disk_at_start(ballast.folder / "data", lambda: ballast.fill(0), ballast.free)
    assert acted["starts refused"] == 3


def test_a_full_disk_does_not_cost_the_archive_a_segment(ballast: Ballast) -> None:
    """A segment stays until its archive is complete."""
    settings = boot(ballast.folder, "one", SETTINGS)
    tape = Tape(settings, ballast.folder / "data", NOW_NS)
    last_m = fill(tape, 500)
    tape.flush()
    ballast.fill(0)
    with pytest.raises(OSError, match="No space left"):
        archive_sealed(ballast.folder / "data", last_m, SETTINGS)
    ballast.free()
    assert archive_sealed(ballast.folder / "data", last_m, SETTINGS)
    assert read_all(ballast.folder / "data", last_m)[1] == []
    tape.close()


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    """The same by the system's own limit, in the middle of a batch."""
    for room_bytes in (0, 1_000, 1_111):
        acted = scene("limited_files", tmp_path / str(room_bytes) / "data", room_bytes)
        assert acted["full disk"] == 1


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes syncs fail."""
    if shutil.which("cc") is None:
        pytest.skip("NO C COMPILER, so fdatasync could not be made to fail for real")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    return library


def test_a_failed_sync_is_never_tried_again_on_the_same_file(tmp_path: Path, shim: Path) -> None:
    """Seen from outside the process: no inode is synced again after it failed once."""
    flag, log = tmp_path / "fail", tmp_path / "log"
    acted = scene(
        "failing_sync", tmp_path / "data", flag,
        LD_PRELOAD=str(shim), SHIM_FLAG=str(flag), SHIM_LOG=str(log),
    )  # fmt: skip
    assert acted["failed syncs"] == 6
    assert scenes.synced_again(log.read_text()) >= 6


def test_two_processes_cannot_have_one_folder(tmp_path: Path) -> None:
    """The second is refused, and the first is not disturbed."""
    tape = Tape(SETTINGS, tmp_path, NOW_NS)
    code = (
        "import sys; from pathlib import Path; from config.settings import TapeSettings\n"
        "from tape.tape import Tape; Tape(TapeSettings(), Path(sys.argv[1]), 1)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert "TapeLocked" in ended.stderr
    with pytest.raises(TapeLocked):
        Tape(SETTINGS, tmp_path, NOW_NS)
    last_m = fill(tape, 20)
    tape.close()
    assert len(read_all(tmp_path, last_m)[0]) == last_m


def test_a_start_that_fails_leaves_the_folder_free(tmp_path: Path) -> None:
    """Neither lock nor thread nor descriptor is kept by a tape that never was."""
    settings, _ = scenes.build(tmp_path, 7)
    journal = tmp_path / "base" / "journal"
    saved = {path: path.read_bytes() for path in journal.iterdir()}
    for path in saved:
        path.write_bytes(b"nonsense" * 99)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with pytest.raises(FormatError):
            Tape(settings, tmp_path / "base", NOW_NS)
    assert len(os.listdir("/proc/self/fd")) == before
    for path, data in saved.items():
        path.write_bytes(data)
    tape = Tape(settings, tmp_path / "base", NOW_NS)
    assert tape.verdict == "continue"
    kill(tape)
