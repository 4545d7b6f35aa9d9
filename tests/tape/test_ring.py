"""The ring against a list."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tape.ring import _GONE_MAX, Ring, cut_batch
from tests.tape.making import batch, quote
from ticks.model import Tick

sizes = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), sizes, st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8))
def test_ring_holds_the_newest_ticks_and_reads_any_range(
    most: int, made: list[tuple[int, int]], ranges: list[tuple[int, int]]
) -> None:
    """The same as a list of the newest whole batches that fit the bound."""
    ring = Ring(most)
    batches = []
    m = 1
    for size, unused in made:
        m += unused  # marks that no tick had
        batches.append(batch(m, [quote(m + i) for i in range(size)]))
        m += size
        ring.append(batches[-1])
        while sum(len(b.ticks) for b in batches) > most and len(batches) > 1:
            batches.pop(0)
    held: dict[int, Tick] = {b.first_m + i: tick for b in batches for i, tick in enumerate(b.ticks)}
    assert ring.ticks == len(held)
    assert ring.first_m == (batches[0].first_m if batches else 0)
    for after_m, up_to_m in ranges:
        read = ring.read(after_m, up_to_m)
        found = {b.first_m + i: tick for b in read for i, tick in enumerate(b.ticks)}
        assert found == {m: tick for m, tick in held.items() if after_m < m <= up_to_m}
        assert all(b.ticks for b in read)
        assert ring.covers(after_m) == (bool(batches) and batches[0].first_m <= after_m + 1)


def test_ring_lets_ticks_go_at_once() -> None:
    """The bound holds for memory too: a batch that has gone is not kept until places are closed up."""
    ring = Ring(1)
    for m in range(1, 100):
        ring.append(batch(m, [quote(m)]))
    assert sum(len(held.ticks) for held in ring._batches) == 1


def test_ring_closes_up_places() -> None:
    """The lists behind the ring stay within twice what is held, and a constant."""
    ring = Ring(100)
    for m in range(1, 5_000):
        ring.append(batch(m, [quote(m)]))
    assert len(ring._batches) <= 2 * _GONE_MAX
    assert [b.first_m for b in ring.read(0, 10_000)] == list(range(4_900, 5_000))


def test_cutting_a_whole_batch_copies_nothing() -> None:
    """The usual case costs nothing."""
    made = batch(5, [quote(1), quote(2)])
    assert cut_batch(made, 0, 100) is made
    assert cut_batch(made, 4, 6) is made
    assert cut_batch(made, 6, 100) is None
    assert cut_batch(made, 0, 4) is None
