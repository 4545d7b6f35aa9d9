"""At most one line a second for each cause, however often it happens."""

from typing import Final

INTERVAL_NS: Final = 1_000_000_000
CAUSES_MAX: Final = 1_024
"""Causes remembered; with more, the one told longest ago is forgotten and may be told early."""


class Throttle:
    """Decides whether something that happened is to be told now. Pure: time is an argument."""

    def __init__(self, interval_ns: int = INTERVAL_NS, causes_max: int = CAUSES_MAX) -> None:
        self._interval_ns = interval_ns
        self._max = causes_max
        # cause → (when it was told last, how often it happened since); told longest ago first
        self._told: dict[str, tuple[int, int]] = {}

    def tell(self, cause: str, now_ns: int) -> int | None:
        """Whether to tell `cause` now: how often it was kept silent since, or None to keep silent."""
        last = self._told.get(cause)
        if last is not None and 0 <= now_ns - last[0] < self._interval_ns:
            self._told[cause] = (last[0], last[1] + 1)
            return None
        self._told.pop(cause, None)
        if len(self._told) >= self._max:
            del self._told[next(iter(self._told))]
        self._told[cause] = (now_ns, 0)
        return 0 if last is None else last[1]
