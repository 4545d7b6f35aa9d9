"""How far the store has come, across crashes and power cuts."""

from pathlib import Path

import pytest

from storage.contract import Checkpoint, Hole
from storage.errors import StoreDamaged, StoreUnavailable
from storage.sqlite import database
from storage.sqlite.checkpoint import CheckpointFile, read_checkpoint, read_gaps
from tests.storage.making import NOON, gap


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will lie."""
    return tmp_path / database.CHECKPOINT_NAME


def test_a_crash_of_the_process_loses_no_checkpoint(path: Path) -> None:
    """On the same boot what was committed counts, synced or not."""
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(7, NOON), [], [])
    again = CheckpointFile(path, "boot-1")
    assert again.value == Checkpoint(7, NOON)
    again.close()
    file.close()


def test_after_a_power_cut_only_what_was_synced_counts(path: Path) -> None:
    """The rows between may be gone, so they are written again."""
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(7, NOON), [], [])
    file.synced()
    file.advance(Checkpoint(9, NOON + 5), [], [])
    file.close()
    after = CheckpointFile(path, "boot-2")
    assert after.value == Checkpoint(7, NOON)
    after.close()
    reader = database.open_to_read(path)
    assert read_checkpoint(reader) == Checkpoint(7, NOON)
    reader.close()


def test_after_a_sync_that_failed_nothing_counts_as_synced_until_the_next_boot(path: Path) -> None:
    """The kernel may have dropped what it could not write, and a second sync would not tell."""
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(7, NOON), [], [])
    file.synced()
    file.advance(Checkpoint(8, NOON), [], [])
    file.refused()
    file.close()
    for boot, expected in (("boot-1", 8), ("boot-2", 7)):
        file = CheckpointFile(path, boot)
        assert file.value.m == expected
        file.synced()
        file.close()
    file = CheckpointFile(path, "boot-2")
    file.advance(Checkpoint(9, NOON), [], [])
    file.synced()
    file.close()
    file = CheckpointFile(path, "boot-3")
    assert file.value.m == 9
    file.close()


def test_the_checkpoint_never_goes_back_by_itself(path: Path) -> None:
    """A repeated round leaves it alone."""
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(9, NOON), [], [])
    file.advance(Checkpoint(7, NOON - 5), [], [])
    assert file.value == Checkpoint(9, NOON)
    file.close()


def test_gaps_repeated_after_a_power_cut_are_folded_once(path: Path) -> None:
    """What the file has already folded it knows by the mark, even when the checkpoint went back."""
    events = [
        (3, "", gap("gap_open", NOON)),
        (5, "", gap("gap_close", NOON + 9)),
        (6, "", gap("gap_close", NOON + 10)),
    ]
    hole = Hole(7, 8, "disk", NOON, NOON + 1)
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(8, NOON), events, [hole])
    file.close()
    file = CheckpointFile(path, "boot-2")
    assert file.value.m == 0
    file.advance(Checkpoint(5, NOON), events[:2], [])
    file.advance(Checkpoint(8, NOON), events[2:], [Hole(8, 8, "disk", NOON, NOON + 1)])
    file.close()
    reader = database.open_to_read(path)
    assert [(one.open_m, one.close_m) for one in read_gaps(reader, "", 0, NOON * 2, 8)] == [
        (3, 5),
        (6, 6),
        (7, 8),
    ]
    reader.close()


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(path: Path) -> None:
    """A full disk (here: a page limit): neither the mark nor half of the gaps are there."""
    file = CheckpointFile(path, "boot-1")
    file.advance(Checkpoint(7, NOON), [], [])
    file._connection.execute("pragma max_page_count = 8")
    holes = [Hole(m, m, "disk" * 100, NOON, NOON + 1) for m in range(8, 200)]
    with pytest.raises(StoreUnavailable, match="full"):
        file.advance(Checkpoint(200, NOON), [], holes)
    assert file.value.m == 7
    file._connection.execute("pragma max_page_count = 100000")
    assert read_gaps(file._connection, "", 0, NOON * 2, 999) == []
    file.advance(Checkpoint(200, NOON), [], holes)
    assert len(read_gaps(file._connection, "", 0, NOON * 2, 999)) == len(holes)
    file.close()


def test_another_file_in_its_place_is_refused(path: Path) -> None:
    """Rather than overwritten."""
    database.make_file(path, iter(["create table other (x)"]))
    with pytest.raises(StoreDamaged, match=r"checkpoint\.sqlite"):
        CheckpointFile(path, "boot-1")
