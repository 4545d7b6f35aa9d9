"""Batches: what the sequencer makes of a list of ticks. Every reader of the tape gets them, and holes."""

from msgspec import Struct

from ticks.model import Tick


class SourcePosition(Struct, frozen=True, gc=False):
    """How far a source had got when a batch was made: a restarted source continues exactly there.

    Opaque to the tape, which keeps the newest value per key (at most 255 bytes of key,
    4,096 of value) in the same frame as the ticks.
    """

    key: str
    """Names the source and what it reads, such as `replay:` and the file's digest."""
    value: bytes


class Batch(Struct, frozen=True, gc=False):
    """Numbered ticks, in the order of their marks.

    The mark of `ticks[i]` is `first_m + i`; its number in its channel is `ns[i]`; the
    channel is `channel_ids[i]`, dense from 0 within one tape.
    """

    epoch: int
    lineup: str
    first_m: int
    channel_ids: list[int]
    ns: list[int]
    ticks: list[Tick]
    position: SourcePosition | None = None

    @property
    def last_m(self) -> int:
        """The mark of the last tick; `first_m - 1` in a batch without ticks."""
        return self.first_m + len(self.ticks) - 1


class Damage(Struct, frozen=True, gc=False):
    """A hole: marks that were given but cannot be read any more."""

    first_m: int
    last_m: int
    reason: str
    """`retention` (deleted by age or budget) or `disk` (damaged)."""
