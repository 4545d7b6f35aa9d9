"""Builds what the fan-out benchmark runs beside our own hub, into `var/benchmarks`.

The load generator and the C program need a C compiler. The peer needs Go, and fetches the library
that it is made of from where Go fetches modules; nothing of it is kept in the project.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proofs.aims import ProofError

NATIVE: Final = Path(__file__).resolve().parent / "native"
OUTPUT: Final = NATIVE.parent.parent / "var" / "benchmarks"
BUILD_SECONDS: Final = 600


class BuildError(ProofError):
    """A program cannot be built here."""


def build_c(name: str) -> Path:
    """Build `native/NAME.c`, if it has changed.

    Raises:
        BuildError: there is no C compiler, or it refuses.
    """
    source = NATIVE / f"{name}.c"
    return _build(name, [source], ["cc", "-O2", "-Wall", "-Wextra", str(source)], NATIVE)


def build_peer() -> Path:
    """Build the peer, if it has changed.

    Raises:
        BuildError: there is no Go, or it refuses, or the library cannot be had.
    """
    folder = NATIVE / "peer"
    return _build("peer", [path for path in folder.iterdir() if path.is_file()], ["go", "build"], folder)


def _build(name: str, sources: Sequence[Path], command: Sequence[str], folder: Path) -> Path:
    program = OUTPUT / name
    if program.exists() and all(source.stat().st_mtime < program.stat().st_mtime for source in sources):
        return program
    if shutil.which(command[0]) is None:
        raise BuildError(f"{name}: {command[0]} is not installed")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    made = OUTPUT / f"{name}.{os.getpid()}"  # somebody else may be running or building the same
    try:
        ended = subprocess.run(
            [*command, "-o", str(made)],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS,
        )  # fmt: skip
        if ended.returncode != 0:
            raise BuildError(f"{name}: {ended.stderr[-2_000:]}")
        made.replace(program)
    except subprocess.TimeoutExpired:
        raise BuildError(f"{name}: not built within {BUILD_SECONDS} s") from None
    finally:
        made.unlink(missing_ok=True)
    return program
