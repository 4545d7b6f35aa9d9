"""A made-up trading day of IEX, message by message, the same for the same seed.

A core. The day is short (`Recipe.duration_s`) but whole: start of messages, the spin of one
administrative message of each kind per symbol, pre-market, opening auctions, the regular
session, closing auctions, post-market, end. Prices walk at random; trades happen at the
quote. It is not a market: nobody's order meets another's. It is there so that every path of
the code has input with a known answer where no real recording is at hand.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Final

import msgspec

from feeds.iex import encode

_KNOWN_SYMBOLS: Final = (
    "SPY", "AAPL", "MSFT", "QQQ", "NVDA", "TSLA", "AMZN", "BRK.B", "ABR-D", "ACHR+", "AAC=", "AIIA^", "NE+A",
    "OXLC-", "ZVZZT", "ZIEXT", "BF.B", "GOOGL", "META", "AMD",
)  # fmt: skip
"""One of every kind of symbol, test symbols among them."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MADE_SYMBOLS_MAX: Final = 17_576
_EXTENDED: Final = 0x40
_SWEEP, _ODD_LOT, _EXEMPT, _CROSS = 0x80, 0x20, 0x10, 0x08
_HALTED: Final = 0x80
_AUCTION_SYMBOLS: Final = 3
"""Symbols that the exchange lists: they have directory entries, auctions and official prices."""
_PRE, _REGULAR = 0.1, 0.9
"""The parts of the day at which the regular session begins and ends."""

Timed = tuple[int, bytes]
"""Event time and message."""


class Day(msgspec.Struct, frozen=True):
    """What day to make."""

    seed: int = 1
    symbols: int = 50
    messages: int = 20_000
    start_ns: int = 1_783_960_170_000_000_000
    """Event time of the first message, ns UTC; by default 2026-07-13 16:29:30, so that the day's
    pre- and post-market lie on either side of noon, where extended hours are told apart."""
    duration_s: int = 60


def least_messages(symbols: int) -> int:
    """How many messages a day of so many symbols has at least."""
    listed = min(symbols, _AUCTION_SYMBOLS)
    return 6 + symbols * 4 + listed * 7


def symbol_names(count: int) -> list[str]:
    """Names of so many symbols, well-known ones first.

    Raises:
        ValueError: not from 1 to 17,596.
    """
    if not 1 <= count <= len(_KNOWN_SYMBOLS) + _MADE_SYMBOLS_MAX:
        raise ValueError(f"{count} symbols: must be from 1 to {len(_KNOWN_SYMBOLS) + _MADE_SYMBOLS_MAX}")
    names = list(_KNOWN_SYMBOLS[:count])
    made = (
        "Y" + "".join(_LETTERS[number // 26**place % 26] for place in (2, 1, 0)) for number in range(count)
    )
    return names + list(itertools.islice(made, count - len(names)))


class _Stock:
    """What the exchange shows of one symbol at the moment."""

    __slots__ = ("halted", "last", "name", "price", "volume")

    def __init__(self, name: str, price: int) -> None:
        self.name = name
        self.price = price
        """Middle of the quote, in cents."""
        self.halted = False
        self.last = (0, 0, 0, 0)
        """Price, size, id and flags of the last trade."""


class MarketDay:
    """Makes the messages of a day.

    Raises:
        ValueError: fewer messages than its symbols need, or more symbols than there are names.
    """

    def __init__(self, day: Day) -> None:
        if day.messages < least_messages(day.symbols):
            raise ValueError(
                f"{day.messages} messages: {day.symbols} symbols need at least {least_messages(day.symbols)}"
            )
        self._day = day
        self._chance = random.Random(day.seed)
        self._stocks = [_Stock(name, self._chance.randint(200, 60_000)) for name in symbol_names(day.symbols)]
        self._listed = self._stocks[:_AUCTION_SYMBOLS]
        # Few symbols have most of the trading, as everywhere.
        weights = [1 / (rank + 1) for rank in range(day.symbols)]
        self._picks = iter(self._pick(weights))
        self._trade_id = 0
        self._extended = _EXTENDED

    def messages(self) -> Iterator[Timed]:
        """Yield all messages of the day in order, each with its event time."""
        day = self._day
        body = day.messages - least_messages(day.symbols)
        opens, closes = int(body * _PRE), int(body * _REGULAR)
        step_ns = day.duration_s * 1_000_000_000 // (body + 1)
        time_ns = day.start_ns
        yield from self._begin(time_ns)
        for number in range(body + 1):
            time_ns += step_ns
            if number == opens:
                yield time_ns, encode.system_event(time_ns, "R")
                self._extended = 0
                yield from self._cross(time_ns, "O", "Q")
            if number == closes:
                yield from self._cross(time_ns, "C", "M")
                yield time_ns, encode.system_event(time_ns, "M")
                self._extended = _EXTENDED
            if number < body:
                # Some nanoseconds, so that times do not look like a clock's ticking.
                event_ns = time_ns + self._chance.randrange(min(step_ns, 1_000) or 1)
                yield event_ns, self._happen(event_ns, next(self._picks))
        yield time_ns, encode.system_event(time_ns, "E")
        yield time_ns, encode.system_event(time_ns, "C")

    def _pick(self, weights: list[float]) -> Iterator[_Stock]:
        while True:
            yield from self._chance.choices(self._stocks, weights, k=1_000)

    def _begin(self, time_ns: int) -> Iterator[Timed]:
        yield time_ns, encode.system_event(time_ns, "O")
        for stock in self._listed:
            flags = 0x80 if stock.name.startswith("Z") else 0
            yield time_ns, encode.directory(time_ns, stock.name, 100, stock.price * 100, 1, flags)
        for stock in self._stocks:
            yield time_ns, encode.trading_status(time_ns, stock.name, "T", "NA")
            yield time_ns, encode.operational_halt(time_ns, stock.name, "N")
            yield time_ns, encode.short_sale_test(time_ns, stock.name, self._chance.random() < 0.1)
            yield time_ns, encode.retail_liquidity(time_ns, stock.name, " ")
        yield time_ns, encode.system_event(time_ns, "S")

    def _cross(self, time_ns: int, auction: str, official: str) -> Iterator[Timed]:
        """An auction's information, its print, and the official price: three messages a listed symbol."""
        for stock in self._listed:
            price, paired = stock.price * 100, self._chance.randint(1, 90) * 100
            yield time_ns, encode.auction(
                time_ns, stock.name, auction, paired=paired, reference=price, indicative=price,
                imbalance=self._chance.randint(0, 9) * 100, side=self._chance.choice("BSN"),
                scheduled_s=time_ns // 1_000_000_000, clearing=price,
                collar=(price, price * 9 // 10, price * 11 // 10),
            )  # fmt: skip
            yield time_ns, self._print(time_ns, stock, price, paired, _CROSS)
            yield time_ns, encode.official_price(time_ns, stock.name, official, price)

    def _happen(self, time_ns: int, stock: _Stock) -> bytes:
        """One message of a symbol: mostly quotes, some trades, now and then something else."""
        kind = self._chance.random()
        if stock.halted and kind > 0.9:
            stock.halted = False
            return encode.trading_status(time_ns, stock.name, "T", "NA")
        if kind < 0.80 or stock.halted:
            return self._quote(time_ns, stock)
        if kind < 0.985:
            side = self._chance.choice((-1, 1))
            size = self._chance.choice((1, 7, 50, 100, 100, 200, 1_500))
            flags = _ODD_LOT if size < 100 else 0
            flags |= _SWEEP if self._chance.random() < 0.3 else 0
            flags |= _EXEMPT if self._chance.random() < 0.01 else 0
            return self._print(time_ns, stock, (stock.price + side) * 100, size, flags)
        if kind < 0.988 and stock.last[2]:
            broken, stock.last = stock.last, (0, 0, 0, 0)
            return encode.trade_break(time_ns, stock.name, *broken)
        if kind < 0.990:
            stock.halted = True
            return encode.trading_status(time_ns, stock.name, "H", "T1")
        if kind < 0.992:
            return encode.operational_halt(time_ns, stock.name, self._chance.choice("ON"))
        if kind < 0.996:
            return encode.retail_liquidity(time_ns, stock.name, self._chance.choice(" ABC"))
        if kind < 0.998:
            return encode.security_event(time_ns, stock.name, self._chance.choice("OC"))
        return encode.short_sale_test(time_ns, stock.name, True, self._chance.choice("AC"))

    def _quote(self, time_ns: int, stock: _Stock) -> bytes:
        stock.price = max(10, stock.price + self._chance.randint(-2, 2))
        bid, ask = (stock.price - 1) * 100, (stock.price + 1) * 100
        bid_size, ask_size = (self._chance.randint(1, 30) * 100 for _ in range(2))
        shown = self._chance.random()
        if shown < 0.08:
            bid = bid_size = 0
        if shown < 0.03 or shown > 0.95:
            ask = ask_size = 0
        flags = self._extended | (_HALTED if stock.halted else 0)
        return encode.quote(time_ns, stock.name, bid, bid_size, ask, ask_size, flags)

    def _print(self, time_ns: int, stock: _Stock, price: int, size: int, flags: int) -> bytes:
        self._trade_id += 1
        stock.last = (price, size, self._trade_id, flags | self._extended)
        return encode.trade(time_ns, stock.name, *stock.last)
