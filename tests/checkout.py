"""What the structure tests look at: the checkout's files, packages and modules."""

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = (
    "ticks", "config", "tape", "feeds", "hub", "storage", "alerts", "accounts", "tapewire",
)  # fmt: skip
"""The packages of the hub, one folder each."""
CLIENT: Final = "tapewire_client"
"""The Python client: shipped with the hub, and as a distribution of its own."""
CLIENT_FOLDER: Final = Path("clients/python")
SHIPPED: Final = (*PACKAGES, CLIENT)
"""Every package that is in the wheel."""


def folder(package: str) -> Path:
    """Where a package's modules are, relative to the checkout."""
    return CLIENT_FOLDER / CLIENT if package == CLIENT else Path(package)


def files() -> list[Path]:
    """Every file that is or would be committed, relative to the checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    return sorted(Path(name) for name in set(listing.split("\0")) if name and (ROOT / name).is_file())


def text_files() -> list[tuple[Path, str]]:
    """Every file of `files` that is UTF-8 text, with its content."""
    found = []
    for path in files():
        try:
            found.append((path, (ROOT / path).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their name inside it (`iex.transport`), without `__init__`."""
    base = ROOT / folder(package)
    found = {}
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        if parts[-1] != "__init__":
            found[".".join(parts)] = path
    return found
