"""Ticks as fixed-width rows: 96 bytes each, and a blob area for what does not fit.

Trades and quotes are packed whole. Every other kind, and the odd trade or quote whose
fields do not fit (more than four conditions, say), keeps its head in the row and the whole
tick in the blob area of the same frame; the row then holds offset and length.

    channel u32 | kind u8 | source u8 | venue u8 | sip_tape u8 | n u64 | ts_event ts_send ts_recv src_seq i64
    | flags u32 | conds 4s | four 64-bit words | bid_venue u8 | ask_venue u8 | elig u16 | blob length u32

The payload of a batch frame:

    lineup length u8 | key length u8 | value length u16 | blob length u32
    | lineup | key | value | rows | blobs
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tape.batch import Batch, SourcePosition
from tape.errors import FormatError, UnknownChannel
from tape.frames import BATCH, HEADER_BYTES, PAYLOAD_BYTES_MAX, Frame, seal_frame
from ticks import kinds
from ticks.errors import CodecError
from ticks.model import Quote, Tick, Trade
from ticks.packing import pack_tick, unpack_tick

ROW_BYTES: Final = 96
PREFIX: Final = struct.Struct("<BBHI")
TRADE_ROW: Final = struct.Struct("<IBBBBQqqqqI4sqqQqBBHI")
QUOTE_ROW: Final = struct.Struct("<IBBBBQqqqqI4sqqqqBBHI")
ROW_HEAD: Final = struct.Struct("<I4xQ16xq")
"""Channel, number and receive time of a row."""
assert TRADE_ROW.size == QUOTE_ROW.size == ROW_BYTES

_CONDS_CACHE_MAX: Final = 4096
_conds_to_bytes: dict[str, bytes] = {}
_conds_to_text: dict[bytes, str] = {}


class BatchPrefix(Struct, frozen=True, gc=False):
    """What stands before the rows of a batch frame."""

    lineup: str
    position: SourcePosition | None
    rows_offset: int
    blob_offset: int


def encode_batch(batch: Batch) -> bytearray:
    """Build the frame of one batch.

    Raises:
        ValueError: the line-up, the position, a text or the whole batch is beyond the format.
        struct.error: a number is.
    """
    lineup = batch.lineup.encode()
    key, value = (batch.position.key.encode(), batch.position.value) if batch.position else (b"", b"")
    if len(lineup) > 255 or len(key) > 255 or len(value) > 4096:
        raise ValueError("a line-up name, position key or position value is too long for the journal")
    rows_at = HEADER_BYTES + PREFIX.size + len(lineup) + len(key) + len(value)
    buffer = bytearray(rows_at + ROW_BYTES * len(batch.ticks))
    blobs: list[bytes] = []
    blob_bytes = 0
    offset = rows_at
    trade_into, quote_into = TRADE_ROW.pack_into, QUOTE_ROW.pack_into
    for channel_id, n, tick in zip(batch.channel_ids, batch.ns, batch.ticks, strict=True):
        kind = tick.kind
        if kind == kinds.QUOTE and len(tick.conds) <= 4 and (conds := _conds_bytes(tick.conds)) is not None:  # type: ignore[union-attr]
            quote: Quote = tick  # type: ignore[assignment]
            quote_into(
                buffer, offset, channel_id, kind, quote.source, quote.venue, quote.sip_tape, n,
                quote.ts_event, quote.ts_send, quote.ts_recv, quote.src_seq, quote.flags, conds,
                quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size,
                quote.bid_venue, quote.ask_venue, 0, 0,
            )  # fmt: skip
        elif kind == kinds.TRADE and len(tick.conds) <= 4 and (conds := _conds_bytes(tick.conds)) is not None:  # type: ignore[union-attr]
            trade: Trade = tick  # type: ignore[assignment]
            trade_into(
                buffer, offset, channel_id, kind, trade.source, trade.venue, trade.sip_tape, n,
                trade.ts_event, trade.ts_send, trade.ts_recv, trade.src_seq, trade.flags, conds,
                trade.price, trade.size, trade.trade_id, 0, 0, 0, trade.elig, 0,
            )  # fmt: skip
        else:
            blob = pack_tick(tick)
            quote_into(
                buffer, offset, channel_id, kind, tick.source, tick.venue, 0, n,
                tick.ts_event, tick.ts_send, tick.ts_recv, tick.src_seq, tick.flags, b"",
                blob_bytes, 0, 0, 0, 0, 0, 0, len(blob),
            )  # fmt: skip
            blobs.append(blob)
            blob_bytes += len(blob)
        offset += ROW_BYTES
    PREFIX.pack_into(buffer, HEADER_BYTES, len(lineup), len(key), len(value), blob_bytes)
    buffer[HEADER_BYTES + PREFIX.size : rows_at] = lineup + key + value
    if blobs:
        buffer += b"".join(blobs)
    if len(buffer) - HEADER_BYTES > PAYLOAD_BYTES_MAX:
        raise ValueError(f"a batch of {len(batch.ticks)} ticks is too long for the journal")
    seal_frame(buffer, BATCH, batch.first_m, len(batch.ticks), batch.epoch)
    return buffer


def decode_prefix(frame: Frame) -> BatchPrefix:
    """Read what stands before the rows.

    Raises:
        FormatError: the lengths do not add up.
    """
    payload = frame.payload
    if len(payload) < PREFIX.size:
        raise FormatError("batch frame too short")
    lineup_bytes, key_bytes, value_bytes, blob_bytes = PREFIX.unpack_from(payload)
    key_at = PREFIX.size + lineup_bytes
    value_at = key_at + key_bytes
    rows_at = value_at + value_bytes
    blob_at = rows_at + ROW_BYTES * frame.count
    if blob_at + blob_bytes != len(payload):
        raise FormatError("batch frame's lengths do not add up")
    try:
        lineup, key = str(payload[PREFIX.size : key_at], "utf-8"), str(payload[key_at:value_at], "utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("a line-up's or position's name is not text") from error
    position = SourcePosition(key, bytes(payload[value_at:rows_at])) if key else None
    return BatchPrefix(lineup, position, rows_at, blob_at)


def heads(frame: Frame, rows_offset: int) -> tuple[list[int], list[int], int]:
    """Channel and number of every row, and the newest receive time (0 without rows)."""
    count, payload = frame.count, frame.payload
    if not count:
        return [], [], 0
    rows = payload[rows_offset : rows_offset + ROW_BYTES * count]
    ids = rows.cast("I")[:: ROW_BYTES // 4].tolist()
    ns = rows.cast("Q")[1 :: ROW_BYTES // 8].tolist()
    return ids, ns, ROW_HEAD.unpack_from(payload, rows_offset + ROW_BYTES * (count - 1))[2]


def receive_times(frame: Frame, prefix: BatchPrefix) -> list[int]:
    """The `ts_recv` of every row, ns."""
    rows = frame.payload[prefix.rows_offset : prefix.blob_offset]
    return rows.cast("q")[4 :: ROW_BYTES // 8].tolist() if frame.count else []


def first_receive_time(frame: Frame) -> int:
    """The `ts_recv` of the first row of a frame that has rows, ns."""
    return int(ROW_HEAD.unpack_from(frame.payload, rows_offset(frame.payload))[2])


def rows_offset(payload: memoryview) -> int:
    """Where the rows of a batch frame's payload begin."""
    lineup_bytes, key_bytes, value_bytes, _ = PREFIX.unpack_from(payload)
    return PREFIX.size + int(lineup_bytes) + int(key_bytes) + int(value_bytes)


def decode_batch(
    frame: Frame, symbols: Sequence[str | None], first: int = 0, last: int | None = None
) -> Batch:
    """Read rows `first` … `last - 1` of a batch frame back into a batch.

    `symbols` gives the symbol of each channel id.

    Raises:
        UnknownChannel: no symbol is known for a row's channel.
        FormatError: a blob is not a tick.
    """
    prefix = decode_prefix(frame)
    count = frame.count if last is None else min(last, frame.count)
    ids: list[int] = []
    ns: list[int] = []
    ticks: list[Tick] = []
    payload = frame.payload
    offset = prefix.rows_offset + ROW_BYTES * first
    for _ in range(first, count):
        (
            channel_id, kind, source, venue, sip_tape, n, ts_event, ts_send, ts_recv, src_seq, flags,
            conds, a, b, c, d, bid_venue, ask_venue, elig, blob_bytes,
        ) = QUOTE_ROW.unpack_from(payload, offset)  # fmt: skip
        symbol = symbols[channel_id] if channel_id < len(symbols) else None
        if symbol is None:
            raise UnknownChannel(f"row of channel {channel_id}, which no table names")
        if blob_bytes:
            tick = _from_blob(kind, payload[prefix.blob_offset :], a, blob_bytes)
        elif kind == kinds.QUOTE:
            tick = Quote(
                source, venue, symbol, ts_event, ts_send, ts_recv, src_seq, flags,
                a, b, c, d, bid_venue, ask_venue, _conds_text(conds), sip_tape,
            )  # fmt: skip
        elif kind == kinds.TRADE:
            tick = Trade(
                source, venue, symbol, ts_event, ts_send, ts_recv, src_seq, flags,
                a, b, c if c >= 0 else c + 2**64, sip_tape, _conds_text(conds), elig,
            )  # fmt: skip
        else:
            raise FormatError(f"row of kind {kind} without a blob")
        ids.append(channel_id)
        ns.append(n)
        ticks.append(tick)
        offset += ROW_BYTES
    position = prefix.position if count == frame.count else None
    return Batch(frame.epoch, prefix.lineup, frame.first_m + first, ids, ns, ticks, position)


def _from_blob(kind: int, blobs: memoryview, begin: int, length: int) -> Tick:
    if begin < 0 or begin + length > len(blobs):
        raise FormatError("a blob lies outside its frame")
    try:
        return unpack_tick(kind, bytes(blobs[begin : begin + length]))
    except CodecError as error:
        raise FormatError(str(error)) from error


def _conds_bytes(conds: str) -> bytes | None:
    """The conditions as four bytes, or None when they are not four plain characters."""
    packed = _conds_to_bytes.get(conds)
    if packed is not None:
        return packed
    if not conds.isascii() or "\0" in conds:
        return None
    if len(_conds_to_bytes) < _CONDS_CACHE_MAX:
        _conds_to_bytes[conds] = conds.encode()
    return conds.encode()


def _conds_text(packed: bytes) -> str:
    text = _conds_to_text.get(packed)
    if text is None:
        text = packed.rstrip(b"\0").decode("latin-1")
        if len(_conds_to_text) < _CONDS_CACHE_MAX:
            _conds_to_text[packed] = text
    return text
