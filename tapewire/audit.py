"""The audit trail of entitlement decisions: log lines with each that is new, changed, or a day old.

Exchanges ask who could read what, and when. `accounts.audit` decides which decisions are told;
here they become lines, at level info, so `log.level` must not be higher where the trail is owed.
Decisions of one turn of the loop share lines: somebody who asks for thousands of channels at once
must not hold everybody else up.
"""

import asyncio
from collections.abc import Iterable, Iterator

import structlog

from accounts import Access, Principal
from tapewire.logs import VALUE_CHARS_MAX
from ticks.channels import channel_name
from ticks.times import format_time

log = structlog.get_logger()

Key = tuple[str, str, Access]
"""Tenant, user and decision."""


class AuditTrail:
    """Writes decisions down, at the latest at the end of the loop's turn; called on the loop's thread.

    Its `note` is the `audit` of `Accounts`. Bound: what one turn of the loop decides.
    """

    def __init__(self) -> None:
        self._noted: dict[Key, list[str]] = {}
        self._since_ns = 0

    def note(
        self, now_ns: int, principal: Principal, lineup: str, kind: str, symbol: str, decision: Access
    ) -> None:
        """Take one decision."""
        begins = not self._noted
        key = (principal.tenant, principal.user, decision)
        self._noted.setdefault(key, []).append(channel_name(kind, symbol, lineup))
        if begins:
            self._since_ns = now_ns
            self._flush_soon()

    def flush(self) -> None:
        """Write down what is not written yet."""
        noted, self._noted = self._noted, {}
        decided = format_time(self._since_ns)
        for (tenant, user, decision), channels in noted.items():
            for some in _joined(channels):
                log.info(
                    "entitlement",
                    decided=decided,
                    tenant=tenant,
                    user=user,
                    channels=some,
                    access=decision.name.lower(),
                )

    def _flush_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()  # there is no loop that could be held up


def _joined(names: Iterable[str]) -> Iterator[str]:
    """Names with blanks between them, in texts that the log does not shorten."""
    some: list[str] = []
    size = 0
    for name in names:
        if some and size + len(name) > VALUE_CHARS_MAX:
            yield " ".join(some)
            some, size = [], 0
        some.append(name)
        size += len(name) + 1
    yield " ".join(some)
