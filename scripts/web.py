"""Build the page from `web/` into `tapewire/static/`, or check that what lies there was built from it.

    python -m scripts.web build
    python -m scripts.web check

Needs Node 20.19 or newer and a package registry. The built files are committed, so nothing else
needs either: without one of them, `check` says loudly that it has checked nothing, and succeeds.

BuildFailed
└── ToolsMissing   the registry cannot be reached, so there is nothing to build with
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "web"
BUILT: Final = ROOT / "tapewire" / "static"
LIMIT_SECONDS: Final = 300
NODE_MIN: Final = (20, 19)
COMPRESSED: Final = (".br", ".gz")
"""Suffixes of files that another version of Node may compress to other bytes: they are compared unpacked."""
UNREACHABLE: Final = re.compile(
    r"\b(E401|E403|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT)\b"
)
"""What npm says when it gets no answer, or none that is meant for us."""
UNPACK: Final = (
    "const fs = require('fs'), zlib = require('zlib');"
    "const data = fs.readFileSync(process.argv[1]);"
    "const unpack = process.argv[1].endsWith('.br') ? zlib.brotliDecompressSync : zlib.gunzipSync;"
    "process.stdout.write(unpack(data));"
)


class BuildFailed(Exception):
    """The page could not be built; the message is what the tool said."""


class ToolsMissing(BuildFailed):
    """What builds the page cannot be had here and now."""


def node_version() -> tuple[int, ...]:
    """The version of Node in `PATH`; empty when there is none, or no npm beside it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return ()
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split(".")[:2])


def install(source: Path = SOURCE) -> None:
    """Install what the lock file names, unless that has been done.

    Raises:
        ToolsMissing: the registry cannot be reached.
        BuildFailed: it refuses what the lock file says.
    """
    stamp = source / "node_modules" / ".installed"
    with (source / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests in several processes may ask at once
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        try:
            _run(["npm", "ci", "--include=dev", "--ignore-scripts", "--loglevel=error"], source)
        except BuildFailed as error:
            if UNREACHABLE.search(str(error)):
                raise ToolsMissing(str(error)) from error
            raise
        stamp.write_text(wanted)


def build(into: Path, source: Path = SOURCE) -> None:
    """Build the page into a folder, which holds nothing else afterwards.

    Raises:
        BuildFailed: types or syntax are wrong, or the tools cannot be had.
    """
    install(source)
    _run(["node", "node_modules/typescript/bin/tsc", "--noEmit"], source)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        _run(["node", "node_modules/vite/bin/vite.js", "build", "--outDir", str(made)], source)
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(made / "static", into)
        shutil.copy(made / "page.html", into)


def build_modules(into: Path, source: Path = SOURCE) -> None:
    """Turn the pure modules into JavaScript, one file each, for tests that drive them in Node.

    Raises:
        BuildFailed: as `build`.
    """
    install(source)
    compiler = ["node", "node_modules/typescript/bin/tsc", "-p", "tsconfig.modules.json"]
    _run([*compiler, "--outDir", str(into)], source)
    (into / "package.json").write_text('{"type": "module"}\n')


def differences(fresh: Path, committed: Path) -> list[str]:
    """How two folders of built files differ, one line a file; compressed files by what is in them."""
    names = {path.name for folder in (fresh, committed) for path in folder.iterdir() if path.is_file()}
    found = []
    for name in sorted(names):
        one, other = fresh / name, committed / name
        if not other.exists():
            found.append(f"{name} is missing")
        elif not one.exists():
            found.append(f"{name} is left over")
        elif _content(one) != _content(other):
            found.append(f"{name} differs")
    return found


def check(committed: Path = BUILT, source: Path = SOURCE) -> list[str]:
    """What is wrong with the committed files, one line a file; none when they are what is built.

    Raises:
        BuildFailed: as `build`.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh"
        build(fresh, source)
        return differences(fresh, committed)


def main(arguments: Sequence[str]) -> int:
    """Do what is named on the command line; 1 when it failed, 2 when it is not known."""
    if list(arguments) not in (["build"], ["check"]):
        print("python -m scripts.web build|check", file=sys.stderr)
        return 2
    if node_version() < NODE_MIN:
        print(
            "SKIPPED: the page was not built again and not compared: no Node 20.19 with npm here",
            file=sys.stderr,
        )
        return 0 if arguments[0] == "check" else 1
    try:
        if arguments[0] == "build":
            build(BUILT)
            return 0
        wrong = check()
    except ToolsMissing as error:
        print(f"SKIPPED: the page was not built again and not compared: {error}", file=sys.stderr)
        return 0 if arguments[0] == "check" else 1
    except BuildFailed as error:
        print(f"the page cannot be built: {error}", file=sys.stderr)
        return 1
    for line in wrong:
        print(f"tapewire/static: {line}: make page, and commit it", file=sys.stderr)
    return 1 if wrong else 0


def _content(path: Path) -> bytes:
    if path.suffix not in COMPRESSED:
        return path.read_bytes()
    unpacked = subprocess.run(["node", "-e", UNPACK, str(path)], capture_output=True, timeout=LIMIT_SECONDS)
    return unpacked.stdout if unpacked.returncode == 0 else b"not " + path.suffix.encode()


def _run(command: Sequence[str], folder: Path) -> None:
    ended = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_SECONDS,
        env={**os.environ, "NODE_ENV": "production"},
    )  # fmt: skip
    if ended.returncode != 0:
        raise BuildFailed(f"{' '.join(command[:3])}: {(ended.stdout + ended.stderr).strip()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
