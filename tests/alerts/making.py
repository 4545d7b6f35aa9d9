"""What the tests of alerts are made of: ticks at prices, rules, and random markets full of equal prices."""

import random
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Raw
from msgspec.structs import replace

from alerts.machine import plan_of
from alerts.model import Alert, Condition, Fire, Owner, Rule, event_id
from tape.batch import Batch
from ticks.conditions import OVERNIGHT, POST, PRE, RTH, elig
from ticks.flags import BACKFILL, LATE, SNAPSHOT
from ticks.model import ABSENT_PRICE, Quote, Tick, Trade
from ticks.times import NS_PER_HOUR, parse_time

UNIT: Final = 10**9
"""One dollar."""
NOON_NS: Final = parse_time("2026-07-13T12:00:00-04:00")
ANN: Final = Owner("default", "ann")
BOB: Final = Owner("default", "bob")
TAPE: Final = ord("C")
SESSION_HOURS: Final = {OVERNIGHT: -14, PRE: -5, RTH: 0, POST: 5}
"""Hours from noon at which a session is under way."""


def trade(
    price: float, symbol: str = "AAPL", session: int = RTH, conds: str = "@", flags: int = 0, seq: int = 0
) -> Trade:
    """A trade at a price in dollars."""
    at_ns = NOON_NS + SESSION_HOURS.get(session, 0) * NS_PER_HOUR + seq
    bits = elig(TAPE, conds, session)
    return Trade(
        3, 86, symbol, at_ns, 0, at_ns, seq, flags, round(price * UNIT), 10**8, seq, TAPE, conds, bits
    )


def quote(
    bid: float | None, ask: float | None, symbol: str = "AAPL", session: int = RTH, flags: int = 0,
    seq: int = 0,
) -> Quote:  # fmt: skip
    """A quote at prices in dollars; None = that side is absent."""
    at_ns = NOON_NS + SESSION_HOURS[session] * NS_PER_HOUR + seq
    prices = [ABSENT_PRICE if side is None else round(side * UNIT) for side in (bid, ask)]
    sizes = [0 if side is None else 10**8 for side in (bid, ask)]
    return Quote(
        3, 86, symbol, at_ns, 0, at_ns, seq, flags, prices[0], sizes[0], prices[1], sizes[1], 86, 86, "R",
        TAPE,
    )  # fmt: skip


def batch(ticks: Sequence[Tick], first_m: int = 1, epoch: int = 1, lineup: str = "") -> Batch:
    """Ticks as the tape hands them on; each one's number is its mark."""
    ns = list(range(first_m, first_m + len(ticks)))
    return Batch(epoch, lineup, first_m, [0] * len(ticks), ns, list(ticks))


def condition(op: str = ">=", level: float = 100, feature: str = "last", rearm: float = 0) -> Condition:
    """A condition at a level in dollars."""
    distance = max(1, round(rearm * UNIT))
    return Condition(feature, op, round(level * UNIT), f"{level}", distance, f"{rearm}" if rearm else "")


def rule(*conditions: Condition, symbol: str = "AAPL", **members: object) -> Rule:
    """A rule; `members` as `Rule` names them."""
    return Rule(symbol, conditions or (condition(),), len(conditions) > 1, **members)  # type: ignore[arg-type]


def alert(rule: Rule, number: int = 1, owner: Owner = ANN, rev: int = 1) -> Alert:
    """An alert whose id follows from its number."""
    return Alert(str(UUID(int=number)), owner, rev, rule, NOON_NS, NOON_NS)


def fire(number: int = 1, generation: int = 1, owner: Owner = ANN, **members: object) -> Fire:
    """A ring of the alert with this number."""
    one = alert(rule(), number, owner)
    made = Fire(
        event_id(one.id, generation), one.id, owner, 1, generation, "AAPL", "", generation, NOON_NS, NOON_NS,
        100 * UNIT, ("ws", "webhook:https://example.com/hook"), 0, Raw(b'{"tick":null}'),
    )  # fmt: skip
    return replace(made, **members)


def at(fires: Sequence[Fire]) -> list[tuple[int, int]]:
    """Mark and value (in dollars × 100) of each ring: what most tests compare."""
    return [(fire.m, fire.value * 100 // UNIT) for fire in fires]


def random_rule(chance: random.Random, symbols: Sequence[str], levels: Sequence[float]) -> Rule:
    """Any rule that could be put, at levels that the prices touch again and again."""
    features = chance.choice((("last",), ("bid", "ask", "mid"), ("last", "bid", "ask", "mid")))
    count = chance.choice((1, 1, 1, 2, 3))
    conditions: list[Condition] = []
    for _ in range(count):
        crossing_there = any(c.op.startswith("cross") for c in conditions)
        ops = (">=", "<=") if crossing_there else (">=", "<=", "cross_up", "cross_down", "cross")
        one = condition(
            chance.choice(ops), chance.choice(levels), chance.choice(features),
            chance.choice((0, 0, 0.01, 0.02, 0.05)),
        )  # fmt: skip
        if one not in conditions:
            conditions.append(one)
    made = rule(
        *conditions,
        symbol=chance.choice(symbols),
        repeat=chance.choice(("once", "every", "every")),
        sessions=chance.choice((("rth",), ("pre", "post"), ("rth", "pre", "post", "overnight"))),
        on_true_at_creation=chance.choice(("wait_for_cross", "fire")),
        confirm=chance.choice(("last", "last", "double_last")),
    )
    assert plan_of(made).features  # the engine takes it
    return made


def random_batches(
    chance: random.Random, symbols: Sequence[str], levels: Sequence[float], count: int, first_m: int = 1
) -> list[Batch]:
    """A market that walks over the levels in small steps, in every session, with all kinds of prints."""
    cents = [round(level * 100) for level in levels]
    low, high = min(cents) - 4, max(cents) + 4
    prices = {symbol: chance.randint(low, high) for symbol in symbols}
    ticks: list[Tick] = []
    names = list(symbols)
    for seq in range(first_m, first_m + count):
        symbol = names[chance.randrange(len(names))]
        price = prices[symbol] = min(high, max(low, prices[symbol] + chance.choice((-3, -1, -1, 0, 1, 1, 3))))
        session = (OVERNIGHT, PRE, RTH, RTH, RTH, POST)[chance.randrange(6)]
        flags = chance.choice((0,) * 20 + (SNAPSHOT, LATE, BACKFILL))
        if chance.random() < 0.5:
            codes = ("T", "@", "I", "@4") if session != RTH else ("@", "@", "@", "@I", "@4", "@F", "W", "@?")
            ticks.append(trade(price / 100, symbol, session, chance.choice(codes), flags, seq))
        else:
            spread = chance.choice((0, 1, 1, 2))
            bid = None if chance.random() < 0.05 else (price - spread) / 100
            ask = None if chance.random() < 0.05 else (price + 1) / 100
            ticks.append(quote(bid, ask, symbol, session, flags, seq))
    made: list[Batch] = []
    place = 0
    while place < len(ticks):
        size = chance.choice((1, 2, 5, 20, 100))
        made.append(batch(ticks[place : place + size], first_m + place))
        place += size
    return made
