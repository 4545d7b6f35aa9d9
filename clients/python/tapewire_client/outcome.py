"""What the end of a connection, or an attempt to connect, means: come back, when, or give up."""

import re
from dataclasses import dataclass
from typing import Final

RANGE_FINAL: Final = range(4500, 5000)
"""Close codes that say: don't come back unchanged."""
OURS: Final = frozenset((1002, 1003, 1007, 1009))
"""WebSocket's own codes for a fault in what we sent; sending it again would end the same way."""
CLIENT_ERRORS: Final = range(400, 500)
WAIT_STATUSES: Final = frozenset((408, 425, 429))
"""The answers of HTTP in the 4xx range that ask for patience only."""
_RETRY: Final = re.compile(r"\bretry in (\d{1,4}) ?s\b")


@dataclass(frozen=True)
class Outcome:
    """Whether to come back, and how long to wait at least (s)."""

    come_back: bool
    wait_s: float = 0.0


def of_close(code: int, reason: str) -> Outcome:
    """What a close code says; 1006 when the connection broke without one."""
    if code in RANGE_FINAL or code in OURS:
        return Outcome(come_back=False)
    found = _RETRY.search(reason)
    return Outcome(come_back=True, wait_s=float(found.group(1)) if found else 0.0)


def of_status(status: int, retry_after: str | None) -> Outcome:
    """What an HTTP answer in place of the handshake says."""
    if status in CLIENT_ERRORS and status not in WAIT_STATUSES:
        return Outcome(come_back=False)
    text = (retry_after or "").strip()
    return Outcome(come_back=True, wait_s=float(text) if text.isascii() and text.isdigit() else 0.0)
