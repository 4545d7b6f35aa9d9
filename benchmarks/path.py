"""How fast ticks go through the whole synchronous path: `python -m benchmarks.path [FILE]`.

From datagrams, already unwrapped, over decoding, numbering, latest values and ring to the journal on
disk, in batches as a replay makes them, and the position in each. Measured in CPU time of the
process, its sync thread included, median of five runs on a fresh tape each.

`benchmarks.tape` measures the same without decoding, for batches of several sizes.

Without FILE it takes the real TOPS recording if it is there, else a made-up one of as many messages.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.decode import MADE, REAL, chunks_of, unwrap
from config.settings import TapeSettings
from feeds.iex import IexSession
from feeds.packets import Packet
from feeds.playback import PACKETS_MAX, TICKS_MAX
from feeds.synthetic_file import write_recording
from proofs import lib
from proofs.aims import ProofError
from proofs.machine import machine
from tape.batch import SourcePosition
from tape.tape import Tape
from ticks.model import Tick
from ticks.sources import IEX_TOPS

RUNS: Final = 5
POSITION: Final = SourcePosition("replay:benchmark", bytes(250))
"""About as long as that of a replay."""


def batches(packets: Sequence[Packet]) -> Iterator[list[Tick]]:
    """Decode datagrams to batches of the size that a replay publishes."""
    receive = IexSession(IEX_TOPS, replay=True).receive
    batch: list[Tick] = []
    for place, packet in enumerate(packets, 1):
        batch += receive(packet.payload, packet.time_ns)
        if len(batch) >= TICKS_MAX or place % PACKETS_MAX == 0:
            yield batch
            batch = []
    yield batch


def run(packets: Sequence[Packet]) -> tuple[int, float]:
    """Bring datagrams onto a fresh tape; how many ticks, and CPU seconds from the first to the last."""
    with tempfile.TemporaryDirectory() as folder:
        tape = Tape(TapeSettings(), Path(folder), time.time_ns())
        gc.collect()
        began = time.process_time()
        for batch in batches(packets):
            tape.publish("", batch, POSITION, time.time_ns())
        seconds = time.process_time() - began
        ticks = tape.marks.accepted
        tape.close()
    return ticks, seconds


def measure(path: Path) -> dict[str, object]:
    """The figures of one recording."""
    packets = unwrap(chunks_of(path))
    runs = [run(packets) for _ in range(RUNS)]
    rates = [ticks / seconds for ticks, seconds in runs]
    return {
        "benchmark": "path",
        "recording": path.name,
        "ticks": runs[0][0],
        "path_ticks_per_cpu_s": round(median(rates)),
        "spread_percent": round(100 * (max(rates) - min(rates)) / median(rates)),
        "runs": RUNS,
        "machine": machine(),
    }


def main(arguments: Sequence[str]) -> int:
    """Print one JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(arguments[0]) if arguments else _recording(Path(folder))
        print(json.dumps(measure(path), ensure_ascii=False))
    return 0


def _recording(folder: Path) -> Path:
    with suppress(ProofError):
        real = lib.recordings() / REAL
        if real.is_file():
            return real
    made = folder / "made-up.pcap.gz"
    write_recording(made, MADE, packed=True)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
