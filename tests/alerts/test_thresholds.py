"""Thresholds in order: what a value reaches, whatever was added and removed before."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.thresholds import CHUNK_MAX, NOWHERE, Thresholds

pairs = st.tuples(st.integers(-20, 20), st.integers(0, 6))


@given(actions=st.lists(pairs, max_size=60), place=st.integers(-22, 22))
@settings(max_examples=300, deadline=None)
def test_what_is_reached_is_what_lies_at_or_beyond_the_place(
    actions: list[tuple[int, int]], place: int
) -> None:
    """A pair that is there is removed, one that is not is added; a sorted list says the same."""
    thresholds = Thresholds()
    there: set[tuple[int, int]] = set()
    for pair in actions:
        if pair in there:
            thresholds.remove(*pair)
            there.remove(pair)
        else:
            thresholds.add(*pair)
            there.add(pair)
    expected = sorted((pair for pair in there if pair[0] >= place), reverse=True)
    assert thresholds.reached(place) == [number for _, number in expected]
    assert thresholds.nearest == max((pair[0] for pair in there), default=NOWHERE)
    assert len(thresholds) == len(there)


def test_many_thresholds_are_kept_in_chunks_and_found_again() -> None:
    """Far more than one chunk holds, added and removed in random order."""
    chance = random.Random(5)
    entries = [(chance.randrange(1000), number) for number in range(CHUNK_MAX * 8)]
    thresholds = Thresholds()
    for entry in entries:
        thresholds.add(*entry)
    chance.shuffle(entries)
    for entry in entries[: CHUNK_MAX * 6]:
        thresholds.remove(*entry)
    rest = entries[CHUNK_MAX * 6 :]
    assert thresholds.reached(0) == [number for _, number in sorted(rest, reverse=True)]
    assert all(len(chunk) <= CHUNK_MAX for chunk in thresholds._chunks)
    for entry in rest:
        thresholds.remove(*entry)
    assert (len(thresholds), thresholds.nearest) == (0, NOWHERE)


def test_what_is_not_there_cannot_be_removed() -> None:
    """Neither from nothing, nor beside something."""
    thresholds = Thresholds()
    with pytest.raises(KeyError):
        thresholds.remove(1, 1)
    thresholds.add(1, 1)
    for pair in ((1, 2), (0, 1), (2, 1)):
        with pytest.raises(KeyError):
            thresholds.remove(*pair)
    assert thresholds.reached(1) == [1]
