"""What a print may do to a bar, and the tally from which a bar is read.

A print's `elig` says what it may update (`ticks.conditions`). Of the prints of a bar, in
order of (`ts_event`, arrival):

* open: the first whose open/close rule is Y or F, and never again;
* close: every Y; an F only while the close is unset, so only when it set the open too;
* high, low: those whose high/low rule is Y;
* volume, count: those whose volume rule is Y;
* vwap: numerator price × size and a denominator of its own, over those whose high/low *and*
  volume rules are Y.

There is a bar when open, high, low, close and volume are all non-zero.

A tally keeps what these rules need in a form that can be added to in any order and merged, so
a late print costs no more than a punctual one, and a day is the sum of its minutes. What
cannot be taken back out of a tally is a withdrawn print: then it is made anew.
"""

from struct import Struct as Layout
from typing import Final, TypeVar

from msgspec import Struct

from ticks import conditions
from ticks.model import Bar
from ticks.sources import DERIVED

B = TypeVar("B", bound=Bar)

PRINT: Final = Layout("=QQQQHB")
"""A print as it is kept: `ts_event price size trade_id elig venue`."""
_TALLIED: Final = Layout("=QQQ8xHx")
"""What a tally reads of it: `ts_event price size elig`."""
assert PRINT.size == _TALLIED.size

Values = tuple[int, int, int, int, int, int, int]
"""`open high low close volume count vwap` of a bar, units as in `ticks.model`."""
NO_BAR: Final[Values] = (0, 0, 0, 0, 0, 0, 0)
"""The values of a bar that is not there (any more)."""

Rules = tuple[int, ...]
"""What the low eight bits of `elig` mean for one kind of bar: bits of `_FIRST _YES _HIGH_LOW _VOLUME`."""
_ANY_OC: Final = 3
_YES: Final = conditions.YES
_HIGH_LOW: Final = 1 << 2
_VOLUME: Final = 1 << 3
_ELIG_MASK: Final = 0xFF

_UNSET_FIRST: Final = 1 << 64
_UNSET_LAST: Final = -1
_UNSET_LOW: Final = 1 << 64
_VOLUME_MAX: Final = (1 << 63) - 1


def _rules(shift: int, high_low: int, volume: int) -> Rules:
    return tuple(
        (elig >> shift & _ANY_OC) | _HIGH_LOW * bool(elig & high_low) | _VOLUME * bool(elig & volume)
        for elig in range(_ELIG_MASK + 1)
    )


MINUTE_RULES: Final = _rules(2, conditions.MIN_HL, conditions.MIN_VOL)
"""Of minute bars: extended hours make them too."""
DAY_RULES: Final = _rules(0, conditions.DAY_HL, conditions.DAY_VOL)
"""Of daily bars: extended hours add to the volume alone."""


class Tally(Struct, gc=False):
    """What some prints add up to. Mutable; ten integers."""

    first_ns: int = _UNSET_FIRST
    """Time of the earliest print that may set the open."""
    first: int = 0
    last_ns: int = _UNSET_LAST
    """Time of the latest print that may always set the close."""
    last: int = 0
    high: int = 0
    low: int = _UNSET_LOW
    volume: int = 0
    count: int = 0
    notional: int = 0
    """Price × size over the prints of the vwap: beyond 64 bits, and exact."""
    weight: int = 0
    """Size over the same prints."""

    def add(self, prints: bytes | bytearray, start: int, rules: Rules) -> None:
        """Add the packed prints from number `start` on. Prices are positive.

        Of prints with equal times the one that arrived earlier comes first, so they must be
        in order of arrival, and those added later must have arrived later.
        """
        first_ns, first, last_ns, last = self.first_ns, self.first, self.last_ns, self.last
        high, low, volume, count = self.high, self.low, self.volume, self.count
        notional, weight = self.notional, self.weight
        rows = _TALLIED.iter_unpack(memoryview(prints)[start * PRINT.size :])
        for ts_event, price, size, elig in rows:
            rule = rules[elig & _ELIG_MASK]
            if rule & _ANY_OC:
                if ts_event < first_ns:
                    first_ns, first = ts_event, price
                if rule & _YES and ts_event >= last_ns:
                    last_ns, last = ts_event, price
            if rule & _HIGH_LOW:
                if price > high:
                    high = price
                if price < low:
                    low = price
                if rule & _VOLUME:
                    notional += price * size
                    weight += size
            if rule & _VOLUME:
                volume += size
                count += 1
        self.first_ns, self.first, self.last_ns, self.last = first_ns, first, last_ns, last
        self.high, self.low, self.volume, self.count = high, low, volume, count
        self.notional, self.weight = notional, weight

    def merge(self, other: "Tally") -> None:
        """Add what another tally holds, whose prints arrived later or are of another time."""
        if other.first_ns < self.first_ns:
            self.first_ns, self.first = other.first_ns, other.first
        if other.last_ns >= self.last_ns:
            self.last_ns, self.last = other.last_ns, other.last
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.volume += other.volume
        self.count += other.count
        self.notional += other.notional
        self.weight += other.weight

    def values(self) -> Values:
        """The bar of these prints, or `NO_BAR`.

        The vwap is the exact quotient rounded to the nearest unit (1e-9), halves up; 0 when no
        print may set both high/low and volume. A volume beyond 64 bits stays at their end.
        """
        if not (self.first and self.high and self.volume):
            return NO_BAR
        # Without any Y the close is what the first F set, and later ones could not change.
        close = self.last if self.last_ns != _UNSET_LAST else self.first
        weight = self.weight
        vwap = (2 * self.notional + weight) // (2 * weight) if weight else 0
        volume = min(self.volume, _VOLUME_MAX)
        return self.first, self.high, self.low, close, volume, self.count, vwap


def bar_values(bar: Bar) -> Values:
    """The values of a bar that was published."""
    return bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count, bar.vwap


def bar_tick(
    kind: type[B], symbol: str, start_ns: int, now_ns: int, flags: int, values: Values, rev: int, final: bool
) -> B:
    """A bar to be published at `now_ns`, as a tick of source `derived`."""
    return kind(DERIVED, 0, symbol, start_ns, 0, now_ns, 0, flags, *values, rev, final)
