"""Who wants what: channels, their subscribers, and the bytes that are due to each.

`publish` is on the one synchronous path from feed to client: it encodes a tick once per
codec, appends the same bytes to the outbox of every raw subscriber's connection, and folds
it into the channel's open window when somebody reads the channel at an interval. It writes
nothing; `take_raw` and `take_rates` hand out the connections with something due, and whoever
calls them writes it.

Rates nest: windows are accumulated once at the quickest rate, and each slower rate merges
the closed windows of that. Memory is bounded by channels × rates in use, and by what is
published between two flushes. A star costs one entry per key, not one per channel.
"""

from collections.abc import Callable, Iterable
from typing import Final

from hub.channel_table import ChannelTable, Key
from hub.pieces import Encoder
from hub.subscription import Outlet, Subscription
from hub.windows import Window, fold, merge
from tape.batch import Batch

RATES: Final = (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25)
"""Flushes a second; each is half the one before."""
STEPS: Final = {rate: round(RATES[0] / rate) for rate in RATES}
"""Rate → every how many steps of the 16 Hz wheel it flushes."""


def grant(hz: float) -> float:
    """The rate that is granted for a wish: the quickest that is not quicker, or else the slowest."""
    return next((rate for rate in RATES if rate <= hz), RATES[-1])


def due_rates(before: int, step: int) -> list[float]:
    """The rates that are due when the 16 Hz wheel, last turned to step `before`, is turned to `step`."""
    return [rate for rate in RATES if step // STEPS[rate] > before // STEPS[rate]]


class _Takers:
    """Subscriptions that take the same ticks, by how they take them."""

    __slots__ = ("json", "pack", "rates")

    def __init__(self) -> None:
        # Subscription → the bound `append` of its connection's outbox.
        self.json: dict[Subscription, Callable[[bytes], None]] = {}
        self.pack: dict[Subscription, Callable[[bytes], None]] = {}
        self.rates: dict[float, dict[Subscription, None]] = {}

    @property
    def empty(self) -> bool:
        return not (self.json or self.pack or self.rates)

    def add(self, subscription: Subscription) -> None:
        if subscription.rate:
            self.rates.setdefault(subscription.rate, {})[subscription] = None
        else:
            raw = self.pack if subscription.packed else self.json
            raw[subscription] = subscription.connection.outbox.append

    def remove(self, subscription: Subscription) -> None:
        if subscription.rate:
            at_rate = self.rates.get(subscription.rate, {})
            at_rate.pop(subscription, None)
            if not at_rate:
                self.rates.pop(subscription.rate, None)
        else:
            (self.pack if subscription.packed else self.json).pop(subscription, None)


_NOBODY: Final = _Takers()
"""Those who take a channel by itself, or by a star, when there are none: most channels have only one kind."""


class _Channel:
    """One channel that somebody subscribed to."""

    __slots__ = ("name", "open", "own", "pending", "stars")

    def __init__(self, name: str, stars: _Takers) -> None:
        self.name = name
        self.own = _NOBODY
        self.stars = stars
        self.open: Window = []
        self.pending: dict[float, Window] = {}

    def rates(self) -> Iterable[float]:
        if not self.stars.rates:
            return self.own.rates
        return self.own.rates.keys() | self.stars.rates.keys()


class Router:
    """Maps channels to subscriptions. Synchronous, no I/O, no clock. `head_m`: where the tape ends."""

    def __init__(self, table: ChannelTable, encoder: Encoder, head_m: int = 0) -> None:
        self.head_m = head_m
        """The newest mark that was published."""
        self._table = table
        self._encoder = encoder
        self._by_id: list[_Channel | None] = []
        self._by_name: dict[str, _Channel] = {}
        self._stars: dict[Key, _Takers] = {}
        self._dirty_raw: dict[_Takers, None] = {}
        self._dirty_windows: dict[_Channel, None] = {}
        self._pending: dict[float, dict[_Channel, None]] = {rate: {} for rate in RATES}
        self._learn()

    def publish(self, batch: Batch) -> None:
        """Give a batch to everyone who wants it."""
        by_id = self._by_id
        if len(by_id) < len(self._table.names):
            self._learn()
        encode_json, encode_pack = self._encoder.json, self._encoder.pack
        dirty_raw, dirty_windows = self._dirty_raw, self._dirty_windows
        for channel_id, n, tick in zip(batch.channel_ids, batch.ns, batch.ticks, strict=True):
            channel = by_id[channel_id]
            if channel is None:
                continue
            own, stars = channel.own, channel.stars
            if own.json or stars.json:
                data = encode_json(channel.name, n, tick)
                for append in own.json.values():
                    append(data)
                for append in stars.json.values():
                    append(data)
                dirty_raw[own] = dirty_raw[stars] = None
            if own.pack or stars.pack:
                data = encode_pack(channel.name, n, tick)
                for append in own.pack.values():
                    append(data)
                for append in stars.pack.values():
                    append(data)
                dirty_raw[own] = dirty_raw[stars] = None
            if own.rates or stars.rates:
                fold(channel.open, n, tick)
                dirty_windows[channel] = None
        self.head_m = max(self.head_m, batch.last_m)

    def attach(self, subscription: Subscription) -> None:
        """From the next tick on, the subscription gets what it takes."""
        for name in subscription.channels:
            channel = self._by_name.get(name)
            if channel is None:
                channel = self._by_name[name] = _Channel(name, _NOBODY)
                # One that had no tick yet waits in `_by_name` until `_learn` sees it.
                channel_id = self._table.id(name)
                if channel_id is not None and channel_id < len(self._by_id):
                    self._by_id[channel_id] = channel
                    channel.stars = self._stars_of(channel_id)
            if channel.own is _NOBODY:
                channel.own = _Takers()
            channel.own.add(subscription)
        for key in subscription.keys:
            if key not in self._stars:
                self._begin_star(key)
            self._stars[key].add(subscription)

    def detach(self, subscription: Subscription) -> None:
        """Stop giving it anything. What is already in the outbox stays there."""
        self.detach_channels(subscription, subscription.channels)
        for key in subscription.keys:
            stars = self._stars.get(key)
            if stars is None:
                continue
            stars.remove(subscription)
            if subscription.rate and subscription.rate not in stars.rates:
                for channel in (*self._pending[subscription.rate], *self._dirty_windows):
                    self._tidy(channel)
            if stars.empty and not self._table.has_members(key):
                # Those of channels that exist stay: to walk over all of them again costs more.
                del self._stars[key]

    def detach_channels(self, subscription: Subscription, names: Iterable[str]) -> None:
        """Stop giving it some of its channels."""
        for name in names:
            channel = self._by_name.get(name)
            if channel is not None:
                channel.own.remove(subscription)
                self._tidy(channel)

    def take_raw(self) -> dict[Outlet, None]:
        """The connections with something from raw subscriptions in their outbox since the last call."""
        touched: dict[Outlet, None] = {}
        for takers in self._dirty_raw:
            for subscription in (*takers.json, *takers.pack):
                touched[subscription.connection] = None
        self._dirty_raw.clear()
        return touched

    def take_rates(self, rates: Iterable[float]) -> dict[Outlet, None]:
        """Fill the outboxes of everybody who reads at one of these rates, with what came since the last time.

        Returns the connections that now have something to be written.
        """
        self._close_windows()
        touched: dict[Outlet, None] = {}
        for rate in rates:
            for channel in self._pending[rate]:
                window = channel.pending.pop(rate, None)
                if window:
                    self._deliver(channel, rate, window, touched)
            self._pending[rate].clear()
        return touched

    def _close_windows(self) -> None:
        """Hand each channel's open window down to the rates that read it."""
        for channel in self._dirty_windows:
            window, channel.open = channel.open, []
            for rate in channel.rates():
                channel.pending[rate] = merge(channel.pending.get(rate, []), window)
                self._pending[rate][channel] = None
        self._dirty_windows.clear()

    def _deliver(self, channel: _Channel, rate: float, window: Window, touched: dict[Outlet, None]) -> None:
        json = pack = b""
        for takers in (channel.own, channel.stars):
            for subscription in takers.rates.get(rate, ()):
                connection = subscription.connection
                if subscription.packed:
                    pack = pack or self._encoder.window(channel.name, window, packed=True)
                    connection.outbox.append(pack)
                else:
                    json = json or self._encoder.window(channel.name, window, packed=False)
                    connection.outbox.append(json)
                touched[connection] = None

    def _learn(self) -> None:
        """Look at channels that have appeared since."""
        names = self._table.names
        self._table.learn()
        for channel_id in range(len(self._by_id), len(names)):
            name = names[channel_id]
            channel = self._by_name.get(name) if name is not None else None
            self._by_id.append(channel)
            stars = self._stars_of(channel_id)
            if stars is not _NOBODY:
                self._give_stars(channel_id, stars)

    def _stars_of(self, channel_id: int) -> _Takers:
        key = self._table.keys[channel_id]
        return self._stars.get(key, _NOBODY) if key is not None else _NOBODY

    def _begin_star(self, key: Key) -> None:
        """The first star of a key: every channel of it now has somebody who wants it."""
        stars = self._stars[key] = _Takers()
        for channel_id in self._table.members(key):
            self._give_stars(channel_id, stars)

    def _give_stars(self, channel_id: int, stars: _Takers) -> None:
        channel = self._by_id[channel_id]
        name = self._table.names[channel_id]
        if channel is None and name is not None:
            channel = self._by_id[channel_id] = self._by_name[name] = _Channel(name, stars)
        elif channel is not None:
            channel.stars = stars

    def _tidy(self, channel: _Channel) -> None:
        """Forget the windows of rates that nobody reads any more, and a channel that nobody wants."""
        if channel.pending or channel.open:
            rates = set(channel.rates())
            for rate in [rate for rate in channel.pending if rate not in rates]:
                del channel.pending[rate]
                self._pending[rate].pop(channel, None)
            if not rates:
                channel.open = []
                self._dirty_windows.pop(channel, None)
        if not channel.own.empty:
            return
        self._dirty_raw.pop(channel.own, None)
        channel.own = _NOBODY
        if channel.stars is _NOBODY:
            self._by_name.pop(channel.name, None)
            channel_id = self._table.id(channel.name)
            if channel_id is not None and channel_id < len(self._by_id):
                self._by_id[channel_id] = None
