"""Say which cores the tests leave a line or branch of: `make coverage` runs this last.

Reads the JSON report of coverage.py from stdin. What the whole has to reach is in pyproject.toml.
"""

import sys
from collections.abc import Collection
from typing import Final

import msgspec
from msgspec import Struct

SHOWN_MAX: Final = 12
"""Lines listed of one file."""


class Summary(Struct):
    """What was counted in one file."""

    percent_covered: float


class File(Struct):
    """One file of the report."""

    summary: Summary
    missing_lines: list[int]
    missing_branches: list[list[int]] = []


class Report(Struct):
    """The part of the report that is looked at."""

    files: dict[str, File]


def shortfalls(report: Report, cores: Collection[str]) -> list[str]:
    """A line for each core that is not wholly covered, and for each that the report does not know."""
    told = []
    for core in sorted(cores):
        file = report.files.get(core)
        if file is None:
            told.append(f"{core}: was not measured")
        elif file.missing_lines or file.missing_branches:
            places = [*map(str, file.missing_lines), *(f"{a}→{b}" for a, b in file.missing_branches)]
            more = "" if len(places) <= SHOWN_MAX else " …"
            shown = ", ".join(places[:SHOWN_MAX])
            told.append(f"{core}: {file.summary.percent_covered:.1f} %, not {shown}{more}")
    return told


def main() -> int:
    """Run the command; returns its exit code."""
    from tests.checkout import ROOT
    from tests.test_structure import cores

    report = msgspec.json.decode(sys.stdin.buffer.read(), type=Report)
    told = shortfalls(report, [str(path.relative_to(ROOT)) for _, path in cores()])
    print("\n".join(told) or "every core is covered wholly")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
