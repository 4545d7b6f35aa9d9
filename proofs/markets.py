"""A simulated market in a real `tapewire demo`, and crowds of readers beside it."""

import array
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from feeds.sim.listing import list_stocks
from proofs import lib, replays
from proofs.aims import ProofError
from proofs.lib import ROOT, Child, Proof

START_SECONDS: Final = 60
CROWD_SECONDS: Final = 120
"""How long it may take to connect a crowd, or to hear what it has found."""
Span = tuple[int, int]
"""From when to when, ns UTC."""


class Crowd:
    """Readers in a process of their own; see `proofs.crowd`."""

    def __init__(self, child: Child, samples: Path) -> None:
        self.child = child
        self._path = samples
        self._samples = array.array("q")
        lib.until(lambda: child.output.strip() or not child.running(), CROWD_SECONDS, "a crowd that connects")

    def end(self) -> dict[str, int]:
        """End it: what it has found.

        Raises:
            ProofError: it has ended before.
        """
        self.child.process.terminate()
        status = self.child.wait(CROWD_SECONDS)
        lines = self.child.output.splitlines()
        if status != 0 or len(lines) != 2:
            raise ProofError(f"a crowd ended with status {status}: {self.child.errors[-500:]}")
        self._samples.frombytes(self._path.read_bytes())
        found: dict[str, int] = json.loads(lines[1])
        return found

    def latencies_ms(self, spans: Iterable[Span]) -> list[float]:
        """How late ticks came within these spans, ms, rising; known when it has ended."""
        times, late = self._samples[::2], self._samples[1::2]
        return sorted(
            late_ns / 1e6
            for begin, end in spans
            for came_ns, late_ns in zip(times, late, strict=True)
            if begin <= came_ns < end
        )


class Market:
    """A demo that runs. `settings` are names of variables without their prefix, as `HUB__PING_S`."""

    def __init__(self, proof: Proof, *, symbols: int, rate: int, settings: dict[str, int]) -> None:
        self.port = replays.free_port()
        self._proof = proof
        self._symbols = [stock.symbol for stock in list_stocks(symbols)]
        self.child = proof.tapewire(
            "demo", "--port", str(self.port), "--data", str(proof.folder / "demo"), "--no-browser",
            "--symbols", str(symbols), "--rate", str(rate), "--seed", str(proof.seed),
            environment={f"TAPEWIRE__{name}": str(value) for name, value in settings.items()},
        )  # fmt: skip
        lib.until(self._trades, START_SECONDS, "a market that trades")

    def live(self, count: int) -> Crowd:
        """Readers who read: the first everything, the others some symbols each."""
        path = self._proof.folder / f"samples-{len(self._proof.children)}"
        child = self._crowd("live", count, str(self._proof.seed), str(path), *self._symbols)
        return Crowd(child, path)

    def stalled(self, count: int) -> Child:
        """Readers who ask for everything and read nothing; they are still connecting."""
        return self._crowd("stalled", count)

    def told(self, metric: str) -> int:
        """What the hub's metrics say of something, by its name there, labels included."""
        for line in lib.text(self.port, "/metrics").splitlines():
            name, _, value = line.rpartition(" ")
            if name == metric:
                return int(float(value))
        raise ProofError(f"the hub has no metric {metric}")

    def memory_mib(self) -> float:
        """What is resident of the main process now, MiB."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def _crowd(self, mode: str, count: int, *arguments: str) -> Child:
        command = (sys.executable, "-m", "proofs.crowd", mode, str(self.port), str(count), *arguments)
        return self._proof.child(*command, folder=ROOT)

    def _trades(self) -> bool:
        if not self.child.running():
            raise ProofError(f"the demo has ended: {self.child.errors[-500:]}")
        marks = lib.marks(self.port)
        return marks is not None and marks["accepted"] > 0


def span(seconds: float) -> Span:
    """Let that much time pass; the span it was."""
    begin = time.time_ns()
    time.sleep(seconds)
    return begin, time.time_ns()


def percentile(rising: list[float], share: float) -> float:
    """The value below which that share of all values lies.

    Raises:
        ProofError: there are no values.
    """
    if not rising:
        raise ProofError("nothing was measured")
    return rising[min(len(rising) - 1, int(share * len(rising)))]
