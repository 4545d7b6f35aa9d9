"""Principals."""

import pytest

from accounts.entitlements import Access
from accounts.principal import Principal


def test_a_principal_is_entitled_to_nothing_by_default() -> None:
    """Whoever builds one must say what it may read."""
    assert Principal("a", "b").entitlements.access("", "t", "AAPL") is Access.NONE


@pytest.mark.parametrize(("now_ns", "expired"), [(99, False), (100, True), (101, True)])
def test_a_credential_is_valid_up_to_not_at_its_end(now_ns: int, expired: bool) -> None:
    """The end itself is outside, to the nanosecond."""
    assert Principal("a", "b", expires_ns=100).is_expired(now_ns) is expired


def test_without_an_end_a_credential_never_expires() -> None:
    """Zero means never."""
    assert not Principal("a", "b").is_expired(2**63 - 1)
