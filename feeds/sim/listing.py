"""What trades: the well-known symbols first, then invented ones, in falling order of activity."""

import re
from typing import Final

from msgspec import Struct

from feeds.sim.noise import mix, unit
from ticks.symbols import canonical, is_test_symbol

ZIPF_EXPONENT: Final = 1.0
"""Activity of the symbol of rank r is proportional to 1/r: so it is among US stocks."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES: Final = 26**4
_STRIDE: Final = 104_729
"""A prime that is no factor of 26: multiples of it modulo 26**4 hit every name once."""


class Stock(Struct, frozen=True):
    """One listed symbol."""

    symbol: str
    tape: int
    """`ord` of the SIP tape: A New York, B others, C Nasdaq."""
    venue: int
    """`ord` of the listing exchange's letter: N New York, P Arca, Q Nasdaq, Z Cboe."""
    price_cents: int
    """What its price wanders around, cents."""
    volatility: float
    """Typical change of its own over a trading day (0.015 = 1.5 %), without the market's."""
    beta: float
    """How much of the market's move it makes."""


_TAPES: Final = {"Q": "C", "N": "A", "P": "B", "Z": "B"}


def _stock(symbol: str, venue: str, price_cents: int, volatility: float, beta: float) -> Stock:
    return Stock(canonical(symbol), ord(_TAPES[venue]), ord(venue), price_cents, volatility, beta)


def _known() -> tuple[Stock, ...]:
    """Symbol, listing exchange, dollars, own volatility in % a day, beta. Prices are only plausible."""
    rows = """
        AAPL Q 232 1.1 1.1   MSFT Q 448 1.0 1.0   SPY P 612 0.1 1.0    TSLA Q 352 2.6 1.8
        NVDA Q 141 2.2 1.8   AMZN Q 208 1.3 1.2   GOOGL Q 177 1.2 1.1  META Q 584 1.5 1.2
        QQQ Q 521 0.2 1.2    AMD Q 158 2.2 1.7    NFLX Q 897 1.5 1.1   IWM P 228 0.3 1.2
        PLTR Q 64 3.0 1.8    INTC Q 24 2.2 1.2    BAC N 45 1.1 1.1     F N 11 1.5 1.1
        SOFI Q 15 2.8 1.6    GOOG Q 179 1.2 1.1   AVGO Q 171 2.0 1.5   MU Q 104 2.3 1.5
        JPM N 243 1.0 1.1    XOM N 119 1.2 0.6    WMT N 88 0.9 0.6     DIS N 112 1.2 1.0
        KO N 64 0.7 0.4      PFE N 26 1.2 0.5     T N 23 1.0 0.5       UBER N 71 1.9 1.3
        BA N 152 1.7 1.1     C N 69 1.3 1.2       GE N 178 1.3 1.1     V N 308 0.9 0.9
        MA N 518 0.9 0.9     UNH N 598 1.1 0.5    JNJ N 155 0.8 0.4    PG N 172 0.7 0.4
        HD N 408 1.0 0.9     CVX N 161 1.1 0.7    COST Q 948 0.9 0.7   ADBE Q 501 1.5 1.1
        CRM N 341 1.5 1.2    ORCL N 191 1.5 1.2   CSCO Q 58 1.0 0.9    QCOM Q 157 1.7 1.3
        COIN Q 301 3.5 2.2   MSTR Q 382 4.5 2.4   RIVN Q 10 3.2 1.7    NIO N 5 3.0 1.5
        SNAP N 11 2.8 1.5    PYPL Q 86 1.7 1.2    SHOP Q 105 2.2 1.5   ARM Q 134 2.6 1.7
        GLD P 247 0.8 0.1    SLV P 28 1.4 0.2     TLT Q 91 0.8 0.0     XLF P 50 0.4 1.0
        XLE P 95 0.7 0.6     EEM P 43 0.6 0.8     DIA P 443 0.2 0.9    BRK.B N 472 0.7 0.7
    """
    fields = re.findall(r"(\S+) ([NPQZ]) (\d+) (\S+) (\S+)", rows)
    return tuple(_stock(f[0], f[1], int(f[2]) * 100, float(f[3]) / 100, float(f[4])) for f in fields)


KNOWN: Final = _known()
"""The symbols that come first."""


def list_stocks(count: int) -> list[Stock]:
    """The first `count` stocks, most active first. The same for every seed, none a test symbol."""
    stocks = list(KNOWN[:count])
    taken = {stock.symbol for stock in KNOWN}
    index = 0
    while len(stocks) < count:
        index += 1
        symbol = _name(index)
        if symbol in taken or is_test_symbol(symbol):
            continue
        bits = mix(index)
        venue = "QQQNNNPZ"[bits & 7]
        price_cents = int(500 * 80.0 ** unit(mix(bits)))
        stocks.append(_stock(symbol, venue, price_cents, 0.012 + 0.02 * unit(mix(bits + 1)), 1.0))
    return stocks


def activity(count: int) -> list[float]:
    """Each stock's share of all ticks, by rank; they add up to 1."""
    weights = [1.0 / rank**ZIPF_EXPONENT for rank in range(1, count + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def round_lot(price_cents: int) -> int:
    """The round lot of a stock of that price by the rule of 3 November 2025, shares."""
    if price_cents <= 250_00:
        return 100
    if price_cents <= 1_000_00:
        return 40
    return 10 if price_cents <= 10_000_00 else 1


def _name(index: int) -> str:
    number = index * _STRIDE % _NAMES
    letters = []
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters.append(_LETTERS[letter])
    return "".join(letters)
