"""Conflation that adds up: no tick is lost in a fold, and the order of folding does not matter."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.windows import Piece, Window, fold, merge, ticks_in
from tests.hub.rig import cancel, quote, trade
from ticks.conditions import MIN_HL
from ticks.model import Quote, Tick, Trade, TradeCancel

trades = st.builds(trade, st.just("A"), st.integers(1, 50), st.booleans())
quotes = st.builds(quote, st.just("A"), st.integers(1, 50))
cancels = st.builds(cancel, st.just("A"), st.integers(1, 50))
runs = st.lists(trades | cancels, max_size=30) | st.lists(quotes, max_size=30)


def window_of(ticks: list[Tick], begin: int = 1) -> Window:
    """The window of consecutive ticks, the first of which has number `begin`."""
    window: Window = []
    for n, tick in enumerate(ticks, begin):
        fold(window, n, tick)
    return window


def values(window: Window) -> list[tuple[object, ...]]:
    """A window as something that can be compared."""
    return [(piece.n, piece.k, piece.tick, piece.high, piece.low) for piece in window]


def test_trades_fold_into_the_newest_with_high_and_low() -> None:
    """Three trades are one piece: the newest, `k` 3, and the range."""
    (piece,) = window_of([trade("A", 5), trade("A", 9), trade("A", 7)])
    assert (piece.n, piece.k, piece.tick) == (3, 3, trade("A", 7))
    assert (piece.high, piece.low) == (9 * 10**9, 5 * 10**9)


def test_trade_that_may_not_set_a_price_does_not_widen_the_range() -> None:
    """An odd lot at a wild price is counted, but is neither high nor low."""
    (piece,) = window_of([trade("A", 5), trade("A", 99, eligible=False)])
    assert (piece.k, piece.high, piece.low) == (2, 5 * 10**9, 5 * 10**9)


def test_quotes_fold_without_a_range() -> None:
    """High and low are for trades."""
    (piece,) = window_of([quote("A", 5), quote("A", 9)])
    assert (piece.k, piece.high, piece.low) == (2, None, None)


def test_cancel_closes_the_window() -> None:
    """First what was folded so far, then the cancel by itself, then a new piece."""
    window = window_of([trade("A", 1), trade("A", 2), cancel("A", 1), trade("A", 3), trade("A", 4)])
    assert [(piece.n, piece.k) for piece in window] == [(2, 2), (3, 1), (5, 2)]
    assert isinstance(window[1].tick, TradeCancel)


def test_two_cancels_do_not_fold() -> None:
    """Each withdraws another trade."""
    assert [piece.k for piece in window_of([cancel("A", 1), cancel("A", 2)])] == [1, 1]


def test_merge_leaves_the_newer_window_as_it_was() -> None:
    """It is shared by all slower rates."""
    newer = window_of([trade("A", 5)], begin=2)
    before = values(newer)
    merged = merge(window_of([trade("A", 9)]), newer)
    fold(merged, 3, trade("A", 20))
    assert values(newer) == before
    alone = merge([], newer)
    fold(alone, 3, trade("A", 20))
    assert values(newer) == before


@settings(max_examples=200, deadline=None)
@given(runs)
def test_fold_counts_every_tick_and_keeps_order(ticks: list[Tick]) -> None:
    """`k` sums to the number of ticks; pieces are in order of `n`, each k = n − n of the piece before."""
    window = window_of(ticks)
    assert ticks_in(window) == len(ticks)
    last = 0
    for piece in window:
        assert piece.k == piece.n - last
        last = piece.n
        assert piece.tick == ticks[piece.n - 1]
        part = ticks[piece.n - piece.k : piece.n]
        prices = [tick.price for tick in part if isinstance(tick, Trade) and tick.elig & MIN_HL]
        assert (piece.high, piece.low) == ((max(prices), min(prices)) if prices else (None, None))
        assert piece.k == 1 or all(isinstance(tick, Trade | Quote) for tick in part)


@settings(max_examples=200, deadline=None)
@given(runs, st.integers(0, 30), st.integers(0, 30))
def test_merging_is_associative_and_equals_folding(ticks: list[Tick], first: int, second: int) -> None:
    """Any two cuts, merged in any order, give the window of the whole."""
    one, two = sorted((min(first, len(ticks)), min(second, len(ticks))))

    def parts() -> tuple[Window, Window, Window]:
        return window_of(ticks[:one]), window_of(ticks[one:two], one + 1), window_of(ticks[two:], two + 1)

    whole = values(window_of(ticks))
    a, b, c = parts()
    assert values(merge(merge(a, b), c)) == whole
    a, b, c = parts()
    assert values(merge(a, merge(b, c))) == whole


def test_piece_is_a_plain_value() -> None:
    """A piece made by hand is as good as a folded one."""
    assert ticks_in([Piece(3, 3, trade("A"))]) == 3
