"""The values of the store's interface."""

from storage.contract import Key, Row, ScanQuery, end_of_symbol
from tests.storage.making import NOON, quote, trade
from ticks.flags import BACKFILL


def test_keys_sort_by_symbol_then_time_then_mark() -> None:
    """The order in which history is told."""
    keys = [Key("B", 1, 1), Key("A", 2, 1), Key("A", 1, 9), Key("A", 1, 2)]
    assert sorted(keys) == [Key("A", 1, 2), Key("A", 1, 9), Key("A", 2, 1), Key("B", 1, 1)]


def test_a_row_knows_its_key_and_its_channel() -> None:
    """Both follow from the tick, the mark and the line-up."""
    row = Row(quote("BRK.A", NOON), 3, 17, 1, "iex")
    assert row.key == Key("BRK.A", NOON, 17)
    assert row.channel == "q:BRK.A@iex"
    assert Row(trade("A", flags=BACKFILL), 1, 2, 1, "").channel == "t:A!b"


def test_a_query_without_more_asks_for_everything_of_a_family() -> None:
    """Of the default line-up, whatever the time."""
    query = ScanQuery("trades", 5)
    assert (query.symbols, query.lineup, query.kinds, query.after) == (None, "", (), None)
    assert query.start_ns < 0 < NOON < query.end_ns


def test_the_end_of_a_symbol_lies_behind_all_of_its_rows() -> None:
    """In the direction of the scan, whatever time and mark a row has."""
    assert end_of_symbol("A", "asc") > Key("A", 2**63 - 1, 2**53)
    assert end_of_symbol("A", "desc") < Key("A", -(2**63), 1)
    assert end_of_symbol("A", "asc") < Key("AA", -(2**63), 1)
