"""`tapewire alert` and `tapewire watch` against a real demo, and what they refuse."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapewire.cli import main
from tests.tapewire.test_app import SECONDS_MAX, Hub


@pytest.fixture(scope="module")
def demo() -> Iterator[Hub]:
    """A demo that trades."""
    hub = Hub("demo", "--symbols", "4", "--rate", "200", "--no-browser")
    try:
        hub.until_stored(100, everything=False)
        yield hub
    finally:
        hub.stop()


def told(demo: Hub, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines that a command prints on stdout; it ends with 0."""
    capsys.readouterr()
    code = main([*arguments, "--url", f"127.0.0.1:{demo.port}"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return printed.out.splitlines()


def test_an_alert_is_put_listed_and_removed(demo: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """By name it is replaced; by id or name it is removed."""
    (line,) = told(demo, capsys, "alert", "add", "AAPL", "above", "999999", "--name", "far-off")
    alert_id = line.split()[0]
    assert line.endswith("AAPL last >= 999999 (far-off)")
    (replaced,) = told(demo, capsys, "alert", "add", "AAPL", "above 888888", "--name", "far-off", "--json")
    assert (json.loads(replaced)["id"], json.loads(replaced)["rev"]) == (alert_id, 2)
    (other,) = told(demo, capsys, "alert", "add", "MSFT", "bid", "below", "0.01")
    assert len(told(demo, capsys, "alert", "ls")) == 2
    (listed,) = told(demo, capsys, "alert", "ls", "--symbol", "AAPL", "--json")
    assert json.loads(listed)["when"]["level"] == "888888"
    assert told(demo, capsys, "alert", "rm", "far-off", other.split()[0]) == []
    assert told(demo, capsys, "alert", "ls") == []


def test_what_the_hub_refuses_is_told_in_one_line(demo: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1, as is a hub that is not there."""
    hub = f"127.0.0.1:{demo.port}"
    for arguments in (
        ["add", "AAPL", "above", "-5"],
        ["rm", "nothing"],
        ["ls", "--token", "other"],
    ):
        assert main(["alert", *arguments, "--url", hub]) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), err[:10]) == ("", 1, "tapewire: ")
    assert main(["watch", "--url", "127.0.0.1:1"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        "alert add AAPL",
        "alert add AAPL size",
        "alert add AAPL above 5 --if-true never",
        "alert rm",
        "alert ls --url ftp://x",
        "watch --since -1",
        "watch AAPL",
    ],
)
def test_what_is_not_understood_exits_with_2(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a word on stderr, and nothing on stdout."""
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert (out, bool(err)) == ("", True)


def test_every_help_starts_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout."""
    for command in ("alert", "alert add", "alert ls", "alert rm", "watch"):
        assert main([*command.split(), "--help"]) == 0
        assert capsys.readouterr().out.startswith("Example: tapewire " + command)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_ring_of_the_demo_is_printed_by_watch(
    demo: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path, number: signal.Signals
) -> None:
    """As a whole line while it runs; a signal ends it with 0."""
    url = f"127.0.0.1:{demo.port}"
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as stdout, err.open("w") as stderr:
        command = [sys.executable, "-P", "-m", "tapewire", "watch", "--json", "--url", url]
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    try:
        until(lambda: "watching" in err.read_text(), process)
        (line,) = told(demo, capsys, "alert", "add", "AAPL", "mid above 0.01", "--if-true", "fire")
        until(lambda: line.split()[0] in out.read_text(), process)
        process.send_signal(number)
        assert process.wait(SECONDS_MAX) == 0
    finally:
        process.kill()
        process.wait()
    rings = [json.loads(line) for line in out.read_text().splitlines()]
    assert [ring["alert"] for ring in rings] == [line.split()[0]]
    assert rings[0]["proof"]["tick"]["symbol"] == "AAPL"
    assert "Traceback" not in err.read_text()


def until(condition: object, process: "subprocess.Popen[bytes]") -> None:
    """Wait for something to be so while a process runs."""
    assert callable(condition)
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
