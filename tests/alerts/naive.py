"""What docs/alerts.md says, done the plain way: every rule looks at every value of its symbol.

Written apart from `alerts.machine` and `alerts.engine`: it shares the nouns with them and nothing else.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alerts.model import Alert, Condition, event_id
from tape.batch import Batch
from ticks import calendar, flags, sessions
from ticks.kinds import QUOTE, TRADE
from ticks.model import ABSENT_PRICE, Quote, Tick, Trade

BARRED = flags.SNAPSHOT | flags.BACKFILL | flags.LATE | flags.OUT_OF_ORDER | flags.TEST_SYMBOL

USELESS = (("above", "cross_up"), ("below", "cross_down"))
"""A side from which that crossing cannot be made."""


class Ring(NamedTuple):
    """What is compared with the engine's."""

    event_id: str
    m: int
    value: int


def values_of(tick: Tick) -> tuple[str, dict[str, int | None]] | None:
    """The session of a tick and the values it gives; None when it gives none."""
    if tick.flags & BARRED:
        return None
    if tick.kind == TRADE:
        assert isinstance(tick, Trade)
        session = sessions.NAMES[tick.elig >> 10 & 7]
        rule = tick.elig & 3 if session == "rth" else tick.elig >> 2 & 3
        if rule != 2 or tick.elig & 1 << 8 or tick.price <= 0:
            return None
        return session, {"last": tick.price}
    if tick.kind == QUOTE:
        assert isinstance(tick, Quote)
        bid = tick.bid_price if tick.bid_price not in (0, ABSENT_PRICE) else None
        ask = tick.ask_price if tick.ask_price not in (0, ABSENT_PRICE) else None
        mid = None if bid is None or ask is None else (bid + ask) // 2
        return sessions.NAMES[calendar.session_at(tick.ts_event)], {"bid": bid, "ask": ask, "mid": mid}
    return None


class NaiveAlert:
    """One rule, looking at everything."""

    def __init__(self, alert: Alert, known: dict[str, int | None], seen: dict[str, int | None]) -> None:
        """`known` are the newest values of any session, `seen` those of the rule's own sessions."""
        rule = alert.rule
        self.alert, self.rule = alert, rule
        self.values = dict(seen)
        self.generation = 1
        self.over = False
        self.candidate = False
        """True by one tick: the next one confirms it or takes it back."""
        self.moves = [c for c in rule.conditions if c.op.startswith("cross")]
        self.holds = [c for c in rule.conditions if not c.op.startswith("cross")]
        self.from_side = ""
        """Of a crossing: `?` unknown yet, `below`, `above`, or `` for neither."""
        self.ready: bool | None = None
        """Of states: whether being true rings; None = unknown yet."""
        if self.moves:
            self.from_side = "?"
            self.place_first(known[self.moves[0].feature])
        else:
            self.decide(known)

    def ring_at_once(self) -> bool:
        """A rule that is to ring when it is true already; whether it does when it is put."""
        if self.moves or self.rule.on_true_at_creation != "fire" or not self.all_true() or not self.hit():
            return False
        self.generation += 1
        self.over = self.rule.repeat == "once"
        return True

    def place_first(self, value: int | None) -> None:
        """On which side the first value lies."""
        if value is not None:
            level = self.moves[0].level
            self.from_side = "below" if value < level else "above" if value > level else ""

    def place_later(self, value: int) -> None:
        """On which side a value lies that is a re-arm distance away; neither if it is not."""
        move = self.moves[0]
        if value <= move.level - move.rearm:
            self.from_side = "below"
        elif value >= move.level + move.rearm:
            self.from_side = "above"
        else:
            self.from_side = ""

    def decide(self, values: dict[str, int | None]) -> None:
        """Whether the states were true already."""
        truths = [self.true(condition, values) for condition in self.holds]
        if self.rule.on_true_at_creation == "fire" or False in truths:
            self.ready = True
        elif None not in truths:
            self.ready = False

    @staticmethod
    def true(condition: Condition, values: dict[str, int | None]) -> bool | None:
        """Whether a state holds; None when its feature has no value."""
        value = values.get(condition.feature)
        if value is None:
            return None
        return value >= condition.level if condition.op == ">=" else value <= condition.level

    def all_true(self) -> bool:
        """Whether every state holds."""
        return all(self.true(condition, self.values) for condition in self.holds)

    def beyond(self, value: int) -> bool:
        """Whether a value has crossed from the side it came from, in a direction that is asked for."""
        move = self.moves[0]
        if self.from_side == "below" and move.op in ("cross", "cross_up"):
            return value >= move.level
        if self.from_side == "above" and move.op in ("cross", "cross_down"):
            return value <= move.level
        return False

    def take(self, tick: Tick, session: str, values: dict[str, int | None]) -> Iterator[int]:
        """Look at one tick; yields the value that rang."""
        if session not in self.rule.sessions:
            return
        self.values.update(values)
        given = [feature for feature, value in values.items() if value is not None]
        named = [c.feature for c in (self.moves or self.holds) if c.feature in given]
        if not named:
            return
        if 0 < self.rule.expires_ns <= tick.ts_recv:
            self.over = True
        if not self.over and self.look(given):
            self.generation += 1
            self.over = self.rule.repeat == "once"
            value = self.values[named[0]]
            assert value is not None
            yield value

    def look(self, given: list[str]) -> bool:
        """A tick that gave a value to a feature the rule waits for; whether it rings."""
        if self.candidate:
            self.candidate = False
            return self.confirmed()
        if self.moves:
            value = self.values[self.moves[0].feature]
            assert value is not None
            return self.look_at_move(value)
        if self.ready is None:
            self.decide(self.values)
            return False
        if self.ready:
            return self.all_true() and self.hit()
        for condition in self.holds:
            value = self.values[condition.feature]
            if condition.feature in given and value is not None:
                away = condition.level - value if condition.op == ">=" else value - condition.level
                if away >= condition.rearm:
                    self.ready = True
        return False

    def look_at_move(self, value: int) -> bool:
        """A value of the feature that is to cross; whether it rings."""
        if self.from_side == "?":
            self.place_first(value)
            return False
        if self.beyond(value):
            if self.all_true():
                return self.hit()
            self.place_later(value)
        elif self.from_side == "" or (self.from_side, self.moves[0].op) in USELESS:
            self.place_later(value)
        return False

    def hit(self) -> bool:
        """True by one tick: rings, or waits for the next."""
        if self.rule.confirm == "double_last":
            self.candidate = True
            return False
        return self.ring()

    def confirmed(self) -> bool:
        """The next tick after a hit: whether it says the same."""
        if not self.moves:
            return self.all_true() and self.ring()
        value = self.values[self.moves[0].feature]
        assert value is not None
        if not self.beyond(value):
            return False
        if self.all_true():
            return self.ring()
        self.place_later(value)
        return False

    def ring(self) -> bool:
        """It rings; from here on it has to go back first."""
        if self.moves:
            value = self.values[self.moves[0].feature]
            assert value is not None
            self.place_later(value)
        self.ready = False
        return True


def newest(batches: Iterable[Batch], symbol: str) -> list[tuple[str, dict[str, int | None]]]:
    """Session and values of every tick of a symbol that gave some."""
    return [
        found
        for batch in batches
        for tick in batch.ticks
        if tick.symbol == symbol and (found := values_of(tick)) is not None
    ]


def naive_alert(alert: Alert, before: Iterable[Batch]) -> NaiveAlert:
    """An alert as it stands when it is put after these batches."""
    nothing: dict[str, int | None] = dict.fromkeys(("last", "bid", "ask", "mid"))
    known, seen = dict(nothing), dict(nothing)
    last_trade: tuple[str, dict[str, int | None]] | None = None
    last_quote: tuple[str, dict[str, int | None]] | None = None
    for session, values in newest(before, alert.rule.symbol):
        known.update(values)
        if "last" in values:
            last_trade = session, values
        else:
            last_quote = session, values
    for newest_one in (last_trade, last_quote):
        if newest_one is not None and newest_one[0] in alert.rule.sessions:
            seen.update(newest_one[1])
    return NaiveAlert(alert, known, seen)


def rings(alerts: Iterable[NaiveAlert], batches: Iterable[Batch]) -> list[Ring]:
    """Every ring, in the order of marks and, at one mark, of ids."""
    by_symbol: dict[str, list[NaiveAlert]] = {}
    for one in alerts:
        by_symbol.setdefault(one.rule.symbol, []).append(one)
    found: list[Ring] = []
    for batch in batches:
        for m, tick in enumerate(batch.ticks, batch.first_m):
            waiting = by_symbol.get(tick.symbol)
            if not waiting:
                continue
            given = values_of(tick)
            if given is None:
                continue
            for one in waiting:
                for value in one.take(tick, *given):
                    found += [Ring(event_id(one.alert.id, one.generation - 1), m, value)]
    return sorted(found, key=lambda ring: (ring.m, ring.event_id))
