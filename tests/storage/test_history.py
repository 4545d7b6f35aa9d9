"""Store and tape as one: rows, pages, corrections and gaps, while a writer keeps writing."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import StorageSettings
from storage.contract import Key, Order, Row, ScanPage, ScanQuery, StoreReader
from storage.errors import QueryError
from storage.history import History, HistoryPage, HistoryQuery
from storage.memory import MemoryStore
from storage.sqlite.reader import SqliteReader
from storage.tail_cache import TailCache
from tape.batch import Batch
from tape.reader import Damage, TapeReader
from tape.ring import cut_batch
from tests.storage.making import DAY, NOON, batch, cancel, gap, quote, symbols, tapes, trade
from tests.storage.running import open_tape, publish, some_ticks, writer_process
from ticks import kinds
from ticks.kinds import FAMILIES
from ticks.model import Tick


class ListTape:
    """A tape in a list, read as `TapeReader` reads; some of it may be damaged."""

    def __init__(self, batches: Sequence[Batch], damage: Sequence[Damage] = ()) -> None:
        self.batches = batches
        self.damage = damage
        self.reads: list[tuple[int, int]] = []

    def read(self, after_m: int, up_to_m: int) -> Iterator[Batch | Damage]:
        """What lies between two marks."""
        self.reads.append((after_m, up_to_m))
        cut: list[Batch | Damage] = [
            part for one in self.batches if (part := cut_batch(one, after_m, up_to_m)) is not None
        ]
        for hole in self.damage:
            first_m, last_m = max(hole.first_m, after_m + 1), min(hole.last_m, up_to_m)
            if first_m <= last_m:
                cut.append(Damage(first_m, last_m, hole.reason))
        return iter(sorted(cut, key=lambda one: one.first_m))


def history(store: StoreReader, tape: ListTape, durable_m: int = 10**9) -> History:
    """History over both."""
    return History(store, tape.read, lambda: durable_m)


def split(ticks: Sequence[Tick], stored: int) -> tuple[MemoryStore, ListTape]:
    """The first ticks in the store, all of them on the tape."""
    store, tape = MemoryStore(), ListTape([batch(ticks)])
    store.write(list(tape.read(0, stored)), stored)  # type: ignore[arg-type]  # nothing is damaged
    return store, tape


def marks(page: HistoryPage) -> list[int]:
    """The marks of a page's rows."""
    return [row.m for row in page.rows]


def whole(tape: Iterable[Batch], query: HistoryQuery, known_at: int) -> list[Row]:
    """What the model answers when it has everything."""
    store = MemoryStore()
    store.write(list(tape), 2**40)
    return store.scan(
        ScanQuery(
            query.family, known_at, query.symbols, query.lineup, query.start_ns, query.end_ns,
            query.kinds, None, 1_000_000, query.order,
        )
    ).rows  # fmt: skip


@pytest.mark.parametrize("stored", range(5))
def test_where_the_store_ends_makes_no_difference(stored: int) -> None:
    """A tick can be queried as soon as it is on the tape; no row comes twice."""
    store, tape = split([trade("B"), trade("A", NOON + 1), trade("A"), quote("A")], stored)
    page = history(store, tape).page(HistoryQuery("trades"), 4, None, 10)
    assert marks(page) == [3, 2, 1]
    assert (page.next_key, page.known_at, page.complete_until, page.gaps) == (None, 4, 4, [])


def test_a_store_that_is_ahead_of_the_question_shows_nothing_more() -> None:
    """`known_at` may lie in the past, and the tape is not even asked."""
    store, tape = split([trade(ts_event=NOON + i) for i in range(5)], 5)
    tape.reads.clear()
    assert marks(history(store, tape).page(HistoryQuery("trades"), 2, None, 10)) == [1, 2]
    assert tape.reads == []


def test_only_what_is_not_stored_is_read_from_the_tape() -> None:
    """The longer the store keeps up, the cheaper a query."""
    store, tape = split([trade(ts_event=NOON + i) for i in range(5)], 3)
    tape.reads.clear()
    history(store, tape).page(HistoryQuery("trades"), 5, None, 10)
    assert tape.reads == [(3, 5)]


def test_a_correction_that_is_not_stored_yet_already_counts() -> None:
    """On rows of the store and of the tape, and only as of its mark."""
    prints = [trade("A", NOON, 1), trade("A", NOON + 1, 2)]
    ticks: list[Tick] = [*prints, cancel("A", NOON + 2, 1), cancel("A", NOON + 3, 2)]
    for stored in range(5):
        one = history(*split(ticks, stored))
        for known_at, expected in {2: [0, 0], 3: [3, 0], 4: [3, 4]}.items():
            rows = one.page(HistoryQuery("trades"), known_at, None, 2).rows
            assert [row.upd_m for row in rows] == expected
            assert [row.upd for row in rows] == [int(m > 0) for m in expected]
        assert one.latest("trades", "", ["A"], 4, (kinds.TRADE,)).rows["A"].upd_m == 4


def test_a_gap_that_closes_on_the_tape_is_told_as_closed() -> None:
    """And one that opens there as open."""
    ticks = [gap("gap_open", NOON), gap("gap_close", NOON + 9), gap("gap_open", NOON + 20)]
    for stored in range(4):
        one = history(*split(ticks, stored))
        found = one.page(HistoryQuery("trades"), 3, None, 5).gaps
        assert [(gap.open_m, gap.close_m, gap.to_ts) for gap in found] == [(1, 2, NOON + 9), (3, 0, None)]
        assert one.gaps("", 0, NOON + DAY, 3).gaps == found
        assert one.gaps("", 0, NOON + 1, 3).gaps == found[:1]
        assert [gap.close_m for gap in one.gaps("", 0, NOON + DAY, 1).gaps] == [0]


def test_marks_that_were_durable_and_cannot_be_read_are_a_gap() -> None:
    """From the tick before it to the tick after it; the answer is complete otherwise."""
    tape = ListTape([batch([trade("A", NOON)]), batch([trade("A", NOON + 9)], 5)], [Damage(2, 4, "disk")])
    page = history(MemoryStore(), tape).page(HistoryQuery("trades"), 5, None, 10)
    assert marks(page) == [1, 5]
    assert page.complete_until == 5
    (found,) = page.gaps
    assert (found.why, found.from_ts, found.to_ts) == ("disk", NOON + 1_000, NOON + 9 + 1_000)


def test_what_was_never_durable_ends_the_answer_early_without_a_gap() -> None:
    """While the disk refuses, ticks are handed on but kept nowhere: the answer says how far it is whole."""
    tape = ListTape([batch([trade("A", NOON)])], [Damage(2, 9, "disk")])
    page = history(MemoryStore(), tape, durable_m=1).page(HistoryQuery("trades"), 9, None, 10)
    assert (marks(page), page.known_at, page.complete_until, page.gaps) == ([1], 9, 1, [])
    page = history(MemoryStore(), tape, durable_m=4).page(HistoryQuery("trades"), 9, None, 10)
    assert (page.complete_until, [(gap.open_m, gap.close_m) for gap in page.gaps]) == (4, [(2, 4)])


def test_latest_is_the_newest_of_store_and_tape() -> None:
    """A tick that arrives late on the tape does not replace a newer one in the store."""
    store, tape = split(
        [quote("A", NOON + 5), quote("B", NOON), quote("A", NOON), quote("B", NOON), quote("C")], 2
    )
    found = history(store, tape).latest("quotes", "", ["A", "B", "C", "D"], 5)
    assert {symbol: row.m for symbol, row in found.rows.items()} == {"A": 1, "B": 4, "C": 5}


def test_the_oldest_time_and_the_counts_are_those_of_the_store() -> None:
    """They are about what is kept for long."""
    store, tape = split([trade("A", NOON), trade("B", NOON - 5)], 1)
    one = history(store, tape)
    assert one.first_ts("trades", "") == NOON
    stored = one.stored([(1, 2)])
    assert (stored.counts, stored.symbols) == ({"trade": 1}, 1)


def test_a_question_without_meaning_is_refused() -> None:
    """Before anything is read."""
    store, tape = split([trade()], 0)
    tape.reads.clear()
    for bad in (HistoryQuery("nonsense"), HistoryQuery("trades", kinds=(kinds.QUOTE,))):
        with pytest.raises(QueryError):
            history(store, tape).page(bad, 1, None, 10)
    with pytest.raises(QueryError):
        history(store, tape).gaps("", 0, 2**70, 1)
    assert tape.reads == []


@st.composite
def questions(draw: st.DrawFn) -> HistoryQuery:
    """Any query about the tapes that `tapes` makes."""
    order: Order = draw(st.sampled_from(["asc", "desc"]))
    chosen = draw(st.one_of(st.none(), st.lists(symbols, max_size=4).map(tuple)))
    start_ns, end_ns = draw(st.sampled_from([(-(2**63), 2**63), (NOON, NOON + 5), (NOON - DAY, NOON + DAY)]))
    return HistoryQuery(
        draw(st.sampled_from(FAMILIES)), chosen, draw(st.sampled_from(["", "iex"])), start_ns, end_ns, order
    )


class GrowingStore(MemoryStore):
    """A store into which a writer writes whenever somebody looks."""

    def __init__(self, tape: ListTape, data: st.DataObject, end_m: int) -> None:
        super().__init__()
        self._tape, self._data, self._end_m = tape, data, end_m

    def stored_m(self) -> int:
        """How far it is now, after some more rounds."""
        self.grow()
        return super().stored_m()

    def scan(self, query: ScanQuery) -> ScanPage:
        """A page, after some more rounds."""
        self.grow()
        return super().scan(query)

    def grow(self) -> None:
        """Write some more, as far as the tape has it."""
        to = self._data.draw(st.integers(super().stored_m(), self._end_m), label="stored")
        self.write([one for one in self._tape.read(super().stored_m(), to) if isinstance(one, Batch)], to)


@settings(max_examples=150, deadline=None)
@given(tapes(), questions(), st.data())
def test_any_walk_while_a_writer_writes_returns_exactly_the_frozen_set(
    tape: list[Batch], query: HistoryQuery, data: st.DataObject
) -> None:
    """Pages of random length as of a mark: the same rows, in order, none twice, with the same corrections."""
    end_m = max((one.last_m for one in tape), default=0)
    known_at = data.draw(st.integers(0, end_m), label="known_at")
    listed = ListTape(tape)
    store = GrowingStore(listed, data, end_m)
    one = history(store, listed)
    expected = whole(tape, query, known_at)
    gaps = history(MemoryStore(), listed).page(query, known_at, None, 1).gaps
    found: list[Row] = []
    after: Key | None = None
    for _ in range(len(expected) + 2):
        page = one.page(query, known_at, after, data.draw(st.integers(1, 6), label="limit"))
        found += page.rows
        assert page.gaps == gaps
        assert page.complete_until == known_at
        after = page.next_key
        if after is None:
            break
    assert found == expected
    assert after is None


def test_walks_beside_a_real_writer_return_exactly_the_frozen_set(tmp_path: Path) -> None:
    """SQLite and the journal on disk, the writer in its own process, from the empty store to the full one."""
    tape = open_tape(tmp_path)
    batches = publish(tape, some_ticks(0, 6_000))
    query, known_at, chance = HistoryQuery("quotes"), 5_500, random.Random(7)
    expected = whole(batches, query, known_at)
    reader = SqliteReader(tmp_path / "store")
    cache = TailCache(TapeReader(tmp_path).read)
    one = History(reader, cache.read, lambda: tape.marks.durable)
    begun_at: list[int] = []
    with writer_process(tmp_path, StorageSettings(round_rows=200, round_ms=1)):
        while not begun_at or begun_at[-1] < 6_000:
            begun_at.append(tape.marks.stored)
            found: list[Row] = []
            after: Key | None = None
            while not found or after is not None:
                page = one.page(query, known_at, after, chance.randrange(1, 900))
                found += page.rows
                after = page.next_key
            assert found == expected
    assert begun_at[0] < 6_000
    reader.close()
    tape.close()
