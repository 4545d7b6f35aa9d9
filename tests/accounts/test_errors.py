"""The tree of errors."""

import pytest

from accounts.errors import (
    AccountsError,
    AccountSettingsError,
    AuthError,
    AuthFailed,
    AuthMissing,
    TokenExpired,
)


@pytest.mark.parametrize("error", [AuthMissing, AuthFailed, TokenExpired])
def test_all_failures_of_a_caller_are_caught_together(error: type[AuthError]) -> None:
    """An entry that only wants to refuse needs one clause."""
    assert issubclass(error, AuthError)
    assert issubclass(error, AccountsError)


def test_settings_errors_are_not_the_callers_fault() -> None:
    """They stop the start, with every problem."""
    error = AccountSettingsError(["a", "b"])
    assert not isinstance(error, AuthError)
    assert error.problems == ("a", "b")
    assert str(error) == "a\nb"
