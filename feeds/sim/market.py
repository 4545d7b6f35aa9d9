"""The market with full books: all stocks on one time line."""

from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from feeds.sim.auction import Occasion
from feeds.sim.listing import activity, list_stocks
from feeds.sim.prices import FairValue, MarketPath, fastest_s, shock_chances
from feeds.sim.prints import Printer
from feeds.sim.settings import SimSettings
from feeds.sim.trading import StockTrading
from ticks.model import Trade

_CANCEL_SOONEST_NS: Final = 2_000_000_000
_CANCEL_LATEST_NS: Final = 12_000_000_000
_OPENING_TICKS: Final = 8
"""Ticks that the opening of one stock gives."""
_OPENINGS_NS_MAX: Final = 60_000_000_000

_Due = tuple[int, int, StockTrading | Trade]
"""(time, a rising number that orders what is due at the same time, who acts or what is cancelled)."""


class BookMarket:
    """Stocks that trade on order books, the most active opening first.

    Arguments:
        printer: where the ticks go.
        start_ns: when it begins, ns of the clock.
        occasion: what the auctions that open it are called.
    """

    def __init__(self, settings: SimSettings, printer: Printer, start_ns: int, occasion: Occasion) -> None:
        self._printer = printer
        self._speed = settings.speed
        market = MarketPath(settings.seed, fastest_s(settings))
        rates = [share * settings.total_rate for share in activity(settings.symbols)]
        # Openings come about as densely as the ticks of the open market.
        openings_ns = min(
            _OPENINGS_NS_MAX, int(settings.symbols * _OPENING_TICKS / settings.total_rate * 1e9)
        )
        stocks = list_stocks(settings.symbols)
        chances = shock_chances(stocks, settings)
        self.stocks = [
            StockTrading(
                stock, FairValue(stock, market, settings, chance), settings, printer, rate, start_ns,
                self._cancel_later,
            )
            for stock, rate, chance in zip(stocks, rates, chances, strict=True)
        ]  # fmt: skip
        self._occasion = occasion
        self._due: list[_Due] = [
            (start_ns + place * openings_ns // len(self.stocks), place, stock)
            for place, stock in enumerate(self.stocks)
        ]
        self._serial = len(self.stocks)

    def run_until(self, time_ns: int) -> None:
        """Let everything happen that is due up to and including `time_ns`."""
        due = self._due
        while due[0][0] <= time_ns:
            now_ns, serial, item = due[0]
            if isinstance(item, Trade):
                heappop(due)
                self._printer.cancel(item, now_ns)
                continue
            # The first entry of each stock, which has its place in the list as number, opens it.
            first = serial < len(self.stocks)
            next_ns = item.open(now_ns, self._occasion) if first else item.act(now_ns)
            self._serial += 1
            # While it acted it may have put cancels into the heap; they are later, so it is still first.
            heapreplace(due, (next_ns, self._serial, item))

    def stand_still(self, duration_ns: int) -> None:
        """Put off everything by so long, in the same order."""
        self._due = [(time_ns + duration_ns, serial, item) for time_ns, serial, item in self._due]
        heapify(self._due)
        for stock in self.stocks:
            stock.stand_still(duration_ns)

    def _cancel_later(self, time_ns: int, trade: Trade, draw: float) -> None:
        wait_ns = _CANCEL_SOONEST_NS + int(draw * (_CANCEL_LATEST_NS - _CANCEL_SOONEST_NS))
        self._serial += 1
        heappush(self._due, (time_ns + int(wait_ns / self._speed), self._serial, trade))
