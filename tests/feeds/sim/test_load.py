"""The market without books."""

from collections import Counter
from itertools import pairwise

import pytest

from feeds.sim.listing import activity, list_stocks
from feeds.sim.load import LoadMarket
from feeds.sim.settings import SimSettings
from tests.feeds.sim.checks import SECOND, START, TapeCheck, inside, printer
from ticks.model import Quote, Tick, Trade


def run(symbols: int = 12, rate: float = 1_000.0, seconds: float = 60.0, seed: int = 7) -> list[Tick]:
    """The tape of a market without books."""
    prints = printer()
    settings = SimSettings(seed=seed, symbols=symbols, rate=rate, mode="load")
    LoadMarket(settings, prints, START).run_until(START + int(seconds * SECOND))
    return prints.out


@pytest.mark.parametrize(("symbols", "rate"), [(1, 500.0), (12, 1_000.0), (3_000, 30_000.0)])
def test_quotes_and_trades_agree(symbols: int, rate: float) -> None:
    """No crossed quote, no trade before a quote or outside it."""
    ticks = run(symbols, rate, 60_000 / rate)
    tally = TapeCheck(starts_with_status=False).read(ticks, list_stocks(symbols))
    assert 0.15 < tally["trade"] / len(ticks) < 0.25
    assert min(tally["I"], tally["F"]) > 0


def test_no_more_trades_than_was_quoted() -> None:
    """The trades between two quotes of a side add up to no more than its size."""
    left: dict[tuple[str, bool], int] = {}
    trades = 0
    for tick in run(seconds=120):
        if isinstance(tick, Quote):
            left[tick.symbol, True], left[tick.symbol, False] = tick.ask_size, tick.bid_size
            last = {tick.symbol: tick}
        elif isinstance(tick, Trade):
            quote = last.get(tick.symbol)
            buys = quote is not None and tick.price == quote.ask_price
            if quote is not None and inside(tick.price, quote):
                left[tick.symbol, buys] -= tick.size
                assert left[tick.symbol, buys] >= 0
                trades += 1
    assert trades > 1_000


@pytest.mark.parametrize("rate", [0.5, 3.0, 777.0, 200_000.0])
def test_ticks_come_evenly_spaced_at_exactly_the_rate(rate: float) -> None:
    """Over any stretch the number of ticks is the rate times its length, and one for the first."""
    ticks = run(symbols=3, rate=rate, seconds=1_000 / rate)
    assert len(ticks) == 1_001
    gaps = {after.ts_event - before.ts_event for before, after in pairwise(ticks)}
    assert max(gaps) - min(gaps) <= 1
    assert abs(ticks[-1].ts_event - START - 1_000 * SECOND / rate) < 1


def test_stocks_are_as_active_as_their_rank_says() -> None:
    """Each symbol has its share of the ticks."""
    seen = Counter(tick.symbol for tick in run(12, 50_000.0, 2.0))
    for stock, share in zip(list_stocks(12), activity(12), strict=True):
        assert seen[stock.symbol] / 100_000 == pytest.approx(share, rel=0.1)


def test_every_symbol_trades_even_in_a_large_market() -> None:
    """Quiet stocks are quiet, not silent."""
    seen = {tick.symbol for tick in run(2_000, 100_000.0, 1.5)}
    assert len(seen) > 1_900


def test_prices_follow_the_fair_value() -> None:
    """Quotes of minutes later are elsewhere."""
    quotes = [tick for tick in run(1, 100.0, 1_200.0) if isinstance(tick, Quote) and tick.symbol == "AAPL"]
    middles = [(quote.bid_price + quote.ask_price) / 2 for quote in quotes]
    assert max(middles) > 1.002 * min(middles)


def test_standing_still_puts_everything_off() -> None:
    """The same ticks come later, as they would have come before but for the prices."""
    settings = SimSettings(rate=1_000, mode="load")
    prints = printer()
    market = LoadMarket(settings, prints, START)
    market.run_until(START + SECOND)
    market.stand_still(5 * SECOND)
    count = len(prints.out)
    market.run_until(START + 6 * SECOND)
    assert len(prints.out) == count
    market.run_until(START + 7 * SECOND)
    assert len(prints.out) == count + 1_000


def test_seeds_make_different_tapes() -> None:
    """The same seed repeats itself, another does not."""
    assert run(seconds=1) == run(seconds=1)
    assert run(seconds=1) != run(seconds=1, seed=8)
