"""What is remembered of an outage, and how it is declared."""

import pytest
from msgspec import structs

from tape.outage import UNKNOWN, Outage, gap_ticks, journalled_ns
from tape.state import TapeState
from tests.tape.making import NOW_NS, batch, quote, trade
from ticks.flags import REPLAY
from ticks.model import FeedEvent

SECOND_NS = 1_000_000_000


def test_numbers_in_front_of_an_unwritten_batch() -> None:
    """Each channel goes on from its last journalled number, however often the batch had it."""
    made = batch(5, [quote(1), trade(1), quote(2), quote(3)])
    state = TapeState(ns=[10, 4, 7])
    made = structs.replace(made, ns=[8, 4, 9, 10])
    assert journalled_ns(state, made) == [7, 3, 7]


@pytest.mark.parametrize(
    ("seconds", "due"), [(0, False), (0.9, False), (1, True), (5, True), (-0.5, True), (-3600, True)]
)
def test_the_disk_is_tried_again_when_time_has_passed_or_gone_back(seconds: float, due: bool) -> None:
    """A clock that was set back an hour must not mean an hour without a journal."""
    outage = Outage([], 0, 0, NOW_NS + SECOND_NS, 0)
    assert outage.due(NOW_NS + int(seconds * SECOND_NS), SECOND_NS) is due


def test_a_live_gap_ends_now() -> None:
    """It opens at the last kept tick and closes at the present, in one breath."""
    opened, closed = gap_ticks(quote(1), 12, 55, NOW_NS - 1, NOW_NS)
    assert isinstance(opened, FeedEvent)
    assert isinstance(closed, FeedEvent)
    assert (opened.what, closed.what) == ("gap_open", "gap_close")
    for tick in (opened, closed):
        assert (tick.why, tick.scope, tick.lost, tick.from_ts, tick.to_ts) == ("disk", "*", 12, 55, NOW_NS)
        assert tick.ts_recv == NOW_NS


def test_a_gap_is_never_received_before_the_tick_in_front_of_it() -> None:
    """Receive times do not fall, whatever the clock says."""
    assert gap_ticks(quote(1), 1, 0, NOW_NS + 99, NOW_NS)[0].ts_recv == NOW_NS + 99
    assert gap_ticks(None, UNKNOWN, 0, 0, NOW_NS)[0].ts_recv == NOW_NS


def test_a_gap_in_a_recording_lies_in_the_time_of_the_recording() -> None:
    """Else every tick after it would seem to be received years too late."""
    last = trade(1, ts_recv=1_500_000_000 * SECOND_NS, flags=REPLAY)
    tick = gap_ticks(last, 3, 7, last.ts_recv, NOW_NS)[1]
    assert isinstance(tick, FeedEvent)
    assert (tick.ts_recv, tick.ts_event, tick.to_ts) == (last.ts_recv, last.ts_recv, last.ts_event)
