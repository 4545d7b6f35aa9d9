"""What a tape's files say after a stop, clean or not.

Only the last segment is read (its tables carry everything before it). Whether numbering
may simply go on is decided by `verdict`, from facts alone.
"""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from tape.archive import unpack_block
from tape.errors import FormatError
from tape.frames import BLOCK, Damaged, Frame, frame_end, scan
from tape.segment import HEADER_BYTES, SegmentHeader, TapeFile, decode_header, list_files
from tape.state import TapeState


class Recovered(Struct):
    """The state of the tape at the end of its last sound frame."""

    state: TapeState
    header: SegmentHeader | None = None
    """Of the last file; None for a tape without files."""
    file: TapeFile | None = None
    end: int = 0
    """Where the last sound frame of the file ends; what follows was never published whole."""
    torn_bytes: int = 0
    damage: list[str] = []
    """What was found broken, in words."""


def recover(directory: Path) -> Recovered:
    """Read the tape's last file.

    A last segment in which not even the tables are sound was being made when the process
    or the machine stopped: nothing had been published from it, and the one before counts.

    Raises:
        FormatError: there are files, but none of them can be read; or a newer format.
    """
    damage: list[str] = []
    files = list_files(directory)
    for file in reversed(files):
        data = file.path.read_bytes()
        try:
            header = decode_header(data[:HEADER_BYTES])
            recovered = _read(header, file, data)
        except FormatError as error:
            if "newer" in str(error):
                raise
            damage.append(f"{file.path.name}: {error}")
            continue
        recovered.damage = damage + recovered.damage
        return recovered
    if files:
        raise FormatError("no segment of this tape can be read: " + "; ".join(damage[:3]))
    return Recovered(TapeState())


def verdict(
    recovered: Recovered, boot_id: str, accepted_m: int | None, epoch: int
) -> Literal["fresh", "continue", "restart"]:
    """Decide how numbering goes on.

    `accepted_m` and `epoch` are what the shared marks last said (None: they are not known).
    `continue` only when nothing that was ever published can be missing: the same boot and
    marks that do not go beyond the journal, or a clean close; and no damage.
    """
    if recovered.header is None:
        return "fresh"
    if recovered.damage:
        return "restart"
    state = recovered.state
    clean = state.closed and not recovered.torn_bytes
    known = accepted_m is not None and accepted_m < state.next_m and epoch <= state.epoch
    if clean and (accepted_m is None or known):
        return "continue"
    return "continue" if recovered.header.boot_id == boot_id and known else "restart"


def _read(header: SegmentHeader, file: TapeFile, data: bytes) -> Recovered:
    state = TapeState(next_m=header.first_m)
    recovered = Recovered(state, header, file)
    end = HEADER_BYTES
    for item in scan(data, HEADER_BYTES):
        if isinstance(item, Damaged):
            recovered.damage.append(f"{file.path.name}: {item.reason} at byte {item.offset}")
            continue
        if item.kind == BLOCK:
            _read_block(state, item)
        else:
            state.apply(item)
        end = frame_end(item)
    if not state.epochs:
        raise FormatError("no tables")
    recovered.end = end
    recovered.torn_bytes = len(data) - end
    return recovered


def _read_block(state: TapeState, block: Frame) -> None:
    """Apply one block of an archive file."""
    for item in scan(unpack_block(block)):
        if isinstance(item, Frame):
            state.apply(item)
