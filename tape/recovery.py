"""What a tape's files say after a stop, clean or not.

Only the last segment is read: its tables carry everything before it. Only where damage has
taken those, the files before it are read too. Whether numbering may simply go on is decided
by `verdict`, from facts alone.
"""

from functools import partial
from pathlib import Path
from typing import Literal

from msgspec import Struct, structs

from tape import state as tables
from tape.archive import unpack_block
from tape.errors import FormatError, NewerFormat
from tape.frames import BATCH, BLOCK, Damaged, Frame, scan
from tape.rows import ROW_BYTES
from tape.segment import HEADER_BYTES, SegmentHeader, TapeFile, decode_header, list_files, read_header
from tape.state import EPOCHS_AHEAD, TapeState

Verdict = Literal["fresh", "continue", "restart"]


class Recovered(Struct):
    """The state of the tape at the end of its last sound frame."""

    state: TapeState
    header: SegmentHeader | None = None
    """Of the last file; None for a tape without files."""
    file: TapeFile | None = None
    end: int = 0
    """Where the last sound frame of the file ends; what follows was never published whole."""
    durable_end: int = 0
    """Up to where the file was known to be on the disk; at most `end`."""
    torn_bytes: int = 0
    damaged_bytes: int = 0
    """Bytes in front of `end` that hold no sound frame."""
    damage: list[str] = []
    """What was found broken, in words."""
    worthless: list[TapeFile] = []
    """Last files without tables and without a row: a power cut took them while they were made."""


def recover(directory: Path, durable_m: int = 0) -> Recovered:
    """Read the end of the tape. `durable_m`: up to where it is known to be on the disk.

    Raises:
        NewerFormat: the last file is of a later version; the message names it.
        FormatError: there are files, but nothing sound in any of them.
    """
    files = list_files(directory)
    recovered = Recovered(TapeState())
    contents: list[tuple[TapeFile, bytes]] = []
    for file in reversed(files):
        data = file.path.read_bytes()
        _refuse_newer(file, data)
        whole = _begins_with_tables(file, data)
        if not (whole or contents or _has_rows(file, data)):
            recovered.worthless.append(file)
            recovered.damage.append(f"{file.path.name}: nothing sound in {len(data)} bytes")
            recovered.damaged_bytes += len(data)
            continue
        contents.append((file, data))
        if whole:
            break
    if files and not contents:
        raise FormatError("no file of this tape can be read: " + "; ".join(recovered.damage[:3]))
    for file, data in reversed(contents):
        _read(recovered, file, data, durable_m)
    if recovered.header is not None and not recovered.header.tape_id:
        tape_id = next((known.tape_id for file in files if (known := _header(file))), "")
        recovered.header = structs.replace(recovered.header, tape_id=tape_id)
    return recovered


def verdict(recovered: Recovered, boot_id: str, accepted_m: int | None, epoch: int) -> Verdict:
    """Decide how numbering goes on.

    `accepted_m` and `epoch` are what the shared marks last said in this boot of the machine
    (None: nothing). `continue` only when nothing that was ever published can be missing: the
    same boot and marks that do not go beyond the journal, or a clean close; and no damage.
    """
    if recovered.header is None:
        return "fresh"
    if recovered.damage:
        return "restart"
    state = recovered.state
    if accepted_m is not None:
        known = accepted_m < state.next_m and epoch <= state.epoch
        return "continue" if known and recovered.header.boot_id == boot_id else "restart"
    return "continue" if state.closed and not recovered.torn_bytes else "restart"


def next_epoch(recovered: Recovered, reserve_marks: int) -> tuple[int, int]:
    """Epoch and first mark after a `restart`: beyond everything that can ever have been given."""
    state = recovered.state
    reserved_m, reserved_epoch = state.reserved_m, state.reserved_epoch
    unsound_bytes = recovered.damaged_bytes + recovered.torn_bytes
    if unsound_bytes:
        # A reservation may have been among them. It was made from a mark that, with all the rows
        # there is room for in those bytes, cannot lie beyond this.
        rows_end_m = state.next_m + unsound_bytes // ROW_BYTES
        reserved_m = max(reserved_m, rows_end_m + reserve_marks)
        reserved_epoch += EPOCHS_AHEAD
    return max(reserved_epoch, state.epoch) + 1, max(reserved_m, state.next_m - 1) + 1


def describe(recovered: Recovered) -> str:
    """One line about what was found at the start."""
    if recovered.header is None:
        return "new tape"
    parts = [f"tape up to mark {recovered.state.next_m - 1}, epoch {recovered.state.epoch}"]
    if recovered.torn_bytes:
        parts.append(f"{recovered.torn_bytes} torn bytes cut off")
    parts.extend(recovered.damage)
    return "; ".join(parts)


def _refuse_newer(file: TapeFile, data: bytes) -> None:
    try:
        decode_header(data[:HEADER_BYTES])
    except NewerFormat as error:
        raise NewerFormat(f"{file.path.name}: {error}") from None
    except FormatError:
        return  # damaged: the frames may still be sound


def _begins_with_tables(file: TapeFile, data: bytes) -> bool:
    """Whether all tables stand whole at the beginning of a file."""
    frames = scan(data, HEADER_BYTES)
    if file.archived:
        block = next(frames, None)
        if not isinstance(block, Frame) or block.kind != BLOCK:
            return False
        try:
            frames = scan(unpack_block(block))
        except FormatError:
            return False
    kinds = [getattr(next(frames, None), "kind", 0) for _ in tables.TABLES]
    return tuple(kinds) == tables.TABLES


def _has_rows(file: TapeFile, data: bytes) -> bool:
    if file.archived:
        return True
    return any(isinstance(item, Frame) and item.kind == BATCH for item in scan(data, HEADER_BYTES))


def _read(recovered: Recovered, file: TapeFile, data: bytes, durable_m: int) -> None:
    """Apply a file."""
    name, state = file.path.name, recovered.state
    recovered.damaged_bytes += recovered.torn_bytes  # at the end of the file before
    recovered.file = file
    recovered.header = SegmentHeader(file.first_m, 0, "", "", file.archived)
    try:
        recovered.header = decode_header(data[:HEADER_BYTES])
    except FormatError as error:
        recovered.damage.append(f"{name}: {error}")
    end, durable_end = HEADER_BYTES, 0
    apply = partial(_apply_block, state) if file.archived else state.apply
    for item in scan(data, HEADER_BYTES):
        if isinstance(item, Damaged):
            recovered.damage.append(f"{name}: no sound frame in bytes {item.offset} to {item.end}")
            recovered.damaged_bytes += item.end - item.offset
            continue
        try:
            apply(item)
        except FormatError as error:
            recovered.damage.append(f"{name}: {error} at byte {item.offset}")
        end = item.end
        if item.kind == BATCH and item.first_m + max(1, item.count) <= durable_m + 1:
            durable_end = end
    recovered.end = end
    recovered.durable_end = durable_end
    recovered.torn_bytes = max(0, len(data) - end)


def _apply_block(state: TapeState, frame: Frame) -> None:
    """Apply a frame of an archive: a block of frames, or the index, which says nothing new."""
    if frame.kind == BLOCK:
        for item in scan(unpack_block(frame)):
            if isinstance(item, Frame):
                state.apply(item)


def _header(file: TapeFile) -> SegmentHeader | None:
    try:
        return read_header(file)
    except (FormatError, OSError):
        return None
