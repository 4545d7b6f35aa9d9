"""What a caller may have: the hub's words and those of `accounts` mean the same."""

import accounts.entitlements
from hub.callers import Access


def test_access_has_the_values_of_accounts() -> None:
    """The wiring passes a decision of `accounts` on by its value; the packages don't know each other."""
    assert {access.name: access.value for access in Access} == {
        access.name: access.value for access in accounts.entitlements.Access
    }


def test_larger_access_includes_smaller() -> None:
    """Deciding by comparison is right."""
    assert Access.NONE < Access.DELAYED < Access.LIVE
