"""The order book against a plain model of it: a list that is sorted anew each time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sim.book import BUY, SELL, Book, BookError, Fill

VENUE = ord("Q")
sides = st.sampled_from([BUY, SELL])
prices = st.integers(95, 105)
sizes = st.integers(1, 30)
actions = st.one_of(
    st.tuples(st.just("enter"), sides, prices, sizes),
    st.tuples(st.just("take"), sides, prices, sizes),
    st.tuples(st.just("cancel"), st.integers(0, 40)),
)


class Model:
    """Orders as [id, side, price, size], in order of arrival."""

    def __init__(self) -> None:
        self.orders: list[list[int]] = []

    def in_line(self, side: int) -> list[list[int]]:
        """The orders of a side in the order in which they trade: by price, then by arrival."""
        sign = -1 if side == BUY else 1
        return sorted((o for o in self.orders if o[1] == side), key=lambda o: (sign * o[2], o[0]))

    def take(self, side: int, limit: int, size: int) -> list[tuple[int, int, int]]:
        """(id, price, size) of what trades."""
        done = []
        for order in self.in_line(1 - side):
            if not size or (order[2] > limit if side == BUY else order[2] < limit):
                break
            part = min(size, order[3])
            done.append((order[0], order[2], part))
            order[3] -= part
            size -= part
        self.orders = [order for order in self.orders if order[3]]
        return done

    def depth(self, side: int) -> list[tuple[int, int]]:
        """(price, size) by level, best first."""
        levels: dict[int, int] = {}
        for order in self.in_line(side):
            levels[order[2]] = levels.get(order[2], 0) + order[3]
        return list(levels.items())


def assert_like(book: Book, model: Model) -> None:
    """The book holds what the model holds, and is not crossed."""
    for side in (BUY, SELL):
        assert book.depth(side) == model.depth(side)
        first = model.in_line(side)[:1]
        price, size, _ = book.top(side)
        assert [(price, size)] == (model.depth(side)[:1] or [(0, 0)])
        assert book.best(side) == (first[0][2] if first else 0)
    assert {(o.order_id, o.side, o.price, o.size) for o in book.orders.values()} == {
        (o[0], o[1], o[2], o[3]) for o in model.orders
    }
    bid, ask = book.best(BUY), book.best(SELL)
    assert not (bid and ask) or bid < ask


@settings(max_examples=300, deadline=None)
@given(st.lists(actions, max_size=50))
def test_any_orders_trade_by_price_then_time_and_the_book_stays_uncrossed(
    steps: list[tuple[str, int, int, int] | tuple[str, int]],
) -> None:
    """Whatever comes, the book does what the model does: same fills, same levels, nothing lost."""
    book, model = Book(), Model()
    entered = traded = cancelled = 0
    ids: list[int] = []
    for step in steps:
        if len(step) == 2:
            order_id = ids[step[1] % len(ids)] if ids else 99
            left = [order[3] for order in model.orders if order[0] == order_id]
            model.orders = [order for order in model.orders if order[0] != order_id]
            size = book.cancel(order_id)
            assert size == sum(left)
            cancelled += size
        else:
            action, side, price, size = step
            fills = book.take(side, price, size)
            assert [(f.order_id, f.price, f.size) for f in fills] == model.take(side, price, size)
            done = sum(fill.size for fill in fills)
            traded += done
            if action == "enter" and done < size:
                ids.append(book.place(side, price, size - done, VENUE))
                model.orders.append([ids[-1], side, price, size - done])
                entered += size - done
        assert_like(book, model)
    assert entered == traded + cancelled + sum(order.size for order in book.orders.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(sides, prices, sizes), max_size=25), prices)
def test_an_auction_trades_the_most_that_any_price_allows(
    orders: list[tuple[int, int, int]], reference: int
) -> None:
    """The cross has the largest volume, fair to price and time, and leaves no crossed book behind."""
    book, model = Book(), Model()
    book.in_auction = True
    for side, price, size in orders:
        model.orders.append([book.place(side, price, size, VENUE), side, price, size])
    limits = {order[0]: (order[1], order[2], order[3]) for order in model.orders}
    clearing = book.clearing(reference)
    most = max(volume_at(model, price) for price in range(90, 111))
    assert clearing.paired == most
    fills = book.uncross(reference)
    assert sum(fill.size for fill in fills) == 2 * most
    for side in (BUY, SELL):
        mine = [fill for fill in fills if limits[fill.order_id][0] == side]
        assert sum(fill.size for fill in mine) == most
        line = [order[0] for order in model.in_line(side)][: len(mine)]
        assert [fill.order_id for fill in mine] == line, "first come, first served"
        for fill in mine:
            limit = limits[fill.order_id][1]
            assert fill.price == clearing.price
            assert limit >= fill.price if side == BUY else limit <= fill.price
    bid, ask = book.best(BUY), book.best(SELL)
    assert not (bid and ask) or bid < ask
    if most:
        assert bid <= clearing.price, "a buyer who was left out had not bid more"
        assert not ask or ask >= clearing.price
        assert sum(limits[i][2] for i in limits) == 2 * most + sum(o.size for o in book.orders.values())


def volume_at(model: Model, price: int) -> int:
    """What would trade at a price."""
    demand = sum(order[3] for order in model.orders if order[1] == BUY and order[2] >= price)
    supply = sum(order[3] for order in model.orders if order[1] == SELL and order[2] <= price)
    return min(demand, supply)


def test_the_first_order_at_a_price_trades_first_and_names_its_venue() -> None:
    """Time decides between equal prices, and the top shows who is first."""
    book = Book()
    first = book.place(SELL, 100, 5, ord("Z"))
    second = book.place(SELL, 100, 5, ord("K"))
    assert book.top(SELL) == (100, 10, ord("Z"))
    assert book.take(BUY, 100, 7) == [Fill(first, 100, 5, ord("Z")), Fill(second, 100, 2, ord("K"))]
    assert book.top(SELL) == (100, 3, ord("K"))


def test_a_surplus_moves_the_auction_to_its_end_of_the_range() -> None:
    """Where several prices trade equally much, too many buyers pay the highest of them."""
    book = Book()
    book.in_auction = True
    book.place(BUY, 105, 20, VENUE)
    book.place(SELL, 100, 5, VENUE)
    clearing = book.clearing(100)
    assert (clearing.price, clearing.paired, clearing.imbalance, clearing.side) == (105, 5, 15, "B")


def test_an_auction_without_a_surplus_clears_near_the_reference() -> None:
    """Where buyers and sellers are even, the price nearest to the reference is taken."""
    for reference, price in ((99, 100), (104, 105)):
        book = Book()
        book.in_auction = True
        book.place(BUY, 105, 5, VENUE)
        book.place(SELL, 100, 5, VENUE)
        assert book.clearing(reference).price == price
        assert book.clearing(reference).side == "N"


def test_an_auction_in_which_nobody_agrees_trades_nothing() -> None:
    """Orders that do not overlap stay, and trading goes on."""
    book = Book()
    book.in_auction = True
    book.place(BUY, 99, 5, VENUE)
    book.place(SELL, 101, 5, VENUE)
    assert book.clearing(100).price == 0
    assert book.uncross(100) == []
    assert (book.best(BUY), book.best(SELL), book.in_auction) == (99, 101, False)


def test_a_cleared_book_is_empty_and_its_ids_are_not_used_again() -> None:
    """What was cleared cannot be cancelled, not even by a later order of the same number."""
    book = Book()
    old = book.place(BUY, 100, 5, VENUE)
    assert book.clear() == 1
    new = book.place(BUY, 100, 5, VENUE)
    assert new != old
    assert book.cancel(old) == 0
    assert book.depth(BUY) == [(100, 5)]


@pytest.mark.parametrize(("price", "size"), [(0, 1), (-1, 1), (1, 0), (1, -1), (101, 1), (105, 1)])
def test_what_cannot_rest_is_refused(price: int, size: int) -> None:
    """No order without price or size, none that would trade at once."""
    book = Book()
    book.place(SELL, 101, 5, VENUE)
    with pytest.raises(BookError):
        book.place(BUY, price, size, VENUE)
    assert book.depth(BUY) == []


def test_nothing_is_taken_while_an_auction_collects() -> None:
    """In an auction orders only gather, and a size of nothing takes nothing."""
    book = Book()
    book.place(SELL, 100, 5, VENUE)
    with pytest.raises(BookError):
        book.take(BUY, 100, 0)
    book.in_auction = True
    with pytest.raises(BookError):
        book.take(BUY, 100, 1)
