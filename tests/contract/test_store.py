"""What every store promises, run over each of them (`storage.contract`)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.contract import Checkpoint, Gap, Hole, Key, Row, ScanQuery, StoreReader, StoreWriter
from storage.errors import QueryError
from storage.memory import MemoryStore
from storage.sqlite.reader import SqliteReader
from storage.sqlite.writer import SqliteWriter
from tests.storage.making import (
    DAY,
    NOON,
    SECOND,
    batch,
    cancel,
    correct,
    every_kind,
    gap,
    quote,
    rows_of,
    trade,
    walk,
)
from ticks import kinds
from ticks.flags import BACKFILL
from ticks.kinds import KINDS
from ticks.model import Tick, TradeCorrect

Halves = tuple[StoreWriter, StoreReader]


def memory_store(folder: Path) -> Iterator[Halves]:
    """The model."""
    store = MemoryStore()
    yield store, store


def sqlite_store(folder: Path) -> Iterator[Halves]:
    """SQLite with so few files open that they are closed and opened again all the time."""
    writer, reader = (
        SqliteWriter(folder / "store", "boot", open_files=2),
        SqliteReader(folder / "store", open_files=2),
    )
    yield writer, reader
    reader.close()
    writer.close()


STORES: dict[str, Callable[[Path], Iterator[Halves]]] = {"memory": memory_store, "sqlite": sqlite_store}
"""Every implementation. A new one joins here and has to pass everything below."""


@pytest.fixture(params=STORES)
def halves(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halves]:
    """Writer and reader of an empty store."""
    yield from STORES[request.param](tmp_path)


@pytest.fixture
def writer(halves: Halves) -> StoreWriter:
    """The writing half."""
    return halves[0]


@pytest.fixture
def reader(halves: Halves) -> StoreReader:
    """The reading half."""
    return halves[1]


def marks(rows: list[Row]) -> list[int]:
    """The marks of rows."""
    return [row.m for row in rows]


def test_an_empty_store_answers_everything_with_nothing(writer: StoreWriter, reader: StoreReader) -> None:
    """Nothing is stored and nobody fails because of it."""
    assert writer.checkpoint() == Checkpoint(0, 0)
    assert reader.stored_m() == 0
    page = reader.scan(ScanQuery("trades", 0))
    assert (page.rows, page.next_key) == ([], None)
    assert reader.latest("quotes", "", ["AAPL"], 0) == {}
    assert reader.counts([(1, 100)]) == {}
    assert reader.symbol_count([(1, 100)]) == 0
    assert reader.gaps("", 0, NOON, 0) == []
    assert reader.first_ts("trades", "") is None


def test_every_kind_that_is_stored_comes_back_equal_in_every_field(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """Ids of 64 bits, absent prices, blanks and flags survive; kinds without a family do not exist."""
    one = batch(every_kind(), 5, "iex", 3)
    writer.write([one], one.last_m)
    found = [row for family in ("trades", "quotes", "bars", "events")
             for row in walk(reader, ScanQuery(family, one.last_m, lineup="iex"))]  # fmt: skip
    expected = rows_of([one])
    stored = {m: row for m, row in expected.items() if KINDS[row.tick.kind].stored}
    assert {row.m: _without_marks(row) for row in found} == stored
    assert len(found) == len(stored) == len(expected) - 1


def _without_marks(row: Row) -> Row:
    return Row(row.tick, row.n, row.m, row.epoch, row.lineup)


def test_odd_text_is_kept_whole(writer: StoreWriter, reader: StoreReader) -> None:
    """Conditions hold whatever characters the source sent."""
    odd = [trade(trade_id=5, conds="\0é€"), trade(trade_id=6, conds="'; drop table trades; --")]
    writer.write([batch(odd)], 2)
    assert [row.tick for row in reader.scan(ScanQuery("trades", 2)).rows] == odd


def test_rows_come_by_symbol_then_time_then_mark(writer: StoreWriter, reader: StoreReader) -> None:
    """Whatever the order of arrival; equal times keep the order of marks."""
    arrived = [
        trade("B", NOON), trade("A", NOON + 5), trade("A", NOON), trade("B", NOON - 1), trade("A", NOON),
    ]  # fmt: skip
    writer.write([batch(arrived)], 5)
    assert marks(reader.scan(ScanQuery("trades", 5)).rows) == [3, 5, 2, 4, 1]
    assert marks(reader.scan(ScanQuery("trades", 5, order="desc")).rows) == [2, 5, 3, 1, 4]


def test_start_is_inclusive_and_end_exclusive(writer: StoreWriter, reader: StoreReader) -> None:
    """As everywhere on `/v1`."""
    writer.write([batch([trade(ts_event=NOON + i) for i in range(4)])], 4)
    query = ScanQuery("trades", 4, start_ns=NOON + 1, end_ns=NOON + 3)
    assert marks(reader.scan(query).rows) == [2, 3]


def test_only_the_wanted_symbols_kinds_and_line_up_are_found(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """Line-ups never mix, and a symbol asked for twice is answered once."""
    writer.write([batch([trade("A"), trade("B"), cancel("A", NOON, 9), quote("A")])], 4)
    writer.write([batch([trade("A")], 5, "iex")], 5)
    assert marks(reader.scan(ScanQuery("trades", 5, ("A", "A", "C"))).rows) == [1, 3]
    assert marks(reader.scan(ScanQuery("trades", 5, ("A",), kinds=(kinds.TRADE_CANCEL,))).rows) == [3]
    assert marks(reader.scan(ScanQuery("trades", 5, lineup="iex")).rows) == [5]
    assert reader.scan(ScanQuery("trades", 5, ())).rows == []


def test_rows_beyond_the_mark_asked_for_are_not_seen(writer: StoreWriter, reader: StoreReader) -> None:
    """`up_to_m` freezes the past: what is stored later does not appear in it."""
    writer.write([batch([trade(ts_event=NOON + 9), trade(ts_event=NOON)])], 2)
    assert marks(reader.scan(ScanQuery("trades", 1)).rows) == [1]
    assert reader.latest("trades", "", ["AAPL"], 1)["AAPL"].m == 1


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_any_size_together_are_the_whole(
    writer: StoreWriter, reader: StoreReader, order: str
) -> None:
    """Across symbols and days, equal times included, nothing is lost or doubled between pages."""
    ticks = [
        trade(symbol, NOON + day * DAY + i // 2) for day in range(3) for i in range(6) for symbol in "ABC"
    ]
    writer.write([batch(ticks)], len(ticks))
    query = ScanQuery("trades", len(ticks), order="asc" if order == "asc" else "desc")
    whole = reader.scan(query).rows
    assert len(whole) == len(ticks)
    for limit in (1, 2, 7, 53):
        assert walk(reader, query, [limit]) == whole


def test_a_page_that_ends_exactly_at_the_last_row_says_so(writer: StoreWriter, reader: StoreReader) -> None:
    """Nobody is sent for a page of which it is known that it is empty."""
    writer.write([batch([trade(ts_event=NOON + i) for i in range(4)])], 4)
    first = reader.scan(ScanQuery("trades", 4, limit=2))
    assert first.next_key == Key("AAPL", NOON + 1, 2)
    assert reader.scan(ScanQuery("trades", 4, limit=2, after=first.next_key)).next_key is None


def test_days_begin_at_eight_in_the_evening_and_queries_do_not_notice(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """A range across the border of two files is seamless in both directions."""
    evening = NOON + 8 * 3600 * SECOND
    writer.write([batch([trade(ts_event=evening + i) for i in (0, -1, 1, -2)])], 4)
    query = ScanQuery("trades", 4, start_ns=evening - 1, end_ns=evening + 1)
    assert marks(reader.scan(query).rows) == [2, 1]


@pytest.mark.parametrize("ts_event", [0, -(2**63), 2**63 - 1, NOON + 3 * DAY, NOON - 4_000 * DAY])
def test_an_implausible_time_is_found_by_that_time(
    writer: StoreWriter, reader: StoreReader, ts_event: int
) -> None:
    """A broken clock loses no tick, in order with the others, but it is not the latest."""
    ticks = [trade(ts_event=NOON, ts_recv=NOON), trade(ts_event=ts_event, ts_recv=NOON)]
    writer.write([batch(ticks)], 2)
    around = ScanQuery("trades", 2, start_ns=ts_event, end_ns=ts_event + 1)
    assert marks(reader.scan(around).rows) == [2]
    assert marks(walk(reader, ScanQuery("trades", 2), [1])) == ([2, 1] if ts_event < NOON else [1, 2])
    assert reader.latest("trades", "", ["AAPL"], 2)["AAPL"].m == 1
    assert reader.first_ts("trades", "") == NOON


def test_writing_again_changes_nothing(writer: StoreWriter, reader: StoreReader) -> None:
    """Rows are known by their marks; the checkpoint never goes back."""
    ticks = [trade("A", NOON + i, i + 1) for i in range(5)] + [cancel("A", NOON + 9, 2)]
    writer.write([batch(ticks)], 6)
    before = reader.scan(ScanQuery("trades", 6)).rows
    for again in ([batch(ticks[:3])], [batch(ticks[2:4], 3), batch(ticks[4:], 5)]):
        writer.write(again, again[-1].last_m)
        assert reader.scan(ScanQuery("trades", 6)).rows == before
    assert reader.counts([(1, 6)]) == {"trade": 5, "cancel": 1}
    assert writer.checkpoint() == Checkpoint(6, NOON + 9 + 1_000)


def test_the_checkpoint_moves_over_ticks_that_are_not_stored(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """Depth is only journalled, and marks may be missing; both count as stored."""
    depth = every_kind()[4]
    writer.write([batch([depth, depth])], 40)
    assert reader.stored_m() == 40
    assert reader.counts([(1, 40)]) == {}


def test_a_cancel_marks_the_print_it_names(writer: StoreWriter, reader: StoreReader) -> None:
    """By symbol, venue and id within the day: not another's, not a later one, not another day's."""
    ticks: list[Tick] = [
        trade("A", NOON, 7),
        trade("B", NOON, 7),
        trade("A", NOON, 7, venue=ord("D")),
        trade("A", NOON - DAY, 7),
        trade("A", NOON + 1, 8),
        cancel("A", NOON + 2, 7),
        trade("A", NOON + 3, 7),
    ]
    writer.write([batch(ticks[:5])], 5)
    writer.write([batch(ticks[5:], 6)], 7)
    found = {row.m: (row.upd, row.upd_m) for row in walk(reader, ScanQuery("trades", 7))}
    assert found == {1: (1, 6)} | dict.fromkeys((2, 3, 4, 5, 6, 7), (0, 0))


def test_a_correction_marks_the_old_print_and_can_be_withdrawn_itself(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """The replacement is a print like any other; the original keeps the first word about it."""
    ticks: list[Tick] = [
        trade("A", NOON, 7), correct("A", NOON + 1, 7, 8), cancel("A", NOON + 2, 8), cancel("A", NOON + 3, 7),
    ]  # fmt: skip
    for m, tick in enumerate(ticks, 1):
        writer.write([batch([tick], m)], m)
    found = {row.m: (row.upd, row.upd_m) for row in reader.scan(ScanQuery("trades", 4)).rows}
    assert found == {1: (2, 2), 2: (1, 3), 3: (0, 0), 4: (0, 0)}


def test_a_correction_counts_only_from_its_own_mark_on(writer: StoreWriter, reader: StoreReader) -> None:
    """As of an earlier mark the print still stands."""
    writer.write([batch([trade("A", NOON, 7), cancel("A", NOON + 1, 7)])], 2)
    assert [row.upd for row in reader.scan(ScanQuery("trades", 1)).rows] == [0]
    assert [row.upd for row in reader.scan(ScanQuery("trades", 2)).rows] == [1, 0]
    assert reader.latest("trades", "", ["A"], 1, (kinds.TRADE,))["A"].upd_m == 0
    assert reader.latest("trades", "", ["A"], 2, (kinds.TRADE,))["A"].upd_m == 2


def test_a_cancel_without_an_id_marks_nothing(writer: StoreWriter, reader: StoreReader) -> None:
    """Prints without ids are not confused with each other."""
    unnamed = correct("A", NOON + 2, 0, 3)
    assert isinstance(unnamed, TradeCorrect)
    writer.write([batch([trade("A", NOON, 0), cancel("A", NOON + 1, 0), unnamed])], 3)
    assert [row.upd for row in reader.scan(ScanQuery("trades", 3)).rows] == [0, 0, 0]


def test_latest_is_the_newest_by_event_time(writer: StoreWriter, reader: StoreReader) -> None:
    """Per symbol, over all days; a late arrival is not the latest; equal times go by mark."""
    ticks = [
        quote("A", NOON + DAY), quote("A", NOON), quote("B", NOON), quote("B", NOON), quote("C", NOON - DAY),
    ]  # fmt: skip
    writer.write([batch(ticks)], 5)
    newest = reader.latest("quotes", "", ["A", "B", "C", "D"], 5)
    assert {symbol: row.m for symbol, row in newest.items()} == {"A": 1, "B": 4, "C": 5}
    assert reader.latest("quotes", "iex", ["A"], 5) == {}


def test_counts_and_symbols_are_those_of_the_marks_asked_for(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """Each report key by itself, several ranges, both ends inclusive; `*` is no symbol."""
    ticks: list[Tick] = [trade("A"), quote("B"), quote("B", NOON + DAY), gap("gap_open", NOON), trade("C")]
    writer.write([batch(ticks)], 5)
    assert reader.counts([(1, 5)]) == {"trade": 2, "quote": 2, "feed_event": 1}
    assert reader.counts([(2, 2), (4, 9)]) == {"quote": 1, "feed_event": 1, "trade": 1}
    assert reader.symbol_count([(1, 5)]) == 3
    assert reader.symbol_count([(1, 1), (4, 4)]) == 1
    assert reader.counts([]) == {}
    assert reader.symbol_count([]) == 0


def test_a_gap_opens_and_closes(writer: StoreWriter, reader: StoreReader) -> None:
    """It lasts from the tick before to the tick after, and touches only queries that meet it."""
    writer.write([batch([gap("gap_open", NOON + 5, from_ts=NOON)])], 1)
    opened = Gap("", "*", "loss", NOON, None, -1, 1, 0, 3)
    assert reader.gaps("", NOON - 10, NOON + 1, 1) == [opened]
    assert reader.gaps("", NOON - 10, NOON, 1) == []
    assert reader.gaps("iex", 0, NOON + DAY, 1) == []
    writer.write([batch([gap("gap_close", NOON + 50, from_ts=NOON, to_ts=NOON + 40, lost=12)], 2)], 2)
    over = Gap("", "*", "loss", NOON, NOON + 40, 12, 1, 2, 3)
    assert reader.gaps("", NOON + 40, NOON + DAY, 2) == [over]
    assert reader.gaps("", NOON + 41, NOON + DAY, 2) == []
    assert reader.gaps("", 0, NOON + DAY, 1) == [opened]
    assert reader.gaps("", 0, NOON + DAY, 0) == []


def test_gaps_of_different_scope_reason_or_line_up_close_apart(
    writer: StoreWriter, reader: StoreReader
) -> None:
    """A close without an open one declares a gap by itself."""
    ticks = [
        gap("gap_open", NOON, scope="A"), gap("gap_open", NOON, scope="B"), gap("gap_open", NOON, why="disk"),
        gap("gap_close", NOON + 5, scope="B"), gap("gap_close", NOON + 6, from_ts=NOON - 3, to_ts=NOON + 6),
    ]  # fmt: skip
    writer.write([batch(ticks)], 5)
    writer.write([batch([gap("gap_close", NOON + 9, scope="A")], 6, "iex")], 6)
    found = [(one.scope, one.why, one.from_ts, one.to_ts) for one in reader.gaps("", 0, NOON + DAY, 6)]
    assert found == [
        ("A", "loss", NOON, None), ("B", "loss", NOON, NOON + 5), ("*", "disk", NOON, None),
        ("*", "loss", NOON - 3, NOON + 6),
    ]  # fmt: skip


def test_writing_gaps_again_does_not_fold_them_twice(writer: StoreWriter, reader: StoreReader) -> None:
    """Neither a repeated round nor one cut differently makes a second gap."""
    ticks = [gap("gap_open", NOON, from_ts=NOON), gap("gap_close", NOON + 5), gap("gap_close", NOON + 6)]
    writer.write([batch(ticks)], 3)
    before = reader.gaps("", 0, NOON + DAY, 3)
    writer.write([batch(ticks)], 3)
    writer.write([batch(ticks[1:], 2)], 3)
    assert reader.gaps("", 0, NOON + DAY, 3) == before
    assert [(one.open_m, one.close_m) for one in before] == [(1, 2), (3, 3)]


def test_a_hole_in_the_tape_is_a_gap_of_every_line_up(writer: StoreWriter, reader: StoreReader) -> None:
    """What the writer could not read is declared with the checkpoint that passes it, once."""
    hole = Hole(3, 9, "disk", NOON, NOON + 10)
    for _ in range(2):
        writer.write([batch([trade()])], 9, [hole])
    for lineup in ("", "iex"):
        (found,) = reader.gaps(lineup, NOON, NOON + 1, 9)
        assert (found.why, found.from_ts, found.to_ts) == ("disk", NOON, NOON + 10)
        assert found.every_lineup
    assert reader.gaps("", NOON + 11, NOON + DAY, 9) == []
    assert reader.gaps("", NOON, NOON + 1, 2) == []


def test_the_oldest_time_kept_is_per_family_and_line_up(writer: StoreWriter, reader: StoreReader) -> None:
    """Over all symbols and days."""
    writer.write([batch([trade("A", NOON), trade("B", NOON - DAY), quote("A", NOON - 3 * DAY)])], 3)
    assert reader.first_ts("trades", "") == NOON - DAY
    assert reader.first_ts("quotes", "") == NOON - 3 * DAY
    assert reader.first_ts("quotes", "iex") is None


def test_back_filled_rows_name_their_own_channel(writer: StoreWriter, reader: StoreReader) -> None:
    """Both channels come in one answer, by time."""
    ticks = [trade("A", NOON + 1), trade("A", NOON, flags=BACKFILL)]
    writer.write([batch(ticks, lineup="iex")], 2)
    rows = reader.scan(ScanQuery("trades", 2, lineup="iex")).rows
    assert [row.channel for row in rows] == ["t:A@iex!b", "t:A@iex"]


def test_thousands_of_symbols_fit_a_day(writer: StoreWriter, reader: StoreReader) -> None:
    """Each is found, in order, also when asked for all."""
    names = [f"S{i}" for i in range(3_000)]
    writer.write([batch([quote(name, NOON + i) for i, name in enumerate(names)])], 3_000)
    assert reader.symbol_count([(1, 3_000)]) == 3_000
    found = walk(reader, ScanQuery("quotes", 3_000, limit=1_000))
    assert [row.tick.symbol for row in found] == sorted(names)


def test_a_sync_reaches_up_to_the_checkpoint(writer: StoreWriter) -> None:
    """Whoever deletes what is stored relies on it."""
    assert writer.synced_m() == 0
    writer.write([batch([trade()])], 3)
    writer.sync()
    assert writer.synced_m() == 3


def test_sync_changes_nothing_that_is_seen(writer: StoreWriter, reader: StoreReader) -> None:
    """It is about power cuts only."""
    writer.write([batch([trade()])], 1)
    writer.sync()
    writer.sync()
    assert (reader.stored_m(), marks(reader.scan(ScanQuery("trades", 1)).rows)) == (1, [1])


@pytest.mark.parametrize(
    "query",
    [
        ScanQuery("nonsense", 1),
        ScanQuery("trades", 1, limit=0),
        ScanQuery("trades", 1, limit=1_000_001),
        ScanQuery("trades", 1, kinds=(kinds.QUOTE,)),
        ScanQuery("trades", 1, kinds=(99,)),
        ScanQuery("trades", 1, end_ns=2**63 + 1),
        ScanQuery("trades", 1, start_ns=-(2**63) - 1),
    ],
)
def test_a_query_without_meaning_is_refused(reader: StoreReader, query: ScanQuery) -> None:
    """Before anything is looked up."""
    with pytest.raises(QueryError):
        reader.scan(query)


def test_an_empty_or_reversed_range_holds_nothing(writer: StoreWriter, reader: StoreReader) -> None:
    """It is no fault to ask."""
    writer.write([batch([trade(), gap("gap_open", NOON - 1)])], 2)
    for start_ns, end_ns in ((NOON, NOON), (NOON + 1, NOON), (2**63, 2**63), (-(2**63), -(2**63))):
        assert reader.scan(ScanQuery("trades", 2, start_ns=start_ns, end_ns=end_ns)).rows == []
        assert reader.gaps("", start_ns, end_ns, 2) == []
