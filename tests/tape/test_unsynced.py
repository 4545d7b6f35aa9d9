"""Copies of what is not durable."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tape import rows
from tape import state as tables
from tape.sequencer import Sequencer
from tape.state import TapeState, copy_state
from tape.unsynced import Unsynced
from tests.tape.making import position, quote
from ticks.model import Tick

sizes = st.lists(st.integers(0, 5), min_size=1, max_size=20)


class Writer:
    """A sequencer whose batches are kept, beside the states in front of each of them."""

    def __init__(self, bytes_max: int = 1 << 20) -> None:
        self.sequencer = Sequencer(TapeState())
        self.sequencer.limit_m = 1 << 40
        self.sequencer.begin_epoch(1, 1, "start", 0)
        self.state = self.sequencer.state
        self.unsynced = Unsynced(bytes_max, self.state.positions)
        self.before: list[TapeState] = []
        self.last_ms: list[int] = []
        self.ticks: list[int] = []

    def write(self, size: int) -> None:
        """Number and keep a batch."""
        self.before.append(copy_state(self.state))
        seq = self.state.next_m
        ticks: list[Tick] = [quote(seq + i, f"S{(seq + i) % 3}") for i in range(size)]
        batch = self.sequencer.number("", ticks, 0, position(seq, f"k{seq % 2}"))
        self.unsynced.keep(batch.last_m, size, rows.encode_batch(batch), batch.position)
        self.last_ms.append(batch.last_m)
        self.ticks.append(size)


@settings(max_examples=150, deadline=None)
@given(sizes, st.integers(0, 20))
def test_state_before_is_the_state_there_was_before(made: list[int], durable: int) -> None:
    """From the copies alone the tables in front of the first of them are found again."""
    writer = Writer()
    for size in made:
        writer.write(size)
    durable_m = writer.last_ms[durable] if durable < len(made) else 0
    writer.unsynced.settle(durable_m)
    kept = [i for i, last_m in enumerate(writer.last_ms) if last_m > durable_m]
    # Batches without ticks have the last mark of the one in front: what is durable goes with them.
    first = kept[0] if kept else len(made)
    assert len(writer.unsynced.frames()) == len(made) - first
    before = writer.unsynced.state_before(writer.state)
    if first == len(made):
        assert before is writer.state
        return
    wanted = writer.before[first]
    assert before.next_m == wanted.next_m
    assert before.positions == wanted.positions
    assert before.ns[: len(wanted.ns)] == wanted.ns
    assert not any(before.ns[len(wanted.ns) :])
    assert before.epoch == 1


def test_the_oldest_copies_go_when_there_are_too_many() -> None:
    """The bound holds; what it costs is told until it is durable after all."""
    writer = Writer(bytes_max=700)
    for _ in range(10):
        writer.write(3)
        assert writer.unsynced.bytes <= 700
    kept = len(writer.unsynced.frames())
    assert 0 < kept < 10
    assert writer.unsynced.lost == 3 * (10 - kept)
    writer.unsynced.settle(writer.last_ms[2])
    assert writer.unsynced.lost == 3 * (10 - kept - 3)
    writer.unsynced.settle(writer.last_ms[-1])
    assert (writer.unsynced.lost, writer.unsynced.bytes, writer.unsynced.frames()) == (0, 0, [])


def test_positions_of_copies_that_were_let_go_count_as_passed() -> None:
    """Their ticks are declared lost; the source must not send them again."""
    writer = Writer(bytes_max=400)
    for _ in range(6):
        writer.write(2)
    first_kept = len(writer.before) - len(writer.unsynced.frames())
    assert writer.unsynced.state_before(writer.state).positions == writer.before[first_kept].positions


def test_clearing_forgets_everything() -> None:
    """After a restart all is durable, or given up."""
    writer = Writer(bytes_max=700)
    for _ in range(10):
        writer.write(3)
    writer.unsynced.clear({"k": b"9"})
    assert (writer.unsynced.lost, writer.unsynced.bytes, writer.unsynced.frames()) == (0, 0, [])
    writer.write(1)
    assert writer.unsynced.state_before(writer.state).positions == {"k": b"9"}


def test_tables_among_the_copies_do_no_harm() -> None:
    """A batch that made new channels is kept with their table."""
    writer = Writer()
    writer.write(2)
    batch = writer.sequencer.number("", [quote(9, "NEW")], 0)
    data = tables.channels_frame(writer.state, 2, batch.first_m) + rows.encode_batch(batch)
    writer.unsynced.keep(batch.last_m, 1, data, None)
    before = writer.unsynced.state_before(writer.state)
    assert (before.next_m, before.ns) == (1, [0, 0, 0])
