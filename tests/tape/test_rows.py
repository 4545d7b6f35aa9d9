"""Ticks as rows and back."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tape import frames, rows
from tape.batch import Batch, SourcePosition
from tape.errors import FormatError, UnknownChannel
from tests.tape.making import NOW_NS, batch, batches, news, position, quote, trade
from ticks.model import Quote


def frame_of(made: Batch) -> frames.Frame:
    """The frame of a batch, read back."""
    frame = frames.frame_at(memoryview(rows.encode_batch(made)), 0)
    assert frame is not None
    return frame


def symbols_of(made: Batch) -> list[str | None]:
    """Channel id → symbol."""
    found = dict(zip(made.channel_ids, (tick.symbol for tick in made.ticks), strict=True))
    return [found[channel_id] for channel_id in sorted(found)]


@settings(max_examples=300, deadline=None)
@given(batches())
def test_any_batch_comes_back_equal(made: Batch) -> None:
    """Every kind of tick, every field, the position and the line-up survive the journal."""
    assert rows.decode_batch(frame_of(made), symbols_of(made)) == made


@settings(max_examples=100, deadline=None)
@given(batches(), st.data())
def test_a_part_of_a_batch_is_what_slicing_gives(made: Batch, data: st.DataObject) -> None:
    """Cut in front, the position stays; cut behind, it goes: it belongs to the end."""
    first = data.draw(st.integers(0, len(made.ticks)))
    last = data.draw(st.integers(first, len(made.ticks)))
    part = rows.decode_batch(frame_of(made), symbols_of(made), first, last)
    assert part == structs.replace(
        made,
        first_m=made.first_m + first,
        channel_ids=made.channel_ids[first:last],
        ns=made.ns[first:last],
        ticks=made.ticks[first:last],
        position=made.position if last == len(made.ticks) else None,
    )


@settings(max_examples=100, deadline=None)
@given(batches())
def test_heads_of_rows_are_those_of_the_ticks(made: Batch) -> None:
    """Channel, number and receive time can be had without decoding ticks."""
    frame = frame_of(made)
    prefix = rows.decode_prefix(frame)
    ids, ns, last = rows.heads(frame, rows.rows_offset(frame.payload))
    assert (ids, ns) == (made.channel_ids, made.ns)
    times = [tick.ts_recv for tick in made.ticks]
    assert rows.receive_times(frame, prefix) == times
    assert last == (times[-1] if times else 0)
    if times:
        assert rows.first_receive_time(frame) == times[0]


def test_trades_and_quotes_need_no_blob() -> None:
    """What makes up nearly all of a feed takes one row of 96 bytes."""
    made = batch(1, [quote(1), trade(2), quote(3, conds="ABCD"), trade(4, conds="")])
    assert len(rows.encode_batch(made)) == frames.HEADER_BYTES + rows.PREFIX.size + 4 * rows.ROW_BYTES


@pytest.mark.parametrize("conds", ["12345", "é", "a\0", "\0", "€uro"])
def test_conditions_that_do_not_fit_go_into_the_blob(conds: str) -> None:
    """Five characters, other alphabets and NUL are kept exactly."""
    made = batch(1, [quote(1, conds=conds), trade(2, conds=conds)])
    back = rows.decode_batch(frame_of(made), symbols_of(made))
    assert back == made


@pytest.mark.parametrize(
    "tick",
    [
        structs.replace(quote(), source=256),
        structs.replace(quote(), bid_price=2**63),
        structs.replace(quote(), flags=-1),
        structs.replace(trade(), trade_id=2**64),
        structs.replace(trade(), elig=1 << 16),
        structs.replace(news(), headline="\ud800"),
        structs.replace(news(), created_ns=2**64),
        structs.replace(quote(), ts_recv=1.5),
    ],
)
def test_a_tick_beyond_the_format_is_refused(tick: Quote) -> None:
    """Nothing is rounded, wrapped or dropped to make it fit."""
    with pytest.raises((ValueError, struct.error)):
        rows.encode_batch(batch(1, [tick]))


@pytest.mark.parametrize(
    "given_position", [SourcePosition("k" * 256, b""), SourcePosition("k", bytes(4097))], ids=["key", "value"]
)
def test_a_position_beyond_the_format_is_refused(given_position: SourcePosition) -> None:
    """Keys have at most 255 bytes, values 4,096."""
    with pytest.raises(ValueError, match="too long"):
        rows.encode_batch(batch(1, [quote()], position=given_position))


def test_a_batch_longer_than_any_frame_is_refused() -> None:
    """What no reader would believe must not be written."""
    many = [news(1, "x" * 1_000_000)] * 70
    with pytest.raises(ValueError, match="too long"):
        rows.encode_batch(batch(1, many))


def test_an_unnamed_channel_is_told_from_a_broken_row() -> None:
    """The reader may still learn the name; a broken row stays broken."""
    frame = frame_of(batch(1, [quote()]))
    for symbols in ([], [None]):
        with pytest.raises(UnknownChannel):
            rows.decode_batch(frame, symbols)


def frame_with(payload: bytes, count: int) -> frames.Frame:
    """A sound batch frame of any content."""
    frame = frames.frame_at(memoryview(frames.encode_frame(frames.BATCH, 1, count, 1, payload)), 0)
    assert frame is not None
    return frame


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3))
def test_any_sound_payload_is_a_batch_or_a_format_error(payload: bytes, count: int) -> None:
    """Not even a frame with a right CRC can bring the reader down."""
    try:
        made = rows.decode_batch(frame_with(payload, count), ["AAPL"])
    except FormatError:
        return
    assert len(made.ticks) == count


@settings(max_examples=300, deadline=None)
@given(batches().filter(lambda made: made.ticks), st.data())
def test_any_change_of_a_payload_is_a_batch_or_a_format_error(made: Batch, data: st.DataObject) -> None:
    """The decoder trusts no length and no offset."""
    payload = bytearray(frame_of(made).payload)
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows.decode_batch(frame_with(bytes(payload), len(made.ticks)), symbols_of(made))
    except FormatError:
        return


def test_a_batch_without_ticks_carries_its_position() -> None:
    """A source that only moved on still says how far."""
    made = batch(9, [], position=position(4))
    frame = frame_of(made)
    assert rows.decode_batch(frame, []) == made
    assert rows.heads(frame, rows.rows_offset(frame.payload)) == ([], [], 0)
    assert frame.count == 0
    assert made.last_m == 8


def test_many_conditions_do_not_fill_the_memory() -> None:
    """The caches of conditions are bounded."""
    for i in range(5_000):
        rows.encode_batch(batch(1, [quote(1, conds=f"{i:x}"[-4:].rjust(4, "z"), ts_recv=NOW_NS)]))
    assert len(rows._conds_to_bytes) <= rows._CONDS_CACHE_MAX
