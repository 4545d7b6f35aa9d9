"""How fast a client may talk: it keeps the limits that the hub announces, so that nothing is refused."""

from typing import Final

CHANNELS_PER_COMMAND: Final = 500
"""A `sub` counts as one command more for each so many channels."""
SHARE: Final = 0.8
"""How much of what is allowed is used: what is sent evenly does not arrive evenly."""


class Budget:
    """A token bucket: `per_second` commands for long, `burst` at once. Time is an argument, s."""

    def __init__(self, per_second: float = 20.0, burst: float = 60.0) -> None:
        self._per_second = max(0.1, per_second * SHARE)
        self._burst = max(1.0, burst * SHARE)
        self._left = self._burst
        self._filled_s: float | None = None

    def wait_s(self, cost: int, now_s: float) -> float:
        """Count something that costs so many commands; how long to wait before it may be sent, s.

        What costs more than a burst counts as one, since it would be impossible otherwise.
        """
        if self._filled_s is not None:
            self._left = min(self._burst, self._left + max(0.0, now_s - self._filled_s) * self._per_second)
        self._filled_s = now_s
        self._left -= min(float(cost), self._burst)
        return max(0.0, -self._left / self._per_second)


def cost_of(symbols: int, kinds: int) -> int:
    """What a `sub` of so many symbols and kinds costs, commands."""
    return 1 + symbols * kinds // CHANNELS_PER_COMMAND
