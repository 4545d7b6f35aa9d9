"""How many requests each user may have under way: one who asks for too much keeps nobody else waiting."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from accounts import Principal
from tapewire.http.problems import Problem

SEATS_MAX: Final = 32
"""A quarter of the history queries that may wait (`storage.pool.WAITING_MAX`)."""
RETRY_AFTER_SECONDS: Final = 1


class Seats:
    """Counts requests under way by owner. Bound: one entry for each owner with a request."""

    def __init__(self, seats_max: int = SEATS_MAX) -> None:
        self._max = seats_max
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def taken(self, principal: Principal | None) -> Iterator[None]:
        """Hold a seat for as long as a block of code runs; whoever is nobody needs none.

        Raises:
            Problem: the user has as many requests under way as one may.
        """
        if principal is None:
            yield
            return
        owner = (principal.tenant, principal.user)
        if self._taken[owner] >= self._max:
            raise Problem(
                "too-many-requests",
                f"{self._max} requests are under way",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
