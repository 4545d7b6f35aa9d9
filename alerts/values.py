"""Which ticks give a feature a value, and in which session.

A trade sets `last` when it may set the open and close of its day (regular hours) or of its
minute (extended hours), always, and not only as the first of its bar: so odd lots, average
prices, contingent and late-reported prints ring nothing. What is a state sent at the start of
a subscription, was back-filled, came late or out of order, or is of a test symbol rings nothing
either.
"""

from typing import Final

from ticks.conditions import ODD_LOT, RTH, YES, day_oc, min_oc, session_of
from ticks.flags import BACKFILL, LATE, OUT_OF_ORDER, SNAPSHOT, TEST_SYMBOL
from ticks.model import ABSENT_PRICE

SILENT_FLAGS: Final = SNAPSHOT | BACKFILL | LATE | OUT_OF_ORDER | TEST_SYMBOL
"""A tick with one of these flags gives no value."""
NO_SESSION: Final = -1


def last_session(elig: int) -> int:
    """The session in which a print with these bits sets `last`; `NO_SESSION` when it never does."""
    session = session_of(elig)
    rule = day_oc(elig) if session == RTH else min_oc(elig)
    return session if rule == YES and not elig & ODD_LOT else NO_SESSION


def side_of(price: int) -> int | None:
    """A bid or ask; None when that side of the quote is absent."""
    return price if 0 < price != ABSENT_PRICE else None


def mid_of(bid: int | None, ask: int | None) -> int | None:
    """Half the sum of both sides, rounded down; None when one is absent."""
    return None if bid is None or ask is None else (bid + ask) // 2
