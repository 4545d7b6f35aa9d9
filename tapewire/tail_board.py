"""The state behind the live table of `tapewire tail`: the newest of each symbol. Pure."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field

from tapewire.tail_lines import price_text, symbol_of

SPARKS: Final = "▁▂▃▄▅▆▇█"
SPARK_WIDTH: Final = 8
"""Prices in a sparkline: the newest of so many drawings in which there was a trade."""

Price = Decimal | float


class Row(Struct, frozen=True):
    """One line of the table, as text."""

    symbol: str
    direction: int
    """1 the last price rose, -1 it fell, 0 neither."""
    last: str
    size: str
    bid: str
    ask: str
    spark: str
    ticks: str
    age: str
    source: str


class _State(Struct):
    """What is known of one symbol."""

    last: Price | None = None
    size: Price | None = None
    bid: Price | None = None
    ask: Price | None = None
    direction: int = 0
    ticks: int = 0
    newest_us: int = 0
    source: str = ""
    traded: bool = False
    """Since the table was last drawn."""
    prices: deque[Price] = field(default_factory=lambda: deque(maxlen=SPARK_WIDTH))


class Board:
    """The newest of each symbol that was asked for, or heard of. Bound: the symbols subscribed to."""

    def __init__(self, symbols: tuple[str, ...] = ()) -> None:
        self._states = {symbol: _State() for symbol in symbols}

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one message of the stream; those that are no trade or quote change nothing."""
        is_snapshot = message["op"] == "snap"
        tick = message["tick"] if is_snapshot else message
        op = tick["op"]
        if op not in ("t", "q"):
            return
        state = self._states.setdefault(symbol_of(message["c"]), _State())
        state.newest_us = max(state.newest_us, tick["ts"])
        state.source = tick["src"]
        if not is_snapshot:
            state.ticks += message.get("k", 1)
        if op == "q":
            state.bid, state.ask = tick["bp"], tick["ap"]
            return
        price = tick["px"]
        if state.last is not None and price != state.last:
            state.direction = 1 if price > state.last else -1
        state.last, state.size, state.traded = price, tick["sz"], True

    def rows(self, now_us: int) -> list[Row]:
        """The table as it is drawn now, in the order in which symbols were asked for or heard of."""
        return [self._row(symbol, state, now_us) for symbol, state in self._states.items()]

    def _row(self, symbol: str, state: _State, now_us: int) -> Row:
        if state.traded and state.last is not None:
            state.prices.append(state.last)
            state.traded = False
        return Row(
            symbol=symbol,
            direction=state.direction,
            last=price_text(state.last),
            size="–" if state.size is None else str(state.size),
            bid=price_text(state.bid),
            ask=price_text(state.ask),
            spark=spark(list(state.prices)),
            ticks=f"{state.ticks:,}",
            age=age_text(now_us - state.newest_us) if state.newest_us else "–",
            source=state.source,
        )


def spark(prices: list[Price]) -> str:
    """Prices as a line of blocks, from the lowest to the highest of them."""
    if not prices:
        return ""
    low, high = float(min(prices)), float(max(prices))
    step = (high - low) / (len(SPARKS) - 1)
    if not step:
        return SPARKS[len(SPARKS) // 2] * len(prices)
    return "".join(SPARKS[round((float(price) - low) / step)] for price in prices)


def age_text(age_us: int) -> str:
    """An age for people: `12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`."""
    seconds = max(0, age_us) / 1e6
    if seconds < 0.9995:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    for unit, length, until in (("min", 60, 100), ("h", 3_600, 48)):
        if seconds / length < until:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
