"""The errors say what the caller needs in order to react."""

import pytest

from alerts.errors import AlertsError, AlreadyTrue, Conflict, Invalid, LimitReached, NotFound


def test_an_invalid_rule_names_kind_place_and_choice() -> None:
    """The parts of a problem answer are there, and the message reads alone."""
    error = Invalid("unknown_op", "/when/op", "there is no such operator", (">=", "<="))
    assert (error.kind, error.pointer, error.allowed) == ("unknown_op", "/when/op", (">=", "<="))
    assert str(error) == "/when/op: there is no such operator"


def test_being_true_already_is_a_kind_of_invalid() -> None:
    """Whoever handles invalid rules handles a refused true one too."""
    assert isinstance(AlreadyTrue(), Invalid)
    assert AlreadyTrue().kind == "already_true"


def test_limits_and_conflicts_carry_their_numbers() -> None:
    """What a client shows or repeats with is an attribute, not a piece of text."""
    limit = LimitReached("alerts", 5, 5)
    assert (limit.limit, limit.used, str(limit)) == (5, 5, "no more than 5 alerts are allowed")
    assert Conflict("moved on", 7).rev == 7


@pytest.mark.parametrize("error", [AlreadyTrue(), LimitReached("alerts", 1, 1), Conflict("x", 1), NotFound()])
def test_there_is_one_base_class(error: Exception) -> None:
    """One `except` catches everything of this package."""
    assert isinstance(error, AlertsError)
