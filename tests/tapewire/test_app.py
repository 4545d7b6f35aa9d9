"""The whole system as a process: started by its command, asked over HTTP, stopped by signals."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.iex.market_day import Day
from feeds.synthetic import Content
from feeds.synthetic_file import write_recording
from tapewire import app

SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    """A made-up recording and what is in it."""
    path = tmp_path_factory.mktemp("recording") / "day.pcap.gz"
    return path, write_recording(path, Day(seed=5, symbols=8, messages=20_000), packed=True)


class Hub:
    """A running `tapewire` command."""

    def __init__(self, *arguments: str, port: int = 0) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tapewire", *arguments, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str, token: str = "demo") -> Any:
        """The JSON answer of a route."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return json.load(answer)

    def until_stored(self, least_m: int, *, everything: bool = True) -> dict[str, int]:
        """Wait until a mark is stored; unless more keeps coming, everything that was accepted too."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
            try:
                marks: dict[str, int] = self.get("/v1/marks")
            except OSError:
                marks = {}
            if marks and marks["stored"] >= (max(least_m, marks["accepted"]) if everything else least_m):
                return marks
            time.sleep(0.02)
        raise AssertionError("not stored in time")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """End it by a signal; exit code and what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode, output, errors


@pytest.fixture
def started() -> Iterator[list[Hub]]:
    """Hubs that the test starts; whatever is left is killed."""
    hubs: list[Hub] = []
    yield hubs
    for hub in hubs:
        if hub.process.poll() is None:
            hub.process.kill()
        hub.process.communicate()


def test_a_replay_serves_and_drains_on_sigterm(
    tmp_path: Path, recording: tuple[Path, Content], started: list[Hub]
) -> None:
    """History, marks and health answer while it runs; SIGTERM ends it with 0 and nothing is left behind."""
    path, content = recording
    hub = Hub("replay", str(path), "--speed", "max", "--data", str(tmp_path / "data"))
    started.append(hub)
    ticks = sum(count for letter, count in content.messages.items() if letter != "D")
    marks = hub.until_stored(ticks)
    assert marks["accepted"] > ticks, "bars are made of its trades"
    page = hub.get("/v1/trades?symbols=AAPL&limit=5")
    assert [row["symbol"] for row in page["trades"]] == ["AAPL"] * 5
    assert page["complete_until"] >= marks["accepted"]
    assert hub.get("/v1/bars?symbols=AAPL&limit=5")["bars"]
    assert hub.get("/readyz")["status"] == "ok"
    code, output, errors = hub.stop()
    assert (code, output) == (0, "")
    assert "Traceback" not in errors


def test_a_killed_replay_reports_the_same_totals(
    tmp_path: Path, recording: tuple[Path, Content], started: list[Hub]
) -> None:
    """SIGKILL after some ticks, then `--exit`: the JSON line of an undisturbed run, but for the time."""
    path, content = recording
    data = tmp_path / "data"
    cut = Hub("replay", str(path), "--speed", "400", "--data", str(data))
    started.append(cut)
    deadline = time.monotonic() + SECONDS_MAX
    seen = 0
    while seen < 100 and time.monotonic() < deadline:
        try:
            seen = cut.get("/v1/marks")["accepted"]
        except OSError:
            time.sleep(0.02)
    assert 100 <= seen < sum(content.messages.values()), "the kill must interrupt something"
    os.kill(cut.process.pid, signal.SIGKILL)
    lines = []
    for folder in (data, tmp_path / "undisturbed"):
        hub = Hub("replay", str(path), "--speed", "max", "--data", str(folder), "--exit")
        started.append(hub)
        output, errors = hub.process.communicate(timeout=SECONDS_MAX)
        assert hub.process.returncode == 0, errors
        line = json.loads(output)
        assert line.pop("seconds") > 0
        lines.append(line)
    assert lines[0] == lines[1]
    assert lines[0]["decoded"] == content.messages
    assert lines[0]["stored"] == lines[0]["published"]
    assert lines[0]["symbols"] == content.symbols


def test_a_second_process_on_the_same_folder_is_refused(
    tmp_path: Path, recording: tuple[Path, Content], started: list[Hub]
) -> None:
    """One line, exit 78, and the first one goes on."""
    path, _ = recording
    first = Hub("replay", str(path), "--speed", "1", "--data", str(tmp_path))
    started.append(first)
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            first.get("/v1/marks")
            break
        except OSError:
            time.sleep(0.02)
    second = Hub("replay", str(path), "--data", str(tmp_path))
    started.append(second)
    _, errors = second.process.communicate(timeout=SECONDS_MAX)
    assert second.process.returncode == 78
    assert len(errors.splitlines()) == 1
    assert "another tapewire" in errors
    assert first.get("/healthz")["status"] in ("ok", "degraded")


def test_a_recording_that_is_none_ends_with_one_line(tmp_path: Path, started: list[Hub]) -> None:
    """Exit 78, no traceback."""
    path = tmp_path / "none.pcap"
    path.write_bytes(b"this is no capture" * 100)
    hub = Hub("replay", str(path), "--data", str(tmp_path / "data"), "--exit")
    started.append(hub)
    _, errors = hub.process.communicate(timeout=SECONDS_MAX)
    assert hub.process.returncode == 78
    assert "none.pcap" in errors
    assert "Traceback" not in errors


def test_a_demo_prints_its_address_and_serves_a_live_market(started: list[Hub]) -> None:
    """On stdout nothing but the address; ticks come; SIGINT ends it with 0 and its folder is gone."""
    hub = Hub("demo", "--symbols", "4", "--rate", "500", "--no-browser")
    started.append(hub)
    assert hub.process.stdout is not None
    assert hub.process.stdout.readline() == f"http://127.0.0.1:{hub.port}/\n"
    marks = hub.until_stored(200, everything=False)
    assert marks["e"] == 1
    page = hub.get("/v1/trades?symbols=AAPL,MSFT,SPY,TSLA&limit=5")
    assert {row["source"] for row in page["trades"]} == {"sim"}
    code, output, errors = hub.stop(signal.SIGINT)
    assert (code, output) == (0, "")
    assert "Traceback" not in errors
    assert f"tapewire tail AAPL MSFT --url http://127.0.0.1:{hub.port}" in errors


def test_garbage_is_looked_for_seldom_while_the_service_runs() -> None:
    """A look at all subscriptions of all clients would hold everybody up."""

    async def main() -> int:
        return gc.get_threshold()[0]

    before = gc.get_threshold()
    try:
        assert app._run(main()) > 10 * before[0]
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
