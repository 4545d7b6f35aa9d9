"""The audit trail of entitlement decisions: one log line for each that is new, changed, or a day old.

Exchanges ask who could read what, and when. `accounts.audit` decides which decisions are told;
here they become lines, at level info, so `log.level` must not be higher where the trail is owed.
"""

import structlog

from accounts import Access, Principal
from ticks.channels import channel_name
from ticks.times import format_time

log = structlog.get_logger()


def log_decision(
    now_ns: int, principal: Principal, lineup: str, kind: str, symbol: str, decision: Access
) -> None:
    """Log one decision; the `audit` of `Accounts`."""
    log.info(
        "entitlement",
        decided=format_time(now_ns),
        tenant=principal.tenant,
        user=principal.user,
        channel=channel_name(kind, symbol, lineup),
        access=decision.name.lower(),
    )
