"""Fixtures of the HTTP tests."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import LogSettings
from tapewire.logs import configure
from tests.tapewire.http.world import World
from tests.tapewire.logging_state import kept_logging


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small real system."""
    world = World(tmp_path)
    yield world
    world.marks.close()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that is logged meanwhile, of ours and of the libraries."""
    stream = io.StringIO()
    with kept_logging():
        configure(LogSettings(level="info", format="json"), stream)
        yield stream
