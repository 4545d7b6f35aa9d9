"""Bars by the book: slow, written apart from `tape.bar_rules`, straight from the vendor's description.

The description: bucket trades by time, to the minute or to the New York calendar day. Combine
a trade's codes, the strictest wins. The open is set once, by the first trade whose open/close
rule is Y or F; high and low by trades whose high/low rule is Y; the close by every Y, and by
an F only while the close is still unset; volume and count by trades whose volume rule is Y;
the vwap over trades whose high/low and volume rules are Y. A bar is emitted only if open,
high, low, close and volume are all non-zero.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

NEW_YORK: Final = ZoneInfo("America/New_York")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TABLE: Final = """\
SPACE,Regular Sale,AB,Y,Y,Y,Y,Y,Y
@,Regular Sale,CO,Y,Y,Y,Y,Y,Y
A,Acquisition,C,Y,Y,Y,Y,Y,Y
B,Average Price Trade,AB,N,N,Y,N,N,Y
B,Bunched Trade,C,Y,Y,Y,Y,Y,Y
C,Cash Sale,ABCO,N,N,Y,N,N,Y
D,Distribution,C,Y,Y,Y,Y,Y,Y
E,Automatic Execution,AB,Y,Y,Y,Y,Y,Y
F,Intermarket Sweep,ABC,Y,Y,Y,Y,Y,Y
G,Bunched Sold Trade,C,N,N,Y,F,Y,Y
H,Price Variation Trade,ABC,N,N,Y,N,N,Y
I,Odd Lot Trade,ABCO,N,N,Y,N,N,Y
K,Rule 127 / Rule 155,ABC,Y,Y,Y,Y,Y,Y
L,Sold Last,ABC,Y,Y,Y,Y,Y,Y
M,Market Center Official Close,ABC,N,N,N,N,N,N
N,Next Day,ABCO,N,N,Y,N,N,Y
O,Market Center Opening Trade,ABC,Y,Y,Y,Y,Y,Y
P,Prior Reference Price,ABCO,N,N,Y,F,Y,Y
Q,Market Center Official Open,ABC,N,N,N,N,N,N
R,Seller,ABCO,N,N,Y,N,N,Y
T,Extended Hours Trade,ABCO,Y,Y,Y,N,N,Y
U,Extended Hours (sold out of sequence),ABCO,N,N,Y,N,N,Y
V,Contingent Trade,ABC,N,N,Y,N,N,Y
W,Average Price Trade,CO,N,N,Y,N,N,Y
X,Cross Trade,ABC,Y,Y,Y,Y,Y,Y
Y,Yellow Flag Regular Trade,C,Y,Y,Y,Y,Y,Y
Z,Sold Out Of Sequence,ABC,N,N,Y,F,Y,Y
4,Derivatively Priced,ABC,N,N,Y,F,Y,Y
5,Market Center Reopening Trade,ABC,Y,Y,Y,Y,Y,Y
6,Market Center Closing Trade,ABC,Y,Y,Y,Y,Y,Y
7,Qualified Contingent Trade,ABC,N,N,Y,N,N,Y
9,Corrected Consolidated Close,ABC,N,N,N,Y,Y,N
"""
"""The vendor's table: minute open/close, high/low, volume, then the day's."""

ROWS: Final = {
    (tape, code.replace("SPACE", " ")): "".join(effects)
    for line in TABLE.splitlines()
    for code, _, tapes, *effects in [line.split(",")]
    for tape in tapes
}
"""(tape, code) → six effects, one letter each."""
UNKNOWN: Final = "NNYNNY"
"""A code without a row: volume only."""

Values = tuple[int, int, int, int, int, int, int]


class Print(Struct, frozen=True):
    """One trade as the description sees it."""

    symbol: str
    ts_event: int
    price: int
    size: int
    tape: str
    codes: str


@cache
def effects(tape: str, codes: str) -> str:
    """The six effects of a trade, the strictest of its codes' each."""
    rows = [ROWS.get((tape, code), UNKNOWN) for code in codes]
    return "".join(min(column, key="NFY".index) for column in zip(*rows, strict=True))


def bars(prints: Iterable[Print]) -> dict[tuple[str, str, int], Values]:
    """(`minute` or `day`, symbol, start in ns) → values of each bar; `prints` in order of arrival."""
    buckets: dict[tuple[str, str, int], list[Print]] = defaultdict(list)
    for item in sorted(prints, key=lambda item: item.ts_event):  # stable: equal times by arrival
        buckets["minute", item.symbol, item.ts_event // 60_000_000_000 * 60_000_000_000].append(item)
        buckets["day", item.symbol, midnight(item.ts_event)].append(item)
    found = {key: bar(bucket, 0 if key[0] == "minute" else 3) for key, bucket in buckets.items()}
    return {key: values for key, values in found.items() if values is not None}


def midnight(ts_event: int) -> int:
    """The New York midnight that begins the calendar day of a time, in ns UTC."""
    local = (EPOCH + timedelta(seconds=ts_event // 1_000_000_000)).astimezone(NEW_YORK)
    start = local.replace(hour=0, minute=0, second=0)
    return int(start.timestamp()) * 1_000_000_000


def bar(prints: list[Print], first_column: int) -> Values | None:
    """One bar of trades that are in order; None when there is none."""
    opened = closed = high = low = None
    volume = count = 0
    numerator = denominator = 0
    for item in prints:
        open_close, high_low, counts = tuple(effects(item.tape, item.codes))[first_column : first_column + 3]
        if open_close in "YF" and opened is None:
            opened = item.price
        if open_close == "Y" or (open_close == "F" and closed is None):
            closed = item.price
        if high_low == "Y":
            high = item.price if high is None else max(high, item.price)
            low = item.price if low is None else min(low, item.price)
        if counts == "Y":
            volume += item.size
            count += 1
        if high_low == "Y" and counts == "Y":
            numerator += item.price * item.size
            denominator += item.size
    if not (opened and high and low and closed and volume):
        return None
    vwap = int(Fraction(numerator, denominator) + Fraction(1, 2)) if denominator else 0
    return opened, high, low, closed, volume, count, vwap
