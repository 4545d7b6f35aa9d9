"""Trading in one stock: auction, continuous trading, halt, and again.

A stock acts at single moments. At each it does one thing and says when it wants to act next;
between two moments nothing of it changes. So it cannot matter how often anybody looks.
"""

from collections.abc import Callable
from math import log
from random import Random
from typing import Final

from feeds.sim.auction import HALT, PAUSE, CallAuction, Occasion
from feeds.sim.book import BUY, SELL, Book
from feeds.sim.listing import Stock
from feeds.sim.makers import Makers
from feeds.sim.noise import mix, mix_text
from feeds.sim.prices import FairValue
from feeds.sim.prints import Printer
from feeds.sim.settings import SimSettings
from feeds.sim.takers import FOLLOW_CHANCE, Takers
from ticks.model import Trade

OPENING_NS: Final = 1_500_000_000
"""Length of the auction that opens a market, ns of the clock."""
TICKS_PER_EVENT: Final = 0.80
"""Ticks that one moment of continuous trading gives on average (measured)."""
TAKER_CHANCE: Final = 0.12
_BURST_GAP: Final = 0.1
"""Within a burst moments follow each other ten times as fast."""
_HALT_CHANCE: Final = 0.25
"""How many shocks stop trading for pending news; the others pause it for their size alone."""
_ROUNDS: Final = 4
_ROUND_NS_MAX: Final = 1_000_000_000
_NOTHING: Final = (0, 0, 0)


def mean_gap_ns(ticks_per_second: float) -> float:
    """The mean time between two moments outside bursts that gives so many ticks, ns."""
    in_burst = TAKER_CHANCE * FOLLOW_CHANCE / (1.0 - FOLLOW_CHANCE * (1.0 - TAKER_CHANCE))
    return TICKS_PER_EVENT * 1e9 / ticks_per_second / (1.0 - in_burst * (1.0 - _BURST_GAP))


class StockTrading:
    """One stock's market. Call `open`, then `act` at each time that these two return.

    Arguments:
        ticks_per_second: its share of the market's rate, ticks/s of the clock.
        start_ns: when this market started; with the seed it decides all chance in it.
        cancel_later: is told of a trade that will be cancelled: now, trade, and a number in [0, 1)
            that says how much later.
    """

    __slots__ = (
        "_auction", "_crosses_ns", "_fair", "_gap_ns", "_halt_ns", "_makers", "_occasion", "_printer",
        "_random", "_round_ns", "_shown_ask", "_shown_bid", "_takers", "book", "stock",
    )  # fmt: skip

    def __init__(
        self,
        stock: Stock,
        fair: FairValue,
        settings: SimSettings,
        printer: Printer,
        ticks_per_second: float,
        start_ns: int,
        cancel_later: Callable[[int, Trade, float], None],
    ) -> None:
        self.stock = stock
        self.book = Book()
        self._printer = printer
        random = Random(mix(mix_text(settings.seed, stock.symbol) ^ mix(start_ns))).random
        self._random = random
        self._gap_ns = mean_gap_ns(ticks_per_second)
        self._halt_ns = int(settings.halt_s / settings.speed * 1e9)
        self._fair = fair
        self._makers = Makers(stock, self.book, random)
        self._takers = Takers(
            stock, self.book, printer, random, settings.cancel_every, cancel_later, self._show
        )
        self._auction = CallAuction(stock, self.book, printer, random)
        self._occasion: Occasion | None = None
        self._crosses_ns = 0
        self._round_ns = 0
        self._shown_bid: tuple[int, int, int] = _NOTHING
        self._shown_ask: tuple[int, int, int] = _NOTHING

    def open(self, time_ns: int, occasion: Occasion) -> int:
        """Begin with an auction; return when to act next."""
        return self._call(time_ns, occasion, OPENING_NS)

    def act(self, time_ns: int) -> int:
        """Do what is due at `time_ns`; return when to act next, always later."""
        fair = self._fair
        shocked = False
        if time_ns >= fair.until_ns:
            fair.move_to(time_ns)
            shocked = fair.shocked
        if self._occasion is not None:
            return self._go_on_with_auction(time_ns, self._occasion)
        if shocked:
            halted = self._random() < _HALT_CHANCE
            return self._call(time_ns, HALT if halted else PAUSE, self._halt_ns)
        book, takers = self.book, self._takers
        both = book.best(BUY) and book.best(SELL)
        if both and (takers.in_burst or self._random() < TAKER_CHANCE):
            takers.act(time_ns, fair.value)
        else:
            self._makers.move(fair.value)
        self._show(time_ns)
        gap = self._gap_ns * _BURST_GAP if takers.in_burst else self._gap_ns
        return time_ns + 1 + int(-log(1.0 - self._random()) * gap)

    def stand_still(self, duration_ns: int) -> None:
        """Push back what this stock has planned: the exchange does nothing for so long."""
        self._crosses_ns += duration_ns

    def _call(self, time_ns: int, occasion: Occasion, length_ns: int) -> int:
        """Stop trading, and call an auction that crosses after `length_ns`."""
        self._takers.rest()
        self._occasion = occasion
        self._crosses_ns = time_ns + length_ns
        self._round_ns = min(_ROUND_NS_MAX, length_ns // _ROUNDS)
        self._auction.begin(time_ns, occasion)
        self._show(time_ns)
        return time_ns + 1

    def _go_on_with_auction(self, time_ns: int, occasion: Occasion) -> int:
        value = self._fair.value
        if time_ns < self._crosses_ns:
            self._auction.collect(time_ns, occasion, value, self._crosses_ns)
            return min(time_ns + self._round_ns, self._crosses_ns)
        self._occasion = None
        price = self._auction.cross(time_ns, occasion, value)
        self._makers.settle(price)
        self._show(time_ns)
        return time_ns + 1 + int(-log(1.0 - self._random()) * self._gap_ns)

    def _show(self, time_ns: int) -> None:
        """Print the top of the book if it is not what was printed last."""
        bid, ask = self.book.top(BUY), self.book.top(SELL)
        if bid != self._shown_bid or ask != self._shown_ask:
            self._shown_bid, self._shown_ask = bid, ask
            self._printer.quote(self.stock, time_ns, bid, ask)
