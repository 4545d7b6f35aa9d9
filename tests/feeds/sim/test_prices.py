"""Fair values."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from feeds.sim.listing import list_stocks
from feeds.sim.prices import CELL_NS, LOAD_STEP_NS, STEP_NS, FairValue, MarketPath, fastest_s, shock_chances
from feeds.sim.settings import SimSettings
from tests.feeds.sim.checks import AAPL, SECOND, SPY, START

SETTINGS = SimSettings()


def fair(settings: SimSettings = SETTINGS, shock_chance: float = 0.0) -> FairValue:
    """Apple's fair value in a market of its own."""
    return FairValue(AAPL, MarketPath(settings.seed, fastest_s(settings)), settings, shock_chance)


def value_at(price: FairValue, time_ns: int) -> float:
    """The value at a time."""
    price.move_to(time_ns)
    return price.value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40 * CELL_NS), min_size=1, max_size=20))
def test_a_fair_value_depends_on_the_time_alone(ages: list[int]) -> None:
    """Asked in any order, or by another object after a restart, it is the same."""
    price = fair(shock_chance=0.5)
    asked = [value_at(price, START + age) for age in ages]
    assert asked == [value_at(fair(shock_chance=0.5), START + age) for age in ages]


@settings(max_examples=60, deadline=None)
@given(st.integers(START, START + CELL_NS), st.sampled_from([0.001, 0.3, 1.0, 2.5, 1_000.0]))
def test_a_value_holds_until_the_time_it_says(time_ns: int, speed: float) -> None:
    """From `until_ns` on the step is the next one, and a nanosecond before it is still this one."""
    price = fair(SimSettings(speed=speed, rate=10))
    price.move_to(time_ns)
    first, until_ns = price.value, price.until_ns
    assert until_ns > time_ns
    assert value_at(price, until_ns - 1) == first
    assert price.until_ns == until_ns
    price.move_to(until_ns)
    assert price.until_ns > until_ns


def test_what_a_jump_left_behind_fades_and_does_not_end() -> None:
    """Where one cell of jumps ends and the next begins, the price goes on."""
    price = fair(shock_chance=1.0)
    first = START // CELL_NS + 1
    for cell in range(first, first + 20):
        after, before = (value_at(price, cell * CELL_NS - back) for back in (0, STEP_NS))
        assert abs(after / before - 1) < 0.004


def test_seeds_make_different_markets_and_symbols_different_paths() -> None:
    """Nothing but the listed price is common to two seeds."""
    other = fair(replace(SETTINGS, seed=8))
    assert value_at(other, START) != value_at(fair(), START)


def test_prices_stay_near_where_the_stock_is_listed() -> None:
    """Wandering, the market and jumps together do not lead astray in months."""
    price = fair(shock_chance=1.0)
    values = [value_at(price, START + hour * 3_600 * SECOND) for hour in range(24 * 90)]
    assert 0.5 * AAPL.price_cents < min(values) < max(values) < 2 * AAPL.price_cents
    assert max(values) > 1.02 * min(values)


def test_stocks_move_with_the_market() -> None:
    """Over hours two stocks' moves go the same way more often than not."""
    market = MarketPath(SETTINGS.seed)
    pair = [FairValue(stock, market, SETTINGS) for stock in (AAPL, SPY)]
    paths = [[value_at(price, START + hour * 3_600 * SECOND) for hour in range(1_000)] for price in pair]
    moves = [[after - before for before, after in pairwise(path)] for path in paths]
    together = sum(one * other > 0 for one, other in zip(*moves, strict=True))
    assert 600 < together < 950


def test_a_shock_is_told_once_and_moves_the_price_at_once() -> None:
    """The first look after a shock says so; looks that find no new one do not."""
    price = fair(shock_chance=1.0)
    looks = []
    for step in range(4 * CELL_NS // STEP_NS):
        before = price.value
        price.move_to(START + step * STEP_NS)
        looks.append((price.shocked, before, price.value))
    assert not looks[0][0], "what came before the first look is nobody's shock"
    shocks = [after / before - 1 for shocked, before, after in looks if shocked]
    assert 3 <= len(shocks) <= 5
    assert all(abs(shock) > 0.02 for shock in shocks)


def test_shocks_come_as_often_as_is_set_and_spare_funds() -> None:
    """The chances of those that can be shocked add up to the rate of halts."""
    stocks = list_stocks(12)
    chances = shock_chances(stocks, SimSettings(halt_every_s=600))
    assert chances[[stock.symbol for stock in stocks].index("SPY")] == 0
    assert abs(sum(chances) - CELL_NS / SECOND / 600) < 1e-9
    assert shock_chances([SPY], SimSettings(halt_every_s=2_400)) == [0.5]
    assert max(shock_chances(stocks, SimSettings(halt_every_s=1))) == 1.0


def test_without_books_prices_are_looked_at_less_often() -> None:
    """The load mode has longer steps, and leaves out what is quicker than they are."""
    load = SimSettings(mode="load")
    price = fair(load)
    price.move_to(START)
    assert price.until_ns == (START // LOAD_STEP_NS + 1) * LOAD_STEP_NS
    assert fastest_s(load) > fastest_s(SETTINGS)


def test_the_market_is_the_same_for_all_who_ask() -> None:
    """Its last answer is remembered for its own time only."""
    market = MarketPath(7)
    first = [market.at(START), market.at(START + SECOND), market.at(START)]
    assert first[0] == first[2] != first[1]
    assert first[1] == MarketPath(7).at(START + SECOND)
