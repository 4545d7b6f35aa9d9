"""The few calls by which the tape touches a disk, in one place so that tests can make them fail."""

import errno
import os
from pathlib import Path


class Disk:
    """The real disk. Every method raises `OSError` as the system does."""

    def make_folder(self, path: Path) -> None:
        """Make a folder where it is missing, and its parents, so that a power cut cannot take them."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        path.mkdir(exist_ok=True)
        self.sync_folder(path.parent)

    def create(self, path: Path) -> int:
        """Make or empty a file and open it for writing; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def reopen(self, path: Path, size: int) -> int:
        """Open a file for writing behind its first `size` bytes, dropping the rest."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self.truncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def write(self, descriptor: int, data: bytes | bytearray | memoryview) -> int:
        """Write once; return how many bytes were taken."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file and set the writing position to its end."""
        os.ftruncate(descriptor, size)
        os.lseek(descriptor, size, os.SEEK_SET)

    def rewrite(self, descriptor: int, offset: int, data: bytes) -> None:
        """Write `data` over what is at `offset`; the writing position stays."""
        with memoryview(data) as view:
            done = 0
            while done < len(view):
                done += os.pwrite(descriptor, view[done:], offset + done)

    def sync(self, descriptor: int) -> None:
        """Return when the file's data is on the disk."""
        os.fdatasync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's entries are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, replacing what had it."""
        os.replace(source, target)

    def unlink(self, path: Path) -> None:
        """Remove a file; it may be gone already."""
        path.unlink(missing_ok=True)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)


def write_all(disk: Disk, descriptor: int, data: bytes | bytearray) -> None:
    """Write all of `data`, going on after short writes."""
    taken = disk.write(descriptor, data)
    if taken == len(data):
        return
    with memoryview(data) as view:
        while taken < len(view):
            more = disk.write(descriptor, view[taken:])
            if more <= 0:
                # No system does this for a regular file; going on would be an endless loop.
                raise OSError(errno.EIO, "the disk takes no bytes and says no reason")
            taken += more
