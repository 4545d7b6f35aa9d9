"""The judge of rows: every way in which an answer can be wrong moves the figure that names it."""

import pytest

from proofs.comparison import Compared, compare, number_breaks
from proofs.reference import Trade
from proofs.replays import Row, trade_of

SECOND = 1_000_000_000
KNOWN = [
    Trade("A", 10 * SECOND, 1_000_000_000, 1_000_000, 1),
    Trade("B", 11 * SECOND, 2_000_000_000, 1_000_000, 2),
    Trade("A", 10 * SECOND, 1_000_000_000, 1_000_000, 3),
    Trade("A", 9 * SECOND, 1_000_000_000, 1_000_000, 4),
]


def row(trade: Trade, n: int, m: int) -> Row:
    """A trade as history shows it."""
    return {
        "symbol": trade.symbol,
        "ts_event": f"1970-01-01T00:00:{trade.ts_event // SECOND:02}Z",
        "price": trade.price // SECOND,
        "size": trade.size // 1_000_000,
        "trade_id": trade.trade_id,
        "n": n,
        "m": m,
        "e": 1,
    }


def good() -> list[Row]:
    """What history should return of `KNOWN`."""
    return [row(KNOWN[3], 3, 4), row(KNOWN[0], 1, 1), row(KNOWN[2], 2, 3), row(KNOWN[1], 1, 2)]


def figures(rows: list[Row]) -> Compared:
    """The comparison of rows with `KNOWN`."""
    return compare(rows, KNOWN, trade_of)


def test_the_exact_set_in_order_is_right() -> None:
    """Rows by symbol, event time, mark: nothing to complain of."""
    found = figures(good())
    assert (found.rows, found.missing, found.extra, found.misplaced, found.n_breaks) == (4, 0, 0, 0, 0)
    assert found.doubled == 0


def test_a_missing_row_is_seen() -> None:
    """A row less is one missing, and a break in the numbers unless it was the last."""
    rows = good()
    del rows[1]
    found = figures(rows)
    assert (found.missing, found.extra, found.n_breaks) == (1, 0, 1)


def test_a_doubled_row_is_seen() -> None:
    """The same mark twice is a double, and an extra row."""
    rows = good()
    found = figures([*rows[:2], rows[1], *rows[2:]])
    assert (found.missing, found.extra, found.doubled) == (0, 1, 1)


def test_a_wrong_value_is_seen() -> None:
    """A row with another price is an extra one, and the right one is missing."""
    rows = good()
    rows[0] = rows[0] | {"price": 2}
    found = figures(rows)
    assert (found.missing, found.extra) == (1, 1)


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 1, 3), (3, 0, 1, 2), (0, 1, 3, 2)])
def test_a_row_in_the_wrong_place_is_seen(order: tuple[int, ...]) -> None:
    """Time, mark and symbol have to rise."""
    rows = good()
    assert figures([rows[place] for place in order]).misplaced > 0


def test_marks_in_another_order_than_the_recording_are_seen() -> None:
    """Equal times keep the order in which the feed sent them."""
    rows = good()
    rows[1], rows[2] = rows[1] | {"trade_id": 3}, rows[2] | {"trade_id": 1}
    assert figures(rows).misplaced == 1


def test_other_rows_count_for_numbers_and_marks() -> None:
    """A cancel has its place in the channel, without being a trade."""
    rows = [row(KNOWN[0], 1, 1), row(KNOWN[0], 3, 3)]
    cancel = row(KNOWN[0], 2, 2)
    found = compare(rows, [KNOWN[0], KNOWN[0]], trade_of, others=[cancel])
    assert (found.rows, found.n_breaks, found.doubled) == (3, 0, 0)


@pytest.mark.parametrize(
    ("numbers", "breaks"),
    [
        ([(1, 1), (2, 1), (3, 1)], 0),
        ([(2, 1), (3, 1)], 1),
        ([(1, 1), (3, 1)], 1),
        ([(1, 1), (1, 1)], 1),
        ([(1, 1), (2, 1), (2, 2), (3, 2)], 0),
        ([(1, 1), (5, 2), (7, 2)], 1),
        ([], 0),
    ],
)
def test_numbers_are_unbroken_within_an_epoch(numbers: list[tuple[int, int]], breaks: int) -> None:
    """They begin at 1 and rise by one; a new epoch may begin elsewhere."""
    rows = [{"n": n, "e": epoch, "m": m} for m, (n, epoch) in enumerate(numbers)]
    assert number_breaks(rows) == breaks
