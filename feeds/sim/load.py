"""The market without books: quotes and trades for load tests, at the highest rate one core gives.

Ticks come evenly spaced, one at a time. The stock of each is drawn by its activity. There are
no orders, auctions, halts, cancels or prints off exchange, but what there is agrees: bid below
ask, trades at the bid or ask last quoted and for no more than what of it is left.
"""

from random import Random
from typing import Final

from feeds.sim.listing import Stock, activity, list_stocks, round_lot
from feeds.sim.noise import mix
from feeds.sim.prices import FairValue, MarketPath, fastest_s
from feeds.sim.prints import ODD_LOT, PRICE_UNIT, SHARE, SWEEP, Printer
from feeds.sim.settings import SimSettings

_SLOTS_LEAST: Final = 4_096
_SLOTS_PER_STOCK: Final = 12
_SLOT_BITS: Final = 20
_MILLI: Final = 1_000
_TRADE_OF_16: Final = 3
"""So many of 16 ticks are trades, where there is something left to trade."""
_LEFT_BEHIND: Final = 12
"""Ticks from the fair value at which an old quote is not left standing."""
_LOTS: Final = (1, 1, 1, 2, 2, 3, 4, 8)
_TRADED: Final = (5, 20, 50, 100, 100, 100, 200, 300)
"""Shares of a trade."""
_VENUES: Final = tuple(ord(letter) for letter in "QPZKVUNJ")


class _Quoted:
    """What was last quoted of a stock, and what of it is left."""

    __slots__ = ("ask", "ask_left", "ask_venue", "bid", "bid_left", "bid_venue", "fair", "lot", "stock")

    def __init__(self, stock: Stock, fair: FairValue) -> None:
        self.stock = stock
        self.fair = fair
        self.lot = round_lot(stock.price_cents)
        self.bid = self.ask = 0
        self.bid_left = self.ask_left = 0
        self.bid_venue = self.ask_venue = stock.venue


class LoadMarket:
    """Quotes and trades without books.

    Arguments:
        printer: where the ticks go.
        start_ns: when it begins, ns of the clock.
    """

    def __init__(self, settings: SimSettings, printer: Printer, start_ns: int) -> None:
        self._printer = printer
        market = MarketPath(settings.seed, fastest_s(settings))
        quoted = [
            _Quoted(stock, FairValue(stock, market, settings)) for stock in list_stocks(settings.symbols)
        ]
        self._slots = _slots(quoted)
        self._bits = Random(mix(settings.seed) ^ mix(start_ns)).getrandbits
        self._next_ns = start_ns
        # The time between two ticks is a whole number of ns and a fraction, which is carried along.
        self._rate_milli = max(1, round(settings.total_rate * _MILLI))
        self._gap_ns, self._gap_rest = divmod(1_000_000_000 * _MILLI, self._rate_milli)
        self._carried = 0

    def run_until(self, time_ns: int) -> None:
        """Print all ticks up to and including `time_ns`."""
        bits, slots, mask = self._bits, self._slots, len(self._slots) - 1
        next_ns, carried = self._next_ns, self._carried
        while next_ns <= time_ns:
            draw = bits(60)
            quoted = slots[draw & mask]
            draw >>= _SLOT_BITS
            if (draw & 15) >= _TRADE_OF_16 or not self._trade(quoted, next_ns, draw >> 4):
                self._quote(quoted, next_ns, draw >> 4)
            next_ns += self._gap_ns
            carried += self._gap_rest
            if carried >= self._rate_milli:
                carried -= self._rate_milli
                next_ns += 1
        self._next_ns, self._carried = next_ns, carried

    def stand_still(self, duration_ns: int) -> None:
        """Put off everything by so long."""
        self._next_ns += duration_ns

    def _trade(self, quoted: _Quoted, time_ns: int, draw: int) -> bool:
        """Print a trade at the bid or the ask; False when nothing is left there."""
        buys = draw & 1
        left = quoted.ask_left if buys else quoted.bid_left
        if not left:
            return False
        size = min(left, _TRADED[draw >> 1 & 7])
        if buys:
            price, venue = quoted.ask, quoted.ask_venue
            quoted.ask_left = left - size
        else:
            price, venue = quoted.bid, quoted.bid_venue
            quoted.bid_left = left - size
        codes = ODD_LOT if size < quoted.lot else "" if draw >> 4 & 31 else SWEEP
        self._printer.trade(quoted.stock, time_ns, venue, price * PRICE_UNIT, size * SHARE, codes)
        return True

    def _quote(self, quoted: _Quoted, time_ns: int, draw: int) -> None:
        """Quote one side anew, and the other when nothing is left there or its price was left behind."""
        fair = quoted.fair
        if time_ns >= fair.until_ns:
            fair.move_to(time_ns)
        centre = max(1, int(fair.value))
        fresh = quoted.bid < centre - _LEFT_BEHIND or quoted.ask > centre + _LEFT_BEHIND
        if fresh or draw & 1 or not quoted.bid_left:
            quoted.bid = max(1, centre - (draw >> 1 & 3))
            quoted.bid_left = quoted.lot * _LOTS[draw >> 3 & 7]
            quoted.bid_venue = _VENUES[draw >> 6 & 7]
        if fresh or not draw & 1 or not quoted.ask_left:
            quoted.ask = centre + 1 + (draw >> 9 & 3)
            quoted.ask_left = quoted.lot * _LOTS[draw >> 11 & 7]
            quoted.ask_venue = _VENUES[draw >> 14 & 7]
        if quoted.bid >= quoted.ask:
            # Only the side that was not quoted now can be in the way; it gives way.
            if draw & 1:
                quoted.ask, quoted.ask_left = quoted.bid + 1, quoted.lot
            else:
                quoted.bid, quoted.bid_left = quoted.ask - 1, quoted.lot
        self._printer.quote(
            quoted.stock,
            time_ns,
            (quoted.bid, quoted.bid_left, quoted.bid_venue),
            (quoted.ask, quoted.ask_left, quoted.ask_venue),
        )


def _slots(quoted: list[_Quoted]) -> list[_Quoted]:
    """A list from which each stock is drawn as often as it is active; its length is a power of two."""
    size = _SLOTS_LEAST
    while size < _SLOTS_PER_STOCK * len(quoted):
        size *= 2
    # Each stock has a slot, however quiet it is.
    spare = size - len(quoted)
    slots = list(quoted)
    for one, share in zip(quoted, activity(len(quoted)), strict=True):
        slots += [one] * int(spare * share)
    return slots + [quoted[0]] * (size - len(slots))
