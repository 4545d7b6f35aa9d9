"""What a tape holds, mark by mark, read from its files while nobody writes them.

This is the one helper that reads through the product (`tape.reader`): what is asked of it is not
whether a mark is right, but whether it is the same as before.
"""

from pathlib import Path

from proofs.aims import ProofError
from tape.reader import Damage, TapeReader
from tape.recovery import recover


def contents(folder: Path) -> dict[int, int]:
    """Mark → digest of its epoch, channel, number and tick. Comparable within one process.

    Marks in front of the first file, which has been retired, are left out.

    Raises:
        ProofError: marks cannot be read, or one is there twice.
    """
    last_m = recover(folder).state.next_m - 1
    reader = TapeReader(folder)
    found: dict[int, int] = {}
    try:
        for item in reader.read(reader.first_m() - 1, last_m):
            if isinstance(item, Damage):
                raise ProofError(f"marks {item.first_m} to {item.last_m} cannot be read: {item.reason}")
            channels = reader.channels()
            rows = zip(item.channel_ids, item.ns, item.ticks, strict=True)
            for m, (channel_id, n, tick) in enumerate(rows, item.first_m):
                if m in found:
                    raise ProofError(f"mark {m} is on the tape twice")
                found[m] = hash((item.epoch, channels[channel_id], n, tick.kind, tick))
    finally:
        reader.close()
    return found
