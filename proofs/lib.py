"""What proofs share: their one line, a bounded folder, children that are surely ended, HTTP.

A proof is written so:

    #!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
    from proofs.lib import Proof, prove

    def kill(proof: Proof) -> None:
        child = proof.tapewire("replay", str(recording), "--exit")
        …
        proof.figures["missing_rows"] = len(missing)

    if __name__ == "__main__":
        prove(kill, sabotages=("skip-row",))

ProofError
├── Slow            a condition did not come true in its time
├── Unanswered      nobody answers a request, or not to the end
└── Excess          the proof's folder outgrew its bound
"""

import argparse
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

from proofs.aims import ProofError, Value

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = Path(sys.executable).parent / "tapewire"
SABOTAGE_FOLDER: Final = Path(__file__).resolve().parent / "sabotage"
SABOTAGE: Final = "TAPEWIRE_SABOTAGE"
"""Environment variable: the defect to plant, by name."""
TALLY: Final = "TAPEWIRE_SABOTAGE_TALLY"
"""Environment variable: the file to which a planted defect appends a byte each time it acts."""
FOLDER_BYTES_MAX: Final = 4 << 30
POLL_SECONDS: Final = 0.005
T = TypeVar("T")


class Slow(ProofError):
    """A condition did not come true in its time."""


class Unanswered(ProofError):
    """Nobody answers a request, or not to the end."""


class Excess(ProofError):
    """The proof's folder holds more than it may."""


class Child:
    """A process that the proof started, alone in a session of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], output: Path, folder: Path | None = None
    ) -> None:
        self.command = list(command)
        self.output_path = output.with_suffix(".out")
        self.errors_path = output.with_suffix(".err")
        with self.output_path.open("wb") as out, self.errors_path.open("wb") as err:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=dict(environment), cwd=folder, start_new_session=True,
            )  # fmt: skip
        self._gone = False
        """Nothing was left of its session: its number may be a stranger's from now on."""

    @property
    def pid(self) -> int:
        """The process id of the child itself."""
        return self.process.pid

    @property
    def output(self) -> str:
        """What it has written to standard output so far."""
        return self.output_path.read_text(errors="replace")

    @property
    def errors(self) -> str:
        """What it has written to standard error so far."""
        return self.errors_path.read_text(errors="replace")

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def children(self) -> dict[int, str]:
        """The processes below it that still run: process id → command line."""
        return dict(_descendants(self.pid))

    def kill(self) -> None:
        """SIGKILL the child, and it alone; what it had started may live on for a moment."""
        self.process.kill()
        self.process.wait()

    def wait(self, timeout_seconds: float) -> int:
        """Wait for its end; its status, negative when a signal ended it.

        Raises:
            Slow: it still runs after `timeout_seconds`.
        """
        try:
            status = self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise Slow(f"{' '.join(self.command[:3])} … still runs after {timeout_seconds} s") from None
        self._gone = self._gone or not _session(self.pid)
        return status

    def alone(self, timeout_seconds: float = 30) -> None:
        """Wait until nothing is left of its session.

        Raises:
            Slow: something it had started still runs after `timeout_seconds`.
        """
        until(
            lambda: self._gone or not _session(self.pid),
            timeout_seconds,
            f"the end of what {self.pid} started",
        )
        self._gone = True

    def end(self) -> None:
        """End the child and everything in its session, at once; who has ended before is left alone."""
        if self.running():
            self.process.kill()
        self.process.wait()
        if not self._gone:
            for pid in _session(self.pid):
                _signal(pid, signal.SIGKILL)
        self._gone = True


class Proof:
    """One run of a proof: what it was given, what it may use, what it has measured."""

    def __init__(self, seed: int, full: bool, folder: Path) -> None:
        self.seed = seed
        self.full = full
        """Whether the long form is asked for."""
        self.folder = folder
        """An own folder, removed afterwards; bounded by `FOLDER_BYTES_MAX`."""
        self.random = random.Random(seed)
        self.figures: dict[str, Value] = {}
        self.counters: Counter[str] = Counter()
        self.children: list[Child] = []

    def child(
        self, *command: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Child:
        """Start a process (in `folder`, if given); it is ended with the proof at the latest.

        Raises:
            Excess: the folder has outgrown its bound.
        """
        used = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        if used > FOLDER_BYTES_MAX:
            raise Excess(f"{used} bytes in the proof's folder")
        output = self.folder / f"child-{len(self.children)}"
        started = Child(command, {**self.environment(), **(environment or {})}, output, folder)
        self.children.append(started)
        return started

    def tapewire(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start the project's command."""
        return self.child(str(COMMAND), *arguments, environment=environment)

    def environment(self) -> dict[str, str]:
        """The environment for children: ours without settings of tapewire, but with the sabotage."""
        return {name: value for name, value in os.environ.items() if not name.startswith("TAPEWIRE__")}

    def add(self, figure: str, amount: int) -> None:
        """Add to a figure that counts; adding 0 shows it as 0."""
        self.figures[figure] = int(self.figures.get(figure, 0)) + amount

    def tell(self, text: str) -> None:
        """Say something to whoever watches; it counts for nothing."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def line(self) -> str:
        """The one line that the proof prints."""
        counters = dict(self.counters)
        if TALLY in os.environ:
            counters["sabotage_acted"] = _size(Path(os.environ[TALLY]))
        return json.dumps({"figures": self.figures, "counters": counters, "seed": self.seed})


def prove(measure: Callable[[Proof], None], sabotages: Sequence[str] = ()) -> NoReturn:
    """Run a proof from the command line and print its line; ends the process.

    A crash ends with a trace and status 1, and no line: the runner calls that SHORT.
    """
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--sabotage", choices=sabotages)
    parser.add_argument("--list-sabotages", action="store_true")
    given = parser.parse_args()
    if given.list_sabotages:
        print(*sabotages, sep="\n")
        sys.exit(0)
    if given.sabotage and os.environ.get(SABOTAGE) != given.sabotage:
        _restart_with(given.sabotage)
    # A proof that is told to end still removes its folder and ends its children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with proof_folder() as folder:
        proof = Proof(given.seed, given.full, folder)
        try:
            measure(proof)
        finally:
            for child in proof.children:
                child.end()
        line = proof.line()
    if TALLY in os.environ:
        Path(os.environ[TALLY]).unlink(missing_ok=True)
    print(line)
    sys.exit(0)


def _restart_with(sabotage: str) -> NoReturn:
    """Begin anew with the defect planted: in this process and all its children."""
    handle, tally = tempfile.mkstemp(prefix="sabotage-")
    os.close(handle)
    path = os.pathsep.join(filter(None, (str(SABOTAGE_FOLDER), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, SABOTAGE: sabotage, TALLY: tally}
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


@contextmanager
def proof_folder() -> Iterator[Path]:
    """A temporary folder, removed when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="proof-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], T], timeout_seconds: float, what: str) -> T:
    """Wait until `condition` gives something true, and return that.

    Raises:
        Slow: it did not within `timeout_seconds`; the message names `what` was waited for.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Slow(f"waited {timeout_seconds} s for {what}")
        time.sleep(POLL_SECONDS)


def recordings() -> Path:
    """The folder of real recordings: `$TAPEWIRE_DATA`, else `../shared/data` beside the checkout.

    Raises:
        ProofError: it is not there; a proof that needs it falls short.
    """
    folder = Path(os.environ.get("TAPEWIRE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        raise ProofError("there are no recordings: set TAPEWIRE_DATA to their folder")
    return folder


def get(port: int, path: str, query: Mapping[str, str | int] | None = None, token: str = "demo") -> Any:
    """The JSON answer to a GET on loopback; numbers with a fraction are exact `Decimal`s.

    Raises:
        Unanswered: nobody answers, or not to the end.
        ProofError: the answer is not 200.
    """
    return json.loads(text(port, f"{path}?{urlencode(query)}" if query else path, token), parse_float=Decimal)


def text(port: int, target: str, token: str = "demo") -> str:
    """The answer to a GET on loopback, as text.

    Raises:
        Unanswered: nobody answers, or not to the end.
        ProofError: the answer is not 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(f"GET {target[:200]}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise ProofError(f"GET {target[:200]}: {answer.status} {body[:200]!r}")
    return body.decode()


def marks(port: int, token: str = "demo") -> dict[str, int] | None:
    """The answer to `GET /v1/marks`; None when nobody answers there yet (or any more)."""
    try:
        answer: dict[str, int] = get(port, "/v1/marks", token=token)
    except Unanswered:
        return None
    return answer


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it was quicker
        os.kill(pid, number)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Process id, parent and session of every process that is not a zombie."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # it ended between the listing and the reading
        # The name, in brackets, may itself hold brackets and blanks.
        state, parent, _, session = stat.rpartition(")")[2].split()[:4]
        if state != "Z":
            yield int(entry.name), int(parent), int(session)


def _session(session: int) -> list[int]:
    return [pid for pid, _, of in _processes() if of == session]


def _descendants(ancestor: int) -> Iterator[tuple[int, str]]:
    parents = {pid: parent for pid, parent, _ in _processes()}
    for pid in parents:
        above = parents[pid]
        while above in parents and above != ancestor:
            above = parents[above]
        if above == ancestor:
            yield pid, _command_line(pid)


def _command_line(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return re.sub(r"\0", " ", line.decode(errors="replace")).strip()
