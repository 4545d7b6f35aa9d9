"""The end of the tape kept decoded."""

from collections.abc import Iterable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.contract import Unreadable
from storage.tail_cache import TailCache
from tape.batch import Batch
from tape.reader import Damage
from tape.ring import cut_batch
from tests.storage.making import batch, trade


class Tape:
    """Batches of three ticks, every fourth of them damaged when `damaged` says so."""

    def __init__(self, length: int) -> None:
        self.ticks_read = 0
        self.damaged = False
        self._batches = [batch([trade()] * 3, first_m) for first_m in range(1, length, 3)]

    def read(self, after_m: int, up_to_m: int) -> Iterator[Batch | Damage]:
        """What lies between two marks."""
        for number, one in enumerate(self._batches):
            cut = cut_batch(one, after_m, up_to_m)
            if cut is None:
                continue
            if self.damaged and number % 4 == 3:
                yield Damage(cut.first_m, cut.last_m, "disk")
                continue
            self.ticks_read += len(cut.ticks)
            yield cut


def marks(items: Iterable[Batch | Unreadable]) -> list[int]:
    """Every mark that was yielded, or declared damaged as a negative number."""
    return [
        m if isinstance(item, Batch) else -m
        for item in items
        for m in range(item.first_m, item.last_m + 1)
    ]  # fmt: skip


def test_reading_again_costs_the_tape_nothing() -> None:
    """The pages of one walk ask for the same tail."""
    tape = Tape(60)
    cache = TailCache(tape.read)
    assert marks(cache.read(10, 50)) == list(range(11, 51))
    assert tape.ticks_read == 40
    assert marks(cache.read(10, 50)) == marks(cache.read(10, 50)) == list(range(11, 51))
    assert marks(cache.read(20, 55)) == list(range(21, 56))
    assert tape.ticks_read == 45


def test_what_has_been_stored_is_forgotten() -> None:
    """As the store goes on, so does the cache."""
    tape = Tape(60)
    cache = TailCache(tape.read)
    marks(cache.read(0, 51))
    marks(cache.read(49, 51))
    assert cache._ticks == 3


def test_the_bound_is_kept_and_the_rest_read_from_the_tape() -> None:
    """A store that is hours behind costs time, not memory."""
    tape = Tape(600)
    cache = TailCache(tape.read, ticks_max=30)
    for _ in range(2):
        assert marks(cache.read(0, 500)) == list(range(1, 501))
    assert cache._ticks == 30
    assert tape.ticks_read == 500 + 470


def test_damage_is_not_kept() -> None:
    """A file that was just being archived can be read the next time."""
    tape = Tape(30)
    tape.damaged = True
    cache = TailCache(tape.read)
    assert marks(cache.read(0, 15)) == [*range(1, 10), -10, -11, -12, 13, 14, 15]
    tape.damaged = False
    assert marks(cache.read(0, 15)) == list(range(1, 16))


def test_a_reader_that_stops_early_does_no_harm() -> None:
    """What it has not seen is read by the next one."""
    tape = Tape(60)
    cache = TailCache(tape.read)
    next(iter(cache.read(0, 50)))
    assert marks(cache.read(0, 50)) == list(range(1, 51))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 61), st.integers(0, 61)), max_size=12), st.integers(1, 70))
def test_any_reads_give_what_the_tape_gives(reads: list[tuple[int, int]], ticks_max: int) -> None:
    """Forwards, backwards, empty, with any bound."""
    tape, cache = Tape(60), TailCache(Tape(60).read, ticks_max)
    for after_m, up_to_m in reads:
        assert marks(cache.read(after_m, up_to_m)) == marks(tape.read(after_m, up_to_m))
