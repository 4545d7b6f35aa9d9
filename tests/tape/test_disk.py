"""The real disk's calls."""

import os
from pathlib import Path

import pytest

from tape.disk import Disk, write_all


class Grudging(Disk):
    """Takes a few bytes at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.calls = 0

    def write(self, descriptor: int, data: bytes | bytearray | memoryview) -> int:
        self.calls += 1
        return super().write(descriptor, bytes(data[: self.most]))


@pytest.mark.parametrize("most", [1, 3, 100])
def test_short_writes_are_gone_on_with(tmp_path: Path, most: int) -> None:
    """Whatever the system takes at once, all of it arrives, in order."""
    disk, path = Grudging(most), tmp_path / "file"
    descriptor = disk.create(path)
    write_all(disk, descriptor, b"0123456789")
    disk.close(descriptor)
    assert path.read_bytes() == b"0123456789"
    assert disk.calls == -(-10 // most)


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """Not an endless loop."""
    disk = Grudging(0)
    descriptor = disk.create(tmp_path / "file")
    with pytest.raises(OSError, match="takes no bytes"):
        write_all(disk, descriptor, b"data")
    disk.close(descriptor)


def test_reopening_drops_what_lies_behind_and_goes_on_there(tmp_path: Path) -> None:
    """The next write follows the bytes that were kept."""
    disk, path = Disk(), tmp_path / "file"
    path.write_bytes(b"keep torn")
    descriptor = disk.reopen(path, 4)
    disk.write(descriptor, b"!")
    disk.close(descriptor)
    assert path.read_bytes() == b"keep!"


def test_rewriting_leaves_the_writing_position(tmp_path: Path) -> None:
    """It goes over what is there, and the next write still goes to the end."""
    disk, path = Disk(), tmp_path / "file"
    descriptor = disk.create(path)
    disk.write(descriptor, b"0123456789")
    disk.rewrite(descriptor, 2, b"ab")
    disk.write(descriptor, b"!")
    disk.sync(descriptor)
    disk.close(descriptor)
    assert path.read_bytes() == b"01ab456789!"


def test_truncating_cuts_and_goes_on_at_the_end(tmp_path: Path) -> None:
    """As after a write that failed half-way."""
    disk, path = Disk(), tmp_path / "file"
    descriptor = disk.create(path)
    disk.write(descriptor, b"0123456789")
    disk.truncate(descriptor, 3)
    disk.write(descriptor, b"x")
    disk.close(descriptor)
    assert path.read_bytes() == b"012x"


class Watched(Disk):
    """Notes which folders are synced."""

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def sync_folder(self, path: Path) -> None:
        self.folders.append(path)
        super().sync_folder(path)


def test_making_folders_syncs_the_one_around_each(tmp_path: Path) -> None:
    """So a power cut cannot take a folder, and with it what is synced inside."""
    disk = Watched()
    disk.make_folder(tmp_path / "a" / "b")
    assert disk.folders == [tmp_path, tmp_path / "a"]
    disk.make_folder(tmp_path / "a" / "b")
    assert len(disk.folders) == 2


def test_renaming_replaces_and_removing_takes_what_is_gone(tmp_path: Path) -> None:
    """Both as the tape uses them."""
    disk = Disk()
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    disk.rename(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new"
    disk.unlink(tmp_path / "old")
    disk.unlink(tmp_path / "old")
    assert list(tmp_path.iterdir()) == []


def test_descriptors_are_not_inherited(tmp_path: Path) -> None:
    """A child process must not hold the journal open."""
    disk = Disk()
    for descriptor in (disk.create(tmp_path / "file"), disk.reopen(tmp_path / "file", 0)):
        assert not os.get_inheritable(descriptor)
        disk.close(descriptor)


def test_reopening_what_cannot_be_cut_leaves_nothing_open(tmp_path: Path) -> None:
    """An error on the way closes the descriptor."""
    (tmp_path / "file").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Invalid argument"):
        Disk().reopen(tmp_path / "file", -1)
    assert len(os.listdir("/proc/self/fd")) == before
