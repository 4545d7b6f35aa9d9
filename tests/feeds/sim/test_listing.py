"""What trades."""

import pytest

from feeds.sim.listing import KNOWN, activity, list_stocks, round_lot
from feeds.sim.settings import SYMBOLS_MAX
from ticks.symbols import canonical, is_test_symbol


def test_the_well_known_symbols_come_first() -> None:
    """A small market has the names that everybody knows."""
    symbols = " ".join(stock.symbol for stock in list_stocks(12))
    assert symbols == "AAPL MSFT SPY TSLA NVDA AMZN GOOGL META QQQ AMD NFLX IWM"


def test_twenty_thousand_symbols_are_distinct_canonical_and_no_test_symbols() -> None:
    """The largest market is made of symbols that any exchange could list."""
    stocks = list_stocks(SYMBOLS_MAX)
    symbols = [stock.symbol for stock in stocks]
    assert len(set(symbols)) == SYMBOLS_MAX
    assert all(canonical(symbol) == symbol for symbol in symbols)
    assert not any(is_test_symbol(symbol) for symbol in symbols)
    assert all(500 <= stock.price_cents <= 100_000 for stock in stocks)
    assert all(0 < stock.volatility <= 0.05 for stock in stocks)


def test_a_larger_market_begins_with_the_smaller_one() -> None:
    """Asking for more symbols changes none of the first."""
    assert list_stocks(300)[:100] == list_stocks(100)
    assert list_stocks(len(KNOWN)) == list(KNOWN)


def test_tapes_follow_from_the_listing_exchange() -> None:
    """Nasdaq lists on C, New York on A, the others on B."""
    found = {(chr(stock.venue), chr(stock.tape)) for stock in list_stocks(500)}
    assert found == {("Q", "C"), ("N", "A"), ("P", "B"), ("Z", "B")}


def test_activity_falls_with_the_rank_as_zipf_says() -> None:
    """Shares add up to 1, and the second stock has half of the first's."""
    shares = activity(1_000)
    assert abs(sum(shares) - 1) < 1e-9
    assert shares[0] / shares[1] == pytest.approx(2)
    assert shares[0] / shares[999] == pytest.approx(1_000)


@pytest.mark.parametrize(
    ("price_cents", "lot"),
    [(1, 100), (250_00, 100), (250_01, 40), (1_000_00, 40), (1_000_01, 10), (10_000_00, 10), (10_000_01, 1)],
)
def test_round_lots_shrink_with_the_price(price_cents: int, lot: int) -> None:
    """The four steps of the rule of November 2025."""
    assert round_lot(price_cents) == lot
