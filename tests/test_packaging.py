"""What is shipped: a wheel with all packages, whose generic names collide with nobody's."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from typing import Final

import pytest

from tests import checkout

PROJECT: Final = tomllib.loads((checkout.ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=checkout.ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def owners(name: str) -> set[str]:
    """The installed distributions that ship the top-level module `name`, other than tapewire."""
    return {dist.lower() for dist in importlib.metadata.packages_distributions().get(name, ())} - {"tapewire"}


@pytest.mark.parametrize("package", checkout.PACKAGES)
def test_no_dependency_ships_a_package_of_our_name(package: str) -> None:
    """Our generic names (`config`, `feeds`, `hub` …) stay ours in an environment of our own."""
    assert not owners(package), f"{owners(package)} ships {package!r} too: one would shadow the other"
    assert package not in sys.stdlib_module_names


def test_the_search_for_owners_finds_one() -> None:
    """The guard would see a distribution that ships one of our names."""
    assert owners("msgspec") == {"msgspec"}


def test_the_wheel_holds_every_module_and_nothing_else(wheel_names: list[str]) -> None:
    """All modules of all packages are shipped; tests, proofs and scripts are not."""
    shipped = {name for name in wheel_names if ".dist-info/" not in name}
    modules = {
        str(path) for path in checkout.files() if path.parts[0] in checkout.PACKAGES and path.suffix == ".py"
    }
    assert {name for name in shipped if name.endswith(".py")} == modules
    assert {name.split("/")[0] for name in shipped} == set(checkout.PACKAGES)


def test_the_wheel_holds_the_files_of_the_page(wheel_names: list[str]) -> None:
    """What is no module is shipped too: `/` is served from the package."""
    written = {str(path) for path in checkout.files() if path.parts[:2] == ("tapewire", "static")}
    assert written
    assert written <= set(wheel_names)


@pytest.mark.parametrize("package", checkout.PACKAGES)
def test_the_wheel_says_that_each_package_is_typed(package: str, wheel_names: list[str]) -> None:
    """`py.typed` travels with each package, so that users' type checkers read our annotations."""
    assert f"{package}/py.typed" in wheel_names


def test_the_wheel_holds_the_licence_and_the_command(wheel_names: list[str]) -> None:
    """The licence text and the console script `tapewire` are in the wheel."""
    assert [name for name in wheel_names if name.endswith("/licenses/LICENSE")]
    assert [name for name in wheel_names if name.endswith("/entry_points.txt")]
    assert PROJECT["scripts"] == {"tapewire": "tapewire.cli:main"}
    assert (checkout.ROOT / "LICENSE").read_text().strip().startswith("Apache License")


def pins() -> dict[str, str]:
    """Distribution → version in constraints.txt."""
    lines = (checkout.ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def requirements() -> list[str]:
    """The names of everything that pyproject.toml asks for, extras included."""
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    matches = [re.match(r"[A-Za-z0-9._-]+", text) for text in [*PROJECT["dependencies"], *extras]]
    return sorted({match.group().lower().replace("_", "-") for match in matches if match})


def test_each_dependency_is_pinned() -> None:
    """constraints.txt names one version of everything that pyproject.toml asks for."""
    assert set(requirements()) <= set(pins()), "add the missing ones to constraints.txt"


def test_pins_are_plain() -> None:
    """constraints.txt holds `name==version` lines alone, sorted, so that a change is easy to read."""
    lines = (checkout.ROOT / "constraints.txt").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert odd == []
    assert list(pins()) == sorted(pins())


def test_what_is_installed_is_what_is_pinned() -> None:
    """The tests run against the versions in constraints.txt, not against others."""
    installed = {
        dist.metadata["Name"].lower().replace("_", "-"): dist.version
        for dist in importlib.metadata.distributions()
    }
    other = {name: installed[name] for name, pin in pins().items() if installed.get(name, pin) != pin}
    assert other == {}, "run `make clean test`, or change the pins"
