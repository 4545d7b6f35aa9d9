"""What follows from an attempt: done, try again then, or never again. Time and chance are arguments.

    2xx                              done
    408 425 429 5xx, no answer       again, later each time, or when `Retry-After` says
    410                              dead, and the endpoint is switched off: its owner asked for that
    3xx, other 4xx, address refused  dead: the next attempt would be told the same

What is not delivered before its use-by time expires; that is the outbox's business.
"""

from typing import Final

from msgspec import Struct

NS: Final = 1_000_000_000
BACKOFF_S: Final = (5, 15, 60, 180, 300, 900, 1_800, 3_600)
"""Wait after the first, second … failure in a row; the last one again and again."""
RETRY_AFTER_S_MAX: Final = 3_600
"""A receiver cannot ask to be left alone for longer."""
TRY_AGAIN: Final = frozenset((408, 425, 429))
"""Statuses below 500 that speak of now, not of the request."""
GONE: Final = 410


class Outcome(Struct, frozen=True):
    """How an attempt ended."""

    status: int = 0
    """Of the answer; 0 = there was none."""
    error: str = ""
    """Why there was no answer, or how it began; fit to be shown to the owner."""
    retry_after_s: int | None = None
    """What the answer asked for."""
    refused: bool = False
    """Nothing was sent: the address is one to which nothing is sent."""


class Done(Struct, frozen=True):
    """The receiver has it."""


class Again(Struct, frozen=True):
    """Try again."""

    due_ns: int
    error: str


class Dead(Struct, frozen=True):
    """Trying again is of no use."""

    error: str
    switch_off: bool = False
    """Whether the endpoint gets nothing any more."""


Verdict = Done | Again | Dead


def delivery_plan(outcome: Outcome, failures: int, now_ns: int, chance: float) -> Verdict:
    """What follows from an attempt.

    Args:
        outcome: how it ended.
        failures: of the endpoint in a row, this one (if it is one) not included.
        now_ns: our clock.
        chance: 0 ≤ chance < 1; spreads attempts over ± a quarter of the wait.
    """
    if 200 <= outcome.status < 300:
        return Done()
    error = _words(outcome)
    if outcome.refused or (300 <= outcome.status < 500 and outcome.status not in TRY_AGAIN):
        return Dead(error, switch_off=outcome.status == GONE)
    wait_ns = int(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)] * (0.75 + 0.5 * chance) * NS)
    if outcome.retry_after_s is not None:
        wait_ns = max(wait_ns, min(outcome.retry_after_s, RETRY_AFTER_S_MAX) * NS)
    return Again(now_ns + wait_ns, error)


def retry_after_s(header: str | None) -> int | None:
    """The seconds of a `Retry-After` header; None when it is absent, a date, or nothing we know."""
    if header is None or len(header) > 9 or not (header.isascii() and header.isdigit()):
        return None
    return int(header)


def _words(outcome: Outcome) -> str:
    if not outcome.status:
        return outcome.error
    what = "redirects are not followed" if 300 <= outcome.status < 400 else outcome.error
    return f"{outcome.status} {what}".strip()
