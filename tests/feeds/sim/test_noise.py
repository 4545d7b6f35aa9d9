"""Noise by time."""

from itertools import pairwise
from statistics import pstdev

from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sim.noise import Wander, mix, mix_text, unit

SECOND = 1_000_000_000


def test_mix_gives_the_numbers_of_splitmix64() -> None:
    """The first numbers of the published generator, for its seed 0."""
    golden = 0x9E37_79B9_7F4A_7C15
    assert [mix(golden * step) for step in range(3)] == [
        0xE220_A839_7B1D_CDAF,
        0x6E78_9E6A_A1B9_65F4,
        0x06C4_5D18_8009_454F,
    ]


@settings(max_examples=200, deadline=None)
@given(st.integers(-(2**70), 2**70))
def test_scrambled_numbers_stay_in_their_range(value: int) -> None:
    """Any integer gives 64 bits, and those a number in [0, 1)."""
    assert 0 <= mix(value) < 2**64
    assert 0.0 <= unit(mix(value)) < 1.0


def test_texts_and_seeds_give_different_numbers() -> None:
    """Neither another seed nor another symbol shares a stream."""
    numbers = {mix_text(seed, text) for seed in range(50) for text in ("AAPL", "MSFT", "A", "AA", "")}
    assert len(numbers) == 250


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1_600_000_000 * SECOND, 1_900_000_000 * SECOND), min_size=2, max_size=30))
def test_the_order_of_asking_does_not_matter(times: list[int]) -> None:
    """A path is a function of time: asked forwards, backwards or once, it says the same."""
    path = Wander(42, 0.02)
    forwards = [path.at(time) for time in times]
    backwards = [path.at(time) for time in reversed(times)]
    assert forwards == backwards[::-1] == [Wander(42, 0.02).at(time) for time in times]


def test_a_path_moves_like_its_volatility_says() -> None:
    """Over a minute it moves by about the root of a minute's share of the day, and never far away."""
    path = Wander(7, 0.02)
    values = [path.at(1_795_000_000 * SECOND + minute * 60 * SECOND) for minute in range(3_000)]
    steps = [after - before for before, after in pairwise(values)]
    expected = 0.02 * (60 / 23_400) ** 0.5
    assert 0.5 * expected < pstdev(steps) < 2 * expected
    assert max(map(abs, values)) < 0.02 * 7


def test_a_path_without_fast_parts_is_smooth() -> None:
    """What is quicker than the given period is left out."""
    start = 1_795_000_000 * SECOND
    smooth = Wander(7, 0.02, fastest_s=64)
    bends = [
        smooth.at(start + at + SECOND) - 2 * smooth.at(start + at) + smooth.at(start + at - SECOND)
        for at in range(0, 600 * SECOND, SECOND)
    ]
    straight = sum(abs(bend) < 1e-9 for bend in bends)
    assert straight > 550
