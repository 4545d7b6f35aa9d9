"""One stock's market over time."""

from itertools import pairwise

import pytest

from feeds.sim.auction import OPEN
from feeds.sim.prices import FairValue, MarketPath
from feeds.sim.prints import Printer
from feeds.sim.settings import SimSettings
from feeds.sim.trading import OPENING_NS, StockTrading
from tests.feeds.sim.checks import AAPL, SECOND, START, TapeCheck, printer
from ticks.model import Quote, Status, Tick, Trade

SETTINGS = SimSettings(halt_s=10, cancel_every=20)


class Run:
    """Apple trading alone until some time, with whatever it planned."""

    def __init__(self, seconds: float, rate: float = 50.0, shock_chance: float = 0.0) -> None:
        self.printer: Printer = printer()
        self.cancels: list[Trade] = []
        self.times: list[int] = []
        fair = FairValue(AAPL, MarketPath(SETTINGS.seed), SETTINGS, shock_chance)
        self.stock = StockTrading(AAPL, fair, SETTINGS, self.printer, rate, START, self.cancel_later)
        self.next_ns = self.stock.open(START, OPEN)
        self.go_on(START + int(seconds * SECOND))

    def cancel_later(self, _time_ns: int, trade: Trade, _draw: float) -> None:
        """Note the trade."""
        self.cancels.append(trade)

    def go_on(self, until_ns: int) -> None:
        """Act whenever it is due."""
        while self.next_ns <= until_ns:
            self.times.append(self.next_ns)
            self.next_ns = self.stock.act(self.next_ns)

    @property
    def ticks(self) -> list[Tick]:
        """All that was printed."""
        return self.printer.out


def test_a_day_of_a_stock_obeys_the_rules_of_every_tape() -> None:
    """Auction, trades inside the quotes, halts and auctions again: nothing contradicts."""
    run = Run(4_800, rate=25.0, shock_chance=1.0)
    tally = TapeCheck().read(run.ticks, [AAPL])
    assert tally["O"] == 1
    assert tally["5"] == tally["paused"] + tally["halted"] >= 3
    assert min(tally["I"], tally["F"], tally["fractional"], tally["one-sided"]) > 0
    assert tally["quote"] > tally["trade"] > 10_000


def test_the_next_time_is_always_later() -> None:
    """Time goes forwards, in the auction and in bursts too."""
    run = Run(600, shock_chance=1.0)
    assert all(before < after for before, after in pairwise([START, *run.times, run.next_ns]))


@pytest.mark.parametrize("rate", [1.0, 40.0, 900.0])
def test_the_asked_rate_is_kept_on_average(rate: float) -> None:
    """So many ticks come in a second, within a fifth."""
    seconds = max(100.0, 20_000 / rate)
    ticks = len(Run(seconds, rate).ticks)
    assert ticks / seconds == pytest.approx(rate, rel=0.2)


def test_trading_begins_with_the_cross_of_the_opening_auction() -> None:
    """The first print is the cross, at the time when the auction ends, and a quote follows."""
    run = Run(30)
    first = next(tick for tick in run.ticks if isinstance(tick, Trade))
    after = run.ticks[run.ticks.index(first) + 1]
    assert (first.conds, first.ts_event) == ("@O", START + OPENING_NS)
    assert isinstance(after, Quote)
    assert after.ts_event == first.ts_event


def test_a_shock_stops_trading_for_as_long_as_is_set() -> None:
    """Quotes are withdrawn with the halt, and nothing trades until it ends."""
    run = Run(2_400, shock_chance=1.0)
    stops = [
        place
        for place, tick in enumerate(run.ticks)
        if isinstance(tick, Status) and tick.state in {"paused", "halted"}
    ]
    assert stops
    for place in stops:
        stop, withdrawn = run.ticks[place : place + 2]
        assert isinstance(withdrawn, Quote)
        assert (withdrawn.bid_size, withdrawn.ask_size) == (0, 0)
        until = next(t for t in run.ticks[place + 1 :] if isinstance(t, Status))
        assert until.state == "trading"
        assert until.ts_event - stop.ts_event == 10 * SECOND


def test_quotes_are_printed_only_when_the_top_changes() -> None:
    """Two quotes in a row never say the same."""
    quotes = [tick for tick in Run(600).ticks if isinstance(tick, Quote)]
    shown = [(q.bid_price, q.bid_size, q.bid_venue, q.ask_price, q.ask_size, q.ask_venue) for q in quotes]
    assert all(before != after for before, after in pairwise(shown))


def test_trades_cluster() -> None:
    """Trades excite trades: short waits and long ones are both more common than by mere chance."""
    times = [tick.ts_event for tick in Run(4_000, rate=20.0).ticks if isinstance(tick, Trade)]
    waits = [after - before for before, after in pairwise(times) if after > before]
    mean = sum(waits) / len(waits)
    spread = (sum((wait - mean) ** 2 for wait in waits) / len(waits)) ** 0.5
    assert spread > 1.2 * mean, "waits without memory have a spread of one mean"


def test_some_trades_on_the_book_are_chosen_for_cancelling() -> None:
    """About one in the number that is set, never a cross or a print off exchange."""
    run = Run(2_000)
    on_book = [t for t in run.ticks if isinstance(t, Trade) and t.venue != ord("D")]
    assert len(run.cancels) == pytest.approx(len(on_book) / 20, rel=0.3)
    assert all(trade.venue != ord("D") and "O" not in trade.conds for trade in run.cancels)


def test_what_was_planned_waits_while_the_exchange_stands_still() -> None:
    """An auction that was to end crosses so much later."""
    run = Run(0.5)
    run.stock.stand_still(60 * SECOND)
    run.next_ns += 60 * SECOND
    run.go_on(START + 70 * SECOND)
    first = next(tick for tick in run.ticks if isinstance(tick, Trade))
    assert first.ts_event == START + OPENING_NS + 60 * SECOND


def test_another_start_is_another_tape_of_the_same_prices() -> None:
    """Chance follows from seed and start; the value of the stock from seed and time alone."""
    one, same, other = Run(60), Run(60), Run(60)
    assert one.ticks == same.ticks
    fair = FairValue(AAPL, MarketPath(SETTINGS.seed), SETTINGS)
    other.printer.out = []
    other.stock = StockTrading(AAPL, fair, SETTINGS, other.printer, 50.0, START + 1, other.cancel_later)
    other.next_ns = other.stock.open(START, OPEN)
    other.go_on(START + 60 * SECOND)
    last, another = one.ticks[-1], other.ticks[-1]
    assert one.ticks[5:] != other.ticks[5:]
    assert abs(middle(one.ticks) / middle(other.ticks) - 1) < 0.002, (last, another)


def middle(ticks: list[Tick]) -> float:
    """The middle of the last two-sided quote."""
    quote = next(
        tick for tick in reversed(ticks) if isinstance(tick, Quote) and tick.bid_size and tick.ask_size
    )
    return (quote.bid_price + quote.ask_price) / 2
