"""What must hold for every tape of the simulated exchange, and small makers of its parts."""

from collections import Counter
from functools import lru_cache
from random import Random
from typing import Final

from feeds.sim import SimExchange, SimSettings
from feeds.sim.book import BUY, SELL, Book
from feeds.sim.listing import KNOWN, Stock, round_lot
from feeds.sim.prints import Printer
from ticks.conditions import elig
from ticks.model import ABSENT_PRICE, Auction, Quote, Status, Tick, Trade, TradeCancel
from ticks.sessions import RTH

START: Final = 1_795_000_000_000_000_000
"""A Wednesday in November 2026, ns."""
SECOND: Final = 1_000_000_000
CENT: Final = 10_000_000
SHARE: Final = 1_000_000
AAPL: Final = KNOWN[0]
SPY: Final = KNOWN[2]
STOPPED: Final = {"order_acceptance", "paused", "halted"}


@lru_cache(maxsize=16)
def play(settings: SimSettings, seconds: float, start_ns: int = START) -> list[Tick]:
    """The tape of a fresh exchange from its start on; not to be changed, for it is remembered."""
    exchange = SimExchange(settings)
    return exchange.advance(start_ns) + exchange.advance(start_ns + int(seconds * SECOND))


def printer() -> Printer:
    """A printer that begins at 0."""
    return Printer(5, 0, 0)


def quoted_book(bid: int = 10_000, ask: int = 10_002, size: int = 300) -> Book:
    """A book with two levels of one order on each side, a tick apart."""
    book = Book()
    for away in (0, 1):
        book.place(BUY, bid - away, size, ord("Q"))
        book.place(SELL, ask + away, size, ord("P"))
    return book


def draws(*numbers: float, seed: int = 1) -> "Draws":
    """A source of chance that gives these numbers first."""
    return Draws(list(numbers), Random(seed))


class Draws:
    """Given numbers in [0, 1), then seeded ones."""

    def __init__(self, first: list[float], then: Random) -> None:
        self._first = first
        self._then = then

    def __call__(self) -> float:
        return self._first.pop(0) if self._first else self._then.random()


class TapeCheck:
    """Reads a tape and fails at the first tick that contradicts what came before.

    `tally` counts what was seen.
    """

    def __init__(self, *, starts_with_status: bool = True) -> None:
        self.tally: Counter[str] = Counter()
        self.quotes: dict[str, Quote] = {}
        self.trading: dict[str, bool] = {}
        self.trades: dict[int, Trade] = {}
        self.crosses: dict[str, Trade] = {}
        self._starts_with_status = starts_with_status
        self._last: Tick | None = None
        self._lots: dict[str, int] = {}

    def read(self, ticks: list[Tick], stocks: list[Stock]) -> Counter[str]:
        """Check all ticks; return what was counted."""
        self._lots = {stock.symbol: round_lot(stock.price_cents) for stock in stocks}
        for tick in ticks:
            self._head(tick)
            if isinstance(tick, Quote):
                self._quote(tick)
            elif isinstance(tick, Trade):
                self._trade(tick)
            elif isinstance(tick, TradeCancel):
                self._cancel(tick)
            elif isinstance(tick, Status):
                self._status(tick)
            elif isinstance(tick, Auction):
                assert not self.trading[tick.symbol], tick
                self.tally["auction"] += 1
        return self.tally

    def _head(self, tick: Tick) -> None:
        assert tick.ts_event < tick.ts_send < tick.ts_recv, tick
        last = self._last
        if last is not None:
            assert tick.src_seq == last.src_seq + 1, tick
            assert tick.ts_event >= last.ts_event, tick
        self._last = tick

    def _quote(self, quote: Quote) -> None:
        for price, size, venue in (
            (quote.bid_price, quote.bid_size, quote.bid_venue),
            (quote.ask_price, quote.ask_size, quote.ask_venue),
        ):
            absent = price == ABSENT_PRICE
            assert (size == 0) == absent, quote
            assert (venue == 0) == absent, quote
            assert absent or (price > 0 and price % CENT == 0 and size > 0 and size % SHARE == 0), quote
        if ABSENT_PRICE in (quote.bid_price, quote.ask_price):
            self.tally["one-sided"] += 1
        else:
            assert quote.bid_price < quote.ask_price, f"crossed or locked: {quote}"
        cross = self.crosses.pop(quote.symbol, None)
        if cross is not None:
            assert inside(cross.price, quote), (cross, quote)
        self.quotes[quote.symbol] = quote
        self.tally["quote"] += 1

    def _trade(self, trade: Trade) -> None:
        assert trade.size > 0
        assert trade.trade_id not in self.trades
        assert trade.elig == elig(trade.sip_tape, trade.conds, RTH)
        assert trade.conds[0] == ("@" if trade.sip_tape == ord("C") else " ")
        assert self.trading.get(trade.symbol, not self._starts_with_status), trade
        codes = set(trade.conds[1:])
        assert ("I" in codes) == (trade.size < self._lots[trade.symbol] * SHARE), trade
        if codes & {"O", "5"}:
            self.crosses[trade.symbol] = trade
        else:
            assert trade.symbol not in self.crosses, "a cross is followed by a quote"
            assert inside(trade.price, self.quotes[trade.symbol]), (trade, self.quotes[trade.symbol])
        if trade.venue == ord("D"):
            self.tally["off exchange"] += 1
            self.tally["fractional"] += bool(trade.size % SHARE)
        else:
            assert trade.size % SHARE == 0, trade
            assert trade.price % CENT == 0, trade
        self.trades[trade.trade_id] = trade
        self.tally["trade"] += 1
        self.tally.update(codes)

    def _cancel(self, cancel: TradeCancel) -> None:
        trade = self.trades.pop(cancel.trade_id)  # so that no trade is cancelled twice
        assert (cancel.symbol, cancel.price, cancel.size) == (trade.symbol, trade.price, trade.size)
        assert (cancel.venue, cancel.sip_tape, cancel.action) == (trade.venue, trade.sip_tape, "C")
        assert cancel.ts_event > trade.ts_event
        self.tally["cancel"] += 1

    def _status(self, status: Status) -> None:
        trading = status.state == "trading"
        assert trading or status.state in STOPPED, status
        assert self.trading.get(status.symbol) is not trading, f"no change: {status}"
        self.trading[status.symbol] = trading
        self.tally[status.state] += 1


def inside(price: int, quote: Quote) -> bool:
    """Whether a price lies at or between the sides of a quote; an absent side does not limit it."""
    bid = 0 if quote.bid_price == ABSENT_PRICE else quote.bid_price
    return bid <= price <= quote.ask_price
