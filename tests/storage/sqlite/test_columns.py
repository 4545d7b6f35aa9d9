"""Ticks as rows of a table and back."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.contract import Row
from storage.sqlite.columns import ID_OFFSET, TABLES
from tests.storage.making import NOON, cancel, every_kind, trade
from ticks.kinds import KINDS
from ticks.model import Tick

STORED = [tick for tick in every_kind() if KINDS[tick.kind].stored]


def through_sqlite(family: str, ticks: list[Tick]) -> list[Row]:
    """Write ticks into a table of one symbol and read them back."""
    table = TABLES[family]
    connection = sqlite3.connect(":memory:")
    connection.execute(table.create_sql)
    connection.execute(table.index_sql)
    filed = [(m, m + 1, 3, tick) for m, tick in enumerate(ticks, 1)]
    series = dict.fromkeys((tick.symbol for tick in ticks), 1)
    values = table.to_values(filed, series)
    connection.executemany(table.insert_sql, values)
    rows = connection.execute(f"select {table.select_columns} from {family} order by m").fetchall()
    connection.close()
    return table.to_rows(rows, ticks[0].symbol, "iex")


@pytest.mark.parametrize("tick", STORED, ids=lambda tick: type(tick).__name__)
def test_a_tick_comes_back_equal(tick: Tick) -> None:
    """In every field, with number, mark, epoch and line-up."""
    family = KINDS[tick.kind].family
    assert family is not None
    assert through_sqlite(family, [tick]) == [Row(tick, 2, 1, 3, "iex")]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_id_price_and_conditions_come_back(trade_id: int, price: int, conds: str) -> None:
    """Unsigned ids, negative prices, any characters, the zero character too."""
    tick = trade(trade_id=trade_id, price=price, conds=conds)
    assert through_sqlite("trades", [tick])[0].tick == tick


def test_ids_are_stored_shifted_by_half_their_range() -> None:
    """So that 64 unsigned bits sort as they should in a signed column."""
    (values,) = TABLES["trades"].to_values([(1, 1, 1, trade(trade_id=2**64 - 1))], {"AAPL": 1})
    assert 2**64 - 1 - ID_OFFSET in values


def test_a_cancel_can_be_found_by_its_columns() -> None:
    """For people who look into the file with another tool; what is read back is the packed tick."""
    (values,) = TABLES["trades"].to_values([(1, 1, 1, cancel("A", NOON, 7))], {"A": 1})
    assert 7 - ID_OFFSET in values
    assert isinstance(values[-1], bytes)


@pytest.mark.parametrize("family", TABLES)
def test_each_family_has_its_table(family: str) -> None:
    """Under its own name."""
    assert TABLES[family].family == family
    assert f"create table {family} " in TABLES[family].create_sql
