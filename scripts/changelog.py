"""Gather the notes of changes into a section of the changelog: `python -m scripts.changelog VERSION DATE`.

Prints the section, newest issue first; with `--write` puts it in front of the others in CHANGELOG.md and
removes the notes. What a note looks like: changes/README.md.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from msgspec import Struct

ROOT: Final = Path(__file__).resolve().parent.parent
NOTE: Final = re.compile(r"(\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
HEAD: Final = "# Changelog\n"


class Note(Struct, frozen=True):
    """One note of a change."""

    issue: int
    name: str
    text: str


class ChangelogError(Exception):
    """The section cannot be made; the message says why."""


def read_notes(folder: Path) -> list[Note]:
    """The notes in a folder, by issue, then name.

    Raises:
        ChangelogError: a file is no note.
    """
    notes = []
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        match = NOTE.fullmatch(path.name)
        text = path.read_text(encoding="utf-8").strip()
        if match is None or not text:
            raise ChangelogError(f"{path.name} is no note: call it NNN-short-name.md, and say something")
        notes.append(Note(int(match[1]), match[2], text))
    return notes


def section(version: str, day: date, notes: Iterable[Note]) -> str:
    """The section of one release; links lead from the project's folder.

    Raises:
        ChangelogError: no notes, or a version that is none.
    """
    if VERSION.fullmatch(version) is None:
        raise ChangelogError(f"{version} is no version such as 0.2.0")
    newest_first = sorted(notes, key=lambda note: (-note.issue, note.name))
    if not newest_first:
        raise ChangelogError("there are no notes: nothing has changed for a user")
    lines = [f"* {_one_line(note.text)}" for note in newest_first]
    return f"## {version} ({day.isoformat()})\n\n" + "\n".join(lines) + "\n"


def with_section(changelog: str, made: str) -> str:
    """A changelog with a section in front of the others.

    Raises:
        ChangelogError: it has one of this version.
    """
    heading = made.partition(" (")[0]
    if any(line.startswith(f"{heading} (") for line in changelog.splitlines()):
        raise ChangelogError(f"the changelog has {heading.removeprefix('## ')} already")
    rest = changelog.removeprefix(HEAD).strip("\n")
    return "\n".join([HEAD, made, *([rest, ""] if rest else [])]).rstrip("\n") + "\n"


def _one_line(text: str) -> str:
    # Notes link from their own folder; the changelog stands one above.
    return re.sub(r"\]\(\.\./", "](", " ".join(text.split()))


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="scripts.changelog", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("date", type=date.fromisoformat)
    parser.add_argument("--write", action="store_true", help="change CHANGELOG.md, and remove the notes")
    given = parser.parse_args(arguments)
    changelog = root / "CHANGELOG.md"
    try:
        notes = read_notes(root / "changes")
        made = section(given.version, given.date, notes)
        if not given.write:
            sys.stdout.write(made)
            return 0
        before = changelog.read_text(encoding="utf-8") if changelog.exists() else HEAD
        changelog.write_text(with_section(before, made), encoding="utf-8")
    except ChangelogError as error:
        print(error, file=sys.stderr)
        return 1
    for note in notes:
        (root / "changes" / f"{note.issue:03}-{note.name}.md").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
