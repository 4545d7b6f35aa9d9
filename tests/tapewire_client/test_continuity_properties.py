"""The client's rule against a naive account of numbers."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire_client.continuity import Continuity
from tests.tapewire_client.wire import cont, gap, mark, ok, resumed_ok, trade

CHANNELS: Final = ("t:A", "t:B", "t:C")
MESSAGES: Final = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.integers(1, 60), st.integers(1, 9)), max_size=40
)


def numbers_in(continuity: Continuity, channel: str) -> set[int]:
    """The numbers that lie in the holes of a channel."""
    return {
        n for hole in continuity.holes if hole.channel == channel for n in range(hole.after + 1, hole.before)
    }


@settings(max_examples=300, deadline=None)
@given(begin=st.integers(0, 20), messages=MESSAGES)
def test_holes_are_exactly_the_numbers_that_nobody_stood_for(
    begin: int, messages: list[tuple[str, int, int]]
) -> None:
    """Whatever comes in whatever order: what is new covers (n − k, n]; all else up to the last is missing."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=None)
    continuity.start_of(1)
    continuity.accept(ok(dict.fromkeys(CHANNELS, begin)))
    covered: dict[str, set[int]] = {channel: set() for channel in CHANNELS}
    last = dict.fromkeys(CHANNELS, begin)
    for channel, n, k in messages:
        assert continuity.accept(trade(n, k, channel)) is (n > last[channel])
        if n > last[channel]:
            covered[channel].update(range(max(last[channel], n - k) + 1, n + 1))
            last[channel] = n
    for channel in CHANNELS:
        missing = set(range(begin + 1, last[channel] + 1)) - covered[channel]
        assert numbers_in(continuity, channel) == missing
    assert continuity.ticks == sum(map(len, covered.values()))
    assert continuity.last == last


@settings(max_examples=300, deadline=None)
@given(
    first=st.integers(1, 10),
    pieces=st.lists(st.tuples(st.integers(1, 5), st.sampled_from(("sent", "lost", "gap"))), min_size=1),
    folded=st.booleans(),
)
def test_a_certificate_finds_every_loss_and_accuses_nobody_of_a_gap(
    first: int, pieces: list[tuple[int, str]], folded: bool
) -> None:
    """A resume of one channel: pieces arrive, are lost on the way, or lie in a gap that was declared."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=7)
    continuity.start_of(1)
    continuity.accept(resumed_ok("t:A", m=7))
    n = first - 1
    lost: set[int] = set()
    declared: set[int] = set()
    for size, fate in pieces:
        numbers = range(n + 1, n + size + 1)
        n += size
        if fate == "gap":
            continuity.accept(gap(1))
            declared.update(numbers)
        elif fate == "lost":
            lost.update(numbers)
        elif folded:
            continuity.accept(trade(n, size))
        else:
            for number in numbers:
                continuity.accept(trade(number))
    continuity.accept(cont(first - 1, n, complete=not declared))
    found = numbers_in(continuity, "t:A")
    if declared:  # losses beside a gap cannot always be told from it; nothing that arrived is accused
        assert found <= lost | declared
    else:
        assert found == lost


@settings(max_examples=200, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=30), repeats=st.integers(0, 20))
def test_a_resume_may_repeat_any_stretch(sizes: list[int], repeats: int) -> None:
    """What was received before is dropped, or only counted as far as it is new."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=None)
    continuity.start_of(1)
    continuity.accept(ok({"t:A": 0}))
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    half = len(ends) // 2
    for end, size in zip(ends[:half], sizes[:half], strict=True):
        continuity.accept(trade(end, size))
    continuity.accept(mark(101))
    continuity.connected()
    continuity.start_of(1)
    continuity.accept(resumed_ok("t:A"))
    back = max(0, ends[half - 1] - repeats)
    continuity.accept(trade(ends[-1], ends[-1] - back))
    assert continuity.holes == []
    assert continuity.ticks == ends[-1]
