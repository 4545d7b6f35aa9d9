"""What is shipped: a wheel with all packages, whose generic names collide with nobody's."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests import checkout

PROJECT: Final = tomllib.loads((checkout.ROOT / "pyproject.toml").read_text())["project"]


CLIENT: Final = tomllib.loads((checkout.ROOT / checkout.CLIENT_FOLDER / "pyproject.toml").read_text())[
    "project"
]


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def names_in(wheel: Path) -> list[str]:
    """The names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def modules_of(*packages: str) -> set[str]:
    """The names that the modules of these packages have in a wheel."""
    folders = {checkout.folder(package): package for package in packages}
    return {
        str(package / path.relative_to(folder))
        for path in checkout.files()
        if path.suffix == ".py"
        for folder, package in folders.items()
        if path.is_relative_to(folder)
    }


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a freshly built wheel."""
    return names_in(build(checkout.ROOT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def client_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A freshly built wheel of the client alone."""
    return build(checkout.ROOT / checkout.CLIENT_FOLDER, tmp_path_factory.mktemp("client"))


def owners(name: str) -> set[str]:
    """The installed distributions that ship the top-level module `name`, other than tapewire."""
    return {dist.lower() for dist in importlib.metadata.packages_distributions().get(name, ())} - {"tapewire"}


@pytest.mark.parametrize("package", checkout.SHIPPED)
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
    assert {name for name in shipped if name.endswith(".py")} == modules_of(*checkout.SHIPPED)
    assert {name.split("/")[0] for name in shipped} == set(checkout.SHIPPED)


def test_the_wheel_holds_the_files_of_the_page(wheel_names: list[str]) -> None:
    """What is no module is shipped too: `/` is served from the package."""
    written = {str(path) for path in checkout.files() if path.parts[:2] == ("tapewire", "static")}
    assert written
    assert written <= set(wheel_names)


@pytest.mark.parametrize("package", checkout.SHIPPED)
def test_the_wheel_says_that_each_package_is_typed(package: str, wheel_names: list[str]) -> None:
    """`py.typed` travels with each package, so that users' type checkers read our annotations."""
    assert f"{package}/py.typed" in wheel_names


def test_the_wheel_holds_the_licence_and_the_command(wheel_names: list[str]) -> None:
    """The licence text and the console script `tapewire` are in the wheel."""
    assert [name for name in wheel_names if name.endswith("/licenses/LICENSE")]
    assert [name for name in wheel_names if name.endswith("/entry_points.txt")]
    assert PROJECT["scripts"] == {"tapewire": "tapewire.cli:main"}
    assert (checkout.ROOT / "LICENSE").read_text().strip().startswith("Apache License")


def test_the_client_is_shipped_alone_too(client_wheel: Path) -> None:
    """For apps without a hub: the same modules, typed, with the licence, and nothing else."""
    names = names_in(client_wheel)
    shipped = {name for name in names if ".dist-info/" not in name}
    assert shipped == modules_of(checkout.CLIENT) | {f"{checkout.CLIENT}/py.typed"}
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def test_hub_and_client_have_one_version_and_one_licence() -> None:
    """They are released together; the hub's wheel brings the client of its own version."""
    assert CLIENT["version"] == PROJECT["version"]
    licences = [(checkout.ROOT / folder / "LICENSE").read_text() for folder in ("", checkout.CLIENT_FOLDER)]
    assert licences[0] == licences[1]


def test_the_client_works_with_websockets_alone(client_wheel: Path) -> None:
    """As its wheel says: everything is imported, nothing of the hub is found, msgspec is not missed."""
    assert [re.match(r"[\w-]+", text).group() for text in CLIENT["dependencies"]] == ["websockets"]  # type: ignore[union-attr]  # none is empty
    code = (
        "import sys\n"
        "class Alone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {(*checkout.PACKAGES, 'msgspec')}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Alone())\n"
        f"sys.path.insert(0, {str(client_wheel)!r})\n"
        "import tapewire_client\n"
        "from tapewire_client.codec import decoder\n"
        "print(tapewire_client.__file__, decoder('json')(b'[{\"op\":\"mark\"}]'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout == f"{client_wheel}/tapewire_client/__init__.py [{{'op': 'mark'}}]\n"


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
