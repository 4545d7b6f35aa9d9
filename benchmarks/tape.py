"""How fast ticks are numbered, remembered and journalled, on one core: `python -m benchmarks.tape`.

Made-up ticks, already decoded, in batches of 1, 10 and 100, go through the whole tape (number,
journal, shared marks, latest values, ring), with the sync thread at work. Measured in CPU time of
the process, its threads and its system calls included, median of five runs each; every run has a
new tape. `ticks_per_cpu_s` is that of batches of 100, the usual size of a recording's or a busy
feed's.
"""

import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks._ticks import DISTRIBUTION, START_NS, made_up
from config.settings import TapeSettings
from proofs.machine import machine
from tape.batch import SourcePosition
from tape.tape import Tape
from ticks.model import Tick

RUNS: Final = 5
TICKS: Final = 100_000
BATCHES: Final = (1, 10, 100)


def run(ticks: list[Tick], size: int) -> tuple[float, float]:
    """Publish the ticks in batches of `size` on a new tape: CPU seconds, and bytes a tick."""
    batches = [ticks[at : at + size] for at in range(0, len(ticks), size)]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        tape = Tape(TapeSettings(), Path(folder), START_NS)
        gc.collect()
        start = time.process_time()
        for number, batch in enumerate(batches):
            tape.publish("", batch, SourcePosition("benchmark", b"%d" % number), START_NS)
        tape.flush()
        taken = time.process_time() - start
        written = tape.journal.bytes_written
        tape.close()
    return taken, written / len(ticks)


def main() -> int:
    """Run and print one line."""
    ticks = [tick for batch in made_up(TICKS, 0.1) for tick in batch.ticks]
    line: dict[str, object] = {
        "benchmark": "tape",
        "machine": machine(),
        "ticks": TICKS,
        "ticks_are": DISTRIBUTION,
    }
    for size in BATCHES:
        runs = [run(ticks, size) for _ in range(RUNS)]
        rates = [TICKS / taken for taken, _ in runs]
        line[f"ticks_per_cpu_s_in_batches_of_{size}"] = round(median(rates))
        line[f"spread_percent_{size}"] = round(100 * (max(rates) - min(rates)) / median(rates))
        line["bytes_per_tick"] = round(runs[-1][1], 1)
    line["ticks_per_cpu_s"] = line[f"ticks_per_cpu_s_in_batches_of_{BATCHES[-1]}"]
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
