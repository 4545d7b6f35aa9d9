"""When to come back after a lost connection: exponential waits with full jitter."""

import random
from typing import Final

DOUBLINGS_MAX: Final = 32
"""By then every wait is at its bound; more would only make the numbers large."""
HELD_SECONDS_MAX: Final = 300.0
"""A hub may ask for a longer wait than ours, but for none longer than this."""


class Backoff:
    """Draws waits between 0 and a bound that doubles from `least_s` to `most_s`.

    Full jitter: after an outage the clients of a hub come back spread out, not in waves.
    """

    def __init__(self, least_s: float = 0.5, most_s: float = 20.0, rng: random.Random | None = None) -> None:
        self._least_s = least_s
        self._most_s = most_s
        self._rng = rng or random.Random()
        self._attempt = 0
        self._held: tuple[float, float] | None = None

    def set_bounds(self, least_s: float, most_s: float) -> None:
        """Use the bounds that the hub gave in `welcome`."""
        self._least_s, self._most_s = least_s, max(least_s, most_s)

    def hold(self, least_s: float, most_s: float) -> None:
        """Draw the next wait from this range: the hub has said when it is ready again."""
        least_s = min(max(0.0, least_s), HELD_SECONDS_MAX)
        self._held = (least_s, min(max(least_s, most_s), HELD_SECONDS_MAX))

    def next_s(self) -> float:
        """The next wait, s."""
        bound = min(self._most_s, self._least_s * 2.0**self._attempt)
        self._attempt = min(self._attempt + 1, DOUBLINGS_MAX)
        held, self._held = self._held, None
        return self._rng.uniform(*(held or (0.0, bound)))

    def reset(self) -> None:
        """The connection works: the next wait is a short one again."""
        self._attempt = 0
        self._held = None
