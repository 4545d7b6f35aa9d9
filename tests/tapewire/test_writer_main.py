"""The writer process as the service starts it."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from config.settings import LogSettings, StorageSettings
from storage.child import ChildSettings, child_command, child_environment
from tape.marks import Marks
from tape.tape import Tape
from tests.tape.making import SETTINGS, fill
from ticks.times import format_time, parse_time

BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"


def lines_of_a_life(folder: Path, log: LogSettings) -> list[str]:
    """What a writer says that stores a small tape, until the end of its input."""
    tape = Tape(SETTINGS, folder, time.time_ns())
    fill(tape, 20)
    tape.close()
    child = ChildSettings(StorageSettings(), BOOT_ID_PATH, log=log)
    writer = subprocess.Popen(
        child_command("tapewire.writer_main", folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **child_environment(child)},
        text=True,
    )
    marks = Marks(folder)
    deadline = time.monotonic() + 60
    while marks.stored < 20 and writer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    marks.close()
    output, errors = writer.communicate("", timeout=60)
    assert (writer.returncode, output) == (0, "")
    return errors.splitlines()


def test_the_writer_logs_in_the_form_of_the_service(tmp_path: Path) -> None:
    """Time with nanoseconds, level and event come first, as in every line of the main process."""
    lines = [json.loads(line) for line in lines_of_a_life(tmp_path, LogSettings(format="json"))]
    assert [line["event"] for line in lines] == ["writer begins", "writer ends"]
    for line in lines:
        assert list(line)[:3] == ["time", "level", "event"]
        assert format_time(parse_time(line["time"])) == line["time"]


@pytest.mark.parametrize(("log", "count"), [(LogSettings("warning"), 0), (LogSettings(format="text"), 2)])
def test_the_writer_follows_the_settings_of_the_logs(tmp_path: Path, log: LogSettings, count: int) -> None:
    """Less severe lines are left out; text is text."""
    lines = lines_of_a_life(tmp_path, log)
    assert len(lines) == count
    assert not any(line.startswith("{") for line in lines)
