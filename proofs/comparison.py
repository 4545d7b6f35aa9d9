"""Rows that history returned, against what an independent reader found in the recording."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct

from proofs.reference import Quote, Trade
from proofs.replays import Row, nanoseconds, trade_of

T = TypeVar("T", Quote, Trade)


class Compared(Struct):
    """What a comparison found; all but `rows` and `marks` should be 0."""

    rows: int = 0
    missing: int = 0
    """Ticks of the recording without a row of the same content."""
    extra: int = 0
    """Rows without a tick of the same content."""
    misplaced: int = 0
    """Rows out of order: symbols rising, within each event time rising, then mark."""
    n_breaks: int = 0
    """Where `n` does not rise by one along the marks of a channel and epoch."""
    marks: Counter[int] = Counter()
    """Mark → rows that have it."""

    @property
    def doubled(self) -> int:
        """Rows beyond the first of their mark."""
        return self.marks.total() - len(self.marks)


def compare(
    rows: Iterable[Row], known: Iterable[T], read: Callable[[Row], T], others: Iterable[Row] = ()
) -> Compared:
    """Compare rows, in the order in which they came, with the recording's ticks in its order.

    `others` are rows of the same channels that are no such tick (cancels among the trades);
    they count for `n` and for marks alone.
    """
    found: dict[str, list[Row]] = defaultdict(list)
    symbols: list[str] = []
    for row in rows:
        if not symbols or symbols[-1] != row["symbol"]:
            symbols.append(row["symbol"])
        found[row["symbol"]].append(row)
    wanted: dict[str, list[T]] = defaultdict(list)
    for tick in known:
        wanted[tick.symbol].append(tick)
    result = Compared(marks=Counter())
    # A symbol that comes twice, or too early, puts its rows out of order.
    result.misplaced += sum(after <= before for before, after in pairwise(symbols))
    for symbol in wanted.keys() | found.keys():
        _compare_symbol(result, found[symbol], wanted[symbol], read)
    in_channel: dict[str, list[Row]] = defaultdict(list)
    for row in [*(row for listed in found.values() for row in listed), *others]:
        result.rows += 1
        result.marks[row["m"]] += 1
        in_channel[row["symbol"]].append(row)
    result.n_breaks = sum(map(number_breaks, in_channel.values()))
    return result


def compare_trades(rows: Sequence[Row], known: Iterable[Trade]) -> Compared:
    """Compare the rows of `/v1/trades`, cancels and corrections among them, with the recording's trades."""
    trades = [row for row in rows if row["kind"] == "trade"]
    others = [row for row in rows if row["kind"] != "trade"]
    return compare(trades, known, trade_of, others)


def _compare_symbol(result: Compared, rows: list[Row], ticks: list[T], read: Callable[[Row], T]) -> None:
    shown = [read(row) for row in rows]
    # Equal event times keep the order of the recording: marks are given in it.
    expected = sorted(ticks, key=lambda tick: tick.ts_event)
    if shown == expected:
        return
    have, want = Counter(shown), Counter(expected)
    result.missing += (want - have).total()
    result.extra += (have - want).total()
    keys = [(nanoseconds(row["ts_event"]), int(row["m"])) for row in rows]
    result.misplaced += sum(after < before for before, after in pairwise(keys))
    if have == want and not result.misplaced:
        result.misplaced += 1  # in order of its marks, but these are not in the recording's order


def number_breaks(rows: Sequence[Row]) -> int:
    """Where `n` does not go 1, 2, 3 … along the marks of one channel, in any of its epochs.

    In its first epoch a channel begins at 1; a later epoch goes on where it likes, unbroken.
    """
    breaks, last, epoch = 0, 0, None
    for row in sorted(rows, key=lambda row: int(row["m"])):
        if epoch in (None, row["e"]):
            breaks += row["n"] != last + 1
        last, epoch = row["n"], row["e"]
    return breaks
