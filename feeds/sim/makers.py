"""The makers: who keep a buy and a sell order in the book, near what they think is fair."""

from collections.abc import Callable
from math import ceil, floor
from typing import Final

from feeds.sim.book import BUY, SELL, Book
from feeds.sim.listing import Stock, round_lot

COUNT: Final = 10
"""Makers of one stock."""
_VENUES: Final = "QPZKVUJYBN"
_SPREAD_SHARE: Final = 0.00002
"""Half spread beyond half a tick, as a share of the price."""
_NEAR: Final = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 6)
"""By how many ticks a maker stays away from the best price that it could offer."""
_LOTS: Final = (1, 1, 1, 1, 2, 2, 3, 4, 5, 8)


class Makers:
    """The makers of one stock, each with at most one order on each side of its book.

    Arguments:
        random: draws from [0, 1); the stock's own.
    """

    __slots__ = ("_book", "_half_spread", "_lot", "_orders", "_random", "_venues")

    def __init__(self, stock: Stock, book: Book, random: Callable[[], float]) -> None:
        self._book = book
        self._random = random
        self._lot = round_lot(stock.price_cents)
        self._half_spread = 0.5 + stock.price_cents * _SPREAD_SHARE
        others = [ord(letter) for letter in _VENUES if ord(letter) != stock.venue]
        self._venues = [stock.venue, *others][:COUNT]
        self._orders: tuple[list[int], list[int]] = ([0] * COUNT, [0] * COUNT)

    def settle(self, price: int) -> None:
        """All makers quote anew around the price (in ticks) at which an auction cleared."""
        for maker in range(COUNT):
            for side, centre in ((BUY, price - 1.0), (SELL, price + 1.0)):
                self._quote(maker, side, centre)

    def move(self, fair: float) -> None:
        """One maker replaces one of its orders by one around the fair value, in ticks.

        When a side of the book is empty, it is that side's turn.
        """
        draw = int(self._random() * (2 * COUNT))
        side = draw & 1
        book = self._book
        if not book.best(BUY):
            side = BUY
        elif not book.best(SELL):
            side = SELL
        self._quote(draw >> 1, side, fair - self._half_spread if side == BUY else fair + self._half_spread)

    def _quote(self, maker: int, side: int, price: float) -> None:
        book = self._book
        random = self._random
        away = _NEAR[int(random() * len(_NEAR))]
        size = self._lot * _LOTS[int(random() * len(_LOTS))]
        orders = self._orders[side]
        book.cancel(orders[maker])
        # A maker never takes: its price gives way to the other side's best.
        if side == BUY:
            best_ask = book.best(SELL)
            ticks = max(1, floor(price) - away)
            if best_ask and ticks >= best_ask:
                ticks = best_ask - 1
        else:
            ticks = max(ceil(price) + away, book.best(BUY) + 1)
        # At a price of 0 there is no room below the best ask.
        orders[maker] = book.place(side, ticks, size, self._venues[maker]) if ticks > 0 else 0
