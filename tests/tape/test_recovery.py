"""What files say after a stop, and what follows from it."""

from pathlib import Path

import pytest

from tape import frames, segment
from tape.archive import archive_sealed
from tape.errors import FormatError, NewerFormat
from tape.frames import encode_frame
from tape.recovery import Recovered, Verdict, describe, next_epoch, recover, verdict
from tape.segment import SegmentHeader
from tape.state import EPOCHS_AHEAD, TapeState
from tape.tape import Tape
from tests.tape.making import NOW_NS, SETTINGS, fill, flip, kill, places, tape_in
from tests.tape.test_segment import newer

HEADER = SegmentHeader(1, 0, "boot-1", "tape")


def ended(
    next_m: int = 101, epoch: int = 3, *, clean: bool = False, torn: int = 0, damage: int = 0
) -> Recovered:
    """A tape that was found like this."""
    state = TapeState(next_m=next_m, epoch=epoch, reserved_m=500, reserved_epoch=20, closed=clean)
    return Recovered(state, HEADER, torn_bytes=torn, damaged_bytes=damage, damage=["x"] if damage else [])


@pytest.mark.parametrize(
    ("found", "boot", "accepted", "epoch", "wanted"),
    [
        (ended(), "boot-1", 100, 3, "continue"),
        (ended(), "boot-1", 50, 2, "continue"),
        (ended(torn=9), "boot-1", 100, 3, "continue"),  # the torn batch was never published
        (ended(), "boot-1", 101, 3, "restart"),  # published, and not in the journal
        (ended(), "boot-1", 100, 4, "restart"),  # a volatile epoch had begun
        (ended(), "boot-1", None, 0, "restart"),  # nobody knows what was published
        (ended(clean=True), "boot-1", None, 0, "continue"),
        (ended(clean=True), "boot-1", 100, 3, "continue"),
        (ended(clean=True), "boot-1", 101, 3, "restart"),  # the clean end is an old one
        (ended(clean=True), "boot-2", None, 0, "continue"),
        (ended(clean=True, torn=1), "boot-2", None, 0, "restart"),
        (ended(), "boot-2", None, 0, "restart"),
        (ended(damage=1), "boot-1", 100, 3, "restart"),
        (ended(clean=True, damage=1), "boot-2", None, 0, "restart"),
        (Recovered(TapeState()), "boot-1", None, 0, "fresh"),
    ],
)
def test_numbering_goes_on_only_when_nothing_published_can_be_missing(
    found: Recovered, boot: str, accepted: int | None, epoch: int, wanted: Verdict
) -> None:
    """The same boot and known marks, or a clean end, and no damage; anything else begins an epoch."""
    assert verdict(found, boot, accepted, epoch) == wanted


def test_a_new_epoch_lies_beyond_everything_reserved() -> None:
    """Marks and epochs that may have been given are never given again."""
    assert next_epoch(ended(), 1000) == (21, 501)


@pytest.mark.parametrize(("torn", "damage"), [(960, 0), (0, 960), (480, 480)])
def test_a_reservation_may_be_among_what_is_broken(torn: int, damage: int) -> None:
    """Then the new epoch lies beyond what could have been reserved from any row in those bytes."""
    epoch, first_m = next_epoch(ended(torn=torn, damage=damage), 1000)
    assert first_m == 101 + 10 + 1000 + 1
    assert epoch == 20 + EPOCHS_AHEAD + 1


def journal(folder: Path) -> list[Path]:
    """The segments' paths."""
    return [file.path for file in segment.list_segments(folder)]


def build(folder: Path, ticks: int = 400) -> int:
    """A tape of several segments whose process has died; its last mark."""
    tape = Tape(SETTINGS, folder, NOW_NS)
    last_m = fill(tape, ticks)
    tape.flush()
    kill(tape)
    return last_m


def test_the_tables_of_the_last_segment_say_everything(tmp_path: Path) -> None:
    """What came before is known without reading it."""
    last_m = build(tmp_path)
    whole = recover(tmp_path)
    for path in journal(tmp_path)[:-1]:
        path.unlink()
    alone = recover(tmp_path)
    assert alone.state == whole.state
    assert alone.state.next_m == last_m + 1
    assert alone.state.ns[0] == len([i for i in range(last_m) if i % 7 == 0])
    assert alone.state.positions == {"source": str(last_m - 5).encode()}


def test_a_tape_without_files_is_new(tmp_path: Path) -> None:
    """Nothing is known, nothing is broken."""
    found = recover(tmp_path)
    assert (found.state, found.header, found.damage) == (TapeState(), None, [])
    assert describe(found) == "new tape"


def test_a_torn_end_is_measured_and_not_called_damage(tmp_path: Path) -> None:
    """A batch that was being written had not been published."""
    last_m = build(tmp_path)
    path = journal(tmp_path)[-1]
    last = places(path)[-1]
    path.write_bytes(path.read_bytes()[: last.end - 3])
    found = recover(tmp_path)
    assert found.state.next_m == last_m - 4
    assert (found.end, found.torn_bytes, found.damage) == (last.begin, last.end - 3 - last.begin, [])
    assert f"{last.end - 3 - last.begin} torn bytes" in describe(found)


def test_damage_in_the_middle_is_passed_over_and_named(tmp_path: Path) -> None:
    """What follows it counts, and the place is told."""
    last_m = build(tmp_path)
    path = journal(tmp_path)[-1]
    hit = places(path)[0]
    flip(path, hit.end - 1)
    found = recover(tmp_path)
    assert found.state.next_m == last_m + 1
    assert found.damaged_bytes == hit.end - hit.begin
    assert found.damage == [f"{path.name}: no sound frame in bytes {hit.begin} to {hit.end}"]


def test_broken_tables_are_made_up_from_the_file_before(tmp_path: Path) -> None:
    """Positions, names and numbers do not go back to where the last whole tables stood."""
    build(tmp_path)
    wanted = recover(tmp_path).state
    path = journal(tmp_path)[-1]
    for at in range(segment.HEADER_BYTES + 40, places(path)[0].begin, 97):
        flip(path, at)
        found = recover(tmp_path)
        assert found.damage, at
        for field in ("channels", "ns", "next_m", "positions", "epochs", "epoch"):
            assert getattr(found.state, field) == getattr(wanted, field), (field, at)
        flip(path, at)


def test_a_damaged_header_costs_only_the_boot_id(tmp_path: Path) -> None:
    """The frames are sound: they count; the tape's id is that of the other files."""
    last_m = build(tmp_path)
    tape_id = segment.read_header(segment.list_files(tmp_path)[0]).tape_id
    path = journal(tmp_path)[-1]
    path.write_bytes(bytes(segment.HEADER_BYTES) + path.read_bytes()[segment.HEADER_BYTES :])
    found = recover(tmp_path)
    assert found.state.next_m == last_m + 1
    assert found.header is not None
    assert (found.header.boot_id, found.header.tape_id) == ("", tape_id)
    assert "not a file of a tape" in describe(found)


@pytest.mark.parametrize("left", [0, 50, 128, 200, 300])
def test_a_last_file_without_tables_and_rows_is_worthless(tmp_path: Path, left: int) -> None:
    """A power cut took it while it was being made: the file before is the end of the tape."""
    build(tmp_path)
    path = journal(tmp_path)[-1]
    path.write_bytes(path.read_bytes()[:left])
    found = recover(tmp_path)
    assert [file.path for file in found.worthless] == [path]
    assert found.file is not None
    assert found.file.path == journal(tmp_path)[-2]
    assert found.damaged_bytes == left
    assert found.state.next_m > found.file.first_m


def test_files_in_which_nothing_is_sound_are_an_error(tmp_path: Path) -> None:
    """Nobody may start a new tape over them."""
    build(tmp_path)
    for path in journal(tmp_path):
        path.write_bytes(b"nonsense" * 100)
    with pytest.raises(FormatError, match="no file of this tape can be read"):
        recover(tmp_path)


def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    """And nothing is touched."""
    build(tmp_path)
    path = journal(tmp_path)[-1]
    header = segment.decode_header(path.read_bytes()[: segment.HEADER_BYTES])
    path.write_bytes(newer(header) + path.read_bytes()[segment.HEADER_BYTES :])
    before = path.read_bytes()
    with pytest.raises(NewerFormat, match=path.name):
        recover(tmp_path)
    assert path.read_bytes() == before


def test_an_archive_can_be_the_end_of_a_tape(tmp_path: Path) -> None:
    """Somebody took the journal away: what the archive has is not forgotten."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 400)
        tape.flush()
        assert archive_sealed(tmp_path, last_m, SETTINGS)
    kept_m = segment.list_segments(tmp_path)[0].first_m - 1
    for path in journal(tmp_path):
        path.unlink()
    found = recover(tmp_path)
    assert found.state.next_m == kept_m + 1
    assert found.file is not None
    assert found.file.archived


def test_a_damaged_block_at_the_end_of_an_archive_is_made_up_from_the_others(tmp_path: Path) -> None:
    """One bad block never makes a start impossible."""
    with tape_in(tmp_path) as tape:
        last_m = fill(tape, 400)
        tape.flush()
        archive_sealed(tmp_path, last_m, SETTINGS)
    for path in journal(tmp_path):
        path.unlink()
    path = segment.list_files(tmp_path)[-1].path
    flip(path, segment.HEADER_BYTES + 60)
    found = recover(tmp_path)
    assert found.damage
    assert found.state.positions
    assert found.state.next_m > 1


def test_what_is_known_to_be_durable_ends_behind_a_batch(tmp_path: Path) -> None:
    """Everything behind it is to be written again; nothing at all may be known."""
    last_m = build(tmp_path, 60)
    path = journal(tmp_path)[-1]
    ends = [place.end for place in places(path)]
    assert recover(tmp_path).durable_end == 0
    assert recover(tmp_path, last_m).durable_end == ends[-1]
    assert recover(tmp_path, last_m - 5).durable_end == ends[-2]
    assert recover(tmp_path, last_m - 1).durable_end == ends[-2]


def test_a_sound_frame_that_makes_no_sense_is_damage(tmp_path: Path) -> None:
    """Not a crash at the start."""
    last_m = build(tmp_path, 60)
    path = journal(tmp_path)[-1]
    path.write_bytes(path.read_bytes() + encode_frame(frames.EPOCH, last_m + 1, 1, 1, b"\xc1"))
    found = recover(tmp_path)
    assert found.state.next_m == last_m + 1
    assert len(found.damage) == 1
