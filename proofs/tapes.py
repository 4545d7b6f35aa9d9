"""What a tape holds, mark by mark, read from its files while nobody writes them.

This is the one helper that reads through the product (`tape.reader`): what is asked of it is not
whether a mark is right, but whether it is the same as before.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from proofs.aims import ProofError
from tape.batch import Batch, Damage
from tape.reader import TapeReader
from tape.recovery import recover


def contents(folder: Path) -> dict[int, int]:
    """Mark → digest of its epoch, channel, number and tick. Comparable within one process.

    Marks in front of the first file, which has been retired, are left out.

    Raises:
        ProofError: marks cannot be read, or one is there twice.
    """
    found: dict[int, int] = {}
    for batch, channels in _named_batches(folder):
        rows = zip(batch.channel_ids, batch.ns, batch.ticks, strict=True)
        for m, (channel_id, n, tick) in enumerate(rows, batch.first_m):
            if m in found:
                raise ProofError(f"mark {m} is on the tape twice")
            found[m] = hash((batch.epoch, channels[channel_id], n, tick.kind, tick))
    return found


def numbers(folder: Path) -> dict[str, int]:
    """Channel → its last number, on a tape whose channels all begin at 1 and have no breaks.

    Raises:
        ProofError: marks cannot be read, or a channel has a break.
    """
    found: dict[str, int] = {}
    for batch, channels in _named_batches(folder):
        for channel_id, n in zip(batch.channel_ids, batch.ns, strict=True):
            name = channels[channel_id]
            if name is None or n != found.get(name, 0) + 1:
                raise ProofError(f"{name} goes on with {n} after {found.get(name or '', 0)}")
            found[name] = n
    return found


def batches(folder: Path, after_m: int) -> Iterator[Batch]:
    """Yield what lies behind a mark.

    Raises:
        ProofError: marks cannot be read.
    """
    return (batch for batch, _ in _named_batches(folder, after_m))


def _named_batches(folder: Path, after_m: int = 0) -> Iterator[tuple[Batch, Sequence[str | None]]]:
    """Yield what lies behind a mark and is still kept, with the names of the channels by their id."""
    last_m = recover(folder).state.next_m - 1
    reader = TapeReader(folder)
    try:
        for item in reader.read(max(after_m, reader.first_m() - 1), last_m):
            if isinstance(item, Damage):
                raise ProofError(f"marks {item.first_m} to {item.last_m} cannot be read: {item.reason}")
            yield item, reader.channels()
    finally:
        reader.close()
