"""What the hub's own code costs, without sockets: `python -m benchmarks.hub_core [ROUNDS]`.

The workloads of `benchmarks.fanout`, given to a switchboard whose clients' wires take everything and
do nothing. So the figures hold no system call, and tell changes of the code apart that are lost in
the noise of those: ns for each tick given to a subscriber, ns for each write (routing, collecting
and joining included), the garbage collector's full pass, and memory of a connection by tracemalloc
(without WebSocket and transport). The least of several rounds counts: whatever disturbs only adds.
"""

import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Sequence
from typing import Final

from benchmarks._fanout_figures import WORKLOADS, Workload, rounded
from benchmarks._fanout_ticks import TickSource
from config.settings import HubSettings
from hub.callers import Access
from hub.moment import Moment
from hub.switchboard import Switchboard
from hub.tape_view import TapeView
from proofs.machine import machine
from tape.batch import Batch
from tape.ring import Ring
from tape.sequencer import Sequencer
from tape.state import TapeState

START_NS: Final = 1_790_000_000_000_000_000
STEP_NS: Final = 1_000_000
STEPS: Final = 300
"""Batches of a round, one for each ms; a multiple of every workload's flush."""


class Anybody:
    """The one user, who may have everything."""

    tenant = user = "benchmark"
    expires_ns = 0

    def access(self, lineup: str, kind: str, symbol: str) -> Access:
        """Everything."""
        return Access.LIVE


class DevNull:
    """A wire that takes everything."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Take it."""

    def ping(self) -> None:
        """Nobody answers."""

    def close(self, code: int, reason: str) -> None:
        """Nobody leaves."""


class RingOnly:
    """A tape's memory without a disk behind it."""

    def __init__(self) -> None:
        self.batches = Ring(100_000)

    def ring(self, after_m: int, up_to_m: int) -> list[Batch] | None:
        """Batches from memory."""
        return self.batches.read(after_m, up_to_m) if self.batches.covers(after_m) else None

    def ring_first_m(self) -> int:
        """The oldest mark."""
        return self.batches.first_m

    def durable_m(self) -> int:
        """Nothing is."""
        return 0


class Bench:
    """A switchboard with its tape and all its clients."""

    def __init__(self, workload: Workload) -> None:
        state = TapeState()
        state.reserved_m = 1 << 50
        self.sequencer = Sequencer(state)
        self.sequencer.begin_epoch(1, 1, "start", 0)
        self.memory = RingOnly()
        view = TapeView(
            state.channels, self.sequencer.channel_id, lambda name: None, lambda: state.ns,
            lambda: state.epochs, self.memory,
        )  # fmt: skip
        settings = HubSettings(connections_per_user_max=workload.connections)
        self.board = Switchboard(settings, view, lambda token, now_ns: Anybody())
        for number in range(workload.connections):
            self._connect(number, workload)

    def _connect(self, number: int, workload: Workload) -> None:
        """One symbol out of each stretch of the universe, as the load generator asks for them."""
        now, stride = Moment(START_NS, number), workload.universe // workload.subscriptions
        connection = self.board.connect(DevNull(), now, packed=False)
        assert connection is not None
        symbols = [
            f"S{place * stride + number * 7_919 * (place + 1) % stride:04d}"
            for place in range(workload.subscriptions)
        ]
        sub = {"op": "sub", "id": 1, "from": "live", "mode": "raw", "kinds": ["t"], "symbols": symbols}
        self.board.receive(connection, json.dumps([{"op": "hello"}, sub]).encode(), now)

    def run(self, workload: Workload) -> dict[str, float]:
        """Publish and flush for some time; only that is timed."""
        source, board = TickSource(workload.rate, workload.universe, START_NS), self.board
        clock, writes = time.thread_time_ns, board.counters["writes"]
        publish_ns = flush_ns = ticks = 0
        for step in range(1, STEPS + 1):
            now_ns = START_NS + step * STEP_NS
            batch = self.sequencer.number("", source.until(now_ns), now_ns)
            self.memory.batches.append(batch)
            ticks += len(batch.ticks)
            now = Moment(now_ns, step * STEP_NS)
            began = clock()
            board.publish(batch, now)
            published = clock()
            if step % max(workload.flush_ms, 1) == 0:
                board.flush(now)
            flush_ns += clock() - published
            publish_ns += published - began
        writes = board.counters["writes"] - writes
        deliveries = ticks * workload.connections * workload.subscriptions / workload.universe
        return {
            "publish_ns_per_delivery": publish_ns / deliveries,
            "flush_ns_per_write": flush_ns / writes,
            "ns_per_write": (publish_ns + flush_ns) / writes,
            "deliveries_per_write": deliveries / writes,
        }


def measure(name: str, workload: Workload, rounds: int) -> dict[str, object]:
    """The line of one workload."""
    gc.collect()
    before = len(gc.get_objects())
    tracemalloc.start()
    bench = Bench(workload)
    gc.collect()
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tracked = (len(gc.get_objects()) - before) / workload.connections
    began = time.thread_time_ns()
    gc.collect()
    pause_ms = (time.thread_time_ns() - began) / 1e6
    runs = [bench.run(workload) for _ in range(rounds)]
    return {
        "benchmark": f"hub_core/{name}",
        **{key: rounded(min(run[key] for run in runs)) for key in runs[0]},
        "kib_per_connection": rounded(traced / workload.connections / 1024),
        "tracked_objects_per_connection": rounded(tracked),
        "full_collection_ms": rounded(pause_ms),
        "rounds": rounds,
        "machine": machine(),
    }


def main(arguments: Sequence[str]) -> int:
    """Print one JSON line for each workload."""
    rounds = int(arguments[0]) if arguments else 5
    for name in ("L", "B", "C", "D"):
        print(json.dumps(measure(name, WORKLOADS[name], rounds), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
