"""The whole tape against a model, on a disk that fails: random lives, and single scenes."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tape.lives import Step, live
from tests.tape.world import World

shares = st.floats(0, 1)
seeds = st.integers(0, 2**32)
counts = st.integers(0, 3) | st.integers(0, 40)

calm = st.one_of(
    st.tuples(st.just("publish"), counts, seeds, st.booleans(), st.sampled_from(("", "iex"))),
    st.tuples(st.just("publish"), counts, seeds, st.just(True), st.just("")),
    st.just(("flush",)),
    st.just(("background_sync",)),
    st.tuples(st.just("tend"), st.sampled_from((0.0, 0.5, 2.0, -3600.0))),
    st.tuples(st.just("tail"), st.sampled_from((1, 7, 1000))),
    st.tuples(st.just("read"), shares, shares),
)
ends = st.one_of(
    st.tuples(st.just("close"), st.booleans()),
    st.just(("crash",)),
    st.tuples(st.just("cut_power"), seeds),
)
faults = st.one_of(
    st.tuples(st.just("sync_failures"), st.integers(1, 4)),
    st.tuples(st.just("room_bytes"), st.integers(0, 3000)),
    st.tuples(st.just("refuse_files"), st.integers(1, 3)),
    st.just(("heal",)),
)
upkeep = st.one_of(
    st.tuples(st.just("archive"), shares),
    st.tuples(st.just("retire"), shares, st.integers(1, 60_000)),
)
steps = st.lists(st.one_of(calm, calm, calm, ends, faults, upkeep), max_size=40)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_no_life_breaks_a_promise(done: list[Step]) -> None:
    """Whatever happens in whatever order: marks, numbers, durability, declared losses, positions."""
    with tempfile.TemporaryDirectory() as folder:
        live(World(Path(folder)), done)
