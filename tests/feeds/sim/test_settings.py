"""What can be chosen."""

from typing import Any

import msgspec
import pytest

from feeds.sim.settings import BOOKS_RATE_MAX, RATE_MAX, SimSettings


def test_the_defaults_are_a_small_lively_market_with_books() -> None:
    """Twelve symbols, about a hundred ticks a second."""
    settings = SimSettings()
    assert (settings.symbols, settings.total_rate, settings.has_books) == (12, 100.0, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": 1 << 63},
        {"symbols": 0},
        {"symbols": 20_001},
        {"rate": 0.0},
        {"rate": RATE_MAX + 1.0},
        {"rate": float("nan")},
        {"speed": 0.0},
        {"speed": 1_001.0},
        {"rate": 1_000.0, "speed": 501.0},
        {"rate": 0.001, "speed": 0.001},
        {"mode": "fast"},
        {"halt_every_s": 0.0},
        {"halt_every_s": float("inf")},
        {"halt_s": 0.5},
        {"cancel_every": 0},
        {"source": 256},
    ],
    ids=str,
)
def test_what_makes_no_market_is_refused(wrong: dict[str, Any]) -> None:
    """Each value outside its range is an error that names it, also when read from outside."""
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        SimSettings(**wrong)
    with pytest.raises((ValueError, msgspec.ValidationError)):
        msgspec.convert(wrong, SimSettings)


def test_speed_multiplies_the_rate() -> None:
    """A market that lives ten times as fast has ten times the ticks."""
    assert SimSettings(rate=50, speed=10).total_rate == 500


@pytest.mark.parametrize(
    ("mode", "rate", "books"),
    [
        ("auto", BOOKS_RATE_MAX, True),
        ("auto", BOOKS_RATE_MAX + 1, False),
        ("books", 100_000, True),
        ("load", 10, False),
    ],
)
def test_books_are_kept_unless_it_must_be_fast(mode: Any, rate: float, books: bool) -> None:
    """`auto` decides by the rate, the other two modes are what they say."""
    assert SimSettings(mode=mode, rate=rate).has_books is books
