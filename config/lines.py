"""On which line of a TOML text a key stands: `tomllib` does not say, an error message should.

The text is cut into statements, each the shortest run of lines that `tomllib` itself
accepts, so strings and lists over several lines, dotted keys and inline tables are all read
by the one true parser.
"""

import tomllib
from collections.abc import Iterator
from typing import Final

Path = tuple[str | int, ...]
"""Where a value stands: `("accounts", "tokens", 0, "user")`."""

LINES_MAX: Final = 5_000
"""A longer text gets no line numbers: a list over many lines is parsed once per line of it."""


def key_lines(text: str) -> dict[Path, int]:
    """The path of each key and section of a valid TOML text → the line it begins on, from 1."""
    # not splitlines(): only these two end a line in TOML
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > LINES_MAX:
        return {}
    found: dict[Path, int] = {}
    entries: dict[tuple[str, ...], int] = {}  # list of tables → how many entries so far
    prefix: Path = ()
    for number, statement in _statements(lines):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            names = _only_path(parsed)
            if statement.lstrip().startswith("[["):
                entries[names] = entries.get(names, 0) + 1
            prefix = _with_indexes(names, entries)
            found.setdefault(prefix, number)
        else:
            for path in _paths(parsed):
                found.setdefault(prefix + path, number)
    return found


def _statements(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Each statement that holds a key or a header, with the number of its first line."""
    first, pending = 1, ""
    for number, line in enumerate(lines, 1):
        pending = f"{pending}\n{line}" if pending else line
        try:
            parsed = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue  # a value that goes on in the next line
        if parsed:
            yield first, pending
        first, pending = number + 1, ""


def _only_path(parsed: dict[str, object]) -> tuple[str, ...]:
    """The one path of nested single-key tables that a header line parses to."""
    names: list[str] = []
    value: object = parsed
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        names.append(name)
        value = value[0] if isinstance(value, list) else value
    return tuple(names)


def _with_indexes(names: tuple[str, ...], entries: dict[tuple[str, ...], int]) -> Path:
    """A header's path with the index of the newest entry after each list of tables."""
    path: list[str | int] = []
    for depth, name in enumerate(names, 1):
        path.append(name)
        count = entries.get(names[:depth], 0)
        if count:
            path.append(count - 1)
    return tuple(path)


def _paths(value: object) -> Iterator[Path]:
    """Every path below a value, tables in lists included."""
    steps: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = [(index, entry) for index, entry in enumerate(value) if isinstance(entry, dict)]
    for step, below in steps:
        yield (step,)
        for path in _paths(below):
            yield (step, *path)
