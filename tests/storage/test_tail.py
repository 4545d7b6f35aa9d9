"""One look at the end of the tape."""

from collections.abc import Sequence

from storage.contract import TIME_END_NS, Hole, Key, Row
from storage.tail import HistoryQuery, TailLook, place_of
from tape.batch import Batch
from tape.reader import Damage
from tests.storage.making import NOON, batch, cancel, correct, gap, quote, trade
from ticks import kinds
from ticks.model import Tick

ALL = 10**9


def look(query: HistoryQuery, durable_m: int = ALL) -> TailLook:
    """A look at everything."""
    return TailLook(query, ALL, durable_m)


def marks(rows: Sequence[Row]) -> list[int]:
    """The marks of rows."""
    return [row.m for row in rows]


def test_rows_are_those_of_the_query() -> None:
    """By family, line-up, symbol, kind and time."""
    ticks: list[Tick] = [
        trade("A"), quote("A"), trade("B"), trade("A", NOON - 1), cancel("A", NOON, 9), trade("A", NOON + 5),
    ]  # fmt: skip
    items = [batch(ticks), batch([trade("A")], 7, "iex")]
    query = HistoryQuery("trades", ("A",), "", NOON, NOON + 5, kinds=(kinds.TRADE,))
    assert marks(list(look(query).rows(items))) == [1]
    assert marks(list(look(HistoryQuery("trades", lineup="iex")).rows(items))) == [7]
    assert marks(list(look(HistoryQuery("trades")).rows(items))) == [1, 3, 4, 5, 6]


def test_a_page_is_the_first_rows_between_two_keys() -> None:
    """The lower one exclusive, the upper one inclusive, in both directions."""
    items = [batch([trade("A", NOON + i) for i in (3, 1, 0, 2, 4)])]
    low, high = Key("A", NOON, 3), Key("A", NOON + 3, 1)
    rising = look(HistoryQuery("trades")).page(items, low, high, 9)
    assert marks(rising) == [2, 4, 1]
    falling = look(HistoryQuery("trades", order="desc")).page(items, high, low, 9)
    assert marks(falling) == [4, 2, 3]
    assert marks(look(HistoryQuery("trades")).page(items, None, None, 2)) == [3, 2]


def test_corrections_are_noted_whatever_times_and_kinds_are_asked_for() -> None:
    """They concern earlier rows; those about other symbols and families do not matter."""
    ticks: list[Tick] = [cancel("A", NOON + 50, 1), correct("A", NOON + 51, 2, 3), cancel("B", NOON, 1)]
    query = HistoryQuery("trades", ("A",), end_ns=NOON, kinds=(kinds.TRADE,))
    one = look(query)
    assert list(one.rows([batch(ticks), batch([cancel("A", NOON, 4)], 4, "iex")])) == []
    assert [(correction.m, correction.trade_id) for correction in one.corrections] == [(1, 1), (2, 2)]
    other = look(HistoryQuery("quotes", ("A",)))
    assert list(other.rows([batch(ticks)])) == []
    assert other.corrections == []


def test_gap_events_of_the_line_up_are_noted() -> None:
    """Whatever family is asked for."""
    one = look(HistoryQuery("quotes", ("A",)))
    list(
        one.rows(
            [batch([gap("gap_open", NOON), gap("switch", NOON)]), batch([gap("gap_open", NOON)], 3, "iex")]
        )
    )
    assert [(m, lineup, event.what) for m, lineup, event in one.gap_events] == [(1, "", "gap_open")]


def test_a_hole_lasts_from_the_tick_before_to_the_tick_after() -> None:
    """In receive time, across line-ups; one at the very end has not ended."""
    items: list[Batch | Damage] = [
        batch([trade(ts_recv=100)], 1, "iex"), Damage(2, 3, "disk"), batch([trade(ts_recv=200)], 4),
        Damage(5, 6, "retention"),
    ]  # fmt: skip
    one = look(HistoryQuery("trades"))
    list(one.rows(items))
    assert one.holes == [Hole(2, 3, "disk", 100, 200), Hole(5, 6, "retention", 200, TIME_END_NS)]
    assert one.complete_until == ALL


def test_what_is_not_durable_is_not_a_hole() -> None:
    """It may still come, or never: the look is complete up to there."""
    one = look(HistoryQuery("trades"), durable_m=5)
    list(one.rows([Damage(4, 9, "disk")]))
    assert (one.complete_until, [(hole.first_m, hole.last_m) for hole in one.holes]) == (5, [(4, 5)])
    later = look(HistoryQuery("trades"), durable_m=5)
    list(later.rows([Damage(8, 9, "disk")]))
    assert (later.complete_until, later.holes) == (7, [])


def test_places_rise_in_the_direction_of_the_scan() -> None:
    """Symbols rise in both."""
    before, after, other = Key("A", 1, 2), Key("A", 1, 3), Key("B", 0, 1)
    assert place_of("asc")(before) < place_of("asc")(after) < place_of("asc")(other)
    assert place_of("desc")(after) < place_of("desc")(before) < place_of("desc")(other)
