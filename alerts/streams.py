"""Streams of values: what one symbol has shown, and the thresholds that wait for it."""

from typing import Final

from alerts.machine import ANY, ASK, BID, LAST, RISES
from alerts.model import FEATURES
from alerts.thresholds import NOWHERE, Thresholds
from alerts.values import NO_SESSION, mid_of, side_of
from ticks.calendar import session_at
from ticks.model import Quote, Tick, Trade

FAR: Final = -NOWHERE
"""Beyond every value."""


class Stream:
    """The values of one feature of a symbol in one set of sessions."""

    __slots__ = (
        "_any", "_falls", "_rises", "compared", "fall_at", "feature", "key", "market", "rise_at", "seen",
        "sessions", "users", "value",
    )  # fmt: skip

    def __init__(self, market: "Market", feature: int, sessions: int) -> None:
        self.market = market
        self.feature = feature
        self.sessions = sessions
        """Bits of the sessions whose values it has."""
        self.key = (market.lineup, market.symbol, FEATURES[feature], sessions)
        self.value: int | None = None
        """The newest; None = none yet, or that side of the quote is absent."""
        self.seen: tuple[Tick, int, int] | None = None
        """The newest tick that gave a value, its number and mark."""
        self.users = 0
        """Alerts that have it."""
        self.compared = 0
        """Those of them that compare it with other features: its value has to outlive a restart."""
        self.rise_at = FAR
        """A value from here on reaches something; lower ones do not, unless they are at `fall_at`."""
        self.fall_at = NOWHERE
        self._rises = Thresholds()
        self._falls = Thresholds()
        self._any: set[int] = set()

    def add(self, way: int, price: int, number: int) -> None:
        """Let an alert be looked at when a value rises or falls to a price, or at any value."""
        if way == ANY:
            self._any.add(number)
        elif way == RISES:
            self._rises.add(-price, number)
        else:
            self._falls.add(price, number)
        self._set_bounds()

    def remove(self, way: int, price: int, number: int) -> None:
        """Take back what was added.

        Raises:
            KeyError: it is not there.
        """
        if way == ANY:
            self._any.remove(number)
        elif way == RISES:
            self._rises.remove(-price, number)
        else:
            self._falls.remove(price, number)
        self._set_bounds()

    def reached(self) -> list[int]:
        """The alerts that the newest value lets be looked at, the oldest first, each once."""
        if self.value is None:
            return []
        return sorted({*self._rises.reached(-self.value), *self._falls.reached(self.value), *self._any})

    def _set_bounds(self) -> None:
        self.rise_at = NOWHERE if self._any else -self._rises.nearest
        self.fall_at = self._falls.nearest


class Market:
    """What one symbol of one line-up has shown last, and its streams."""

    __slots__ = (
        "_in_session", "lineup", "quote", "quote_m", "quote_n", "quote_streams", "symbol", "trade", "trade_m",
        "trade_n", "trade_session", "trade_streams",
    )  # fmt: skip

    def __init__(self, lineup: str, symbol: str) -> None:
        self.lineup = lineup
        self.symbol = symbol
        self.trade: Trade | None = None
        """The newest trade that set `last`, its number, mark and session."""
        self.trade_n = 0
        self.trade_m = 0
        self.trade_session = NO_SESSION
        self.quote: Quote | None = None
        self.quote_n = 0
        self.quote_m = 0
        self.trade_streams: list[Stream] = []
        self.quote_streams: list[Stream] = []
        """In order of their features."""
        self._in_session: dict[int, tuple[Stream, ...]] = {}

    def newest(self, feature: int) -> int | None:
        """The newest value of a feature, of any session."""
        if feature == LAST:
            return None if self.trade is None else self.trade.price
        if self.quote is None:
            return None
        bid, ask = side_of(self.quote.bid_price), side_of(self.quote.ask_price)
        if feature == BID:
            return bid
        return ask if feature == ASK else mid_of(bid, ask)

    def quote_streams_in(self, session: int) -> tuple[Stream, ...]:
        """Those of the streams of quotes that have the values of a session."""
        found = self._in_session.get(session)
        if found is None:
            found = self._in_session[session] = tuple(
                stream for stream in self.quote_streams if stream.sessions >> session & 1
            )
        return found

    def find(self, feature: int, sessions: int) -> Stream | None:
        """The stream of a feature in a set of sessions; None when nobody has it."""
        for stream in self._streams(feature):
            if stream.feature == feature and stream.sessions == sessions:
                return stream
        return None

    def stream(self, feature: int, sessions: int) -> Stream:
        """The same; when there is none it is made, and begins with what was seen last in its sessions."""
        found = self.find(feature, sessions)
        if found is not None:
            return found
        made = Stream(self, feature, sessions)
        streams = self._streams(feature)
        self._in_session.clear()
        streams.append(made)
        streams.sort(key=lambda stream: (stream.feature, stream.sessions))
        self._seed(made)
        return made

    def _seed(self, stream: Stream) -> None:
        tick: Tick | None
        if stream.feature == LAST:
            tick, n, m, session = self.trade, self.trade_n, self.trade_m, self.trade_session
        elif self.quote is not None:
            tick, n, m = self.quote, self.quote_n, self.quote_m
            session = session_at(self.quote.ts_event)
        else:
            return
        value = self.newest(stream.feature)
        if tick is not None and value is not None and stream.sessions >> session & 1:
            stream.value, stream.seen = value, (tick, n, m)

    def drop(self, stream: Stream) -> bool:
        """Let a stream go that nobody has any more; returns whether nothing at all is left."""
        self._streams(stream.feature).remove(stream)
        self._in_session.clear()
        return not (self.trade_streams or self.quote_streams or self.trade or self.quote)

    def _streams(self, feature: int) -> list[Stream]:
        return self.trade_streams if feature == LAST else self.quote_streams
