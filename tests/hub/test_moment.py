"""A moment has two clocks, and does not change."""

import pytest

from hub.moment import Moment


def test_moment_keeps_both_clocks_apart() -> None:
    """The calendar may be set back while the other clock goes on."""
    before, after = Moment(utc_ns=100, awake_ns=5), Moment(utc_ns=40, awake_ns=6)
    assert after.utc_ns < before.utc_ns
    assert after.awake_ns > before.awake_ns


def test_moment_is_frozen() -> None:
    """Nobody edits a moment it was given."""
    with pytest.raises(AttributeError):
        Moment(1, 2).utc_ns = 3  # type: ignore[misc]
