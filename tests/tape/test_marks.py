"""The marks that processes share."""

import subprocess
import sys
from pathlib import Path

import pytest

from tape.marks import FILE_NAME, Marks

WORDS = ("accepted", "durable", "stored", "epoch", "beat")


def test_marks_are_seen_by_others_at_once(tmp_path: Path) -> None:
    """Two maps of one file, in one process or two."""
    first, second = Marks(tmp_path), Marks(tmp_path)
    for value, word in enumerate(WORDS, 1 << 50):
        setattr(first, word, value)
        assert getattr(second, word) == value
    script = (
        "import sys; from pathlib import Path; from tape.marks import Marks; m = Marks(Path(sys.argv[1])); "
        "print(m.accepted, m.durable, m.stored, m.epoch); m.stored = 99; m.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert [int(word) for word in done.stdout.split()] == [
        1 << 50,
        (1 << 50) + 1,
        (1 << 50) + 2,
        (1 << 50) + 3,
    ]
    assert first.stored == 99
    first.close()
    second.close()


def test_marks_outlive_whoever_wrote_them(tmp_path: Path) -> None:
    """The next process finds the same numbers."""
    marks = Marks(tmp_path)
    marks.accepted = 2**53
    marks.close()
    again = Marks(tmp_path)
    assert again.accepted == 2**53
    again.close()


def test_marks_of_a_new_file_are_zero_and_stamped_by_nobody(tmp_path: Path) -> None:
    """Whoever comes first may make the file; that alone says nothing about what was accepted."""
    marks = Marks(tmp_path)
    assert [getattr(marks, word) for word in WORDS] == [0] * 5
    assert not marks.stamped("any boot")
    assert not marks.stamped("")
    marks.close()


def test_a_stamp_holds_for_one_boot(tmp_path: Path) -> None:
    """After another start of the machine the same numbers are hearsay."""
    marks = Marks(tmp_path)
    marks.stamp("boot-1")
    assert marks.stamped("boot-1")
    assert not marks.stamped("boot-2")
    marks.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 4096, b"\xff" * 5000])
def test_a_file_that_is_no_marks_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    """Garbage is never taken for marks."""
    (tmp_path / FILE_NAME).write_bytes(content)
    marks = Marks(tmp_path)
    assert [getattr(marks, word) for word in WORDS] == [0] * 5
    assert not marks.stamped("boot")
    marks.close()


def test_the_heartbeat_may_run_over(tmp_path: Path) -> None:
    """It only has to change."""
    marks = Marks(tmp_path)
    marks.beat = (1 << 64) + 5
    assert marks.beat == 5
    marks.close()
