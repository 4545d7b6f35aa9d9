"""Lanes: one receiver that is stuck holds up nobody else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Delivery, Owner
from alerts.webhooks.lanes import HELD_MAX, LANE_IN_FLIGHT_MAX, OWNER_IN_FLIGHT_MAX, Lanes
from tests.alerts.webhooks.making import ANN, BOB, delivery


def ids(lanes: Lanes, now_ns: int = 0) -> list[int]:
    """What begins now."""
    return [one.id for one in lanes.start(now_ns)]


def test_a_lane_sends_so_many_at_a_time_and_the_rest_in_order() -> None:
    """The end of one lets the next begin."""
    lanes = Lanes(64)
    some = [delivery(number) for number in range(1, 8)]
    assert all(lanes.offer(one) for one in some)
    assert ids(lanes) == [1, 2, 3, 4]
    assert ids(lanes) == []
    lanes.done(some[1])
    assert ids(lanes) == [5]
    assert (lanes.in_flight, lanes.held) == (LANE_IN_FLIGHT_MAX, 6)


def test_a_delivery_that_comes_again_is_kept_once() -> None:
    """Its lease ran out while it waited; while it is under way it is not sent a second time."""
    lanes = Lanes(64)
    assert lanes.offer(delivery(1))
    assert lanes.offer(delivery(1))
    assert ids(lanes) == [1]
    assert lanes.offer(delivery(1))
    assert ids(lanes) == []
    assert lanes.held == 1


def test_a_receiver_that_has_failed_is_left_alone_and_then_asked_by_one() -> None:
    """The others wait behind that one, until it has worked."""
    lanes = Lanes(64)
    some = [delivery(number) for number in range(1, 7)]
    for one in some[:1]:
        lanes.offer(one)
    lanes.start(0)
    lanes.failed(some[0], 100)
    for one in some[1:]:
        lanes.offer(one)
    assert (ids(lanes, 99), lanes.next_ns()) == ([], 100)
    assert ids(lanes, 100) == [2]
    assert ids(lanes, 100) == []
    assert lanes.failures(some[1]) == 1
    lanes.done(some[1])
    assert ids(lanes, 100) == [3, 4, 5, 6]


def test_however_many_receivers_of_an_owner_are_stuck_others_send() -> None:
    """An owner gets a part of what is for all."""
    lanes = Lanes(64)
    for number in range(200):
        lanes.offer(delivery(number, ANN, f"webhook:wh_{number}"))
    assert len(ids(lanes)) == OWNER_IN_FLIGHT_MAX
    lanes.offer(delivery(1_000, BOB))
    assert ids(lanes) == [1_000]


def test_there_is_room_in_memory_for_who_has_nothing_in_it() -> None:
    """However much others offer: each may have as much as is still free."""
    lanes = Lanes(64)
    number = 0
    for owner in range(10):
        while True:
            number += 1
            if not lanes.offer(delivery(number, Owner("default", f"user-{owner}"))):
                break
    assert lanes.held < HELD_MAX
    assert lanes.offer(delivery(number + 1, BOB))


def test_what_was_not_sent_says_nothing_about_the_receiver() -> None:
    """A failure before still counts."""
    lanes = Lanes(64)
    first, second = delivery(1), delivery(2)
    lanes.offer(first)
    lanes.start(0)
    lanes.failed(first, 100)
    lanes.offer(second)
    lanes.start(100)
    lanes.released(second)
    assert lanes.failures(second) == 1
    assert (lanes.held, lanes.in_flight) == (0, 0)


def test_receivers_that_failed_long_ago_are_forgotten() -> None:
    """So that memory does not grow with all that ever failed."""
    lanes = Lanes(64)
    one = delivery(1)
    lanes.offer(one)
    lanes.start(0)
    lanes.failed(one, 100)
    lanes.forget(100)
    assert lanes.failures(one) == 1
    lanes.forget(101)
    lanes.offer(one)
    assert lanes.failures(one) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 2)), max_size=300), st.data())
def test_whatever_happens_the_bounds_hold_and_nothing_is_lost(
    steps: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Each delivery that was taken begins once; counts come back to zero."""
    lanes, taken, begun = Lanes(8), 0, 0
    under_way: list[Delivery] = []
    for number, (owner, channel, what) in enumerate(steps):
        if what < 2:
            taken += lanes.offer(delivery(number, Owner("default", str(owner)), f"webhook:wh_{channel}"))
        elif under_way:
            one = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            lanes.done(one) if channel else lanes.failed(one, number)
        started = lanes.start(number)
        begun += len(started)
        under_way += started
        assert lanes.in_flight == len(under_way) <= 8
    while under_way:
        lanes.done(under_way.pop())
        started = lanes.start(10**6)
        begun += len(started)
        under_way += started
    assert (begun, lanes.held, lanes.in_flight) == (taken, 0, 0)
