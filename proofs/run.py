"""The runner: starts proofs, compares what they show with the aims, and says PASS or SHORT.

    make prove [only=03] [FULL=1] [seed=7] [STRICT=1] [SAVE=1]
    make prove-proofs [only=03]

A proof is an executable `proofs/NN-name`. It knows `--seed N`, `--full`, `--sabotage NAME` and
`--list-sabotages`, talks on standard error, and prints one JSON line on standard output (see
`proofs.aims.Shown`). It gives no verdict: that is given here, so that no proof can flatter
itself. A crash, a time-out, a skip, no JSON or a missing figure are SHORT.
"""

import argparse
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proofs import aims
from proofs.machine import machine

FOLDER: Final = Path(__file__).resolve().parent
RESULTS: Final = FOLDER.parent / "docs" / "results"
PROOF_NAME: Final = re.compile(r"\d\d-[a-z0-9-]+")
GRACE_SECONDS: Final = 15
"""How long a proof that ran out of time may take to end its children."""
ACTED: Final = "sabotage_acted"
"""The counter by which a proof says that the planted defect was reached."""


class Outcome(Struct, frozen=True):
    """What came of one run of one proof."""

    verdicts: list[aims.Verdict]
    shown: aims.Shown | None
    """None when it showed nothing."""

    @property
    def passed(self) -> bool:
        """Whether nothing fell short."""
        return all(verdict.passed for verdict in self.verdicts)


class Runner(Struct, frozen=True):
    """How proofs are run: where they are, what they have to show, short or full, from which seed."""

    folder: Path
    aims: dict[str, aims.ProofAims]
    full: bool
    seed: int
    product: Path = FOLDER.parent
    """Whose packages must stay as they are while a proof runs."""

    def proofs(self, only: str) -> list[Path]:
        """The proofs whose name begins with `only`, in order."""
        found = (path for path in self.folder.iterdir() if PROOF_NAME.fullmatch(path.name))
        return sorted(path for path in found if path.name.startswith(only) and os.access(path, os.X_OK))

    def run(self, proof: Path, sabotage: str = "") -> Outcome:
        """Run one proof and judge it."""
        wanted = self.aims.get(proof.name)
        if wanted is None:
            return Outcome(aims.failed(proof.name, "has no entry in aims.toml"), None)
        options = ["--seed", str(self.seed), *(["--full"] if self.full else [])]
        if sabotage:
            options += ["--sabotage", sabotage]
        before = sources(self.product)
        try:
            shown = _parse(_output(proof, options, wanted.limit_seconds(self.full)))
        except aims.ProofError as error:
            return Outcome(aims.failed(proof.name, str(error)), None)
        if changed := before ^ sources(self.product):
            # Its processes may have loaded anything in between: neither PASS nor SHORT would mean much.
            name = min(path for path, _ in changed)
            return Outcome(aims.failed(proof.name, f"{name} was changed while it ran"), None)
        return Outcome(aims.judge(proof.name, wanted, shown, self.full), shown)

    def sabotages(self, proof: Path) -> list[str]:
        """The planted defects that a proof knows.

        Raises:
            ProofError: it cannot list them.
        """
        return _output(proof, ["--list-sabotages"], 60).split()

    def unnoticed(self, proof: Path, sabotage: str) -> str:
        """Why the proof did not notice a planted defect; empty when it did.

        A crash is no notice: it would make a defect that could not be planted look found.
        """
        outcome = self.run(proof, sabotage)
        if outcome.shown is None:
            return f"showed nothing: {outcome.verdicts[0].figure}"
        if outcome.shown.counters.get(ACTED, 0) < 1:
            return "the defect never acted"
        if outcome.passed:
            return "every figure was met all the same"
        return ""


def sources(product: Path) -> set[tuple[str, int]]:
    """The sources of the product's packages, with the time when each was changed, ns."""
    packages = (typed.parent for typed in product.glob("*/py.typed"))
    files = (path for package in packages for path in package.rglob("*.py"))
    return {(str(path.relative_to(product)), path.stat().st_mtime_ns) for path in files}


def _output(proof: Path, options: Sequence[str], limit_seconds: float) -> str:
    """What a proof prints on standard output; its temporary files are removed, however it ends.

    Raises:
        ProofError: it failed, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="tapewire-proof-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, str(proof), *options]
        environment = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env=environment, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                output, _ = process.communicate(timeout=limit_seconds)
            except subprocess.TimeoutExpired:
                raise aims.ProofError(f"took longer than {limit_seconds} s") from None
            finally:
                _end(process)
    if process.returncode != 0:
        raise aims.ProofError(f"ended with status {process.returncode}")
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End a proof that still runs, and whatever it left in its own session."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with suppress(ProcessLookupError):  # it left nothing behind
        os.killpg(process.pid, signal.SIGKILL)


def _parse(output: str) -> aims.Shown:
    lines = output.splitlines()
    if len(lines) != 1:
        raise aims.ProofError(f"printed {len(lines)} lines instead of one")
    try:
        return msgspec.json.decode(lines[0], type=aims.Shown)
    except msgspec.MsgspecError as error:
        raise aims.ProofError(f"printed no figures: {error}") from error


def prove(runner: Runner, only: str, save: Path | None) -> bool:
    """Run the proofs, print a line per figure; whether all passed."""
    passed = True
    proofs = runner.proofs(only)
    if not proofs:
        print(f"SHORT no proof named {only}* (at least one proof) seed={runner.seed} {machine()}")
    for proof in proofs:
        started = time.monotonic()
        outcome = runner.run(proof)
        lines = [f"{verdict} seed={runner.seed} {machine()}" for verdict in outcome.verdicts]
        print(*lines, sep="\n", flush=True)
        seconds = time.monotonic() - started
        counters = outcome.shown.counters if outcome.shown is not None else {}
        told = " ".join(f"{name}={value}" for name, value in counters.items())
        print(f"  {proof.name}: {seconds:.0f} s {told}", file=sys.stderr, flush=True)
        if save is not None:
            _save(save / f"{proof.name}.txt", lines, runner.full)
        passed = passed and outcome.passed
    return passed and bool(proofs)


def prove_proofs(runner: Runner, only: str) -> bool:
    """Plant every defect of every proof, print a line for each; whether all were noticed."""
    noticed_all = True
    for proof in runner.proofs(only):
        try:
            sabotages = runner.sabotages(proof)
            why = "" if sabotages else "knows no sabotage"
        except aims.ProofError as error:
            sabotages, why = [], str(error)
        if why:
            print(f"UNNOTICED {proof.name}: {why}", flush=True)
            noticed_all = False
        for sabotage in sabotages:
            why = runner.unnoticed(proof, sabotage)
            told = f"UNNOTICED {proof.name} {sabotage}: {why}" if why else f"NOTICED {proof.name} {sabotage}"
            print(f"{told} seed={runner.seed}", flush=True)
            noticed_all = noticed_all and not why
    return noticed_all


def end_when_told() -> None:
    """Let SIGTERM end this process as an error would: the proof that runs is ended with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _save(path: Path, lines: Sequence[str], full: bool) -> None:
    """Append a run's lines to the proof's file of results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    with path.open("a") as file:
        file.write("\n".join((f"{date}, {'full' if full else 'short'} form", *lines, "", "")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 when all proofs could be run, whatever they showed."""
    parser = argparse.ArgumentParser(prog="proofs.run", description="Run the proofs and judge them.")
    parser.add_argument("--only", default="", metavar="NN", help="only proofs whose name begins so")
    parser.add_argument("--full", action="store_true", help="the full form, which takes long")
    parser.add_argument("--seed", type=int, help="repeat a run with its seed; drawn otherwise")
    parser.add_argument("--strict", action="store_true", help="end with status 1 when anything is SHORT")
    parser.add_argument("--save", action="store_true", help="append the lines to docs/results/")
    parser.add_argument("--sabotages", action="store_true", help="plant each proof's defects instead")
    given = parser.parse_args(arguments)
    end_when_told()
    try:
        wanted = aims.load(FOLDER / "aims.toml")
    except aims.AimsError as error:
        print(error, file=sys.stderr)
        return 2
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    runner = Runner(FOLDER, wanted, given.full, seed)
    if given.sabotages:
        return 0 if prove_proofs(runner, given.only) else 1
    passed = prove(runner, given.only, RESULTS if given.save else None)
    return 0 if passed or not given.strict else 1


if __name__ == "__main__":
    sys.exit(main())
