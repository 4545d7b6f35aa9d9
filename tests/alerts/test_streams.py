"""Streams: bounds that tell whether a value reaches anything, and what a new one begins with."""

from alerts.machine import ANY, ASK, BID, FALLS, LAST, MID, RISES
from alerts.model import ALL_SESSIONS_MASK
from alerts.streams import FAR, Market
from alerts.thresholds import NOWHERE
from tests.alerts.making import UNIT, quote, trade
from ticks.conditions import PRE, RTH


def test_the_bounds_are_the_nearest_thresholds() -> None:
    """They move with what is added and removed."""
    stream = Market("", "AAPL").stream(LAST, 1 << RTH)
    assert (stream.rise_at, stream.fall_at) == (FAR, NOWHERE)
    for number, price in enumerate((105, 101, 103)):
        stream.add(RISES, price, number)
    for number, price in enumerate((95, 99, 97), 10):
        stream.add(FALLS, price, number)
    assert (stream.rise_at, stream.fall_at) == (101, 99)
    stream.remove(RISES, 101, 1)
    stream.remove(FALLS, 99, 11)
    assert (stream.rise_at, stream.fall_at) == (103, 97)


def test_a_value_reaches_what_lies_between_it_and_the_market() -> None:
    """Both ends included, the oldest first."""
    stream = Market("", "AAPL").stream(LAST, 1 << RTH)
    assert stream.reached() == []
    stream.add(RISES, 101, 7)
    stream.add(RISES, 102, 3)
    stream.add(FALLS, 99, 5)
    for value, numbers in ((100, []), (101, [7]), (102, [3, 7]), (99, [5]), (98, [5])):
        stream.value = value
        assert stream.reached() == numbers


def test_an_alert_that_wants_any_value_is_reached_by_each() -> None:
    """As long as it is there, no value is quiet."""
    stream = Market("", "AAPL").stream(LAST, 1 << RTH)
    stream.add(ANY, 0, 4)
    stream.value = 100
    assert stream.rise_at <= 100
    assert stream.reached() == [4]
    stream.remove(ANY, 0, 4)
    assert (stream.rise_at, stream.reached()) == (FAR, [])


def test_a_new_stream_begins_with_what_was_seen_in_its_sessions() -> None:
    """A value of another session is known to the market, but is not the stream's."""
    market = Market("", "AAPL")
    market.trade, market.trade_m, market.trade_session = trade(100, session=PRE), 5, PRE
    market.quote = quote(99, 101, session=PRE)
    assert market.stream(LAST, 1 << RTH).value is None
    assert market.stream(LAST, 1 << PRE).value == 100 * UNIT
    assert market.stream(BID, 1 << PRE).value == 99 * UNIT
    assert market.stream(ASK, 1 << RTH).value is None
    assert [market.newest(feature) for feature in (LAST, BID, ASK, MID)] == [
        100 * UNIT, 99 * UNIT, 101 * UNIT, 100 * UNIT,
    ]  # fmt: skip


def test_nothing_is_known_before_a_tick() -> None:
    """No trade, no quote: no values."""
    market = Market("", "AAPL")
    assert [market.newest(feature) for feature in (LAST, BID, ASK, MID)] == [None] * 4
    assert market.stream(BID, 1 << RTH).value is None


def test_streams_are_shared_and_let_go() -> None:
    """One for each feature and set of sessions; a market without any and without ticks is nothing."""
    market = Market("", "AAPL")
    first = market.stream(MID, 1 << RTH)
    assert market.stream(MID, 1 << RTH) is first
    second = market.stream(BID, ALL_SESSIONS_MASK)
    assert market.quote_streams == [second, first]
    assert not market.drop(first)
    assert market.drop(second)
    market.quote = quote(1, 2)
    assert not market.drop(market.stream(BID, 1))
