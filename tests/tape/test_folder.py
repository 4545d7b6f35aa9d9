"""Who has the data folder, and in which boot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tape.errors import TapeLocked
from tape.folder import lock_folder, read_boot_id


def test_a_folder_is_held_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    """A second taker is refused by name, then may have it."""
    first = lock_folder(tmp_path)
    with pytest.raises(TapeLocked, match=tmp_path.name):
        lock_folder(tmp_path)
    os.close(first)
    os.close(lock_folder(tmp_path))


def test_another_process_is_refused(tmp_path: Path) -> None:
    """The lock is the system's, so it ends with the process that has it, however that ends."""
    held = lock_folder(tmp_path)
    script = (
        "import sys; from pathlib import Path; from tape.folder import lock_folder; "
        "from tape.errors import TapeLocked\n"
        "try: lock_folder(Path(sys.argv[1])); print('taken')\n"
        "except TapeLocked: print('refused')"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "refused\n"
    os.close(held)
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "taken\n"
    os.close(lock_folder(tmp_path))


def test_the_lock_is_not_inherited(tmp_path: Path) -> None:
    """Else a child that outlives us would keep the folder."""
    held = lock_folder(tmp_path)
    assert not os.get_inheritable(held)
    os.close(held)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"a43014ea-6a71-45da-afce-9c73a0d44a66\n", "a43014ea-6a71-45da-afce-9c73a0d44a66"),
        (b"  boot-7 \n\n", "boot-7"),
        (b"x" * 100, "x" * 36),
    ],
)
def test_boot_id_is_what_a_segment_can_hold(tmp_path: Path, content: bytes, wanted: str) -> None:
    """Compared later with what a header gives back, so it is cut to the header's length."""
    (tmp_path / "boot").write_bytes(content)
    assert read_boot_id(tmp_path / "boot") == wanted


def test_a_machine_that_cannot_tell_boots_each_time(tmp_path: Path) -> None:
    """An empty file must not make two boots look like one."""
    (tmp_path / "boot").write_bytes(b"\n")
    ids = {read_boot_id(tmp_path / "boot") for _ in range(3)}
    assert len(ids) == 3


def test_a_missing_boot_id_is_an_error(tmp_path: Path) -> None:
    """Not a guess."""
    with pytest.raises(FileNotFoundError):
        read_boot_id(tmp_path / "nowhere")
