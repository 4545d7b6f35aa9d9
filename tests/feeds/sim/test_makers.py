"""The makers."""

from msgspec.structs import replace

from feeds.sim.book import BUY, SELL, Book
from feeds.sim.makers import COUNT, Makers
from tests.feeds.sim.checks import AAPL, draws, quoted_book


def makers(book: Book, *numbers: float) -> Makers:
    """Apple's makers, with these numbers as the first of their chance."""
    return Makers(AAPL, book, draws(*numbers))


def test_settling_puts_both_orders_of_every_maker_around_the_price() -> None:
    """After an auction there are two orders a maker, none better than the price of the cross."""
    book = Book()
    makers(book).settle(23_200)
    assert len(book.orders) == 2 * COUNT
    assert book.best(BUY) < 23_200 < book.best(SELL)
    assert {order.venue for order in book.orders.values()} >= {ord("Q"), ord("P"), ord("V")}
    assert len({order.venue for order in book.orders.values()}) == COUNT


def test_settling_at_the_lowest_price_still_gives_a_book() -> None:
    """At one cent buyers stand at one cent and sellers above."""
    book = Book()
    makers(book).settle(1)
    assert (book.best(BUY), book.best(SELL)) == (1, 2)


def test_a_move_replaces_one_order_and_follows_the_fair_value() -> None:
    """However often makers move, each has one order a side, and the book ends up around the value."""
    book = Book()
    these = makers(book)
    these.settle(23_200)
    for fair in (23_210.0, 23_150.0, 23_300.0):
        for _ in range(2_000):
            these.move(fair)
            assert len(book.orders) == 2 * COUNT
            assert book.best(BUY) < book.best(SELL)
        assert book.best(BUY) <= fair <= book.best(SELL)
        assert book.best(SELL) - book.best(BUY) < 12


def test_a_maker_gives_way_to_orders_that_stand_on_its_price() -> None:
    """A buy above the best ask is placed right below it: makers never take."""
    book = quoted_book(10_000, 10_002)
    makers(book, 0.0, 0.0, 0.0).move(10_500.0)
    assert (book.best(BUY), book.best(SELL)) == (10_001, 10_002)
    book = quoted_book(10_000, 10_002)
    makers(book, 0.051, 0.0, 0.0).move(9_500.0)
    assert (book.best(BUY), book.best(SELL)) == (10_000, 10_001)


def test_an_empty_side_is_filled_first() -> None:
    """Whoever's turn it would have been, the missing side comes back."""
    book = Book()
    these = makers(book)
    these.move(10_000.0)
    assert book.best(BUY)
    these.move(10_000.0)
    assert book.best(SELL)


def test_no_order_goes_below_a_cent() -> None:
    """Under an ask of one cent there is no room, so nobody bids."""
    book = Book()
    book.place(SELL, 1, 100, ord("Q"))
    makers(book).move(0.0)
    assert book.depth(BUY) == []


def test_expensive_stocks_are_quoted_in_smaller_lots() -> None:
    """Sizes are multiples of the stock's round lot."""
    book = Book()
    Makers(replace(AAPL, price_cents=90_000), book, draws()).settle(90_000)
    sizes = {order.size for order in book.orders.values()}
    assert all(size % 40 == 0 for size in sizes)
    assert any(size % 100 for size in sizes)
