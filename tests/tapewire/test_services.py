"""What the routes get to see of the system."""

from pathlib import Path

import pytest

from config.settings import HttpSettings, Settings
from tapewire.app import System
from tapewire.metrics import render
from tapewire.services import make_services


@pytest.fixture
def system(tmp_path: Path) -> System:
    """A system whose tape is open and whose processes have not been started."""
    return System(Settings(data_dir=str(tmp_path), http=HttpSettings(port=0)))


def test_every_metric_can_be_read_at_any_time(system: System) -> None:
    """Before the first tick too; names are unique and each has a help line."""
    services = make_services(system)
    text = render(services.metrics()).decode()
    names = [metric.name for metric in services.metrics()]
    assert len(set(names)) == len(names)
    assert "tapewire_mark{" in text
    assert 'tapewire_ticks_published_total{kind="trade"} 0.0' in text
    system.tape.close()


def test_health_follows_the_system(system: System) -> None:
    """Not ready before the start and while draining; degraded while the writer is away."""
    services = make_services(system)
    assert not services.health().ready
    system.started = True
    assert services.health().ready
    assert services.health().status == "degraded"
    system.writer.alive = True
    assert services.health().status == "ok"
    system.draining = True
    assert not services.health().ready
    system.tape.close()


def test_the_cursor_key_stays_the_same_over_restarts(system: System, tmp_path: Path) -> None:
    """A cursor of yesterday can be continued today: its key is in the data folder, for us alone."""
    make_services(system)
    key = (tmp_path / "cursor.key").read_bytes()
    make_services(system)
    assert (tmp_path / "cursor.key").read_bytes() == key
    assert (tmp_path / "cursor.key").stat().st_mode & 0o077 == 0
    system.tape.close()
