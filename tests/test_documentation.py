"""Everything that a user can meet is documented: commands, flags, metrics, and what others' tests compare.

Settings: tests/config/test_schema.py. Routes, parameters, problems: tests/tapewire/http/test_routes.py.
Ops, errors, close codes: tests/hub/test_native_protocol_page.py. Fields: tests/ticks/test_keys.py.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest
from cyclopts import App

from config.describe import Setting, settings_of
from config.settings import Settings
from tapewire.cli import app
from tapewire.metrics import PREFIX
from tests import checkout

DOCS: Final = checkout.ROOT / "docs"
FLAG: Final = re.compile(r"--[a-z][a-z-]*")
STANDARD: Final = ("--help", "-h", "--version")


def leaves(one: App, words: tuple[str, ...] = ("tapewire",)) -> Iterator[tuple[str, App]]:
    """Every command that can be run, with the words that run it."""
    names = [name for name in one if name not in STANDARD]
    if not names:
        yield " ".join(words), one
    for name in names:
        yield from leaves(one[name], (*words, name))


COMMANDS: Final = dict(leaves(app))


def flags(one: App) -> set[str]:
    """What it can be told by name; the opposite of a flag is not counted."""
    positive = set()
    for argument in one.assemble_argument_collection():
        names = [name for name in argument.names if name.startswith("--")]
        positive |= set(names[:1])
    return positive


def metrics() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Name as it is scraped → kind, help, labels; of every `Metric(…)` in the sources."""
    found = {}
    for path in checkout.modules("tapewire").values():
        for node in ast.walk(ast.parse((checkout.ROOT / path).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Metric":
                name, kind, told = (ast.literal_eval(argument) for argument in node.args[:3])
                labels = node.args[4] if len(node.args) > 4 else None
                labels = next((word.value for word in node.keywords if word.arg == "labels"), labels)
                suffix = "_total" if kind == "counter" else ""
                values = () if labels is None else ast.literal_eval(labels)
                found[f"{PREFIX}{name}{suffix}"] = (kind, told, values)
    return found


def row(name: str) -> str:
    """The row of a metric."""
    kind, told, labels = metrics()[name]
    return f"| `{name}` | {kind} | {' '.join(f'`{label}`' for label in labels)} | {told} |"


def about(command: str) -> str:
    """The rows of a command in docs/cli.md, and its section."""
    page = (DOCS / "cli.md").read_text()
    rows = [line for line in page.splitlines() if re.search(rf"`{re.escape(command)}[ `]", line)]
    section = page.partition(f"\n## {' '.join(command.split()[:2])}\n")[2].partition("\n## ")[0]
    return "\n".join([*rows, section])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_on_the_page_with_its_flags(command: str) -> None:
    """In docs/cli.md, in a row of the table or in its section."""
    told = about(command)
    assert f"`{command}" in told, f"docs/cli.md does not tell of {command}"
    missing = sorted(
        flag for flag in flags(COMMANDS[command]) if not {flag, f"--no-{flag[2:]}"} & set(FLAG.findall(told))
    )
    assert not missing, f"docs/cli.md: {command} has {missing} too"


def test_commands_are_found() -> None:
    """A search that found none would miss all."""
    assert {"tapewire demo", "tapewire run", "tapewire config check"} <= set(COMMANDS)
    assert "--config" in flags(COMMANDS["tapewire run"])


def test_every_metric_is_on_the_page_and_no_other() -> None:
    """In docs/metrics.md: name, kind, labels, and what it counts, by name."""
    lines = (DOCS / "metrics.md").read_text().splitlines()
    told = [line for line in lines if line.startswith(f"| `{PREFIX}")]
    assert told == [row(name) for name in sorted(metrics())]
    assert len(told) > 20


def test_every_setting_is_on_the_page() -> None:
    """In docs/configuration.md, by its name."""
    page = (DOCS / "configuration.md").read_text()

    def check(settings: tuple[Setting, ...]) -> None:
        for setting in settings:
            name, section = setting.name, setting.section
            if section is None:
                assert f"| `{name}` |" in page
            else:
                check(settings_of(section, name))

    check(settings_of(Settings))
