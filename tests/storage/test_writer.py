"""When a round is written, and how far it goes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.contract import Checkpoint, Hole
from storage.memory import MemoryStore
from storage.writer import Round, WriterCore
from tape.batch import Batch
from tape.reader import Damage
from tests.storage.making import batch, rows_of, tapes, trade

MS = 1_000_000


def core(m: int = 0, rows: int = 10, ms: int = 100) -> WriterCore:
    """A core behind a checkpoint."""
    return WriterCore(Checkpoint(m, 50), round_rows=rows, round_ms=ms)


def some(ticks: int, first_m: int, ts_recv: int = 60) -> Batch:
    """A batch of so many trades."""
    return batch([trade(ts_recv=ts_recv)] * ticks, first_m)


def test_nothing_is_never_due() -> None:
    """An idle tape causes no rounds, however long it is idle."""
    one = core(7)
    assert not one.is_due(10**18)
    assert not one.is_waiting()
    one.reached(7, 0)
    assert not one.is_due(10**18)


def test_a_round_is_due_when_it_is_full() -> None:
    """At once; and then no more is taken."""
    one = core()
    one.take(some(9, 1), 0)
    assert not one.is_due(0)
    assert not one.is_full()
    one.take(some(1, 10), 0)
    assert one.is_due(0)
    assert one.is_full()
    assert one.round(10).up_to_m == 10
    assert not one.is_full()


def test_a_round_is_due_when_its_oldest_tick_has_waited() -> None:
    """What came later does not make it wait longer; each round waits anew."""
    one = core()
    one.take(some(1, 1), 5 * MS)
    one.take(some(1, 2), 80 * MS)
    assert not one.is_due(105 * MS - 1)
    assert one.is_due(105 * MS)
    one.round(2)
    one.take(some(1, 3), 110 * MS)
    assert not one.is_due(209 * MS)
    assert one.is_due(210 * MS)


def test_a_clock_that_was_set_back_makes_a_round_due() -> None:
    """Rather than let it wait for hours."""
    one = core()
    one.take(some(1, 1), 1_000 * MS)
    assert one.is_due(999 * MS)


def test_marks_without_ticks_are_stored_too() -> None:
    """Where numbering has jumped there is nothing to write, but `stored` goes on."""
    one = core()
    one.reached(1_000, 0)
    assert one.is_due(100 * MS)
    assert one.round(1_000) == Round([], [], 1_000)


def test_a_round_never_goes_beyond_the_durable_mark() -> None:
    """A batch that reaches across is cut; the rest comes with the next round, once."""
    one = core()
    one.take(some(4, 1), 0)
    one.take(some(4, 5), 0)
    first = one.round(6)
    assert (first.up_to_m, list(rows_of(first.batches))) == (6, [1, 2, 3, 4, 5, 6])
    assert one.is_waiting()
    second = one.round(8)
    assert (second.up_to_m, list(rows_of(second.batches))) == (8, [7, 8])
    assert not one.is_waiting()


def test_what_cannot_be_read_becomes_a_hole_between_its_neighbours() -> None:
    """In receive time; at the checkpoint's time when it is the first, at the present when it is the last."""
    one = core(4, rows=100)
    one.take(Damage(5, 6, "retention"), 1_000)
    one.take(some(1, 7, ts_recv=60), 1_000)
    one.take(Damage(8, 9, "disk"), 1_000)
    assert one.is_due(1_000 + 100 * MS)
    assert one.round(9).holes == [Hole(5, 6, "retention", 50, 60), Hole(8, 9, "disk", 60, 1_000)]


def test_a_hole_that_reaches_beyond_the_durable_mark_is_cut() -> None:
    """Both parts are declared in the end."""
    one = core()
    one.take(Damage(1, 9, "disk"), 100)
    assert one.round(4).holes == [Hole(1, 4, "disk", 50, 100)]
    assert one.round(9).holes == [Hole(5, 9, "disk", 50, 100)]


@settings(max_examples=60, deadline=None)
@given(tapes(), st.data())
def test_rounds_of_any_cut_store_every_tick_once_and_nothing_early(
    tape: list[Batch], data: st.DataObject
) -> None:
    """Whatever the durable mark, the round's size and the times are."""
    one = core(rows=data.draw(st.integers(1, 20)), ms=data.draw(st.integers(1, 200)))
    store = MemoryStore()
    durable_m, now_ns = 0, 0
    seen: list[int] = []

    def write() -> None:
        round_ = one.round(durable_m)
        assert round_.up_to_m <= durable_m
        seen.extend(rows_of(round_.batches))
        store.write(round_.batches, round_.up_to_m, round_.holes)

    for item in tape:
        now_ns += data.draw(st.integers(0, 100 * MS))
        one.take(item, now_ns)
        durable_m = max(durable_m, data.draw(st.integers(0, one.read_m)))
        if one.is_due(now_ns):
            write()
    durable_m = max(durable_m, one.read_m)
    write()
    assert seen == list(rows_of(tape))
    assert store.stored_m() == one.read_m
    assert not one.is_waiting()
