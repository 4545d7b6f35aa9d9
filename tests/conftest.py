"""What all tests share: the option that cuts the slow tests into daily slices, and no time limits."""

from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

T = TypeVar("T")

# How long an example takes says something about the machine, and nothing about us.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slice K/N`."""
    parser.addoption("--slice", metavar="K/N", help="run the K-th of N equal parts of the selected tests")


# Last, so that it divides what markers and names have left over.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep every N-th test, beginning with the K-th, when `--slice K/N` is given."""
    chosen: str | None = config.getoption("--slice")
    if chosen is not None:
        kept, dropped = divide(items, chosen)
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def divide(items: Sequence[T], chosen: str) -> tuple[list[T], list[T]]:
    """The K-th of N parts of a sequence, and the rest; `chosen` is `K/N`.

    Raises:
        pytest.UsageError: K is not from 1 to N.
    """
    part, parts = (int(text) for text in chosen.split("/"))
    if not 1 <= part <= parts:
        raise pytest.UsageError(f"--slice {chosen}: K must be from 1 to N")
    rest = [item for place, item in enumerate(items) if place % parts != part - 1]
    return list(items[part - 1 :: parts]), rest
