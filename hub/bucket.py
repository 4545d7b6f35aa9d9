"""How many commands a client may send: a token bucket, and what happens beyond it."""

import enum
from typing import Final

from hub.moment import Moment

_SECOND_NS: Final = 1_000_000_000
WINDOW_NS: Final = 10 * _SECOND_NS
"""Over how long refusals are counted."""
BURSTS_REFUSED_MAX: Final = 10
"""A client that is refused more than so many bursts within the window is cut off."""


class Refusal(enum.Enum):
    """What to do about a command that is refused."""

    TELL = "tell"
    SILENT = "silent"
    """It has been told lately."""
    CLOSE = "close"
    """It does not end."""


class Bucket:
    """`per_second` commands for long, `burst` at once. Pure: time is an argument."""

    def __init__(self, per_second: int, burst: int, now: Moment) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._filled_ns = now.awake_ns
        self._refused = 0
        self._refused_since_ns = now.awake_ns
        self._told_ns = 0

    def allow(self, cost: int, now: Moment) -> bool:
        """Whether something that counts as `cost` commands may be done now; if so, it is counted.

        What costs more than the burst is counted as the burst: it must not be impossible.
        """
        passed_ns = now.awake_ns - self._filled_ns
        self._left = min(float(self._burst), self._left + passed_ns * self._per_second / _SECOND_NS)
        self._filled_ns = now.awake_ns
        cost = min(cost, self._burst - 1)
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def refuse(self, now: Moment) -> Refusal:
        """Count a refusal: what is to be done about it."""
        if now.awake_ns - self._refused_since_ns > WINDOW_NS:
            self._refused = 0
            self._refused_since_ns = now.awake_ns
        self._refused += 1
        if self._refused > BURSTS_REFUSED_MAX * self._burst:
            return Refusal.CLOSE
        if self._told_ns and now.awake_ns - self._told_ns < _SECOND_NS:
            return Refusal.SILENT
        self._told_ns = now.awake_ns
        return Refusal.TELL
