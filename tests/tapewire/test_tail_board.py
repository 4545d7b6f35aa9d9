"""The state behind the table."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapewire.tail_board import SPARK_WIDTH, SPARKS, Board, age_text, spark
from tests.tapewire_client.wire import gap, mark, ok, snap

NOW_US = 1_795_487_542_000_000


def trade(price: str, *, symbol: str = "A", k: int = 1, ago_us: int = 0) -> dict[str, Any]:
    """A trade, some time ago."""
    tick = {"op": "t", "c": f"t:{symbol}", "n": 1, "px": Decimal(price), "sz": 100, "src": "sim", "k": k}
    return tick | {"ts": NOW_US - ago_us}


def quote(bid: str | None, ask: str | None) -> dict[str, Any]:
    """A quote, now."""
    tick = {"op": "q", "c": "q:A", "n": 1, "bs": 1, "as": 1, "src": "sim", "ts": NOW_US}
    return tick | {"bp": bid and Decimal(bid), "ap": ask and Decimal(ask)}


def board(*messages: dict[str, Any]) -> Board:
    """A board of `A` after these messages."""
    made = Board(("A",))
    for message in messages:
        made.take(message)
    return made


def test_a_symbol_without_a_tick_has_a_row_of_dashes() -> None:
    """It was asked for, so it is there."""
    (row,) = board().rows(NOW_US)
    assert (row.symbol, row.last, row.size, row.bid, row.ask, row.ticks, row.age) == (
        "A", "–", "–", "–", "–", "0", "–",
    )  # fmt: skip


def test_the_newest_trade_and_quote_are_shown() -> None:
    """With the sum of ticks, folded ones included, and the source."""
    (row,) = board(trade("5"), quote("4.99", None), trade("5.5", k=1_200, ago_us=2_500_000)).rows(NOW_US)
    assert (row.last, row.size, row.bid, row.ask, row.ticks, row.source) == (
        "5.50", "100", "4.99", "–", "1,202", "sim",
    )  # fmt: skip
    assert row.age == "0 ms"


@pytest.mark.parametrize(
    ("prices", "direction"), [(["5"], 0), (["5", "6"], 1), (["5", "4"], -1), (["5", "6", "6"], 1)]
)
def test_the_direction_is_that_of_the_last_change(prices: list[str], direction: int) -> None:
    """A trade at the same price changes nothing."""
    (row,) = board(*(trade(price) for price in prices)).rows(NOW_US)
    assert row.direction == direction


def test_a_snapshot_is_state_but_no_tick() -> None:
    """It stands for what was before."""
    told = {**snap(7, "t:A"), "tick": trade("5")}
    (row,) = board(told).rows(NOW_US)
    assert (row.last, row.ticks) == ("5.00", "0")


def test_other_messages_change_nothing() -> None:
    """Control messages and kinds without a price."""
    status = {"op": "s", "c": "s:B", "n": 1, "ts": 1, "src": "sim"}
    assert board(ok({"t:A": 1}), mark(5), gap(), status).rows(NOW_US) == board().rows(NOW_US)


def test_symbols_keep_their_place() -> None:
    """Those asked for first, then as they are heard of."""
    made = Board(("B", "A"))
    for symbol in ("C", "A", "D", "C"):
        made.take(trade("5", symbol=symbol))
    assert [row.symbol for row in made.rows(NOW_US)] == ["B", "A", "C", "D"]


def test_the_sparkline_has_one_price_for_each_drawing_with_a_trade() -> None:
    """The newest; so its length says time, not how busy the symbol is."""
    made = Board()
    for price in range(SPARK_WIDTH + 5):
        made.take(trade("1"))
        made.take(trade(str(price)))
        made.rows(NOW_US)
    (row,) = made.rows(NOW_US)
    assert len(row.spark) == SPARK_WIDTH
    assert (row.spark[0], row.spark[-1]) == (SPARKS[0], SPARKS[-1])


def test_prices_that_do_not_move_are_a_line_in_the_middle() -> None:
    """Without any, nothing."""
    assert spark([Decimal(5)] * 3) == "▅▅▅"
    assert spark([]) == ""


@given(st.lists(st.decimals("0.000000001", "999999999", places=9), max_size=SPARK_WIDTH))
def test_any_prices_are_a_sparkline(prices: list[Decimal]) -> None:
    """One block each, the highest the fullest."""
    line = spark([*prices])
    assert len(line) == len(prices)
    if len(set(map(float, prices))) > 1:
        assert line[prices.index(max(prices))] == SPARKS[-1]
        assert line[prices.index(min(prices))] == SPARKS[0]


@pytest.mark.parametrize(
    ("age_us", "text"),
    [
        (-5, "0 ms"), (0, "0 ms"), (12_400, "12 ms"), (999_400, "999 ms"), (999_600, "1.0 s"),
        (3_400_000, "3.4 s"), (99_940_000, "99.9 s"), (100_000_000, "2 min"),
        (5_990_000_000, "100 min"), (7_200_000_000, "2 h"),
        (172_000_000_000, "48 h"), (260_000_000_000, "3 d"),
    ],
)  # fmt: skip
def test_ages_are_for_people(age_us: int, text: str) -> None:
    """In the unit that fits."""
    assert age_text(age_us) == text
