"""The marks of a tape, shared between processes through one small mapped file.

Each mark is an aligned 64-bit word written by one process and read by all: `accepted`,
`durable` and `epoch` by the process that numbers, `stored` by the writer. The file is
never synced: after the death of a process its pages are still there, and after a power
cut the stamp is of another boot and nobody believes what the process that numbered had
said (DESIGN 3, rules 3 and 4).
"""

import mmap
import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

FILE_NAME: Final = "marks.bin"
MAGIC: Final = 0x314B52414D575431
_BYTES: Final = 4096
_MAGIC, _ACCEPTED, _DURABLE, _STORED, _EPOCH, _BEAT, _STAMP = range(7)


class Marks:
    """The states of a tick, as marks. Whoever comes first makes the file, all zero."""

    def __init__(self, directory: Path) -> None:
        path = directory / FILE_NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.fstat(descriptor).st_size < _BYTES:
                os.posix_fallocate(descriptor, 0, _BYTES)
            self._map = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._map).cast("Q")
        if self._words[_MAGIC] != MAGIC:
            for word in range(1, len(self._words)):
                self._words[word] = 0
            self._words[_MAGIC] = MAGIC

    @property
    def accepted(self) -> int:
        """Every mark up to here has been given (numbered and published)."""
        return self._words[_ACCEPTED]

    @accepted.setter
    def accepted(self, m: int) -> None:
        self._words[_ACCEPTED] = m

    @property
    def durable(self) -> int:
        """Everything up to here is on the disk."""
        return self._words[_DURABLE]

    @durable.setter
    def durable(self, m: int) -> None:
        self._words[_DURABLE] = m

    @property
    def stored(self) -> int:
        """Everything up to here is in the store."""
        return self._words[_STORED]

    @stored.setter
    def stored(self, m: int) -> None:
        self._words[_STORED] = m

    @property
    def epoch(self) -> int:
        """The newest epoch that has been begun, a volatile one included."""
        return self._words[_EPOCH]

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._words[_EPOCH] = epoch

    @property
    def beat(self) -> int:
        """The writer's heartbeat: it changes while the writer lives."""
        return self._words[_BEAT]

    @beat.setter
    def beat(self, value: int) -> None:
        self._words[_BEAT] = value & 0xFFFFFFFFFFFFFFFF

    def stamped(self, boot_id: str) -> bool:
        """Whether `accepted`, `durable` and `epoch` were last written in this boot of the machine."""
        return self._words[_STAMP] == _stamp(boot_id)

    def stamp(self, boot_id: str) -> None:
        """Say that they are from this boot. Only the process that numbers does."""
        self._words[_STAMP] = _stamp(boot_id)

    def close(self) -> None:
        """Let go of the file."""
        self._words.release()
        self._map.close()


def _stamp(boot_id: str) -> int:
    # Never 0, which is what a file has that nobody stamped.
    return int.from_bytes(blake2b(boot_id.encode(), digest_size=8).digest()) | 1
