"""Thresholds in order, the nearest at the end: half of what makes a quiet tick cost two comparisons.

A threshold is a place on one axis. Those that act when a value rises to their price are kept
by the negative price, those that act when it falls to it by the price itself: so either way
what a value reaches is at the end, and one class serves both.

The list is cut into chunks, so that adding and removing one of a hundred thousand moves a
thousand places at most.
"""

from bisect import bisect_left, insort
from typing import Final

CHUNK_MAX: Final = 1_024
"""A longer chunk is halved."""
NOWHERE: Final = -(1 << 70)
"""The nearest place when there is none: no 64-bit value reaches it."""


class Thresholds:
    """Numbers at places, in order."""

    def __init__(self) -> None:
        self._chunks: list[list[tuple[int, int]]] = []
        """Each in order, none empty, and all of one before all of the next."""
        self._firsts: list[tuple[int, int]] = []
        """The first entry of each chunk."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nearest(self) -> int:
        """The place that is reached first; `NOWHERE` when there is none."""
        return self._chunks[-1][-1][0] if self._chunks else NOWHERE

    def add(self, place: int, number: int) -> None:
        """Add a number at a place. The same pair must not be there yet."""
        entry = place, number
        self._count += 1
        if not self._chunks:
            self._chunks.append([entry])
            self._firsts.append(entry)
            return
        at = self._chunk_of(entry)
        chunk = self._chunks[at]
        insort(chunk, entry)
        self._firsts[at] = chunk[0]
        if len(chunk) > CHUNK_MAX:
            half = len(chunk) // 2
            self._chunks.insert(at + 1, chunk[half:])
            self._firsts.insert(at + 1, chunk[half])
            del chunk[half:]

    def remove(self, place: int, number: int) -> None:
        """Take out what was added.

        Raises:
            KeyError: it is not there.
        """
        entry = place, number
        if not self._chunks:
            raise KeyError(entry)
        at = self._chunk_of(entry)
        chunk = self._chunks[at]
        index = bisect_left(chunk, entry)
        if index == len(chunk) or chunk[index] != entry:
            raise KeyError(entry)
        del chunk[index]
        self._count -= 1
        if chunk:
            self._firsts[at] = chunk[0]
        else:
            del self._chunks[at], self._firsts[at]

    def reached(self, place: int) -> list[int]:
        """The numbers at `place` or beyond it, nearest first."""
        found: list[int] = []
        for chunk in reversed(self._chunks):
            for entry in reversed(chunk):
                if entry[0] < place:
                    return found
                found.append(entry[1])
        return found

    def _chunk_of(self, entry: tuple[int, int]) -> int:
        at = bisect_left(self._firsts, entry)
        if at < len(self._firsts) and self._firsts[at] == entry:
            return at
        return max(0, at - 1)
