"""What a tape knows of itself, and how each frame changes it.

The same `TapeState.apply` is used when a tape is recovered, when a reader walks it and
when the archive cuts it into blocks; so what the writer meant and what readers
understand cannot drift apart.
"""

import struct
from array import array
from sys import intern
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from tape import frames, rows
from tape.errors import FormatError
from tape.frames import Frame, encode_frame
from ticks.channels import parse_channel
from ticks.errors import ChannelError

EPOCHS_AHEAD: Final = 16
"""How many epochs a reservation covers: at most two are begun between two reservations."""
_RESERVE: Final = struct.Struct("<QI")
_CHANNELS: Final = struct.Struct("<I")

T = TypeVar("T")


class EpochStart(Struct, frozen=True, gc=False, array_like=True):
    """One row of the journal's table of epochs."""

    epoch: int
    first_m: int
    why: str
    """`start`, `restart` (the tail may be lost), `volatile`, `recovered`."""
    kept_m: int = 0
    """The last mark in front of it that was journalled: what lies between was never kept."""


class TapeState(Struct):
    """The tables of a tape at some mark. Mutable: `apply` moves it forward."""

    channels: list[str | None] = []
    """Channel id → name; None where the table's frame was damaged."""
    symbols: list[str | None] = []
    """Channel id → symbol, parsed once."""
    ns: list[int] = []
    """Channel id → the last number given."""
    epochs: list[EpochStart] = []
    positions: dict[str, bytes] = {}
    next_m: int = 1
    epoch: int = 0
    reserved_m: int = 0
    """The last mark that may be given."""
    reserved_epoch: int = 0
    """The last epoch that may be begun without a new reservation."""
    last_ts_recv: int = 0
    closed: bool = False
    """The last frame said that everything before it is durable and nothing follows."""

    def apply(self, frame: Frame) -> None:
        """Take one sound frame into account.

        Raises:
            FormatError: the frame contradicts the format.
        """
        self.closed = False
        if frame.kind == frames.BATCH:
            self._apply_batch(frame)
            return
        match frame.kind:
            case frames.CHANNELS:
                self._apply_channels(frame)
            case frames.COUNTS:
                self._apply_counts(frame)
            case frames.RESERVE:
                if len(frame.payload) != _RESERVE.size:
                    raise FormatError("reservation frame of a wrong length")
                reserved_m, reserved_epoch = _RESERVE.unpack(frame.payload)
                self.reserved_m = max(self.reserved_m, reserved_m)
                self.reserved_epoch = max(self.reserved_epoch, reserved_epoch)
            case frames.EPOCH:
                # An empty table is that of a file whose own was damaged.
                self.epochs = _decode(frame, list[EpochStart]) or self.epochs
                self.epoch = max((start.epoch for start in self.epochs), default=self.epoch)
            case frames.POSITIONS:
                self.positions = _decode(frame, dict[str, bytes])
            case frames.CLOSE:
                self.closed = True
        self.next_m = max(self.next_m, frame.first_m)

    def add_channels(self, names: list[str], first_id: int) -> None:
        """Name the channels from `first_id` on; an empty name leaves what is known.

        Raises:
            FormatError: one is not the name of a channel.
        """
        self._grow(first_id + len(names))
        known = self.channels
        for channel_id, name in enumerate(names, first_id):
            if not name or known[channel_id] == name:
                continue
            try:
                symbol = parse_channel(name).symbol
            except ChannelError as error:
                raise FormatError(str(error)) from error
            known[channel_id] = name
            self.symbols[channel_id] = intern(symbol)

    def _apply_batch(self, frame: Frame) -> None:
        payload, count = frame.payload, frame.count
        if len(payload) < rows.PREFIX.size:
            raise FormatError("batch frame too short")
        lineup_bytes, key_bytes, value_bytes, blob_bytes = rows.PREFIX.unpack_from(payload)
        rows_at = rows.PREFIX.size + lineup_bytes + key_bytes + value_bytes
        if rows_at + rows.ROW_BYTES * count + blob_bytes != len(payload):
            raise FormatError("batch frame's lengths do not add up")
        try:
            if count == 1:  # on a live feed nearly every batch is this small
                channel_id, n, ts_recv = rows.ROW_HEAD.unpack_from(payload, rows_at)
                self.ns[channel_id] = n
            else:
                ids, numbers, ts_recv = rows.heads(frame, rows_at)
                ns = self.ns
                for channel_id, n in zip(ids, numbers, strict=True):
                    ns[channel_id] = n
        except IndexError:
            # Channels whose names damage has taken: make room, and once more.
            self._grow(max(rows.heads(frame, rows_at)[0]) + 1)
            self._apply_batch(frame)
            return
        if ts_recv > self.last_ts_recv:
            self.last_ts_recv = ts_recv
        if key_bytes:
            position = rows.decode_prefix(frame).position
            assert position is not None
            self.positions[position.key] = position.value
        self.next_m = frame.first_m + count
        if frame.epoch > self.epoch:
            self.epoch = frame.epoch

    def _apply_channels(self, frame: Frame) -> None:
        if len(frame.payload) < _CHANNELS.size:
            raise FormatError("channel table too short")
        (first_id,) = _CHANNELS.unpack_from(frame.payload)
        try:
            names = str(frame.payload[_CHANNELS.size :], "utf-8").split("\n") if frame.count else []
        except UnicodeDecodeError as error:
            raise FormatError("channel table is not text") from error
        if len(names) != frame.count:
            raise FormatError("channel table's count does not match")
        self.add_channels(names, first_id)

    def _apply_counts(self, frame: Frame) -> None:
        if len(frame.payload) != 8 * frame.count:
            raise FormatError("table of counts has a wrong length")
        counts = frame.payload.cast("Q").tolist()
        self._grow(len(counts))
        self.ns[: len(counts)] = counts

    def _grow(self, size: int) -> None:
        missing = size - len(self.ns)
        if missing > 0:
            if size > 50_000_000:
                raise FormatError(f"channel id {size} is beyond anything a tape holds")
            self.ns.extend([0] * missing)
            self.channels.extend([None] * missing)
            self.symbols.extend([None] * missing)


def _decode(frame: Frame, shape: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(frame.payload, type=shape)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise FormatError(f"frame of kind {frame.kind}: {error}") from error


def channels_frame(state: TapeState, first_id: int, next_m: int) -> bytes:
    """The frame that names all channels from `first_id` on, to stand in front of mark `next_m`."""
    names = [name or "" for name in state.channels[first_id:]]
    payload = _CHANNELS.pack(first_id) + "\n".join(names).encode()
    return encode_frame(frames.CHANNELS, next_m, len(names), state.epoch, payload)


def counts_frame(state: TapeState) -> bytes:
    """The frame that says how far each channel's numbers have got."""
    payload = array("Q", state.ns).tobytes()
    return encode_frame(frames.COUNTS, state.next_m, len(state.ns), state.epoch, payload)


def reserve_frame(state: TapeState, reserved_m: int, reserved_epoch: int) -> bytes:
    """The frame that allows marks up to `reserved_m` and epochs up to `reserved_epoch`."""
    payload = _RESERVE.pack(reserved_m, reserved_epoch)
    return encode_frame(frames.RESERVE, state.next_m, 0, state.epoch, payload)


def epochs_frame(state: TapeState) -> bytes:
    """The frame that holds the table of epochs."""
    payload = msgspec.msgpack.encode(state.epochs)
    return encode_frame(frames.EPOCH, state.next_m, len(state.epochs), state.epoch, payload)


def positions_frame(state: TapeState) -> bytes:
    """The frame that holds the newest position of every source."""
    payload = msgspec.msgpack.encode(state.positions)
    return encode_frame(frames.POSITIONS, state.next_m, len(state.positions), state.epoch, payload)


def close_frame(state: TapeState) -> bytes:
    """The frame of a clean end."""
    return encode_frame(frames.CLOSE, state.next_m, 0, state.epoch, b"")


TABLES: Final = (frames.EPOCH, frames.RESERVE, frames.POSITIONS, frames.CHANNELS, frames.COUNTS)
"""The frames that begin a segment or a block, in this order."""


def tables(state: TapeState) -> bytes:
    """Everything a reader needs before the first row of a segment or an archive block."""
    return b"".join(
        (
            epochs_frame(state),
            reserve_frame(state, state.reserved_m, state.reserved_epoch),
            positions_frame(state),
            channels_frame(state, 0, state.next_m),
            counts_frame(state),
        )
    )


def never_kept(epochs: list[EpochStart], first_m: int, end_m: int) -> list[tuple[int, int]]:
    """The stretches [first, end) within [first_m, end_m) that belong to no tick on the tape.

    In front of the start of an epoch lie marks that were never given (the rest of a
    reservation) or given to ticks that could not be kept, which the tape has declared.
    """
    found = []
    for start in sorted(epochs, key=lambda start: start.first_m):
        begin, end = max(start.kept_m + 1, first_m), min(start.first_m, end_m)
        if begin < end:
            found.append((begin, end))
    return found


def copy_state(state: TapeState) -> TapeState:
    """Copy a state, so that the copy can move on by itself."""
    return TapeState(
        list(state.channels), list(state.symbols), list(state.ns), list(state.epochs), dict(state.positions),
        state.next_m, state.epoch, state.reserved_m, state.reserved_epoch, state.last_ts_recv, state.closed,
    )  # fmt: skip
