"""What a stock is worth: the fair value that makers and informed takers see, at any moment.

It is a pure function of (seed, symbol, time), so it survives a restart. It has three parts, each
relative to the listed price: the market's path times beta, the stock's own path, and jumps.
News jumps are of the size of an hour's move; *shocks* are so large that trading is halted.
"""

from typing import Final

from msgspec import Struct

from feeds.sim.listing import Stock
from feeds.sim.noise import Wander, mix, mix_text, unit
from feeds.sim.settings import SimSettings

STEP_NS: Final = 250_000_000
"""Fair values change in steps of this length, ns of market time."""
LOAD_STEP_NS: Final = 4_000_000_000
"""The same without books, where looking at the fair value must cost nothing."""
CELL_NS: Final = 1_200_000_000_000
"""A stock may have one jump in each such interval (20 min), ns of market time."""

_MARKET_VOLATILITY: Final = 0.010
_NEWS_CHANCE: Final = 0.5
_SHOCK_VOLATILITY: Final = 0.009
_FADE_NS: Final = 2 * CELL_NS
"""A jump fades away in a straight line over this time: in the long run prices come back."""
_LOAD_FASTEST_S: Final = 16


class _Jump(Struct, frozen=True):
    market_ns: int
    size: float
    """Relative to the price."""
    is_shock: bool


class MarketPath:
    """The part that all stocks share; remembers the last step, because all ask for the same one.

    Arguments:
        fastest_s: see `noise.Wander`.
    """

    def __init__(self, seed: int, fastest_s: int = 1) -> None:
        self._path = Wander(mix_text(seed, "*market"), _MARKET_VOLATILITY, fastest_s)
        self._time_ns = -1
        self._value = 0.0

    def at(self, time_ns: int) -> float:
        """The market's relative move at a market time."""
        if time_ns != self._time_ns:
            self._time_ns = time_ns
            self._value = self._path.at(time_ns)
        return self._value


class FairValue:
    """One stock's fair value. `move_to` a time of the clock, then read.

    Arguments:
        market: shared by all stocks; made with the same seed.
        shock_chance: how likely a shock is within `CELL_NS`.
    """

    __slots__ = (
        "_cell", "_jumps", "_key", "_market", "_market_ns", "_own", "_shock_chance", "_speed_permille",
        "_step_ns", "_stock", "shocked", "until_ns", "value",
    )  # fmt: skip

    def __init__(
        self, stock: Stock, market: MarketPath, settings: SimSettings, shock_chance: float = 0.0
    ) -> None:
        self._market = market
        self._stock = stock
        self._key = mix_text(settings.seed, stock.symbol)
        self._own = Wander(self._key, stock.volatility, fastest_s(settings))
        # Market time runs `speed` times as fast as the clock; integers lose nothing of it.
        self._speed_permille = round(settings.speed * 1_000)
        self._step_ns = STEP_NS if settings.has_books else LOAD_STEP_NS
        self._shock_chance = shock_chance
        self._cell = -1
        self._jumps: list[_Jump] = []
        self._market_ns = -1
        self.value = 0.0
        """In cents."""
        self.until_ns = 0
        """Time of the clock from which on `value` is another, ns."""
        self.shocked = False
        """Whether there was a shock between the last move and the one before it."""

    def move_to(self, time_ns: int) -> None:
        """Look at a time of the clock. Asked out of order it gives the same values."""
        step = time_ns * self._speed_permille // (1_000 * self._step_ns)
        market_ns = step * self._step_ns
        move = self._stock.beta * self._market.at(market_ns) + self._own.at(market_ns)
        shocked = False
        for jump in self._jumps_around(market_ns):
            age_ns = market_ns - jump.market_ns
            if 0 <= age_ns < _FADE_NS:
                move += jump.size * (1.0 - age_ns / _FADE_NS)
                shocked |= jump.is_shock and 0 <= self._market_ns < jump.market_ns
        self.value = self._stock.price_cents * (1.0 + move)
        self.until_ns = -(-(market_ns + self._step_ns) * 1_000 // self._speed_permille)
        self.shocked = shocked
        self._market_ns = market_ns

    def _jumps_around(self, market_ns: int) -> list[_Jump]:
        """The jumps of this cell and of those from which one may not have faded yet."""
        cell = market_ns // CELL_NS
        if cell != self._cell:
            self._cell = cell
            found = (self._jump(each) for each in range(cell - 2, cell + 1))
            self._jumps = [jump for jump in found if jump is not None]
        return self._jumps

    def _jump(self, cell: int) -> _Jump | None:
        """The jump in a cell, if it has one."""
        bits = mix(self._key ^ mix(cell))
        chance, place, size = unit(bits), unit(mix(bits + 1)), unit(mix(bits + 2))
        sign = 1.0 if bits & 1 else -1.0
        market_ns = cell * CELL_NS + int(place * CELL_NS)
        if chance < self._shock_chance:
            return _Jump(market_ns, sign * (0.03 + 0.04 * size), is_shock=True)
        if chance < self._shock_chance + _NEWS_CHANCE * (1.0 - self._shock_chance):
            return _Jump(market_ns, sign * (0.1 + 0.5 * size) * self._stock.volatility, is_shock=False)
        return None


def shock_chances(stocks: list[Stock], settings: SimSettings) -> list[float]:
    """How likely each stock has a shock within `CELL_NS`, so that all together halt as often as is set.

    Funds hold too many stocks to be shocked, unless nothing else trades.
    """
    can = [stock.volatility >= _SHOCK_VOLATILITY for stock in stocks]
    can = can if any(can) else [True] * len(stocks)
    chance = min(1.0, CELL_NS / 1e9 / settings.halt_every_s / sum(can))
    return [chance if each else 0.0 for each in can]


def fastest_s(settings: SimSettings) -> int:
    """The shortest period of the prices' paths; without books they are looked at too seldom for less."""
    return 1 if settings.has_books else _LOAD_FASTEST_S
