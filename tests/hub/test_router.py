"""The router delivers exactly what was subscribed: judged against a model that keeps lists."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.pieces import NativeEncoder
from hub.router import RATES, Router, due_rates, grant
from hub.subscription import Outlet, Subscription
from tests.hub.phone import frames
from tests.hub.rig import MemoryTape, cancel, quote, trade
from ticks.model import Tick

SYMBOLS = ("A", "B", "C")
encoder = NativeEncoder()


class Sink:
    """A connection that only collects."""

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.stalled = False

    def take(self, *, packed: bool = False) -> list[dict[str, Any]]:
        """The messages collected since the last call."""
        data = b"".join(self.outbox)
        self.outbox.clear()
        return [message for message, _ in frames(data, packed=packed)]


class Bench:
    """A router on a tape."""

    def __init__(self) -> None:
        self.tape = MemoryTape()
        self.router = Router(self.tape.view().table, encoder)

    def publish(self, *ticks: Tick, lineup: str = "") -> None:
        """Publish one batch."""
        self.router.publish(self.tape.publish(list(ticks), lineup))

    def sub(
        self, channels: Iterable[str] = (), *, star: str = "", rate: float = 0.0, packed: bool = False
    ) -> tuple[Subscription, Sink]:
        """Attach a subscription to channels, or to every symbol of the kinds in `star`."""
        sink = Sink()
        subscription = Subscription(sink, 1, "", rate=rate, packed=packed)
        subscription.channels = dict.fromkeys(channels)
        subscription.keys = frozenset((kind, "") for kind in star)
        self.router.attach(subscription)
        return subscription, sink


def numbers(messages: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """(channel, n, k) of messages."""
    return [(message["c"], message["n"], message.get("k", 1)) for message in messages]


@pytest.mark.parametrize(
    ("hz", "granted"),
    [(100, 16.0), (16, 16.0), (15.9, 8.0), (4, 4.0), (3, 2.0), (1, 1.0), (0.3, 0.25), (0.01, 0.25)],
)
def test_rate_is_rounded_down_to_one_that_nests(hz: float, granted: float) -> None:
    """Cohorts form; below the slowest rate the slowest is granted."""
    assert grant(hz) == granted


def test_each_rate_is_due_as_often_as_it_says() -> None:
    """In a minute of sixteenths, 16 Hz is due 960 times and 0.25 Hz 15 times."""
    counts = dict.fromkeys(RATES, 0)
    for step in range(1, 961):
        for rate in due_rates(step - 1, step):
            counts[rate] += 1
    assert counts == {rate: round(rate * 60) for rate in RATES}


def test_missed_steps_are_made_up_for_by_one() -> None:
    """A wheel that stood still for ten seconds turns every rate once."""
    assert due_rates(3, 163) == list(RATES)
    assert due_rates(7, 7) == []


def test_raw_subscribers_share_the_bytes_of_each_tick() -> None:
    """Encoded once, whoever gets it."""
    bench = Bench()
    _, one = bench.sub(["t:A"])
    _, two = bench.sub(star="t")
    bench.publish(trade("A"), trade("B"))
    assert one.outbox[0] is two.outbox[0]
    assert (len(one.outbox), len(two.outbox)) == (1, 2)


def test_both_codecs_are_served_from_one_publish() -> None:
    """The same tick, once as text and once as MessagePack."""
    bench = Bench()
    _, text = bench.sub(["t:A"])
    _, packed = bench.sub(["t:A"], packed=True)
    bench.publish(trade("A"))
    assert numbers(text.take()) == numbers(packed.take(packed=True)) == [("t:A", 1, 1)]


def test_channel_without_a_tick_yet_can_be_subscribed() -> None:
    """Its first tick arrives."""
    bench = Bench()
    _, sink = bench.sub(["t:NEW"])
    bench.publish(trade("A"), trade("NEW"))
    assert numbers(sink.take()) == [("t:NEW", 1, 1)]


def test_star_takes_symbols_that_appear_later_and_only_its_kinds() -> None:
    """Trades of every symbol of the default line-up, no quotes."""
    bench = Bench()
    _, sink = bench.sub(star="t")
    bench.publish(trade("A"), quote("A"))
    bench.publish(trade("NEW"), quote("NEW"))
    bench.publish(trade("X"), lineup="iex")
    assert numbers(sink.take()) == [("t:A", 1, 1), ("t:NEW", 1, 1)]


def test_star_costs_nothing_per_channel() -> None:
    """A thousand channels, a thousand stars: the tables grow with one plus the other."""
    bench = Bench()
    bench.publish(*(trade(f"S{number}") for number in range(1_000)))
    subscriptions = [bench.sub(star="t")[0] for _ in range(1_000)]
    assert len(bench.router._by_name) == 1_000
    assert all(not subscription.channels and not subscription.ids for subscription in subscriptions)
    stars = bench.router._stars["t", ""]
    assert len(stars.json) == 1_000


def test_take_raw_names_each_connection_once() -> None:
    """One write for however many ticks."""
    bench = Bench()
    _, sink = bench.sub(["t:A", "t:B"])
    bench.sub(["t:C"])
    bench.publish(trade("A"), trade("B"), trade("A"))
    assert list(bench.router.take_raw()) == [sink]
    assert list(bench.router.take_raw()) == []


def test_nothing_is_kept_for_those_who_left() -> None:
    """After the last one has gone, the tables are as empty as before."""
    bench = Bench()
    bench.publish(trade("A"))
    made = [bench.sub(["t:A", "t:NEW"], rate=rate)[0] for rate in (0.0, *RATES)]
    made.append(bench.sub(["t:A"], packed=True)[0])
    bench.publish(trade("A"), trade("NEW"))
    bench.router.take_rates([16.0])
    bench.publish(trade("A"))
    for subscription in made:
        bench.router.detach(subscription)
    router = bench.router
    assert not router._by_name
    assert not any(router._by_id)
    assert not router._dirty_windows
    assert not any(router._pending.values())
    bench.publish(trade("A"))
    assert not router.take_raw()
    assert not router.take_rates(RATES)


def test_star_that_left_leaves_no_windows() -> None:
    """The windows of its rate go; those that others read stay."""
    bench = Bench()
    star, sink = bench.sub(star="t", rate=1.0)
    _, other = bench.sub(["t:A"], rate=4.0)
    bench.publish(trade("A"), trade("B"))
    bench.router.take_rates([16.0])
    bench.router.detach(star)
    assert sum(map(len, bench.router._pending.values())) == 1
    bench.publish(trade("A"))
    bench.router.take_rates(RATES)
    assert not sink.outbox
    assert numbers(other.take()) == [("t:A", 2, 2)]
    assert not any(bench.router._pending.values())


def test_stars_of_line_ups_that_do_not_exist_are_forgotten() -> None:
    """A client can name any; its leaving must leave nothing."""
    bench = Bench()
    for number in range(50):
        subscription = Subscription(Sink(), 1, "", rate=0.0, packed=False)
        subscription.keys = frozenset({("t", f"made-up-{number}")})
        bench.router.attach(subscription)
        bench.router.detach(subscription)
    assert not bench.router._stars


def test_dropped_channels_stop_while_the_others_go_on() -> None:
    """Rights can be narrowed channel by channel."""
    bench = Bench()
    subscription, sink = bench.sub(["t:A", "t:B"])
    bench.router.detach_channels(subscription, ["t:A"])
    bench.publish(trade("A"), trade("B"))
    assert numbers(sink.take()) == [("t:B", 1, 1)]


def test_head_follows_what_was_published() -> None:
    """Also when nobody listens."""
    bench = Bench()
    bench.publish(trade("A"), trade("B"))
    assert bench.router.head_m == 2


class Model:
    """What a naive router would deliver to one subscription: a list of every tick while it was attached."""

    def __init__(self, bench: Bench, subscription: Subscription, sink: Sink, star: str) -> None:
        self.joined = dict(zip(bench.tape.state.channels, bench.tape.state.ns, strict=True))
        self.subscription = subscription
        self.sink = sink
        self.star = star
        self.due: dict[str, list[int]] = {}
        self.last: dict[str, int] = {}

    def publish(self, name: str, n: int) -> None:
        """Note a tick that is wanted."""
        if name in self.subscription.channels or (self.star and name[0] in self.star):
            self.due.setdefault(name, []).append(n)

    def check(self) -> None:
        """What was collected is what is due: all of it, once, in order."""
        subscription = self.subscription
        got: dict[str, list[tuple[int, int]]] = {}
        for name, n, k in numbers(self.sink.take(packed=subscription.packed)):
            if n > self.joined.get(name, 0) or not subscription.rate:  # a client drops what it has
                got.setdefault(name, []).append((n, k))
        if not subscription.rate:
            assert {name: [n for n, _ in items] for name, items in got.items()} == self.due
        else:
            assert got.keys() == self.due.keys()
            for name, items in got.items():
                for n, k in items:
                    last = self.last.get(name)
                    # The first window may reach back before it joined; all others join exactly.
                    assert k >= 1
                    assert n - k == last if last is not None else n - k < self.due[name][0]
                    self.last[name] = n
                assert items[-1][0] == self.due[name][-1]
        self.due = {}


actions = st.one_of(
    st.tuples(st.just("publish"), st.lists(st.integers(0, 8), min_size=1, max_size=6)),
    st.tuples(st.just("turn"), st.integers(1, 20)),
    st.tuples(
        st.just("join"),
        st.tuples(
            st.sampled_from((0.0, *RATES)), st.booleans(), st.sampled_from(("A", "AB", "NC", "*t", "*tq"))
        ),
    ),
    st.tuples(st.just("leave"), st.integers(0, 20)),
)


def a_tick(choice: int) -> Tick:
    """One of nine ticks; a cancel among them."""
    symbol = SYMBOLS[choice % 3]
    return (trade(symbol), quote(symbol), cancel(symbol))[choice // 3]


@settings(max_examples=150, deadline=None)
@given(st.lists(actions, max_size=60))
def test_everybody_gets_exactly_what_they_subscribed(schedule: list[tuple[str, Any]]) -> None:
    """All rates, joins and leaves in mid-window: every tick once, `k` sums to the truth, nothing else."""
    bench = Bench()
    models: list[Model] = []
    step = 0

    def collect(rates: list[float]) -> None:
        bench.router.take_raw()
        bench.router.take_rates(rates)
        for model in models:
            if not model.subscription.rate or model.subscription.rate in rates:
                model.check()
            else:
                assert not model.sink.outbox

    for action, what in schedule:
        if action == "publish":
            ticks = [a_tick(choice) for choice in what]
            batch = bench.tape.publish(ticks)
            bench.router.publish(batch)
            names = bench.tape.state.channels
            for channel_id, n in zip(batch.channel_ids, batch.ns, strict=True):
                for model in models:
                    model.publish(names[channel_id] or "", n)
        elif action == "turn":
            before, step = step, step + what
            collect(due_rates(before, step))
        elif action == "join":
            rate, packed, taken = what
            star = taken[1:] if taken[0] == "*" else ""
            channels = () if star else [f"{kind}:{symbol}" for symbol in taken for kind in "tq"]
            models.append(Model(bench, *bench.sub(channels, star=star, rate=rate, packed=packed), star))
        elif models:
            model = models.pop(what % len(models))
            bench.router.detach(model.subscription)
    collect(list(RATES))


def test_sink_is_an_outlet() -> None:
    """The tests' connection has what the router needs of one."""
    outlet: Outlet = Sink()
    assert outlet.outbox == []
