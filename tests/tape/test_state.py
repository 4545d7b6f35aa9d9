"""The tables of a tape, as frames change them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape import frames, rows
from tape import state as tables
from tape.errors import FormatError
from tape.frames import Frame, encode_frame, scan
from tape.sequencer import Sequencer
from tape.state import EpochStart, TapeState, never_kept
from tests.tape.making import position, quote, trade
from tests.ticks.strategies import any_tick
from ticks.model import Tick


def apply_all(state: TapeState, data: bytes | bytearray) -> TapeState:
    """Apply every frame of some bytes."""
    for item in scan(data):
        assert isinstance(item, Frame)
        state.apply(item)
    return state


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(any_tick(), max_size=6), max_size=6), st.integers(0, 6))
def test_reading_frames_gives_the_state_that_wrote_them(given_ticks: list[list[Tick]], told: int) -> None:
    """Tables at any moment and the batches after it lead to the writer's own state."""
    sequencer = Sequencer(TapeState(reserved_m=1 << 40, reserved_epoch=16))
    sequencer.begin_epoch(1, 1, "start", 0)
    state, data, known = sequencer.state, bytearray(), 0
    for i, ticks in enumerate(given_ticks):
        if i == told:
            data = bytearray(tables.tables(state))
            known = len(state.channels)
        batch = sequencer.number("", ticks, 0, position(i, f"source-{i % 2}") if i % 3 else None)
        if len(state.channels) > known:
            data += tables.channels_frame(state, known, batch.first_m)
            known = len(state.channels)
        data += rows.encode_batch(batch)
    if told >= len(given_ticks):
        data = bytearray(tables.tables(state))
    read = apply_all(TapeState(), data)
    for field in ("channels", "symbols", "ns", "next_m", "positions", "epochs", "epoch", "reserved_m"):
        assert getattr(read, field) == getattr(state, field), field


def test_one_row_and_many_rows_are_applied_alike() -> None:
    """The short way for the usual small batch leads to the same state."""
    ticks: list[Tick] = [quote(i, f"S{i % 3}", ts_recv=i) for i in range(1, 20)]
    states = []
    for size in (1, 19):
        sequencer = Sequencer(TapeState())
        sequencer.limit_m = 1 << 40
        read = TapeState()
        for at in range(0, len(ticks), size):
            apply_all(read, rows.encode_batch(sequencer.number("", ticks[at : at + size], 0, position(7))))
        states.append(read)
    assert states[0] == states[1]
    assert states[0].last_ts_recv == 19


def test_a_row_of_a_channel_without_a_name_makes_room_for_it() -> None:
    """Damage may have taken the table of channels: numbers are kept, names are missing."""
    sequencer = Sequencer(TapeState())
    sequencer.limit_m = 1 << 40
    for many in ([trade(1, "A")], [trade(1, "B"), trade(2, "C")]):
        state = apply_all(TapeState(), rows.encode_batch(sequencer.number("", list(many), 0)))
    assert state.ns == [0, 1, 1]
    assert state.channels == [None, None, None]


def test_a_table_without_a_name_does_not_take_it_away() -> None:
    """A table that was written after damage knows less than the one before."""
    state = TapeState()
    state.add_channels(["t:A", "t:B"], 0)
    state.add_channels(["", "t:B", "t:C"], 0)
    assert state.channels == ["t:A", "t:B", "t:C"]
    assert state.symbols == ["A", "B", "C"]


def test_an_empty_table_of_epochs_changes_nothing() -> None:
    """It is that of a file whose own was damaged."""
    known = TapeState(epochs=[EpochStart(3, 10, "restart", 5)], epoch=3)
    apply_all(known, tables.epochs_frame(TapeState()))
    assert (known.epochs, known.epoch) == ([EpochStart(3, 10, "restart", 5)], 3)


def test_reservations_never_fall() -> None:
    """Whatever order frames are read in."""
    state = TapeState()
    for reserved_m, epoch in ((100, 5), (50, 9)):
        apply_all(state, tables.reserve_frame(state, reserved_m, epoch))
    assert (state.reserved_m, state.reserved_epoch) == (100, 9)


def test_only_the_frame_that_ends_cleanly_closes() -> None:
    """Anything behind it opens the tape again."""
    state = apply_all(TapeState(), tables.close_frame(TapeState()))
    assert state.closed
    apply_all(state, tables.reserve_frame(state, 1, 1))
    assert not state.closed


@pytest.mark.parametrize(
    ("kind", "count", "payload"),
    [
        (frames.RESERVE, 0, b"short"),
        (frames.EPOCH, 1, b"\xc1"),
        (frames.POSITIONS, 1, b"\x01"),
        (frames.CHANNELS, 1, b"\0"),
        (frames.CHANNELS, 2, b"\0\0\0\0t:A"),
        (frames.CHANNELS, 1, b"\0\0\0\0nonsense"),
        (frames.CHANNELS, 1, b"\0\0\0\0\xff"),
        (frames.CHANNELS, 1, b"\xff\xff\xff\xfft:A"),
        (frames.COUNTS, 2, b"\0" * 8),
        (frames.BATCH, 0, b""),
        (frames.BATCH, 1, b"\0" * 20),
    ],
)
def test_a_sound_frame_that_contradicts_the_format_is_an_error(kind: int, count: int, payload: bytes) -> None:
    """Not a crash, and not a guess."""
    with pytest.raises(FormatError):
        apply_all(TapeState(), encode_frame(kind, 1, count, 1, payload))


epochs_lists = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8)), max_size=5)


@given(epochs_lists, st.integers(1, 60), st.integers(0, 40))
def test_stretches_never_kept_lie_in_front_of_epochs(
    given_epochs: list[tuple[int, int]], first_m: int, length: int
) -> None:
    """Exactly the marks between the last kept one and the start of an epoch, within the range."""
    epochs: list[EpochStart] = []
    m = 1
    for kept, unkept in given_epochs:
        m += kept
        epochs.append(EpochStart(len(epochs), m + unkept, "restart", m - 1))
        m += unkept
    end_m = first_m + length
    wanted = {
        mark for start in epochs for mark in range(start.kept_m + 1, start.first_m) if first_m <= mark < end_m
    }
    found = never_kept(epochs, first_m, end_m)
    assert {mark for begin, end in found for mark in range(begin, end)} == wanted
    assert found == sorted(found)
