"""The Autobahn test-suite: had on demand, run against servers, and its verdicts compared.

The suite is a Python 2.7 program. It is installed under `var/autobahn`, from the package registry that
`pip` uses; what cannot be had is a `ProofError`, so that the proof falls short and says why.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from proofs.aims import ProofError
from proofs.lib import ROOT, Proof

FOLDER: Final = ROOT / "var" / "autobahn"
VIRTUALENV: Final = "virtualenv==20.15.1"
"""The last that makes an environment for Python 2.7."""
SUITE: Final = "autobahntestsuite==25.10.1"
INSTALL_SECONDS: Final = 300
RANK: Final = {"OK": 0, "INFORMATIONAL": 0, "NON-STRICT": 1, "UNIMPLEMENTED": 2, "FAILED": 3}
"""The suite's words, the better ones first; any other is worse than all of these."""
Verdicts = dict[str, dict[str, Any]]
"""Case → what the suite says of it."""


def install(folder: Path = FOLDER) -> Path:
    """The suite's program, installed if it is not there yet.

    Raises:
        ProofError: there is no Python 2.7, or it cannot be installed.
    """
    program, stamp = folder / "venv" / "bin" / "wstest", folder / "installed"
    if stamp.is_file() and stamp.read_text() == SUITE:
        return program
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python, environment = python2()
    boot = folder / "boot"
    _run([python, "-m", "pip", "install", "--quiet", "--target", str(boot), VIRTUALENV], environment)
    venv = folder / "venv"
    _run([python, "-m", "virtualenv", "--quiet", str(venv)], {**environment, "PYTHONPATH": str(boot)})
    _run([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", SUITE], environment)
    shutil.rmtree(boot)
    stamp.write_text(SUITE)
    return program


def python2() -> tuple[str, dict[str, str]]:
    """A Python 2.7 that starts, and the environment in which it does.

    Raises:
        ProofError: there is none.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    python = shutil.which("python2.7")
    if python is not None:
        for version in ("", *_versions()):
            chosen = {**environment, "PYENV_VERSION": version} if version else environment
            tried = subprocess.run([python, "-V"], env=chosen, capture_output=True, check=False)
            if tried.returncode == 0:
                return python, chosen
    raise ProofError("the Autobahn suite needs a python2.7, and there is none")


def run(proof: Proof, program: Path, ports: Mapping[str, int], without: Sequence[str], limit: float) -> None:
    """Run the suite against servers on loopback, by name; `results` has what came of it.

    Raises:
        ProofError: it failed, or took longer than `limit` seconds.
    """
    spec = {
        "outdir": str(proof.folder / "reports"),
        "servers": [{"agent": name, "url": f"ws://127.0.0.1:{port}"} for name, port in ports.items()],
        "cases": ["*"],
        "exclude-cases": list(without),
        "exclude-agent-cases": {},
    }
    path = proof.folder / "spec.json"
    path.write_text(json.dumps(spec))
    child = proof.child(
        str(program), "-m", "fuzzingclient", "-s", str(path),
        environment={"PYTHONPATH": ""}, folder=proof.folder,
    )  # fmt: skip
    status = child.wait(limit)
    if status != 0:
        raise ProofError(f"the suite ended with status {status}: {child.errors[-500:]}")


def results(proof: Proof) -> dict[str, Verdicts]:
    """What the suite said of each server, by name."""
    found: dict[str, Verdicts] = json.loads((proof.folder / "reports" / "index.json").read_text())
    return found


def worse(ours: Verdicts, theirs: Verdicts) -> list[str]:
    """The cases in which ours behaves, or closes, less well than theirs, or was not tried at all."""
    return sorted(
        case
        for case in ours.keys() | theirs.keys()
        if any(
            _rank(ours.get(case, {}).get(what)) > _rank(theirs.get(case, {}).get(what))
            for what in ("behavior", "behaviorClose")
        )
    )


def _rank(word: str | None) -> int:
    return RANK.get(word or "", len(RANK))


def _versions() -> Iterator[str]:
    """Versions under which pyenv has a Python 2.7, where pyenv is in use."""
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        listed = subprocess.run([pyenv, "whence", "python2.7"], capture_output=True, text=True, check=False)
        yield from listed.stdout.split()


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True,
        timeout=INSTALL_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ProofError(f"{' '.join(command[-2:])}: {done.stderr[-500:]}")
