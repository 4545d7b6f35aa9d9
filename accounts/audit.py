"""Which decisions about entitlements are worth a line.

Exchanges ask who could read what and when. A page of 2,000 symbols asked for every second
would be 2,000 lines a second, all saying the same; so a decision is told when it is new, when
it differs from the one before, and once a day. What is remembered is bounded: a decision
that was forgotten is told again, none is left out.
"""

from collections.abc import Callable
from typing import Final

from accounts.entitlements import Access
from accounts.principal import Principal

Audit = Callable[[int, Principal, str, str, str, Access], None]
"""Called with (now_ns, principal, lineup, kind, symbol, decision); must not raise."""

REPEAT_NS: Final = 86_400 * 1_000_000_000
"""A decision that goes on is told once a day."""
REMEMBERED_MAX: Final = 65_536
"""Decisions remembered, about 20 MB at most."""


class AuditFilter:
    """Passes each decision on to `audit` unless it was told lately."""

    def __init__(self, audit: Audit, remembered_max: int = REMEMBERED_MAX) -> None:
        self._audit = audit
        self._max = remembered_max
        # oldest first: a decision that is told anew moves to the end
        self._told: dict[tuple[str, str, str, str, str], tuple[Access, int]] = {}

    def note(
        self, now_ns: int, principal: Principal, lineup: str, kind: str, symbol: str, decision: Access
    ) -> None:
        """Tell a decision, if it is new, changed or a day old."""
        key = (principal.tenant, principal.user, lineup, kind, symbol)
        told = self._told.get(key)
        if told is not None and told[0] is decision and now_ns - told[1] < REPEAT_NS:
            return
        self._told.pop(key, None)
        if len(self._told) >= self._max:
            del self._told[next(iter(self._told))]
        self._told[key] = (decision, now_ns)
        self._audit(now_ns, principal, lineup, kind, symbol, decision)
