"""How things become ticks."""

import pytest

from feeds.sim.book import Clearing
from feeds.sim.listing import KNOWN, Stock
from feeds.sim.prints import RECEIVE_DELAY_NS, SEND_DELAY_NS
from tests.feeds.sim.checks import AAPL, CENT, SECOND, SHARE, SPY, START, printer
from ticks.conditions import elig
from ticks.model import ABSENT_PRICE, Auction, FeedEvent, Quote, Status, TradeCancel
from ticks.sessions import RTH

NEW_YORK = next(stock for stock in KNOWN if stock.tape == ord("A"))


def test_every_tick_has_its_times_and_the_next_number() -> None:
    """All kinds share one sequence; sent and received follow from the event."""
    prints = printer()
    trade = prints.trade(AAPL, START, ord("Q"), 230 * 100 * CENT, 100 * SHARE, "")
    prints.quote(AAPL, START, (1, 100, ord("Q")), (2, 100, ord("P")))
    prints.cancel(trade, START)
    prints.status(AAPL, START, "trading", "", "T")
    prints.auction(AAPL, START, "open", Clearing(1, 1, 0, "N"), 1, START)
    prints.gap("outage", START, START, "")
    assert [tick.src_seq for tick in prints.out] == list(range(1, 8))
    for tick in prints.out:
        assert tick.source == 5
        assert (tick.ts_send, tick.ts_recv) == (START + SEND_DELAY_NS, START + RECEIVE_DELAY_NS)
        assert tick.flags == 0


@pytest.mark.parametrize(("stock", "regular"), [(AAPL, "@"), (SPY, " "), (NEW_YORK, " ")])
def test_a_trade_begins_with_the_regular_code_of_its_tape(stock: Stock, regular: str) -> None:
    """The tape decides the code, the codes what the print may update."""
    prints = printer()
    trade = prints.trade(stock, START, ord("D"), 1, 2, "FI")
    assert (trade.conds, trade.venue, trade.price, trade.size) == (regular + "FI", ord("D"), 1, 2)
    assert trade.elig == elig(stock.tape, regular + "FI", RTH)


def test_trade_ids_rise_by_one_over_all_symbols() -> None:
    """No id is given twice."""
    prints = printer()
    ids = [prints.trade(stock, START, ord("Q"), 1, 1, "").trade_id for stock in (AAPL, SPY, AAPL)]
    assert ids == [1, 2, 3]


def test_an_absent_side_has_the_price_that_says_so() -> None:
    """A side without orders is absent with size 0, on either side or both."""
    prints = printer()
    prints.quote(AAPL, START, (0, 0, 0), (23_201, 300, ord("Z")))
    prints.quote(AAPL, START, (23_200, 100, ord("Q")), (0, 0, 0))
    prints.quote(AAPL, START, (0, 0, 0), (0, 0, 0))
    sides = []
    for tick in prints.out:
        assert isinstance(tick, Quote)
        sides.append((tick.bid_price, tick.bid_size, tick.ask_price, tick.ask_size, tick.venue))
    assert sides == [
        (ABSENT_PRICE, 0, 23_201 * CENT, 300 * SHARE, ord("Z")),
        (23_200 * CENT, 100 * SHARE, ABSENT_PRICE, 0, ord("Q")),
        (ABSENT_PRICE, 0, ABSENT_PRICE, 0, ord("Q")),
    ]


def test_a_cancel_repeats_what_it_withdraws() -> None:
    """Id, price and size name the print."""
    prints = printer()
    trade = prints.trade(SPY, START, ord("K"), 612 * 100 * CENT, 40 * SHARE, "")
    prints.cancel(trade, START + SECOND)
    cancel = prints.out[-1]
    assert isinstance(cancel, TradeCancel)
    assert (cancel.trade_id, cancel.price, cancel.size) == (trade.trade_id, trade.price, trade.size)
    assert (cancel.symbol, cancel.venue, cancel.sip_tape, cancel.action) == ("SPY", ord("K"), ord("B"), "C")
    assert cancel.ts_event == START + SECOND


def test_statuses_and_auctions_come_from_the_listing_exchange() -> None:
    """What concerns the whole stock has its home venue."""
    prints = printer()
    prints.status(SPY, START, "paused", "LUDP", "P")
    prints.auction(SPY, START, "volatility", Clearing(61_200, 500, 40, "B"), 61_000, START + 15 * SECOND)
    status, auction = prints.out
    assert isinstance(status, Status)
    assert isinstance(auction, Auction)
    assert (status.what, status.state, status.reason, status.raw) == ("trading", "paused", "LUDP", "P")
    assert (auction.paired, auction.imbalance, auction.side) == (500 * SHARE, 40 * SHARE, "B")
    assert (auction.reference, auction.indicative) == (61_000 * CENT, 61_200 * CENT)
    assert (auction.collar_lower, auction.collar_upper) == (54_900 * CENT, 67_100 * CENT)
    assert auction.scheduled_s == START // SECOND + 15
    assert status.venue == auction.venue == ord("P")


def test_a_gap_is_a_pair_that_says_from_when_to_when() -> None:
    """Opened where the tape stopped, closed where it goes on."""
    prints = printer()
    prints.gap("outage", START, START + SECOND, "why")
    opened, closed = prints.out
    assert isinstance(opened, FeedEvent)
    assert isinstance(closed, FeedEvent)
    assert (opened.what, closed.what) == ("gap_open", "gap_close")
    assert (opened.ts_event, closed.ts_event) == (START, START + SECOND)
    for event in (opened, closed):
        assert (event.symbol, event.scope, event.why, event.text) == ("*", "*", "outage", "why")
        assert (event.from_ts, event.to_ts, event.lost) == (START, START + SECOND, -1)
        assert event.ts_recv == START + SECOND + RECEIVE_DELAY_NS
