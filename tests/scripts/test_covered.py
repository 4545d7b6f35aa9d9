"""Which cores are not covered wholly, by a report of coverage.py."""

import json
import subprocess
import sys

from scripts.covered import File, Report, Summary, shortfalls
from tests import checkout

WHOLE = File(Summary(100.0), [], [])


def test_cores_that_are_covered_are_not_told_of() -> None:
    """Nor are shells, whatever is missing there."""
    assert shortfalls(Report({"a.py": WHOLE, "shell.py": File(Summary(1.0), [1])}), ["a.py"]) == []


def test_what_is_missing_is_named() -> None:
    """Lines, branches, and cores that no test has imported."""
    report = Report({"a.py": File(Summary(97.25), [7], [[3, 9]]), "b.py": WHOLE})
    assert shortfalls(report, ["c.py", "b.py", "a.py"]) == [
        "a.py: 97.2 %, not 7, 3→9", "c.py: was not measured",
    ]  # fmt: skip


def test_a_long_list_is_cut() -> None:
    """Thirteen lines are shown as twelve and a sign."""
    (line,) = shortfalls(Report({"a.py": File(Summary(0.0), list(range(13)))}), ["a.py"])
    assert line.endswith("10, 11 …")


def test_the_command_fails_when_a_core_is_missing() -> None:
    """It knows the cores of this project."""
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.covered"], cwd=checkout.ROOT,
        input=json.dumps({"files": {}}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "ticks/codec.py: was not measured" in ended.stdout.splitlines()
