"""All stocks on one time line."""

from collections import Counter
from itertools import pairwise

import pytest

from feeds.sim.auction import OPEN
from feeds.sim.listing import activity, list_stocks
from feeds.sim.market import BookMarket
from feeds.sim.prints import Printer
from feeds.sim.settings import SimSettings
from tests.feeds.sim.checks import SECOND, START, TapeCheck, printer
from ticks.model import Status, Trade, TradeCancel

LIVELY = SimSettings(symbols=8, rate=200, halt_every_s=20, cancel_every=50)


def market(settings: SimSettings, seconds: float) -> tuple[BookMarket, Printer]:
    """A market that has run for so long, and where it printed."""
    prints = printer()
    run = BookMarket(settings, prints, START, OPEN)
    run.run_until(START + int(seconds * SECOND))
    return run, prints


def test_a_whole_market_obeys_the_rules_of_every_tape() -> None:
    """Many stocks, halts and cancels on one tape contradict each other nowhere."""
    _, prints = market(LIVELY, 400)
    tally = TapeCheck().read(prints.out, list_stocks(8))
    assert tally["O"] == 8
    assert tally["halted"] + tally["paused"] >= 3
    assert tally["cancel"] > 100


def test_all_events_are_in_order_of_time() -> None:
    """The stocks' moments are merged, each tick no earlier than the one before it."""
    _, prints = market(LIVELY, 60)
    assert all(before.ts_event <= after.ts_event for before, after in pairwise(prints.out))


def test_the_most_active_stocks_open_first_and_all_open_soon() -> None:
    """Openings are spread, so that a large market does not begin with one burst."""
    _, prints = market(SimSettings(symbols=200, rate=2_000), 10)
    opened = [tick for tick in prints.out if isinstance(tick, Status) and tick.state == "order_acceptance"]
    assert [tick.symbol for tick in opened] == [stock.symbol for stock in list_stocks(200)]
    assert opened[-1].ts_event - opened[0].ts_event < SECOND
    assert len({tick.ts_event for tick in opened}) == 200


def test_a_slow_market_still_opens_within_a_minute() -> None:
    """However low the rate, no stock waits longer for its opening."""
    _, prints = market(SimSettings(symbols=50, rate=1), 62)
    opened = {t.symbol for t in prints.out if isinstance(t, Status) and t.state == "order_acceptance"}
    assert len(opened) == 50


def test_stocks_are_as_active_as_their_rank_says() -> None:
    """Each symbol has about its share of the ticks, and together they make the rate."""
    _, prints = market(SimSettings(symbols=5, rate=500, halt_every_s=1e9), 120)
    seen = Counter(tick.symbol for tick in prints.out)
    assert len(prints.out) == pytest.approx(500 * 120, rel=0.15)
    for stock, share in zip(list_stocks(5), activity(5), strict=True):
        assert seen[stock.symbol] / len(prints.out) == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("speed", [1.0, 100.0])
def test_cancels_come_two_to_twelve_seconds_after_their_trade(speed: float) -> None:
    """The faster the market lives, the sooner by the clock."""
    _, prints = market(SimSettings(rate=300 / speed, speed=speed, cancel_every=10), 60)
    traded = {tick.trade_id: tick.ts_event for tick in prints.out if isinstance(tick, Trade)}
    waits = [
        (tick.ts_event - traded[tick.trade_id]) * speed / SECOND
        for tick in prints.out
        if isinstance(tick, TradeCancel)
    ]
    assert len(waits) > 100
    assert 2 <= min(waits) < 3
    assert 11 < max(waits) <= 12.001


def test_standing_still_puts_everything_off_in_the_same_order() -> None:
    """Nothing happens for that long, then all goes on, cancels and auctions too."""
    run, prints = market(LIVELY, 30)
    before = len(prints.out)
    run.stand_still(100 * SECOND)
    run.run_until(START + 130 * SECOND)
    assert len(prints.out) == before
    run.run_until(START + 400 * SECOND)
    assert len(prints.out) > before + 10_000
    TapeCheck().read(prints.out, list_stocks(8))
