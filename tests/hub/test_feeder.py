"""Feeding those who are behind: slices, fairness, the journal, and what neither memory nor disk has."""

from collections import deque
from typing import Any

import pytest

from config.settings import HubSettings
from hub.catchup import CatchUp
from hub.feeder import JOURNAL_SLICE_MIN, Feeder
from hub.pieces import NativeEncoder
from hub.router import Router
from hub.subscription import Subscription
from tape.batch import Batch, Damage
from tests.hub.phone import frames
from tests.hub.rig import MemoryTape, quote, trade
from ticks.model import Tick

ROOM = 4_096


class Sink:
    """A connection that only collects."""

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.stalled = False


class Bench:
    """A feeder on a tape in memory; what is served is noted."""

    def __init__(self, tape: MemoryTape, **settings: Any) -> None:
        self.tape = tape
        self.view = tape.view()
        self.router = Router(self.view.table, NativeEncoder(), self.view.head_m())
        self.subs: list[Subscription] = []
        self.served: list[tuple[Subscription, int]] = []
        self.woken = 0
        options = HubSettings(write_buffer_bytes=ROOM, **settings)
        self.feeder = Feeder(options, self.view, self.router, self.serve)
        self.feeder.on_work = self.wake

    @property
    def live(self) -> list[Subscription]:
        """Those that have caught up."""
        return [subscription for subscription in self.subs if subscription.live]

    def wake(self) -> None:
        """Count."""
        self.woken += 1

    def serve(self, subscription: Subscription) -> None:
        """Note how many bytes were put together."""
        outbox = subscription.connection.outbox
        self.served.append((subscription, sum(map(len, outbox))))

    def sub(self, after_m: int = 0, rate: float = 0.0, channel: str = "t:A", **options: Any) -> Subscription:
        """A subscription that is behind."""
        subscription = Subscription(Sink(), 1, "", rate=rate, packed=False)
        self.subs.append(subscription)
        subscription.channels = {channel: None}
        options = {"epoch": 1, **options}
        self.feeder.add(CatchUp(subscription, self.view, NativeEncoder(), after_m=after_m, **options))
        return subscription

    def publish(self, ticks: list[Tick]) -> None:
        """Publish a batch."""
        self.router.publish(self.tape.publish(ticks))

    def turn(self, *rates: float) -> None:
        """The wheel reaches these rates."""
        self.feeder.part(rates)
        self.router.take_rates(rates)

    def run(self) -> int:
        """Feed from memory until nobody can be fed; how many slices that took."""
        slices = 0
        while self.feeder.step():
            slices += 1
        return slices

    def read(self) -> tuple[int, int] | None:
        """Answer one wish for the journal."""
        wish = self.feeder.journal_wish()
        if wish is None:
            return None
        catch_up, after_m, up_to_m = wish
        items = deque(self.tape.read(after_m, up_to_m))
        empty = not items
        while self.feeder.feed(catch_up, items):
            pass
        self.feeder.fed(catch_up, after_m, up_to_m, whole=not items, empty=empty)
        return after_m, up_to_m

    def numbers(self, subscription: Subscription) -> list[int]:
        """The numbers of the ticks put out so far."""
        return [m["n"] for m in self.said(subscription) if m["op"] in ("t", "q")]

    def said(self, subscription: Subscription) -> list[dict[str, Any]]:
        """The messages put out so far."""
        return [m for m, _ in frames(b"".join(subscription.connection.outbox), packed=False)]


def tape_of(ticks: int, ring_ticks: int = 1 << 20, per_batch: int = 5) -> MemoryTape:
    """A synced tape of trades of A."""
    tape = MemoryTape(ring_ticks=ring_ticks)
    for _ in range(ticks // per_batch):
        tape.publish([trade("A")] * per_batch)
    tape.sync()
    return tape


def test_subscription_in_memory_is_fed_in_slices_until_live() -> None:
    """Each slice is bounded; in the end it is live and forgotten."""
    bench = Bench(tape_of(500))
    subscription = bench.sub()
    assert bench.feeder.behind == 1
    assert bench.run() > 10
    assert bench.numbers(subscription) == list(range(1, 501))
    assert bench.live == [subscription]
    assert bench.feeder.behind == 0
    sizes = [size for _, size in bench.served]
    assert max(b - a for a, b in zip([0, *sizes], sizes, strict=False)) < ROOM + 500


def test_small_step_behind_is_made_good_at_once() -> None:
    """Most need no second slice."""
    bench = Bench(tape_of(10))
    subscription = bench.sub(after_m=7)
    bench.feeder.serve_now(subscription)
    assert bench.live == [subscription]
    assert bench.numbers(subscription) == [8, 9, 10]


def test_scanning_what_nobody_wants_ends_a_slice_too() -> None:
    """A subscription to a quiet channel must not hold up the loop."""
    bench = Bench(tape_of(20_000, per_batch=100))
    bench.sub(channel="t:QUIET")
    assert bench.run() > 10


def test_scanning_what_the_journal_has_ends_a_slice_too() -> None:
    """Between two slices the loop serves all others."""
    bench = Bench(tape_of(20_000, ring_ticks=100, per_batch=100))
    bench.sub(channel="t:QUIET")
    bench.run()
    wish = bench.feeder.journal_wish()
    assert wish is not None
    catch_up, after_m, up_to_m = wish
    items = deque(bench.tape.read(after_m, up_to_m))
    slices = 1
    while bench.feeder.feed(catch_up, items):
        slices += 1
    assert slices > 1


def test_nothing_is_served_from_memory_while_the_journal_is_read() -> None:
    """It would overtake what is older."""
    bench = Bench(tape_of(1_000, ring_ticks=100))
    subscription = bench.sub()
    bench.run()
    wish = bench.feeder.journal_wish()
    assert wish is not None
    served = len(bench.served)
    bench.feeder.wake(subscription)
    bench.feeder.serve_now(subscription)
    assert not bench.feeder.step()
    assert len(bench.served) == served


def test_subscriptions_take_turns() -> None:
    """One that is far behind does not keep another from its slice."""
    bench = Bench(tape_of(1_000))
    far, near = bench.sub(), bench.sub(after_m=990)
    bench.feeder.step()
    bench.feeder.step()
    assert [subscription for subscription, _ in bench.served] == [far, near]
    assert bench.live == [near]


def test_stalled_subscription_is_not_fed_until_woken() -> None:
    """It costs nothing meanwhile."""
    bench = Bench(tape_of(10))
    subscription = bench.sub()
    subscription.connection.stalled = True  # type: ignore[misc]  # the Sink's is a plain attribute
    assert bench.run() == 1
    assert not bench.feeder.step()
    subscription.connection.stalled = False  # type: ignore[misc]  # likewise
    woken = bench.woken
    bench.feeder.wake(subscription)
    assert bench.woken == woken + 1
    bench.run()
    assert bench.live == [subscription]


def test_client_that_stalls_during_a_slice_gets_no_second_one() -> None:
    """Whoever serves finds out; the rest is read from the tape again."""
    bench = Bench(tape_of(500))
    subscription = bench.sub()

    def serve(served: Subscription) -> None:
        served.connection.stalled = True  # type: ignore[misc]  # likewise

    bench.feeder._serve = serve
    assert bench.run() == 1
    assert 0 < len(bench.numbers(subscription)) < 100
    assert bench.feeder.behind == 1


def test_forgotten_subscription_is_fed_no_more() -> None:
    """Forgetting twice, and waking it afterwards, do nothing."""
    bench = Bench(tape_of(500))
    subscription = bench.sub()
    bench.feeder.step()
    bench.feeder.forget(subscription)
    bench.feeder.forget(subscription)
    bench.feeder.wake(subscription)
    bench.feeder.drop(subscription, ["t:A"])
    assert bench.run() == 0
    assert bench.feeder.behind == 0


def test_what_memory_has_not_is_asked_from_the_journal() -> None:
    """Slice by slice, until memory has the rest; every tick once."""
    bench = Bench(tape_of(2_000, ring_ticks=100))
    subscription = bench.sub()
    wishes: list[tuple[int, int]] = []
    while not bench.live:
        bench.run()
        wish = bench.read()
        if wish is not None:
            wishes.append(wish)
    assert bench.numbers(subscription) == list(range(1, 2_001))
    assert [after for after, _ in wishes] == [0, *(up_to for _, up_to in wishes[:-1])]


def test_journal_is_not_asked_beyond_what_is_durable() -> None:
    """What is not on the disk yet is waited for, and nothing is called lost."""
    tape = tape_of(1_000, ring_ticks=100)
    bench = Bench(tape)
    tape.durable = 500
    subscription = bench.sub(after_m=400)
    bench.run()
    assert bench.read() == (400, 500)
    bench.run()
    assert bench.read() is None
    assert not bench.feeder.step()
    tape.sync()
    bench.feeder.retry()
    for _ in range(4):
        bench.run()
        bench.read()
    assert bench.numbers(subscription) == list(range(401, 1_001))


def test_volatile_ticks_that_left_memory_are_told_to_be_lost() -> None:
    """They were never journalled: waiting would be for ever."""
    tape = tape_of(100, ring_ticks=50)
    tape.go_volatile()
    for _ in range(40):
        tape.publish([trade("A")] * 5)
    bench = Bench(tape)
    subscription = bench.sub(after_m=90)
    for _ in range(5):
        bench.run()
        bench.read()
    ops = [m["op"] for m in bench.said(subscription) if m["op"] != "t"]
    assert ops == ["cont", "epoch", "gap", "snap", "cont"]
    gap = next(m for m in bench.said(subscription) if m["op"] == "gap")
    assert (gap["from"], gap["to"], gap["why"]) == (100, 250, "restart")
    assert bench.live == [subscription]


def test_damage_in_the_journal_is_passed_over_and_told() -> None:
    """What lies on both sides of it is served."""
    tape = tape_of(1_000, ring_ticks=100)
    tape.damage(101, 150)
    bench = Bench(tape)
    subscription = bench.sub()
    while not bench.live:
        bench.run()
        bench.read()
    assert bench.numbers(subscription) == [*range(1, 101), *range(151, 1_001)]


def test_stretch_that_no_tick_has_is_crossed_in_one_go() -> None:
    """A lost reservation of four million marks costs one look."""
    tape = tape_of(100, ring_ticks=50)
    tape.lose_tail(reserve=1 << 22)
    for _ in range(40):
        tape.publish([trade("A")] * 5)
    tape.sync()
    bench = Bench(tape)
    subscription = bench.sub(after_m=100)
    looks = 0
    while not bench.live:
        bench.run()
        looks += bench.read() is not None
    assert looks < 5
    assert bench.numbers(subscription) == list(range(101, 301))


def test_subscription_beyond_the_budget_goes_on_from_the_present() -> None:
    """Told so; ticks count, not marks that nobody ever had."""
    tape = tape_of(100)
    tape.lose_tail(reserve=1 << 22)
    tape.publish([trade("A")] * 5)
    bench = Bench(tape, resume_ticks_max=50)
    near, far = bench.sub(after_m=60), bench.sub(after_m=40)
    bench.run()
    assert [m["why"] for m in bench.said(near) if m["op"] == "gap"] == ["restart"]
    assert [m["why"] for m in bench.said(far) if m["op"] == "gap"] == ["budget"]
    assert bench.live == [near, far]


@pytest.mark.parametrize("end", ["forget", "stall"])
def test_client_that_goes_while_the_journal_is_read_is_not_served(end: str) -> None:
    """What was read for it is dropped."""
    bench = Bench(tape_of(2_000, ring_ticks=100))
    subscription = bench.sub()
    bench.run()
    wish = bench.feeder.journal_wish()
    assert wish is not None
    catch_up, after_m, up_to_m = wish
    assert catch_up.busy
    bench.feeder.wake(subscription)
    assert not bench.feeder.step(), "nobody else may feed it meanwhile"
    if end == "forget":
        bench.feeder.forget(subscription)
    else:
        subscription.connection.stalled = True  # type: ignore[misc]  # likewise
    items: deque[Batch | Damage] = deque(bench.tape.read(after_m, up_to_m))
    assert not bench.feeder.feed(catch_up, items)
    bench.feeder.fed(catch_up, after_m, up_to_m, whole=False, empty=False)
    assert bench.said(subscription) == []
    assert catch_up.read_m == 0
    assert bench.feeder.journal_wish() is None


def test_slices_of_the_journal_follow_what_the_client_takes() -> None:
    """A client that takes little is read little for, and the other way round."""
    bench = Bench(tape_of(100_000, ring_ticks=100, per_batch=100))
    subscription = bench.sub()
    bench.run()
    sizes = []
    for _ in range(6):
        wish = bench.read()
        assert wish is not None
        sizes.append(wish[1] - wish[0])
        bench.run()
    assert sizes == [1_024, 2_048, 4_096, 8_192, 8_192, 8_192]

    def serve(served: Subscription) -> None:
        served.connection.stalled = True  # type: ignore[misc]  # likewise

    bench.feeder._serve = serve
    bench.read()
    bench.feeder._serve = bench.serve
    subscription.connection.stalled = False  # type: ignore[misc]  # likewise
    bench.feeder.wake(subscription)
    bench.run()
    small = bench.feeder.journal_wish()
    assert small is not None
    assert small[2] - small[1] == JOURNAL_SLICE_MIN


def test_backlog_is_that_of_the_raw_one_furthest_behind() -> None:
    """A replay waits for raw subscribers; intervals keep up by folding."""
    bench = Bench(tape_of(1_000))
    assert bench.feeder.backlog() == 0
    bench.sub(after_m=900)
    bench.sub(after_m=400)
    bench.sub(after_m=0, rate=4.0)
    assert bench.feeder.backlog() == 600


def test_interval_that_is_behind_ends_with_one_window() -> None:
    """Ten thousand quotes are one message."""
    tape = MemoryTape(ring_ticks=1 << 20)
    for _ in range(100):
        tape.publish([quote("A")] * 100)
    bench = Bench(tape)
    subscription = bench.sub(rate=1.0, channel="q:A", certify=True)
    bench.run()
    window, cont = bench.said(subscription)
    assert (window["n"], window["k"]) == (10_000, 10_000)
    assert cont["chans"]["q:A"]["complete"]
