"""What the fan-out benchmark measures, and how two servers are compared. Pure.

A delivery is one tick seen by one connection. Deliveries per second of processor time flatter a
server that writes late, because its writes are fuller: so writes per second of processor time
and the 99th percentile of the latency stand beside them.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from msgspec import Struct


class Workload(Struct, frozen=True):
    """What is asked of a server."""

    connections: int
    subscriptions: int
    """Symbols of each connection."""
    rate: int
    """Ticks/s of the whole market."""
    flush_ms: int
    """How long ticks may be collected before they are written, ms; 0 = they are written at once."""
    universe: int = 500
    """How many symbols there are."""

    @property
    def offered(self) -> float:
        """Deliveries/s when nothing is late or lost."""
        return self.rate * self.connections * self.subscriptions / self.universe


WORKLOADS: Final = {
    "L": Workload(1_000, 10, 2_000, 0),
    "A": Workload(1_000, 10, 10_000, 0),
    "B": Workload(1_000, 50, 5_000, 10),
    "C": Workload(5_000, 10, 5_000, 20),
    "D": Workload(1_000, 50, 30_000, 10),
}
"""Light and written at once; heavy and written at once; collected for 10 ms; many connections; a flood."""


class Measured(Struct, frozen=True):
    """One run of the load generator."""

    connections: int
    upgraded: int
    lost: int
    """Connections that ended."""
    connect_seconds: float
    seconds: float
    deliveries: int
    updates: int
    """Messages with ticks; fewer than deliveries when some stand for several ticks."""
    holes: int
    """Ticks that are missing between two of the same channel."""
    repeats: int
    """Ticks that came twice."""
    strangers: int
    """Ticks that were not asked for."""
    errors: int
    bytes: int
    least: int
    """Deliveries of the connection with the fewest, and with the most."""
    most: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    cpu_seconds: float
    """Processor time of the server."""
    writes: int
    """Write calls of the server; our own hub's include those to the journal."""
    client_seconds: float
    """Processor time of the load generator."""
    others_seconds: float
    """Processor time that the machine spent on anything else."""
    empty_kib: int
    """Memory of the server before anybody connects, with everybody connected, and at the end, KiB."""
    idle_kib: int
    loaded_kib: int

    @property
    def wrong(self) -> int:
        """Everything that a client could complain of."""
        missing = self.connections - self.upgraded
        return missing + self.lost + self.holes + self.repeats + self.strangers + self.errors

    def figures(self) -> dict[str, float]:
        """What is compared and reported."""
        cpu_seconds = max(self.cpu_seconds, 0.01)  # the kernel counts in steps of so much
        return {
            "deliveries_per_s": self.deliveries / self.seconds,
            "deliveries_per_cpu_s": self.deliveries / cpu_seconds,
            "writes_per_cpu_s": self.writes / cpu_seconds,
            "deliveries_per_write": self.deliveries / max(self.writes, 1),
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "cores": self.cpu_seconds / self.seconds,
            "idle_kib_per_connection": (self.idle_kib - self.empty_kib) / self.connections,
            "loaded_kib_per_connection": (self.loaded_kib - self.empty_kib) / self.connections,
            "others_cores": self.others_seconds / self.seconds,
        }


RATIOS: Final = (
    "deliveries_per_s", "deliveries_per_cpu_s", "writes_per_cpu_s", "p99_ms", "loaded_kib_per_connection",
)  # fmt: skip
"""The figures of which ratios are formed."""


def medians(runs: Sequence[Measured]) -> dict[str, float]:
    """The median of each figure over several runs."""
    figures = [run.figures() for run in runs]
    return {name: rounded(median(one[name] for one in figures)) for name in figures[0]}


def ratios(runs: Sequence[Measured], others: Sequence[Measured]) -> dict[str, float]:
    """How often one server's figures are the other's: the median over rounds, each run beside its partner.

    The machine's speed drifts; two runs one after the other share most of that.
    """
    pairs = [(run.figures(), other.figures()) for run, other in zip(runs, others, strict=True)]
    return {
        name: rounded(median(mine[name] / theirs[name] for mine, theirs in pairs if theirs[name] > 0))
        for name in RATIOS
        if any(theirs[name] > 0 for _, theirs in pairs)
    }


def spread(runs: Sequence[Measured], name: str) -> float:
    """How far a figure moved between rounds: (most - least) / median."""
    values = [run.figures()[name] for run in runs]
    return rounded((max(values) - min(values)) / median(values)) if median(values) else 0.0


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """The servers in the order of a round: each is first as often as any other."""
    turn %= len(names)
    return [*names[turn:], *names[:turn]]


def totals(runs: Mapping[str, Sequence[Measured]]) -> dict[str, int]:
    """What went wrong with each server, over all its runs."""
    return {name: sum(run.wrong for run in its) for name, its in runs.items()}


def rounded(value: float) -> float:
    """Four digits are more than can be known."""
    return float(f"{value:.4g}")
