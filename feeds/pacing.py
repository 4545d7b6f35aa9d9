"""When the packets of a recording are due.

A core: capture times and the present time go in, packets come out.
"""

import re
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from feeds.errors import PacingError
from feeds.packets import Packet

MAX_SPEED: Final = "max"
LONGEST_PAUSE_NS: Final = 60 * 1_000_000_000
"""A silence of the recording that is longer than this (at its own speed) is cut to it, ns: feeds
send a heartbeat each second, so a longer one is a recording that was interrupted, or a clock
that jumped, and nobody wants to wait a night for the next day."""
FASTEST: Final = 1_000_000
SLOWEST: Final = Fraction(1, 1_000)


def parse_speed(text: str) -> Fraction | None:
    """A playing speed: `1` as recorded, `10` ten times as fast, `0.5`; None for `max`.

    Raises:
        PacingError: neither `max` nor a number from 0.001 to 1,000,000.
    """
    if text == MAX_SPEED:
        return None
    if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text):
        speed = Fraction(text)
        if SLOWEST <= speed <= FASTEST:
            return speed
    raise PacingError(f"speed {text!r} is neither 'max' nor a number from 0.001 to 1000000")


class ReplayPlan:
    """Hands out packets when they are due, in the order of the recording.

    The first packet is due at once, the others as much later as they were captured later,
    divided by the speed. Who falls behind catches up as fast as he can. Capture times that
    step back count as no time passed.

    Arguments:
        speed: None hands out everything at once.
    """

    def __init__(self, speed: Fraction | None) -> None:
        self._speed = speed
        self._waiting: deque[Packet] = deque()
        self._time_ns = 0
        """Capture time up to which the recording has been played."""
        self._due_ns = 0
        """When the packet of that time was due."""
        self._begun = False

    def __len__(self) -> int:
        """How many packets wait."""
        return len(self._waiting)

    def add(self, packets: Iterable[Packet]) -> None:
        """Append packets."""
        self._waiting.extend(packets)

    def take(self, now_ns: int) -> Packet | None:
        """Take the next packet if it is due at `now_ns` of a clock that never steps back."""
        if not self._waiting:
            return None
        if self._speed is not None:
            due_ns = self._next_due_ns(now_ns)
            if due_ns > now_ns:
                return None
            self._due_ns = due_ns
            self._time_ns = max(self._time_ns, self._waiting[0].time_ns)
            self._begun = True
        return self._waiting.popleft()

    def wait_ns(self, now_ns: int) -> int | None:
        """How long until the next packet is due: 0 when it is, None when none waits."""
        if not self._waiting:
            return None
        if self._speed is None:
            return 0
        return max(0, self._next_due_ns(now_ns) - now_ns)

    def _next_due_ns(self, now_ns: int) -> int:
        if not self._begun or self._speed is None:
            return now_ns
        passed_ns = min(max(0, self._waiting[0].time_ns - self._time_ns), LONGEST_PAUSE_NS)
        return self._due_ns + passed_ns * self._speed.denominator // self._speed.numerator
