"""The takers."""

from feeds.sim.book import BUY, SELL, Book
from feeds.sim.prints import Printer
from feeds.sim.takers import Takers
from tests.feeds.sim.checks import AAPL, CENT, SHARE, draws, inside, printer, quoted_book
from ticks.model import Quote, Trade

NOW = 1_000
KEPT = 0.99
"""The draw by which a trade is not cancelled."""


class Floor:
    """A book, its takers, and what they caused."""

    def __init__(self, *numbers: float, book: Book | None = None, cancel_every: int = 10**9) -> None:
        self.book = book or quoted_book()
        self.printer: Printer = printer()
        self.cancels: list[tuple[int, Trade, float]] = []
        self.takers = Takers(
            AAPL, self.book, self.printer, draws(*numbers), cancel_every, self.cancel_later, self.show
        )

    def cancel_later(self, time_ns: int, trade: Trade, draw: float) -> None:
        """Note the cancel."""
        self.cancels.append((time_ns, trade, draw))

    def show(self, time_ns: int) -> None:
        """Print the top."""
        self.printer.quote(AAPL, time_ns, self.book.top(BUY), self.book.top(SELL))

    def trades(self) -> list[Trade]:
        """The prints so far."""
        return [tick for tick in self.printer.out if isinstance(tick, Trade)]


def test_a_buyer_takes_the_best_ask_and_no_more() -> None:
    """An ordinary order trades at the best price only, what is left of it is dropped."""
    # Buys; on the book, no sweep; a round lot of the largest kind (10 lots of 100).
    floor = Floor(0.0, 0.9, 0.9, 0.99, KEPT)
    floor.takers.act(NOW, 10_001.0)
    (trade,) = floor.trades()
    assert (trade.price, trade.size, trade.venue) == (10_002 * CENT, 300 * SHARE, ord("P"))
    assert trade.conds == "@"
    assert floor.book.depth(SELL) == [(10_003, 300)]


def test_less_than_a_round_lot_is_marked_as_an_odd_lot() -> None:
    """One share carries `I`."""
    floor = Floor(0.99, 0.9, 0.0, 0.0, KEPT)
    floor.takers.act(NOW, 10_001.0)
    (trade,) = floor.trades()
    assert (trade.price, trade.size, trade.conds) == (10_000 * CENT, 1 * SHARE, "@I")


def test_a_sweep_goes_through_the_levels_and_shows_each_before_trading_at_it() -> None:
    """Prints of a sweep carry `F`, and none lies outside the quote before it."""
    floor = Floor(0.0, 0.23, 0.99, 0.99, KEPT)
    floor.takers.act(NOW, 10_001.0)
    assert [trade.price // CENT for trade in floor.trades()] == [10_002, 10_003]
    assert all("F" in trade.conds for trade in floor.trades())
    quote = None
    for tick in floor.printer.out:
        if isinstance(tick, Quote):
            quote = tick
        elif isinstance(tick, Trade) and quote is not None:
            assert inside(tick.price, quote)
    assert floor.book.depth(SELL) == []


def test_a_sweep_stops_at_its_limit() -> None:
    """What stands beyond the limit is left alone, for sellers as well."""
    book = quoted_book()
    book.place(BUY, 9_900, 100, ord("Q"))
    floor = Floor(0.99, 0.23, 0.0, 0.99, KEPT, book=book)
    floor.takers.act(NOW, 10_001.0)
    assert [trade.price // CENT for trade in floor.trades()] == [10_000, 9_999]
    assert floor.book.depth(BUY) == [(9_900, 100)]


def test_prints_off_exchange_lie_between_the_quotes_and_leave_the_book_alone() -> None:
    """They have the venue D, prices to a hundredth of a cent, and now and then a fraction of a share."""
    floor = Floor()
    before = [floor.book.depth(side) for side in (BUY, SELL)]
    for number in range(3_000):
        floor.takers = Takers(
            AAPL, floor.book, floor.printer, draws(0.5, 0.1, seed=number), 1, floor.cancel_later, floor.show
        )
        floor.takers.act(NOW, 10_001.0)
    trades = floor.trades()
    assert len(trades) == 3_000
    assert {trade.venue for trade in trades} == {ord("D")}
    assert min(trade.price for trade in trades) == 10_000 * CENT
    assert max(trade.price for trade in trades) == 10_002 * CENT
    assert any(trade.price % CENT for trade in trades)
    assert all(trade.price % 100_000 == 0 for trade in trades)
    fractions = [trade for trade in trades if trade.size % SHARE]
    assert 600 < len(fractions) < 1_200
    assert all(trade.conds == "@I" for trade in fractions)
    assert [floor.book.depth(side) for side in (BUY, SELL)] == before
    assert not floor.cancels


def test_a_burst_goes_on_on_the_same_side_until_it_ends() -> None:
    """A trade may bring another one of its side; a rest ends that."""
    one_share = (0.9, 0.0, 0.0, KEPT)
    floor = Floor(0.0, *one_share, 0.44, *one_share, 0.44, *one_share, 0.46)
    for step, goes_on in enumerate((True, True, False)):
        floor.takers.act(NOW + step, 0.0 if step else 10_001.0)
        assert floor.takers.in_burst is goes_on
    assert [trade.price for trade in floor.trades()] == [10_002 * CENT] * 3


def test_a_rest_ends_a_burst() -> None:
    """When trading stops, nobody follows any more."""
    floor = Floor(0.0, 0.9, 0.0, 0.0, KEPT, 0.0)
    floor.takers.act(NOW, 10_001.0)
    assert floor.takers.in_burst
    floor.takers.rest()
    assert floor.takers.in_burst is False


def test_takers_lean_to_the_side_on_which_the_quotes_are_wrong() -> None:
    """With a value far above the asks nearly all buy."""
    bought = 0
    for number in range(1_000):
        floor = Floor(seed_draw(number), 0.9, 0.0, 0.0, KEPT)
        floor.takers.act(NOW, 20_000.0)
        bought += floor.trades()[0].price == 10_002 * CENT
    assert bought == 950


def seed_draw(number: int) -> float:
    """A thousandth for each number."""
    return number / 1_000


def test_some_trades_are_cancelled_later() -> None:
    """The chosen ones are told with the trade itself and how late, as a share of the range."""
    floor = Floor(0.0, 0.9, 0.0, 0.0, 0.2, KEPT, cancel_every=2)
    floor.takers.act(NOW, 10_001.0)
    assert floor.cancels == [(NOW, floor.trades()[0], 0.4)]
    floor = Floor(0.0, 0.9, 0.0, 0.0, 0.6, KEPT, cancel_every=2)
    floor.takers.act(NOW, 10_001.0)
    assert floor.cancels == []
