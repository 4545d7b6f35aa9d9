"""Opening and reopening auctions."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sim.auction import HALT, OPEN, PAUSE, RESUME, CallAuction, Occasion
from feeds.sim.book import BUY, SELL, Book
from feeds.sim.prints import Printer
from tests.feeds.sim.checks import AAPL, CENT, SECOND, SHARE, START, printer, quoted_book
from ticks.conditions import AUCTION
from ticks.model import Auction, Status, Trade


def auction(book: Book, prints: Printer, seed: int = 1) -> CallAuction:
    """Apple's auction."""
    return CallAuction(AAPL, book, prints, Random(seed).random)


@pytest.mark.parametrize(
    ("occasion", "state", "reason", "kind", "conds"),
    [
        (OPEN, "order_acceptance", "", "open", "@O"),
        (RESUME, "order_acceptance", "", "halt", "@5"),
        (PAUSE, "paused", "LUDP", "volatility", "@5"),
        (HALT, "halted", "T1", "halt", "@5"),
    ],
)
def test_an_auction_is_announced_filled_and_crossed(
    occasion: Occasion, state: str, reason: str, kind: str, conds: str
) -> None:
    """Status, where it would clear, trading again, and one print of the whole cross."""
    book, prints = quoted_book(), printer()
    call = auction(book, prints)
    call.begin(START, occasion)
    assert book.orders == {}
    for round_ in range(4):
        call.collect(START + round_, occasion, 23_200.4, START + 15 * SECOND)
    last = book.clearing(23_200)
    price = call.cross(START + 15 * SECOND, occasion, 23_200.4)
    began, *calls, resumed, cross = prints.out
    assert isinstance(began, Status)
    assert (began.what, began.state, began.reason) == ("trading", state, reason)
    assert [type(tick) for tick in calls] == [Auction] * 4
    assert isinstance(calls[-1], Auction)
    assert (calls[-1].auction, calls[-1].reference) == (kind, 23_200 * CENT)
    assert (calls[-1].paired, calls[-1].indicative) == (last.paired * SHARE, last.price * CENT)
    assert (calls[-1].imbalance, calls[-1].side) == (last.imbalance * SHARE, last.side)
    assert calls[-1].scheduled_s == START // SECOND + 15
    assert isinstance(resumed, Status)
    assert (resumed.state, resumed.reason) == ("trading", "")
    assert isinstance(cross, Trade)
    assert (cross.price, cross.size, cross.conds) == (price * CENT, last.paired * SHARE, conds)
    assert cross.elig & AUCTION
    assert cross.venue == AAPL.venue
    assert (book.orders, book.in_auction) == ({}, False)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.6, 100_000.0), st.integers(0, 8))
def test_any_auction_ends_with_an_open_empty_book_and_a_price(seed: int, fair: float, rounds: int) -> None:
    """However few agree and however low the price, trading resumes near the fair value."""
    book, prints = Book(), printer()
    call = auction(book, prints, seed)
    call.begin(START, OPEN)
    for _ in range(rounds):
        call.collect(START, OPEN, fair, START + SECOND)
    price = call.cross(START, OPEN, fair)
    assert abs(price - fair) <= max(0.5, 0.002 * fair + 0.5)
    assert (book.in_auction, book.best(BUY), book.best(SELL)) == (False, 0, 0)
    assert len([tick for tick in prints.out if isinstance(tick, Trade)]) <= 1


def test_an_auction_without_orders_opens_at_the_fair_value() -> None:
    """Nothing trades, so nothing is printed but that trading resumes."""
    book, prints = Book(), printer()
    call = auction(book, prints)
    call.begin(START, OPEN)
    assert call.cross(START, OPEN, 0.2) == 1
    assert [type(tick) for tick in prints.out] == [Status, Status]
