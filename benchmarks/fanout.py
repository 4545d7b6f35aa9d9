"""Fan-out of our hub beside a C program that writes the same bytes, and a Go hub.

    python -m benchmarks.fanout [--full] [--workloads L,B] [--servers wall,peer,hub] [--rounds 2]
                                [--seconds 2]

`--full` runs all workloads in three rounds of four seconds: some six minutes. `demo` among the
servers measures the whole of `tapewire demo` as well. Prints one JSON line
for each workload and server (medians over the rounds), and one of ratios for each workload. The
servers take turns, in another order each round; the server under test has one core for itself and
the load generator another. A figure counts only when nothing else ran: `others_cores` says what did.
"""

import argparse
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

import msgspec

from benchmarks import _fanout_build as build
from benchmarks import _fanout_figures as figures
from benchmarks._fanout_figures import WORKLOADS, Measured, Workload
from feeds.sim.listing import list_stocks
from proofs.aims import ProofError
from proofs.lib import COMMAND
from proofs.machine import machine

SERVERS: Final = ("wall", "peer", "hub")
"""The C program, the Go hub, and ours."""
DEMO: Final = "demo"
"""The whole of `tapewire demo`, with store and bars, on its own market: told, but compared with nobody."""
DEMO_CONNECTIONS_MAX: Final = 1_000
"""So many connections one user may have there."""
START_SECONDS: Final = 20
SPARE_SECONDS: Final = 60
"""How much longer than it measures a run may take: connecting, and settling down."""
WARM_SECONDS: Final = 0.5


def command(name: str, workload: Workload, seconds: float) -> list[str]:
    """How a server is started for a workload; it ends by itself."""
    lives = str(round(seconds + SPARE_SECONDS))
    rate, universe, flush_ms = str(workload.rate), str(workload.universe), workload.flush_ms
    if name == "wall":
        mode = "coalesced" if flush_ms else "immediate"
        return [
            str(build.build_c("wall")), "--mode", mode, "--rate", rate, "--universe", universe,
            "--flush-us", str(flush_ms * 1_000), "--seconds", lives,
        ]  # fmt: skip
    if name == "peer":
        return [
            str(build.build_peer()), "-rate", rate, "-universe", universe,
            "-write-delay", f"{flush_ms}ms", "-seconds", lives,
        ]  # fmt: skip
    if name == DEMO:
        return [
            str(COMMAND), "demo", "--port", "0", "--rate", rate, "--symbols", universe, "--no-browser",
        ]  # fmt: skip
    return [
        sys.executable, "-m", "benchmarks._fanout_server", "--rate", rate, "--universe", universe,
        "--flush-ms", str(flush_ms), "--seconds", lives,
    ]  # fmt: skip


def client_options(name: str, workload: Workload) -> list[str]:
    """What the load generator has to know of a server."""
    if name == "peer":
        return ["--signal", "1", "--protocol", "centrifuge"]
    if name == DEMO:
        symbols = [stock.symbol for stock in list_stocks(workload.universe)]
        return ["--symbols", ",".join(symbols), "--kinds", "tq"]
    return ["--signal", "1"]


def pinned(core: int) -> list[str]:
    """What to write in front of a command so that it keeps to one core."""
    cores = sorted(os.sched_getaffinity(0))
    program = shutil.which("taskset")
    return [program, "-c", str(cores[core])] if program and len(cores) > 1 else []


@contextmanager
def running(arguments: Sequence[str], flush_ms: int, errors: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Run a server while the block runs; its process id and its port.

    Raises:
        ProofError: it does not say on which port it listens.
    """
    with subprocess.Popen(
        [*pinned(0), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=build.NATIVE.parent.parent,
        env={**os.environ, "TAPEWIRE__HUB__RAW_FLUSH_MS": str(flush_ms)},
    ) as process:  # fmt: skip
        try:
            yield process.pid, _port(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    port = re.search(rb"(\d+)/?$", line.strip())
    if port is None:
        raise ProofError(f"{process.args!r} does not say where it listens")
    return int(port[1])


def run(name: str, workload: Workload, seconds: float) -> Measured:
    """Start a server, load it, and end it.

    Raises:
        ProofError: server or load generator fail.
    """
    generator = build.build_c("loadgen")
    with tempfile.TemporaryFile() as errors:
        with running(command(name, workload, seconds), workload.flush_ms, errors) as (pid, port):
            ended = subprocess.run(
                [
                    *pinned(1), str(generator), "--port", str(port), "--pid", str(pid),
                    "--spin", "1" if pinned(1) else "0", "--connections", str(workload.connections),
                    "--subscriptions", str(workload.subscriptions), "--universe", str(workload.universe),
                    "--seconds", str(seconds), "--warm-seconds", str(WARM_SECONDS),
                    *client_options(name, workload),
                ],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + SPARE_SECONDS,
            )  # fmt: skip
        errors.seek(0)
        told = errors.read().decode(errors="replace")[-2_000:] + ended.stderr[-2_000:]
    if ended.returncode != 0:
        raise ProofError(f"the load generator ended with status {ended.returncode}: {told}")
    measured = msgspec.json.decode(ended.stdout, type=Measured)
    if measured.wrong:
        sys.stderr.write(told)
    return measured


def measure(name: str, servers: Sequence[str], rounds: int, seconds: float) -> list[dict[str, object]]:
    """The lines of one workload."""
    runs: dict[str, list[Measured]] = {server: [] for server in servers}
    for turn in range(rounds):
        for server in figures.rotated(servers, turn):
            runs[server].append(run(server, WORKLOADS[name], seconds))
    lines: list[dict[str, object]] = [
        {
            "benchmark": f"fanout/{name}/{server}",
            **figures.medians(its),
            "spread": figures.spread(its, "writes_per_cpu_s"),
            "rounds": rounds,
            "machine": machine(),
        }
        for server, its in runs.items()
    ]
    if "hub" in servers:
        others = [server for server in servers if server not in ("hub", DEMO)]
        delivered = [m.deliveries / m.seconds / WORKLOADS[name].offered for m in runs["hub"]]
        lines.append(
            {
                "benchmark": f"fanout/{name}",
                **{f"of_{other}": figures.ratios(runs["hub"], runs[other]) for other in others},
                "delivered": figures.rounded(min(delivered)),
                "wrong": figures.totals(runs),
                "rounds": rounds,
                "machine": machine(),
            }
        )
    return lines


def available(wanted: Sequence[str]) -> list[str]:
    """The servers that can be built here; a missing peer is told, and left out.

    Raises:
        BuildError: another one cannot be.
    """
    found = []
    for name in wanted:
        try:
            command(name, WORKLOADS["L"], 1)
        except build.BuildError as error:
            if name != "peer":
                raise
            print(f"without the peer: {error}", file=sys.stderr)
        else:
            found.append(name)
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the lines."""
    parser = argparse.ArgumentParser(description="Fan-out beside a C program and a Go hub.")
    parser.add_argument("--workloads", default="")
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args(arguments)
    workloads = (given.workloads or ("L,A,B,C,D" if given.full else "L,B")).split(",")
    rounds = given.rounds or (3 if given.full else 2)
    seconds = min(given.seconds or (4 if given.full else 2), 10)
    servers = available(given.servers.split(","))
    for name in workloads:
        few = WORKLOADS[name].connections <= DEMO_CONNECTIONS_MAX
        those = servers if few else [server for server in servers if server != DEMO]
        for line in measure(name, those, rounds, seconds):
            print(json.dumps(line, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    # Told to end, it still ends the server that it had started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
