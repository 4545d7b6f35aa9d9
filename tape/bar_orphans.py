"""Orphans: withdrawals whose print has not been seen, kept until it comes.

A withdrawal (cancel or correction) names its print by (symbol, venue, trade id, price, size):
ids alone are used again by some venues. Bounded: of more than `ORPHANS_MAX` the oldest is
forgotten.
"""

from collections import Counter
from typing import Final

from ticks.model import Trade, TradeCancel, TradeCorrect

ORPHANS_MAX: Final = 4_096
"""Waiting withdrawals. A whole market has some hundred withdrawals a day."""

Withdrawal = TradeCancel | TradeCorrect
Key = tuple[str, int, int, int, int]
"""`symbol venue trade_id price size`."""


class Orphans:
    """The waiting withdrawals of one line-up, oldest first."""

    def __init__(self) -> None:
        self.symbols: Counter[str] = Counter()
        """How many wait for a print of each symbol; a symbol without any is not in it."""
        self._waiting: dict[Key, Withdrawal] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, tick: Withdrawal) -> None:
        """Keep a withdrawal until its print comes; one that waits already is told twice."""
        key = withdrawn_key(tick)
        if key in self._waiting:
            return
        if len(self._waiting) >= ORPHANS_MAX:
            self._pop(next(iter(self._waiting)))
        self._waiting[key] = tick
        self.symbols[tick.symbol] += 1

    def meet(self, trade: Trade) -> tuple[Trade | None, int]:
        """What is left of a print after the withdrawals that came before it, and how many these were.

        The print itself, the last correction of it, or None when it was cancelled.
        """
        met = 0
        while trade.symbol in self.symbols and (orphan := self._pop(_key(trade))) is not None:
            met += 1
            if isinstance(orphan, TradeCancel):
                return None, met
            trade = corrected(orphan, trade.ts_event, trade.flags)
        return trade, met

    def forget(self, before_ns: int) -> None:
        """Forget those received before a time."""
        while self._waiting and self._waiting[key := next(iter(self._waiting))].ts_recv < before_ns:
            self._pop(key)

    def _pop(self, key: Key) -> Withdrawal | None:
        orphan = self._waiting.pop(key, None)
        if orphan is not None:
            self.symbols[orphan.symbol] -= 1
            if not self.symbols[orphan.symbol]:
                del self.symbols[orphan.symbol]
        return orphan


def withdrawn_key(tick: Withdrawal) -> Key:
    """Names the print that is withdrawn."""
    if isinstance(tick, TradeCancel):
        return tick.symbol, tick.venue, tick.trade_id, tick.price, tick.size
    return tick.symbol, tick.venue, tick.old_trade_id, tick.old_price, tick.old_size


def corrected(tick: TradeCorrect, ts_event: int, flags: int) -> Trade:
    """The print as it should have been, at its own time."""
    return Trade(
        tick.source, tick.venue, tick.symbol, ts_event, tick.ts_send, tick.ts_recv, tick.src_seq, flags,
        tick.price, tick.size, tick.trade_id, tick.sip_tape, tick.conds, tick.elig,
    )  # fmt: skip


def _key(trade: Trade) -> Key:
    return trade.symbol, trade.venue, trade.trade_id, trade.price, trade.size
