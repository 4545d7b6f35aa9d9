"""The servers for tests, shown with one that Python brings along."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import services
from scripts.services import Service, ServiceError, start, status, stop


def answers(port: int) -> bool:
    """Whether anything accepts connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def command(port: int, folder: Path) -> list[str]:
    """The web server of the standard library."""
    return ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), str(port)]


WEB = Service("web", sys.executable, "python3", command, answers)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the state of services; what runs is ended afterwards."""
    yield tmp_path
    stop(WEB, tmp_path)


def test_a_started_server_answers_until_it_is_stopped(folder: Path) -> None:
    """Start waits until it answers, status names it, stop ends it."""
    assert status(WEB, folder) is None
    running = start(WEB, folder)
    assert answers(running.port)
    assert status(WEB, folder) == running
    assert stop(WEB, folder)
    assert not answers(running.port)
    assert status(WEB, folder) is None
    assert not stop(WEB, folder)


def test_starting_twice_starts_one(folder: Path) -> None:
    """A server that runs already is left as it is."""
    assert start(WEB, folder) == start(WEB, folder)


def test_a_process_that_was_not_started_here_is_never_ended(folder: Path) -> None:
    """A number that now belongs to somebody else does not match its start time."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        (folder / "web").mkdir()
        state = {"pid": stranger.pid, "started": "1", "port": 1}
        (folder / "web" / "state.json").write_text(json.dumps(state))
        assert status(WEB, folder) is None
        assert not stop(WEB, folder)
        assert stranger.poll() is None
        stranger.terminate()


def test_a_server_that_dies_at_once_is_an_error_that_names_its_log(folder: Path) -> None:
    """What cannot start says where to look, and leaves nothing behind."""
    broken = Service(
        "web", sys.executable, "python3", lambda port, home: ["-c", "raise SystemExit(1)"], answers
    )
    with pytest.raises(ServiceError, match="log"):
        start(broken, folder)
    assert status(broken, folder) is None


def test_what_cannot_be_installed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to install, the missing package is named."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    missing = Service("web", "no-such-program-here", "some-package", command, answers)
    with pytest.raises(ServiceError, match="some-package"):
        start(missing, folder)


def test_redis_answers_on_its_own_port(tmp_path: Path) -> None:
    """The real server is started with the arguments in the table and answers PING."""
    (redis,) = services.SERVICES
    if shutil.which(redis.program) is None:
        pytest.skip("redis-server is not installed: `make services` installs it")
    try:
        assert services.redis_answers(start(redis, tmp_path).port)
    finally:
        stop(redis, tmp_path)
