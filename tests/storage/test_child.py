"""Processes of the store: their settings, and their end."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import StorageSettings
from storage.child import VARIABLE, ChildSettings, child_command, child_environment, settings_from_environment

ORPHAN = """
import os, signal, subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-c",
     "import signal, sys; from storage.child import end_with_parent; end_with_parent(signal.SIGKILL); "
     "print('ready', flush=True); signal.pause()"],
    stdout=subprocess.PIPE,
)
child.stdout.readline()
print(child.pid, flush=True)
signal.pause()
"""
"""Starts a child and waits to be killed."""


def test_settings_travel_in_the_environment_and_not_in_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments can be read by everybody on the machine."""
    settings = ChildSettings(StorageSettings(url="cassandra://user:secret@host", readers=7), "/x/boot")
    assert "secret" not in " ".join(child_command("storage.process", tmp_path))
    monkeypatch.setenv(VARIABLE, child_environment(settings)[VARIABLE])
    assert settings_from_environment() == settings


def test_without_settings_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """For somebody who starts a process by hand."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert settings_from_environment().storage == StorageSettings()
    monkeypatch.setenv(VARIABLE, "{")
    with pytest.raises(ValueError, match="truncated"):
        settings_from_environment()


def test_the_collector_looks_seldom_but_still_looks() -> None:
    """Whatever cycles there are go in the end."""
    code = (
        "import gc; from storage.child import collect_seldom; collect_seldom(); "
        "print(gc.isenabled(), gc.get_threshold()[0] > 10_000, gc.get_freeze_count() > 0)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True"] * 3


def test_a_child_dies_with_its_parent() -> None:
    """Also when the parent is killed and can say nothing any more."""
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    try:
        assert _ended(child), "the child lives on"
    finally:
        os.close(child)


def _ended(pidfd: int) -> bool:
    """Wait, at most ten seconds, for the end of a process."""
    return bool(select.select([pidfd], [], [], 10.0)[0])
