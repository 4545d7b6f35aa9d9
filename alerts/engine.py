"""The engine: which alerts ring at which tick. Pure; the same tape and rules give the same rings.

Each (line-up, symbol, feature, set of sessions) in use is a *stream* of values with two sorted
lists of thresholds (`alerts.thresholds`): what acts when a value rises to a price, and what acts
when it falls to one. `alerts.machine.needs` says which thresholds an alert has in its state; a
quiet value is compared with the two nearest, and nothing else happens.

What changed is gathered until `take_changes`, together with the mark it is as of: written down
in one piece it is a point from which the engine goes on exactly as if it had never stopped.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alerts.machine import LAST, Need, Plan, first_state, needs, plan_of, spoken_of, step
from alerts.model import ARMED, EXPIRED, FEATURES, Alert, AlertView, Fire, Rule, State, event_id
from alerts.proof import Sighting, proof_json
from alerts.streams import Market, Stream
from alerts.values import NO_SESSION, SILENT_FLAGS, last_session, mid_of, side_of
from tape.batch import Batch
from tape.ring import cut_batch
from ticks.calendar import session_at
from ticks.kinds import QUOTE, TRADE
from ticks.model import Quote, Tick, Trade
from ticks.times import NS_PER_MINUTE

_FEATURES: Final = range(len(FEATURES))
_GIVE_VALUES: Final = frozenset((TRADE, QUOTE))
"""Kinds of tick that can give a feature a value."""

ValueKey = tuple[str, str, str, int]
"""Line-up, symbol, feature, set of sessions as bits."""


class Kept(Struct, frozen=True):
    """An alert as it was written down."""

    number: int
    """Its place among all alerts, by when they were put first; never given twice."""
    alert: Alert
    state: State


class EngineChanges(Struct):
    """What has changed since the last time it was taken; all of it as of `m`."""

    m: int
    fires: list[Fire]
    states: dict[str, State]
    """By alert id."""
    values: dict[ValueKey, int | None]
    """Newest values that rules with several conditions compare; None = not needed any more."""


class Watched:
    """An alert in the engine."""

    __slots__ = ("alert", "number", "placed", "plan", "state", "streams")

    def __init__(self, number: int, alert: Alert, state: State) -> None:
        self.number = number
        self.alert = alert
        self.state = state
        self.plan: Plan = plan_of(alert.rule)
        self.streams: list[Stream | None] = [None] * len(FEATURES)
        self.placed: list[Need] = []

    def values(self) -> list[int | None]:
        """The newest value of each feature in the rule's sessions."""
        return [None if stream is None else stream.value for stream in self.streams]

    def stream(self, feature: int) -> Stream:
        """The stream of a feature that the rule speaks of."""
        stream = self.streams[feature]
        assert stream is not None  # every such feature has one while the alert is watched
        return stream


class Engine:
    """Evaluates ticks against rules. Not thread-safe."""

    def __init__(self) -> None:
        self.m = 0
        """Everything up to this mark has been evaluated."""
        self.steps = 0
        """How often a value reached a threshold, so that an alert was looked at."""
        self._watched: dict[int, Watched] = {}
        self._numbers: dict[str, int] = {}
        self._next_number = 1
        self._lineups: dict[str, dict[str, Market]] = {}
        self._epochs: list[tuple[int, int]] = []
        """(first mark seen of it, epoch)."""
        self._sessions: dict[int, int] = {}
        """`elig` → session in which it sets `last`; at most 2¹⁶ entries."""
        self._minute = -1
        self._session = NO_SESSION
        """The session of the newest quote's minute."""
        self._fires: list[Fire] = []
        self._states: dict[str, State] = {}
        self._values: dict[ValueKey, int | None] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def load(self, kept: Iterable[Kept], values: Mapping[ValueKey, int], m: int) -> None:
        """Take over what was written down as of `m`. To be called once, before anything is put.

        Ticks up to `m` may have been taken before: they ring nothing, but proofs can name them.
        """
        self.m = m
        for one in kept:
            self._next_number = max(self._next_number, one.number + 1)
            self._enter(Watched(one.number, one.alert, one.state))
        self._values = {key: None for key in values if self._compared(key) is None}
        for watched in self._watched.values():
            for stream in watched.streams:
                if stream is not None and stream.compared:
                    stream.value = values.get(stream.key)
        for watched in self._watched.values():
            self._place(watched)

    def take(self, batch: Batch) -> None:
        """Evaluate a batch. What was evaluated before is left out, so batches may overlap."""
        if batch.first_m <= self.m:
            rest = cut_batch(batch, self.m, batch.last_m)
            if rest is None:
                return
            batch = rest
        if not self._epochs or self._epochs[-1][1] != batch.epoch:
            self._epochs.append((batch.first_m, batch.epoch))
        markets = self._lineups.setdefault(batch.lineup, {})
        marks = range(batch.first_m, batch.last_m + 1)
        for m, n, tick in zip(marks, batch.ns, batch.ticks, strict=True):
            kind = tick.kind
            if kind not in _GIVE_VALUES or tick.flags & SILENT_FLAGS:
                continue
            market = markets.get(tick.symbol)
            if market is None:
                market = markets[tick.symbol] = Market(batch.lineup, tick.symbol)
            if isinstance(tick, Quote):
                market.quote, market.quote_n, market.quote_m = tick, n, m
                if market.quote_streams:
                    self._on_quote(market, tick, n, m)
            elif isinstance(tick, Trade):
                self._on_trade(market, tick, n, m)
        self.m = batch.last_m

    def skip(self, m: int) -> None:
        """Go on behind a mark: what was up to there cannot be read any more."""
        self.m = max(self.m, m)

    def put(self, alert: Alert) -> State:
        """Watch a new alert, or one whose rule has changed; it may ring at once.

        Raises:
            AlreadyTrue: it is true, and the rule asked to be refused then; nothing has changed.
        """
        number = self._numbers.get(alert.id)
        before = None if number is None else self._watched[number]
        carried = State(ARMED, since_ns=alert.updated_ns)
        if before is not None:
            carried = replace(carried, generation=before.state.generation + 1, fires=before.state.fires)
        watched = Watched(self._next_number if before is None else before.number, alert, carried)
        watched.state = first_state(watched.plan, self._known(alert.rule), carried)
        self._enter(watched)
        if before is None:
            self._next_number += 1
        else:
            self._leave(before)
        self._states[alert.id] = watched.state
        self._place(watched)
        self._ring_at_once(watched)
        return watched.state

    def remove(self, alert_id: str) -> None:
        """Watch an alert no longer.

        Raises:
            KeyError: there is none of this id.
        """
        watched = self._watched[self._numbers[alert_id]]
        self._leave(watched)
        del self._numbers[alert_id], self._watched[watched.number]
        self._states.pop(alert_id, None)

    def number(self, alert_id: str) -> int:
        """The place of an alert among all.

        Raises:
            KeyError: there is none of this id.
        """
        return self._numbers[alert_id]

    def view(self, alert_id: str) -> AlertView:
        """An alert and where it stands.

        Raises:
            KeyError: there is none of this id.
        """
        watched = self._watched[self._numbers[alert_id]]
        known = self._known(watched.alert.rule)
        feature = FEATURES.index(watched.alert.rule.conditions[0].feature)
        return AlertView(watched.alert, watched.state, known[feature])

    def take_changes(self) -> EngineChanges:
        """What has changed since the last call."""
        changes = EngineChanges(self.m, self._fires, self._states, self._values)
        self._fires, self._states, self._values = [], {}, {}
        return changes

    # -- values ----------------------------------------------------------------------------------

    def _on_trade(self, market: Market, tick: Trade, n: int, m: int) -> None:
        session = self._sessions.get(tick.elig)
        if session is None:
            session = self._sessions[tick.elig] = last_session(tick.elig)
        price = tick.price
        if session == NO_SESSION or price <= 0:
            return
        market.trade, market.trade_n, market.trade_m, market.trade_session = tick, n, m, session
        if not market.trade_streams:
            return
        seen = (tick, n, m)
        for stream in market.trade_streams:
            if stream.sessions >> session & 1:
                stream.value = price
                if stream.compared:
                    self._values[stream.key] = price
                if price >= stream.rise_at or price <= stream.fall_at:
                    self._hit((stream,), tick, n, m, 1 << LAST)
                stream.seen = seen

    def _on_quote(self, market: Market, tick: Quote, n: int, m: int) -> None:
        minute = tick.ts_event // NS_PER_MINUTE
        if minute != self._minute:  # sessions begin and end with a minute
            self._minute, self._session = minute, session_at(tick.ts_event)
        bid, ask = side_of(tick.bid_price), side_of(tick.ask_price)
        values = (None, bid, ask, mid_of(bid, ask))
        streams = market.quote_streams_in(self._session)
        reached = False
        # All of a quote's values come at once: no rule sees a new bid beside an old ask.
        for stream in streams:
            value = stream.value = values[stream.feature]
            if stream.compared:
                self._values[stream.key] = value
            if value is not None and (value >= stream.rise_at or value <= stream.fall_at):
                reached = True
        if reached:
            self._hit(streams, tick, n, m, sum(1 << f for f in _FEATURES if values[f] is not None))
        seen = (tick, n, m)
        for stream in streams:
            if stream.value is not None:
                stream.seen = seen

    def _hit(self, streams: Sequence[Stream], tick: Tick, n: int, m: int, given: int) -> None:
        """The newest values of streams have reached thresholds: look at their alerts, the oldest first."""
        for number in sorted({number for stream in streams for number in stream.reached()}):
            watched = self._watched[number]
            self.steps += 1
            expires_ns = watched.alert.rule.expires_ns
            if 0 < expires_ns <= tick.ts_recv:
                self._move(watched, replace(watched.state, phase=EXPIRED, side=0), tick.ts_recv)
                continue
            state, rang = step(watched.plan, watched.state, watched.values(), given)
            if rang:
                stream = watched.stream(spoken_of(watched.plan, given))
                before = None if stream.seen is None else self._sighting(*stream.seen)
                self._ring(watched, stream, self._sighting(tick, n, m), before)
            self._move(watched, state, tick.ts_recv)

    def _move(self, watched: Watched, state: State, now_ns: int) -> None:
        if state != watched.state:
            if state.phase != watched.state.phase:
                state = replace(state, since_ns=now_ns)
            watched.state = self._states[watched.alert.id] = state
        self._place(watched)

    def _ring(self, watched: Watched, stream: Stream, tick: Sighting, before: Sighting | None) -> None:
        alert, state = watched.alert, watched.state
        rule, market = alert.rule, stream.market
        quote = None
        if market.quote is not None:
            quote = self._sighting(market.quote, market.quote_n, market.quote_m)
        assert stream.value is not None  # it has just reached a level
        self._fires.append(
            Fire(
                event_id(alert.id, state.generation), alert.id, alert.owner, alert.rev, state.generation,
                rule.symbol, rule.lineup, tick.m, tick.tick.ts_event, tick.tick.ts_recv, stream.value,
                rule.channels, rule.use_by_s,
                proof_json(rule.conditions, watched.values(), rule.lineup, tick, before, quote),
            )
        )  # fmt: skip

    def _ring_at_once(self, watched: Watched) -> None:
        """A rule that is to ring when it is true already: look at the newest tick it has seen."""
        plan = watched.plan
        if plan.on_true != "fire" or plan.crossing is not None:
            return
        seen = [
            (stream.seen[2], -place, stream, stream.seen)
            for place, stream in enumerate(watched.streams)
            if stream is not None and stream.seen is not None
        ]
        if not seen:
            return
        _, _, stream, newest = max(seen, key=lambda one: one[:2])
        state, rang = step(plan, watched.state, watched.values(), 1 << stream.feature)
        if rang:
            self._ring(watched, stream, self._sighting(*newest), None)
        self._move(watched, state, watched.alert.updated_ns)

    def _sighting(self, tick: Tick, n: int, m: int) -> Sighting:
        return Sighting(tick, n, m, self._epoch(m))

    def _epoch(self, m: int) -> int:
        place = bisect_right(self._epochs, (m, 1 << 62)) - 1
        return self._epochs[max(0, place)][1]

    # -- where alerts stand ----------------------------------------------------------------------

    def _known(self, rule: Rule) -> list[int | None]:
        """The newest values of a symbol, of any session."""
        market = self._lineups.get(rule.lineup, {}).get(rule.symbol)
        return [None if market is None else market.newest(feature) for feature in _FEATURES]

    def _compared(self, key: ValueKey) -> Stream | None:
        """The stream of a value that was written down; None when no rule compares it any more."""
        lineup, symbol, feature, sessions = key
        market = self._lineups.get(lineup, {}).get(symbol)
        stream = None if market is None else market.find(FEATURES.index(feature), sessions)
        return stream if stream is not None and stream.compared else None

    def _enter(self, watched: Watched) -> None:
        """Give an alert its streams; those that are new begin with what was seen last."""
        rule = watched.alert.rule
        markets = self._lineups.setdefault(rule.lineup, {})
        market = markets.get(rule.symbol)
        if market is None:
            market = markets[rule.symbol] = Market(rule.lineup, rule.symbol)
        several = len(rule.conditions) > 1
        for feature in watched.plan.features:
            stream = watched.streams[feature] = market.stream(feature, rule.session_mask)
            stream.users += 1
            if several:
                stream.compared += 1
                if stream.value is not None:
                    self._values[stream.key] = stream.value
        self._watched[watched.number] = watched
        self._numbers[watched.alert.id] = watched.number

    def _leave(self, watched: Watched) -> None:
        """Take an alert's thresholds and streams away."""
        self._unplace(watched)
        several = len(watched.alert.rule.conditions) > 1
        for stream in watched.streams:
            if stream is None:
                continue
            stream.users -= 1
            if several:
                stream.compared -= 1
                if not stream.compared:
                    self._values[stream.key] = None
            if not stream.users and stream.market.drop(stream):
                del self._lineups[stream.market.lineup][stream.market.symbol]

    def _place(self, watched: Watched) -> None:
        """Put the thresholds where the state needs them."""
        wanted = needs(watched.plan, watched.state, watched.values())
        if wanted == watched.placed:
            return
        self._unplace(watched)
        for need in wanted:
            watched.stream(need.feature).add(need.way, need.price, watched.number)
        watched.placed = wanted

    def _unplace(self, watched: Watched) -> None:
        for need in watched.placed:
            watched.stream(need.feature).remove(need.way, need.price, watched.number)
        watched.placed = []
