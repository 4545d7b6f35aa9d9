"""Which prints set the last price, and what a quote's sides are."""

import pytest

from alerts.values import NO_SESSION, last_session, mid_of, side_of
from ticks.conditions import CLOSED, OVERNIGHT, POST, PRE, RTH, elig, iex_elig
from ticks.model import ABSENT_PRICE

TAPE = ord("C")


@pytest.mark.parametrize(
    ("conds", "session", "expected"),
    [
        ("@", RTH, RTH),
        ("@F", RTH, RTH),
        ("@I", RTH, NO_SESSION),  # odd lot
        ("W", RTH, NO_SESSION),  # average price
        ("@4", RTH, NO_SESSION),  # derivatively priced: only as the first of a bar
        ("@Z", RTH, NO_SESSION),  # out of sequence
        ("@7", RTH, NO_SESSION),  # contingent
        ("@?", RTH, NO_SESSION),  # unknown code
        ("@T", PRE, PRE),
        ("@T", POST, POST),
        ("@T", OVERNIGHT, OVERNIGHT),
        ("@TI", PRE, NO_SESSION),
        ("@U", PRE, NO_SESSION),  # extended hours, out of sequence
        ("@T", CLOSED, CLOSED),
        ("@T", RTH, POST),  # its code says that it is no regular print
    ],
)
def test_only_prints_that_may_set_a_close_set_the_last_price(conds: str, session: int, expected: int) -> None:
    """The day's rule in regular hours, the minute's in extended hours, and never an odd lot."""
    assert last_session(elig(TAPE, conds, session)) == expected


def test_iex_prints_follow_their_flags() -> None:
    """Extended hours count in theirs, odd lots nowhere."""
    assert last_session(iex_elig(0x40, PRE)) == PRE
    assert last_session(iex_elig(0x60, PRE)) == NO_SESSION
    assert last_session(iex_elig(0x00, RTH)) == RTH


def test_an_absent_side_has_no_value_and_leaves_no_mid() -> None:
    """The stand-in price for nothing is never compared with a level."""
    assert side_of(ABSENT_PRICE) is None
    assert side_of(0) is None
    assert side_of(5) == 5
    assert mid_of(4, 7) == 5
    assert mid_of(None, 7) is None
    assert mid_of(4, None) is None
