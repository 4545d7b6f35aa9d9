"""What the store's own processes share: how they are started, and that they end with their parent.

Settings travel in an environment variable, not in arguments, which everybody on the machine
can read: a store's address may hold a password.
"""

import ctypes
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from config.settings import LogSettings, StorageSettings, TapeSettings

VARIABLE: Final = "TAPEWIRE_STORAGE_PROCESS"
_PR_SET_PDEATHSIG: Final = 1


class ChildSettings(Struct, frozen=True):
    """What a process of the store has to know."""

    storage: StorageSettings
    boot_id_path: str
    """The file that changes with each start of the machine."""
    tape: TapeSettings = TapeSettings()
    """For the writer, which also moves sealed segments into the archive."""
    log: LogSettings = LogSettings()
    """For whoever wires the process: how the service logs."""


def child_command(module: str, data_dir: Path) -> list[str]:
    """The command that runs a module of this package on a data folder."""
    # -P: modules are found where we were installed, not in whatever folder we were started in.
    return [sys.executable, "-P", "-m", module, "--data", str(data_dir.absolute())]


def child_environment(settings: ChildSettings) -> dict[str, str]:
    """The environment for it: ours, and its settings."""
    return {**os.environ, VARIABLE: msgspec.json.encode(settings).decode()}


def settings_from_environment() -> ChildSettings:
    """The settings that our parent gave us; the defaults without one.

    Raises:
        ValueError: the variable holds something else.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return ChildSettings(StorageSettings(), "/proc/sys/kernel/random/boot_id")
    return msgspec.json.decode(text.encode(), type=ChildSettings)


def collect_seldom() -> None:
    """Let the garbage collector look less often: ticks, rows and batches are no cycles.

    Worth 8 % of the writer's rate. What was imported so far is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def end_with_parent(how: signal.Signals) -> None:
    """Have the kernel send us `how` when our parent dies, whatever it dies of.

    Interrupts from the terminal go to the whole group of processes: they are the parent's to
    handle, and what it decides reaches us.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, how)
