"""Run the benchmarks and pass their JSON lines on: `make bench [only=tape]`.

A benchmark is a module of `benchmarks/` that can be run with `python -m` and prints JSON lines,
one for each thing measured, the machine named in each.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "benchmarks"
LIMIT_SECONDS: Final = 900


class BenchmarkFailed(Exception):
    """A benchmark ended with an error, or printed something other than JSON lines."""


def names(only: str, folder: Path = FOLDER) -> list[str]:
    """The benchmarks whose name contains `only`; modules that begin with `_` are none."""
    found = sorted(path.stem for path in folder.glob("*.py") if not path.name.startswith("_"))
    return [name for name in found if only in name]


def lines(name: str, folder: Path = FOLDER) -> Iterator[str]:
    """Run one benchmark and yield its JSON lines.

    Raises:
        BenchmarkFailed: it ended with an error, took too long, or printed anything else.
    """
    try:
        ended = subprocess.run(
            [sys.executable, "-m", f"{folder.name}.{name}"],
            cwd=folder.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            timeout=LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BenchmarkFailed(f"{name} took longer than {LIMIT_SECONDS} s") from None
    if ended.returncode != 0:
        raise BenchmarkFailed(f"{name} ended with status {ended.returncode}")
    for line in ended.stdout.splitlines():
        try:
            json.loads(line)
        except ValueError as error:
            raise BenchmarkFailed(f"{name} printed something that is not JSON: {line[:80]!r}") from error
        yield line


def main(arguments: Sequence[str]) -> int:
    """Run what is named on the command line; 1 when any failed or none was found."""
    chosen = names(arguments[0] if arguments else "")
    status = 0 if chosen else 1
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            for line in lines(name):
                print(line, flush=True)
        except BenchmarkFailed as error:
            print(error, file=sys.stderr, flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
