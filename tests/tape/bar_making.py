"""Trades as they are told in a few words, and what a builder published, for the tests of bars."""

from collections.abc import Iterable
from typing import Final

from config.settings import BarSettings
from tape.bar_rules import bar_values
from tape.bars import BarBuilder
from tests.tape import naive_bars
from ticks import conditions, sources
from ticks.model import (
    PRICE_SCALE,
    SIZE_SCALE,
    Bar,
    BarDaily,
    BarRevision,
    Quote,
    Tick,
    Trade,
    TradeCancel,
    TradeCorrect,
)
from ticks.times import NS_PER_MINUTE, NS_PER_SECOND, parse_time

TEN: Final = parse_time("2026-07-13T10:00:00-04:00")
"""Ten in the morning of a summer Monday in New York."""
MIDNIGHT: Final = parse_time("2026-07-13T04:00:00Z")
"""The midnight that began that day there."""
VENUE: Final = ord("Q")

Place = tuple[str, str, int]
"""`minute` or `day`, symbol, start."""


def seconds(value: float) -> int:
    """Seconds as ns."""
    return round(value * NS_PER_SECOND)


def trade(
    at: float,
    price: float,
    size: float = 100,
    codes: str = "@",
    *,
    tape: str = "C",
    symbol: str = "AAPL",
    received: float | None = None,
    trade_id: int = 0,
    flags: int = 0,
    session: int = conditions.RTH,
) -> Trade:
    """A print `at` seconds after ten; received at once unless `received` says when."""
    ts_event = TEN + seconds(at)
    return Trade(
        sources.ALPACA_SIP, VENUE, symbol, ts_event, 0, TEN + seconds(at if received is None else received),
        0, flags, round(price * PRICE_SCALE), round(size * SIZE_SCALE), trade_id, ord(tape), codes,
        conditions.elig(ord(tape), codes, session),
    )  # fmt: skip


def quote(at: float, received: float | None = None) -> Quote:
    """A quote `at` seconds after ten: it only shows what time it is."""
    times = TEN + seconds(at), 0, TEN + seconds(at if received is None else received)
    return Quote(sources.ALPACA_SIP, 0, "SPY", *times, 0, 0, 1, 1, 2, 1, 0, 0, "", 0)


def cancel(original: Trade, received: float) -> TradeCancel:
    """`original` is withdrawn."""
    at = TEN + seconds(received)
    return TradeCancel(
        original.source, original.venue, original.symbol, at, 0, at, 0, 0,
        original.price, original.size, original.trade_id, original.sip_tape, "C",
    )  # fmt: skip


def correct(original: Trade, replacement: Trade, received: float) -> TradeCorrect:
    """`original` should have had the price, size, id and conditions of `replacement`."""
    at = TEN + seconds(received)
    return TradeCorrect(
        original.source, original.venue, original.symbol, at, 0, at, 0, 0,
        original.price, original.size, original.trade_id, original.conds,
        replacement.price, replacement.size, replacement.trade_id, replacement.conds,
        replacement.sip_tape, replacement.elig,
    )  # fmt: skip


def builder(kept_trades: int = 1_000_000) -> BarBuilder:
    """A builder with the default clock."""
    return BarBuilder(BarSettings(kept_trades=kept_trades))


def at_time(bars: BarBuilder, at: float) -> list[Tick]:
    """All that `on_time` publishes at that many seconds after ten, work left over included."""
    now_ns = TEN + seconds(at)
    ticks = bars.on_time(now_ns)
    while (due_ns := bars.due_ns) is not None and due_ns <= now_ns:
        ticks += bars.on_time(now_ns)
    return ticks


def to_the_end(bars: BarBuilder) -> list[Tick]:
    """All that is still to be published, each at the time it is due."""
    ticks: list[Tick] = []
    while (due_ns := bars.due_ns) is not None:
        ticks += bars.on_time(due_ns)
    return ticks


def place(bar: Tick) -> Place:
    """Which bar it is."""
    return "day" if isinstance(bar, BarDaily) else "minute", bar.symbol, bar.ts_event


def last_values(ticks: Iterable[Tick]) -> dict[Place, naive_bars.Values]:
    """The values of each bar as published last; withdrawn bars are left out."""
    found = {place(bar): bar_values(bar) for bar in ticks if isinstance(bar, Bar)}
    return {where: values for where, values in found.items() if any(values)}


def short(bar: Tick) -> str:
    """A bar as the worked vectors have it: `o10 h12 l10 c10 v350 n3 vw11.3333`."""
    assert isinstance(bar, Bar)
    prices = [round(value / PRICE_SCALE, 4) for value in (bar.open, bar.high, bar.low, bar.close)]
    o, h, l, c = (f"{price:g}" for price in prices)  # noqa: E741
    return f"o{o} h{h} l{l} c{c} v{bar.volume / SIZE_SCALE:g} n{bar.count} vw{bar.vwap / PRICE_SCALE:.6g}"


def told(ticks: list[Tick]) -> list[str]:
    """Bars in short: `b0 10:00 o10 …`, the kind and `rev` first."""
    lines = []
    for bar in ticks:
        assert isinstance(bar, Bar)
        letter = {Bar: "b", BarRevision: "u", BarDaily: "d"}[type(bar)]
        lines.append(f"{letter}{bar.rev}{'!' if bar.final else ''} {short(bar)}")
    return lines


def as_print(tick: Trade) -> naive_bars.Print:
    """A trade for the naive evaluator."""
    return naive_bars.Print(tick.symbol, tick.ts_event, tick.price, tick.size, chr(tick.sip_tape), tick.conds)


def minute(at: float) -> int:
    """The start of the minute `at` seconds after ten."""
    return (TEN + seconds(at)) // NS_PER_MINUTE * NS_PER_MINUTE
