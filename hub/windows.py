"""Conflation that adds up: folding many ticks of a channel into few pieces.

A piece stands for `k` ticks: the newest of them, and all that came since the piece before.
Only trades and quotes fold. A cancel or a correction closes the window: first what was
folded so far, then itself, then a new piece; so no `k` ever hides one.
"""

from typing import Final

from msgspec import Struct

from ticks.conditions import MIN_HL
from ticks.kinds import QUOTE, TRADE
from ticks.model import Tick

FOLDED_KINDS: Final = frozenset((TRADE, QUOTE))


class Piece(Struct, gc=False):
    """The newest tick of `k` ticks of one channel. Mutable while its window is open."""

    n: int
    k: int
    tick: Tick
    high: int | None = None
    """Highest price of the trades that may set one; None when there was none, or for quotes."""
    low: int | None = None


Window = list[Piece]


def fold(window: Window, n: int, tick: Tick) -> None:
    """Take one more tick of the channel into its open window."""
    kind = tick.kind
    if kind == TRADE and tick.elig & MIN_HL:  # type: ignore[union-attr]
        price = tick.price  # type: ignore[union-attr]
        high = low = price
    else:
        high = low = None
    if window and kind in FOLDED_KINDS:
        last = window[-1]
        if last.tick.kind == kind:
            last.n = n
            last.k += 1
            last.tick = tick
            _widen(last, high, low)
            return
    window.append(Piece(n, 1, tick, high, low))


def merge(older: Window, newer: Window) -> Window:
    """Put two windows of one channel together, as if they had been one. `older` is used up."""
    if not older or not newer:
        return older or [Piece(p.n, p.k, p.tick, p.high, p.low) for p in newer]
    last, first = older[-1], newer[0]
    rest = newer
    if last.tick.kind == first.tick.kind and last.tick.kind in FOLDED_KINDS:
        last.n = first.n
        last.k += first.k
        last.tick = first.tick
        _widen(last, first.high, first.low)
        rest = newer[1:]
    older.extend(Piece(p.n, p.k, p.tick, p.high, p.low) for p in rest)
    return older


def ticks_in(window: Window) -> int:
    """How many ticks a window stands for."""
    return sum(piece.k for piece in window)


def _widen(piece: Piece, high: int | None, low: int | None) -> None:
    if high is None or low is None:
        return
    piece.high = high if piece.high is None else max(piece.high, high)
    piece.low = low if piece.low is None else min(piece.low, low)
