"""Who may send now: a lane for each receiver, so that one that hangs holds up nobody else.

Room is shared in two places, in memory and in flight, by the same rule: whoever has less than
what is still free may have one more (and in flight at most a fixed number). However many receivers
are stuck, there is always room for one that is not.
"""

from collections import deque
from typing import Final

from msgspec import Struct

from alerts.model import Delivery, Owner

HELD_MAX: Final = 4_096
"""Deliveries in memory; what does not fit stays in the outbox."""
LANE_IN_FLIGHT_MAX: Final = 4
OWNER_IN_FLIGHT_MAX: Final = 8
"""So that an owner with many receivers that hang does not have what is for all."""


class Key(Struct, frozen=True):
    """A lane: one channel of one owner."""

    owner: Owner
    channel: str


class _Lane:
    __slots__ = ("failures", "in_flight", "not_before_ns", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Delivery] = deque()
        self.in_flight = 0
        self.failures = 0
        self.not_before_ns = 0


class Lanes:
    """Deliveries that wait or are under way. Time is an argument.

    A receiver that has failed is asked again by one delivery alone, when its wait is over; the others
    for it wait behind. A lane with nothing in it is forgotten, unless it has failed lately.
    """

    def __init__(self, in_flight_max: int) -> None:
        """`in_flight_max`: attempts at a time, of all lanes together."""
        self._in_flight_max = in_flight_max
        self._lanes: dict[Key, _Lane] = {}
        self._held: set[int] = set()
        self._in_flight = 0
        self._owners: dict[Owner, int] = {}

    @property
    def held(self) -> int:
        """Deliveries in memory."""
        return len(self._held)

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return self._in_flight

    def offer(self, delivery: Delivery) -> bool:
        """Take a delivery to be sent; False when there is no room for this lane.

        One that is here already (its lease ran out meanwhile) is taken note of once.
        """
        if delivery.id in self._held:
            return True
        lane = self._lanes.setdefault(key_of(delivery), _Lane())
        if len(lane.waiting) >= HELD_MAX - len(self._held):
            return False
        lane.waiting.append(delivery)
        self._held.add(delivery.id)
        return True

    def start(self, now_ns: int) -> list[Delivery]:
        """The deliveries whose attempt begins now; each lane gets one, then each another."""
        started: list[Delivery] = []
        again = True
        while again:
            again = False
            for key, lane in self._lanes.items():
                if lane.waiting and self._may_start(key, lane, now_ns):
                    started.append(lane.waiting.popleft())
                    self._count(key, lane, 1)
                    again = True
        return started

    def done(self, delivery: Delivery) -> None:
        """An attempt has worked, or the receiver has at least answered."""
        lane = self._end(delivery)
        lane.failures, lane.not_before_ns = 0, 0
        self._tidy(delivery)

    def failed(self, delivery: Delivery, not_before_ns: int) -> None:
        """An attempt has not worked; the receiver is left alone until a time, ns."""
        lane = self._end(delivery)
        lane.failures += 1
        lane.not_before_ns = max(lane.not_before_ns, not_before_ns)

    def released(self, delivery: Delivery) -> None:
        """It was not sent at all: nothing is known about the receiver."""
        self._end(delivery)
        self._tidy(delivery)

    def failures(self, delivery: Delivery) -> int:
        """How often the receiver has failed in a row."""
        return self._lanes[key_of(delivery)].failures

    def next_ns(self) -> int | None:
        """When the first lane that was left alone has its turn again; None = none waits for that."""
        return min((lane.not_before_ns for lane in self._lanes.values() if lane.waiting), default=None)

    def forget(self, before_ns: int) -> None:
        """Forget receivers whose wait was over before a time, and for which nothing has come since."""
        for key in [key for key, lane in self._lanes.items() if _is_idle(lane, before_ns)]:
            del self._lanes[key]

    def _may_start(self, key: Key, lane: _Lane, now_ns: int) -> bool:
        free = self._in_flight_max - self._in_flight
        owned = self._owners.get(key.owner, 0)
        lane_max = 1 if lane.failures else LANE_IN_FLIGHT_MAX
        return (
            now_ns >= lane.not_before_ns
            and lane.in_flight < min(lane_max, free)
            and owned < min(OWNER_IN_FLIGHT_MAX, free)
        )

    def _count(self, key: Key, lane: _Lane, change: int) -> None:
        lane.in_flight += change
        self._in_flight += change
        owned = self._owners.get(key.owner, 0) + change
        self._owners[key.owner] = owned
        if not owned:
            del self._owners[key.owner]

    def _end(self, delivery: Delivery) -> _Lane:
        key = key_of(delivery)
        lane = self._lanes[key]
        self._held.discard(delivery.id)
        self._count(key, lane, -1)
        return lane

    def _tidy(self, delivery: Delivery) -> None:
        key = key_of(delivery)
        if _is_idle(self._lanes[key], 1):
            del self._lanes[key]


def key_of(delivery: Delivery) -> Key:
    """The lane of a delivery."""
    return Key(delivery.stored.fire.owner, delivery.channel)


def _is_idle(lane: _Lane, before_ns: int) -> bool:
    return not lane.waiting and not lane.in_flight and lane.not_before_ns < before_ns
