"""The same market as another source reports it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from feeds.sim import SimExchange, SimSettings, SimView
from tests.feeds.sim.checks import SECOND, START
from ticks.model import FeedEvent, Tick
from ticks.sources import SIM, SIM_B

MARKET = SimSettings(symbols=6, rate=30, speed=100, halt_every_s=60, cancel_every=20)
MS = 1_000_000


def both(delay_ns: int = 0, loss: float = 0.0, steps: int = 100) -> tuple[list[Tick], list[Tick], SimView]:
    """What the exchange and a view of it gave in two seconds, and the view."""
    exchange = SimExchange(MARKET)
    view = exchange.view(delay_ns=delay_ns, loss=loss)
    own: list[Tick] = []
    seen: list[Tick] = []
    for step in range(steps + 1):
        now = START + step * 2 * SECOND // steps
        ticks = exchange.advance(now)
        own += ticks
        seen += view.relay(ticks, now)
    return own, seen, view


def what(tick: Tick) -> tuple[object, ...]:
    """Everything about a tick but who sent it and when."""
    fields = astuple(tick)
    return (type(tick), *fields[1:4], *fields[6:])


def test_a_view_without_delay_tells_the_same_under_another_source() -> None:
    """Same events, numbers and ids."""
    own, seen, view = both()
    assert [what(tick) for tick in seen] == [what(tick) for tick in own]
    assert {tick.source for tick in own} == {SIM}
    assert {tick.source for tick in seen} == {SIM_B} == {view.source}
    assert view.lost == 0


def test_a_delayed_view_has_later_times_and_nothing_early() -> None:
    """Each tick is handed out once its own receive time has come."""
    own, seen, _ = both(delay_ns=40 * MS)
    assert 0 < len(seen) < len(own)
    for mine, theirs in zip(own, seen, strict=False):
        assert theirs.ts_event == mine.ts_event
        assert theirs.ts_send == mine.ts_send + 20 * MS
        assert theirs.ts_recv == mine.ts_recv + 40 * MS
        assert theirs.ts_recv <= START + 2 * SECOND
    exchange = SimExchange(MARKET)
    view = exchange.view(delay_ns=40 * MS)
    ticks = exchange.advance(START)
    assert view.relay(ticks, START + 40 * MS - 1) == []
    assert len(view.relay([], START + 40 * MS)) == len(ticks) > 0


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 500))
def test_what_is_lost_does_not_depend_on_how_often_it_is_asked(steps: int) -> None:
    """The same seed loses the same ticks, and the holes show in the numbers."""
    own, seen, view = both(loss=0.2, steps=steps)
    assert seen == both(loss=0.2, steps=100)[1]
    assert len(seen) + view.lost == len(own)
    assert 0.1 < view.lost / len(own) < 0.3
    numbers = [tick.src_seq for tick in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] + 1 > len(numbers)


def test_gaps_of_the_market_are_never_lost() -> None:
    """A view that loses nearly everything still tells where the exchange stood still."""
    exchange = SimExchange(MARKET)
    view = exchange.view(loss=0.999)
    exchange.advance(START)
    gap = exchange.skip(START + SECOND, "overflow", "")
    assert [type(tick) for tick in view.relay(gap, START + SECOND)] == [FeedEvent, FeedEvent]


def test_two_views_lose_different_ticks() -> None:
    """Sources fail independently."""
    exchange = SimExchange(MARKET)
    views = [exchange.view(source=source, loss=0.5) for source in (64, 65)]
    ticks = exchange.advance(START) + exchange.advance(START + SECOND)
    first, second = ({tick.src_seq for tick in view.relay(ticks, START + SECOND)} for view in views)
    assert first - second
    assert second - first


@pytest.mark.parametrize(("delay_ns", "loss"), [(-1, 0.0), (10 * SECOND + 1, 0.0), (0, -0.1), (0, 1.0)])
def test_impossible_views_are_refused(delay_ns: int, loss: float) -> None:
    """No negative or unbounded delay, no loss of everything."""
    with pytest.raises(ValueError, match="delay must be"):
        SimExchange(MARKET).view(delay_ns=delay_ns, loss=loss)
