"""The takers: who trade against the book, in bursts, and off exchange between its prices."""

from collections.abc import Callable
from typing import Final

from feeds.sim.book import BUY, SELL, Book, Fill
from feeds.sim.listing import Stock, round_lot
from feeds.sim.prints import ODD_LOT, OFF_EXCHANGE, PRICE_UNIT, SHARE, SWEEP, Printer
from ticks.model import Trade

FOLLOW_CHANCE: Final = 0.45
"""How likely a trade brings another one soon after it, on the same side: a burst has on average
1 / (1 - 0.45) trades."""
_OFF_EXCHANGE_CHANCE: Final = 0.22
_SWEEP_CHANCE: Final = 0.06
_LEAN_MOST: Final = 0.45
"""How far a fair value outside the quotes tilts the choice between buying and selling."""
_SHARES: Final = (1, 2, 5, 10, 12, 25, 40, 50, 80)
_LOTS: Final = (1, 1, 1, 1, 1, 2, 2, 3, 5, 10)
_ODD_LOT_CHANCE: Final = 0.35
_FRACTION_CHANCE: Final = 0.3
_SUB_PENNY: Final = 100_000
"""Off exchange prices come in $0.0001, in 1e-9."""


class Takers:
    """The takers of one stock.

    Arguments:
        random: draws from [0, 1); the stock's own.
        cancel_every: one trade on the book in this many will be cancelled.
        cancel_later: is told which.
        show: prints the top of the book if it has changed.
    """

    __slots__ = (
        "_book", "_cancel_chance", "_cancel_later", "_follow_side", "_lot", "_printer", "_random", "_show",
        "_stock",
    )  # fmt: skip

    def __init__(
        self,
        stock: Stock,
        book: Book,
        printer: Printer,
        random: Callable[[], float],
        cancel_every: int,
        cancel_later: Callable[[int, Trade, float], None],
        show: Callable[[int], None],
    ) -> None:
        self._stock = stock
        self._book = book
        self._printer = printer
        self._random = random
        self._lot = round_lot(stock.price_cents)
        self._cancel_chance = 1.0 / cancel_every
        self._cancel_later = cancel_later
        self._show = show
        self._follow_side = -1

    @property
    def in_burst(self) -> bool:
        """Whether the next event follows at once, and is a trade."""
        return self._follow_side >= 0

    def rest(self) -> None:
        """End a burst, for trading has stopped."""
        self._follow_side = -1

    def act(self, time_ns: int, fair: float) -> None:
        """One taker trades. Needs orders on both sides of the book."""
        random = self._random
        bid, ask = self._book.best(BUY), self._book.best(SELL)
        side = self._follow_side
        if side < 0:
            lean = (fair - (bid + ask) / 2) / (ask - bid)
            side = BUY if random() < 0.5 + max(-_LEAN_MOST, min(_LEAN_MOST, lean)) else SELL
        draw = random()
        if draw < _OFF_EXCHANGE_CHANCE:
            self._print_off_exchange(time_ns, bid, ask)
        elif draw < _OFF_EXCHANGE_CHANCE + _SWEEP_CHANCE:
            reach = 1 + int(random() * 4)
            limit = ask + reach if side == BUY else max(1, bid - reach)
            self._trade(time_ns, side, limit, self._lot * (4 + int(random() * 12)), SWEEP)
        else:
            self._trade(time_ns, side, ask if side == BUY else bid, self._shares(), "")
        self._follow_side = side if random() < FOLLOW_CHANCE else -1

    def _trade(self, time_ns: int, side: int, limit: int, size: int, codes: str) -> None:
        """Trade with one price after the other; each is shown as the top before it is traded at."""
        book = self._book
        while size:
            best = book.best(1 - side)
            if not best or (best > limit if side == BUY else best < limit):
                return
            for fill in book.take(side, best, size):
                size -= fill.size
                self._print(time_ns, fill, codes)
            self._show(time_ns)

    def _print(self, time_ns: int, fill: Fill, codes: str) -> None:
        if fill.size < self._lot:
            codes += ODD_LOT
        trade = self._printer.trade(
            self._stock, time_ns, fill.venue, fill.price * PRICE_UNIT, fill.size * SHARE, codes
        )
        draw = self._random()
        if draw < self._cancel_chance:
            self._cancel_later(time_ns, trade, draw / self._cancel_chance)

    def _print_off_exchange(self, time_ns: int, bid: int, ask: int) -> None:
        """A broker filled its customer between the best prices, to a fraction of a share and a cent."""
        random = self._random
        improved = int(random() * ((ask - bid) * PRICE_UNIT // _SUB_PENNY + 1)) * _SUB_PENNY
        if random() < _FRACTION_CHANCE:
            size = 1 + int(random() * 5 * SHARE)
        else:
            size = self._shares() * SHARE
        codes = ODD_LOT if size < self._lot * SHARE else ""
        self._printer.trade(self._stock, time_ns, OFF_EXCHANGE, bid * PRICE_UNIT + improved, size, codes)

    def _shares(self) -> int:
        random = self._random
        if random() < _ODD_LOT_CHANCE:
            return _SHARES[int(random() * len(_SHARES))]
        return self._lot * _LOTS[int(random() * len(_LOTS))]
