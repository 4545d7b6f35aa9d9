"""The call auctions that open and reopen trading in a stock."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from feeds.sim.book import BUY, SELL, Book
from feeds.sim.listing import Stock, round_lot
from feeds.sim.prints import OPENING, PRICE_UNIT, REOPENING, SHARE, Printer

_ORDERS_PER_ROUND: Final = 6
_SPREAD: Final = 0.002
"""How far apart the limits of the orders are, as a share of the price."""
_EAGER: Final = 0.0006
"""How far beyond the fair value the average order goes, so that the sides overlap."""
_LOTS_MOST: Final = 20


class Occasion(Struct, frozen=True):
    """Why there is an auction, in the words that the ticks use."""

    state: str
    """The `state` of the status that begins it."""
    reason: str
    raw: str
    auction: str
    """The kind of auction, as in `Auction.auction`."""
    code: str
    """The sale condition of its cross."""


OPEN: Final = Occasion("order_acceptance", "", "O", "open", OPENING)
"""The first auction of a market."""
RESUME: Final = Occasion("order_acceptance", "", "O", "halt", REOPENING)
"""The first auction after a restart in the middle of a day."""
PAUSE: Final = Occasion("paused", "LUDP", "P", "volatility", REOPENING)
"""A volatility pause: the price left its band."""
HALT: Final = Occasion("halted", "T1", "H", "halt", REOPENING)
"""News is pending."""


class CallAuction:
    """Collects orders in a stock's book and crosses them at one price.

    Arguments:
        random: draws from [0, 1); the stock's own.
    """

    __slots__ = ("_book", "_lot", "_printer", "_random", "_stock")

    def __init__(self, stock: Stock, book: Book, printer: Printer, random: Callable[[], float]) -> None:
        self._stock = stock
        self._book = book
        self._printer = printer
        self._random = random
        self._lot = round_lot(stock.price_cents)

    def begin(self, time_ns: int, occasion: Occasion) -> None:
        """Stop continuous trading: all orders leave the book, which from now on collects."""
        self._book.clear()
        self._book.in_auction = True
        self._printer.status(self._stock, time_ns, occasion.state, occasion.reason, occasion.raw)

    def collect(self, time_ns: int, occasion: Occasion, fair: float, crosses_ns: int) -> None:
        """Take in another round of orders and publish where the auction would clear now."""
        random = self._random
        for _ in range(_ORDERS_PER_ROUND):
            side = BUY if random() < 0.5 else SELL
            eager = _EAGER if side == BUY else -_EAGER
            price = fair * (1.0 + eager + (random() - 0.5) * _SPREAD)
            size = self._lot * (1 + int(random() * _LOTS_MOST))
            self._book.place(side, max(1, round(price)), size, self._stock.venue)
        reference = max(1, round(fair))
        clearing = self._book.clearing(reference)
        self._printer.auction(self._stock, time_ns, occasion.auction, clearing, reference, crosses_ns)

    def cross(self, time_ns: int, occasion: Occasion, fair: float) -> int:
        """Resume trading with the cross, one print of everything that traded; orders left over go.

        Returns the price in ticks; that of the fair value when nothing traded.
        """
        fills = self._book.uncross(max(1, round(fair)))
        self._book.clear()
        self._printer.status(self._stock, time_ns, "trading", "", "T")
        if not fills:
            return max(1, round(fair))
        price = fills[0].price
        volume = sum(fill.size for fill in fills) // 2
        self._printer.trade(
            self._stock, time_ns, self._stock.venue, price * PRICE_UNIT, volume * SHARE, occasion.code
        )
        return price
