"""From the tape to the router: when a subscription that has much to be put out becomes live."""

from typing import Any

from hub.subscription import Subscription
from tests.hub.rig import MemoryTape, quote
from tests.hub.test_feeder import Bench

WIDE = [f"S{number}" for number in range(300)]


def wide_bench(rate: float = 4.0, **options: Any) -> tuple[Bench, Subscription]:
    """A tape of quotes of many symbols, and somebody who wants all of them at an interval."""
    tape = MemoryTape(ring_ticks=1 << 20)
    tape.publish([quote(symbol) for symbol in WIDE])
    bench = Bench(tape)
    subscription = bench.sub(rate=rate, **options)
    subscription.channels = {}
    subscription.keys = frozenset((("q", ""),))
    return bench, subscription


def check_chain(messages: list[dict[str, Any]], numbers: dict[str, int]) -> None:
    """Nothing is missing between any two messages of a channel, nor at the end."""
    last = dict.fromkeys(numbers, 0)
    for message in messages:
        if message["op"] == "q":
            assert message["n"] - message.get("k", 1) <= last[message["c"]]
            last[message["c"]] = max(message["n"], last[message["c"]])
    assert last == numbers


def test_interval_becomes_live_though_ticks_never_stop() -> None:
    """What it is owed takes several slices, and each time something new has come."""
    bench, subscription = wide_bench()
    slices = 0
    while bench.feeder.step():
        bench.publish([quote(symbol) for symbol in WIDE[slices % 10 :: 10]])
        slices += 1
        assert slices < 100
    assert slices > 5
    assert bench.live == [subscription]
    assert bench.feeder.behind == 0
    bench.publish([quote(symbol) for symbol in WIDE])
    bench.turn(4.0)
    names = bench.tape.state.channels
    numbers = {name: n for name, n in zip(names, bench.tape.state.ns, strict=True) if name is not None}
    check_chain(bench.said(subscription), numbers)


def test_interval_too_slow_for_its_rate_gets_newer_states_and_not_more_of_them() -> None:
    """The wheel comes round before it has taken what it is owed: both are folded together."""
    bench, subscription = wide_bench()
    for _ in range(50):
        bench.feeder.step()
        bench.publish([quote(symbol) for symbol in WIDE])
        bench.turn(4.0)
        assert not subscription.live
    taken = len(bench.said(subscription))
    assert taken < 50 * 60
    bench.run()
    assert bench.live == [subscription]
    check_chain(bench.said(subscription), dict.fromkeys((f"q:{symbol}" for symbol in WIDE), 51))
    assert len(bench.said(subscription)) < taken + 400


def test_those_who_have_joined_are_served_first() -> None:
    """They have until the next turn of the wheel; the others have not."""
    bench, subscription = wide_bench()
    bench.feeder.step()
    other = bench.sub()
    served = len(bench.served)
    bench.feeder.step()
    assert bench.served[served][0] is subscription
    bench.turn(4.0)
    bench.feeder.step()
    assert bench.served[served + 1][0] is other


def test_forgotten_while_it_has_joined_is_forgotten_by_the_router_too() -> None:
    """Nothing is put out for it any more."""
    bench, subscription = wide_bench()
    bench.feeder.step()
    bench.feeder.forget(subscription)
    bench.run()
    before = len(subscription.connection.outbox)
    bench.publish([quote(symbol) for symbol in WIDE])
    bench.turn(4.0)
    assert len(subscription.connection.outbox) == before


def test_channels_dropped_while_it_has_joined_stop() -> None:
    """Rights that were withdrawn in between."""
    bench, subscription = wide_bench()
    subscription.keys = frozenset()
    subscription.channels = dict.fromkeys(f"q:{symbol}" for symbol in WIDE)
    bench.feeder.step()
    assert not subscription.live
    gone = list(subscription.channels)[100:]
    bench.feeder.drop(subscription, gone)
    subscription.drop(gone)
    bench.run()
    before = len(bench.said(subscription))
    bench.publish([quote(symbol) for symbol in WIDE])
    bench.turn(4.0)
    names = [message["c"] for message in bench.said(subscription)[before:]]
    assert sorted(names) == sorted(f"q:{symbol}" for symbol in WIDE[:100])


def test_raw_is_not_served_by_the_router_before_it_has_all_it_is_owed() -> None:
    """Ticks that come while snapshots go out follow them, once each and in order."""
    bench, subscription = wide_bench(rate=0.0, after_m=0)
    catch_up = bench.feeder._behind[subscription]
    catch_up.skip(bench.router.head_m, "slow")
    slices = 0
    while bench.feeder.step():
        if slices < 5:
            bench.publish([quote(WIDE[-1])])
        slices += 1
    assert bench.live == [subscription]
    last = [m for m in bench.said(subscription) if m["op"] in ("q", "snap") and m["c"] == f"q:{WIDE[-1]}"]
    assert [(m["op"], m["n"]) for m in last] == [("snap", 6)]
