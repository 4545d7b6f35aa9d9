"""Totals of one recording in one data folder, kept in the recording's own tape position.

An interrupted and restarted replay must report the same totals as an undisturbed one. So
what has been published so far travels with the position that is journalled in the same
frame as the ticks: both survive, or neither.
"""

import struct
from typing import Final

from msgspec import Struct

from ticks.kinds import KINDS
from ticks.model import Tick

KINDS_MAX: Final = 24
"""Room for kinds to come: the layout of saved totals must not change."""
_LAYOUT: Final = struct.Struct(f"<Q{KINDS_MAX}Q")


class Totals(Struct):
    """What has been published from one recording."""

    first_m: int = 0
    """The mark of its first tick; 0 before there was one."""
    published: list[int] = []
    """Kind number → ticks."""

    def add(self, ticks: list[Tick], next_m: int) -> None:
        """Count ticks that are about to be published from mark `next_m` on."""
        if ticks and not self.first_m:
            self.first_m = next_m
        if not self.published:
            self.published = [0] * KINDS_MAX
        published = self.published
        for tick in ticks:
            published[tick.kind] += 1

    def pack(self, position: bytes) -> bytes:
        """The totals, followed by the feed's own position."""
        return _LAYOUT.pack(self.first_m, *(self.published or [0] * KINDS_MAX)) + position

    def by_report(self) -> dict[str, int]:
        """Published ticks by the kind's key in reports; kinds without any are left out."""
        if not self.published:
            return {}
        return {
            kind.report: self.published[kind.number] for kind in KINDS.values() if self.published[kind.number]
        }


def unpack_totals(value: bytes) -> tuple[Totals, bytes]:
    """Split a saved position into totals and the feed's own position.

    Raises:
        ValueError: too short to be one.
    """
    if len(value) < _LAYOUT.size:
        raise ValueError("saved position is too short")
    first_m, *published = _LAYOUT.unpack_from(value)
    return Totals(first_m, published), value[_LAYOUT.size :]
