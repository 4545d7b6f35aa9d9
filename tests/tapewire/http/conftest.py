"""Fixtures of the HTTP tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tapewire.http.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small real system."""
    world = World(tmp_path)
    yield world
    world.marks.close()
