"""The shape of the project: cores and shells, a test module for each module, files of a readable size."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests import checkout, purity

LONGEST_FILE_LINES: Final = 500
LONG_FILES: Final[dict[str, str]] = {}
"""Files that may be longer, each with its reason."""

UNTESTED_MODULES: Final[dict[str, str]] = {}
"""Modules without a test module of their own, each with its reason."""

TESTED_PACKAGES: Final = (*checkout.SHIPPED, "proofs", "scripts")

# Taken apart, so that this file does not hold what it forbids.
MACHINE_PATH: Final = re.compile(r"(?<![\w.~}\])])/(?:root|work|home|farm|tmp|opt/wheels|Users)" + "/")
REGISTRY: Final = re.compile("pypi" + r"\.org|python" + "hosted|npmjs" + r"\.(?:org|com)|index" + "-url")


def layout(package: str) -> dict[str, list[str]]:
    """The lists under `Cores:` and `Shells:` in the docstring of a package's `__init__`."""
    docstring = (
        ast.get_docstring(ast.parse((checkout.ROOT / checkout.folder(package) / "__init__.py").read_text()))
        or ""
    )
    lists = {}
    for heading in ("Cores", "Shells"):
        match = re.search(rf"^{heading}: (.+?)\.$", docstring, re.MULTILINE | re.DOTALL)
        assert match, (
            f"{package}/__init__.py: its docstring needs a line '{heading}: name, name.' (or 'none')"
        )
        names = [name.strip() for name in match.group(1).split(",")]
        lists[heading] = [] if names == ["none"] else names
    return lists


def listed_as(package: str, module: str) -> list[str]:
    """Under which headings `module` is listed, by its own name or by that of a sub-package around it."""
    parts = module.split(".")
    names = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return [heading for heading, listed in layout(package).items() for name in listed if name in names]


def cores() -> Iterator[tuple[str, Path]]:
    """Every core of the shipped packages: its full name and its file."""
    for package in checkout.SHIPPED:
        for module, path in checkout.modules(package).items():
            if listed_as(package, module) == ["Cores"]:
                yield f"{package}.{module}", path


@pytest.mark.parametrize("package", checkout.SHIPPED)
def test_each_module_is_listed_once_as_a_core_or_a_shell(package: str) -> None:
    """The docstring of a package sorts all its modules into cores and shells."""
    modules = checkout.modules(package)
    for module in modules:
        headings = listed_as(package, module)
        assert len(headings) == 1, (
            f"{package}/__init__.py: add {module!r} to the line 'Cores: …' (does no I/O, reads no clock, "
            f"never waits) or 'Shells: …' of its docstring, exactly once; now under {headings or 'none'}"
        )
    for heading, listed in layout(package).items():
        for name in listed:
            known = any(module == name or module.startswith(f"{name}.") for module in modules)
            assert known, f"{package}/__init__.py: {heading} lists {name!r}, which does not exist"


@pytest.mark.parametrize("package", checkout.SHIPPED)
def test_cores_reach_nothing_outside(package: str) -> None:
    """A core does no I/O, reads no clock and never waits."""
    found = [
        f"{path.relative_to(checkout.ROOT)}:{impurity}"
        for name, path in cores()
        if name.startswith(f"{package}.")
        for impurity in purity.impurities(path.read_text())
    ]
    assert not found, "\n".join(found)


def test_cores_import_no_shell_of_ours() -> None:
    """I/O does not come in by the back door of an own module that does it."""
    shells = {
        f"{package}.{module}"
        for package in checkout.SHIPPED
        for module in checkout.modules(package)
        if listed_as(package, module) == ["Shells"]
    }
    for core, path in cores():
        for line, imported in purity.imports(ast.parse(path.read_text())):
            brought = {imported, imported.rpartition(".")[0]} & shells
            assert not brought, (
                f"{path.relative_to(checkout.ROOT)}:{line}: the core {core} imports the shell {brought}"
            )


@pytest.mark.parametrize("package", TESTED_PACKAGES)
def test_each_module_has_its_test_module(package: str) -> None:
    """`feeds/pcap.py` is tested by `tests/feeds/test_pcap.py`, not by accident from elsewhere."""
    for module, path in checkout.modules(package).items():
        name = str(path.relative_to(checkout.ROOT))
        *folders, last = module.split(".")
        twin = Path("tests", package, *folders, f"test_{last}.py")
        exists = (checkout.ROOT / twin).is_file()
        assert exists or name in UNTESTED_MODULES, f"{name} has no test module: write {twin}"
        assert not (exists and name in UNTESTED_MODULES), f"{name} is tested: remove it from UNTESTED_MODULES"


def test_each_folder_of_tests_is_a_package() -> None:
    """Without its `__init__`, `tests/feeds` would be imported as `feeds`."""
    folders = {path.parent for path in checkout.files() if path.parts[0] == "tests" and path.suffix == ".py"}
    missing = [str(folder) for folder in folders if not (checkout.ROOT / folder / "__init__.py").is_file()]
    assert not missing, f"these need an __init__.py: {missing}"


def test_each_test_says_in_a_docstring_what_behaviour_it_holds() -> None:
    """The list of tests with their docstrings reads as the specification."""
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in checkout.files()
        if path.name.startswith("test_") and path.suffix == ".py"
        for node in ast.walk(ast.parse((checkout.ROOT / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "without a docstring:\n" + "\n".join(silent)


def test_no_file_grows_beyond_what_one_can_read() -> None:
    """A source file has at most 500 lines, unless a reason is listed."""
    for path, text in checkout.text_files():
        if path.suffix not in {".py", ".sh", ".ts", ".js"}:
            continue
        lines = text.count("\n")
        long, listed = lines > LONGEST_FILE_LINES, str(path) in LONG_FILES
        assert not long or listed, f"{path} has {lines} lines: split it, or list it with a reason"
        assert long or not listed, f"{path} has only {lines} lines: remove it from LONG_FILES"


def test_no_file_names_a_machine_or_a_registry() -> None:
    """What is committed works on any machine, from any package registry."""
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in checkout.text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line) or REGISTRY.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_search_for_machine_paths_finds_them() -> None:
    """The patterns match what they are meant to match and nothing ordinary."""
    home, web = "/ro" + "ot/x", "https://example.com/wo" + "rk/x"
    assert MACHINE_PATH.search(f'path = "{home}"')
    assert not MACHINE_PATH.search(web)
    assert REGISTRY.search("https://py" + "pi.org/simple")
