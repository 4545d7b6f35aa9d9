"""How many ticks the simulated exchange makes in a second of processor time.

    python -m benchmarks.sim [ROUNDS]

Prints one JSON line: for each market the median and the range of the rounds, ticks per CPU
second, and the seconds it takes until it has opened. Time is asked for in steps of 5 ms, as in
a running demo. What is measured is making the ticks, not what becomes of them.
"""

import json
import sys
import time
from statistics import median
from typing import Final

from feeds.sim import SimExchange, SimSettings
from proofs.machine import machine

START_NS: Final = 1_795_000_000_000_000_000
STEP_NS: Final = 5_000_000
TICKS: Final = 300_000
"""Least ticks of a round."""
WARM_UP_NS: Final = 3_000_000_000
MARKETS: Final = {
    "books_12": SimSettings(rate=20_000),
    "books_500": SimSettings(symbols=500, rate=20_000),
    "load_12": SimSettings(rate=200_000, mode="load"),
    "load_500": SimSettings(symbols=500, rate=200_000, mode="load"),
    "load_20000": SimSettings(symbols=20_000, rate=200_000, mode="load"),
}


def measure(settings: SimSettings, ticks: int = TICKS) -> tuple[float, float]:
    """Ticks per CPU second once the market is open, and the CPU seconds until then."""
    began = time.process_time()
    exchange = SimExchange(settings)
    now_ns = START_NS
    while now_ns <= START_NS + WARM_UP_NS:
        exchange.advance(now_ns)
        now_ns += STEP_NS
    opened = time.process_time()
    made = 0
    while made < ticks:
        now_ns += STEP_NS
        made += len(exchange.advance(now_ns))
    return made / (time.process_time() - opened), opened - began


def main(rounds: int) -> None:
    """Measure all markets in turn, `rounds` times, and print the line."""
    rates: dict[str, list[float]] = {name: [] for name in MARKETS}
    openings: dict[str, list[float]] = {name: [] for name in MARKETS}
    for _ in range(rounds):
        for name, settings in MARKETS.items():
            rate, opening = measure(settings)
            rates[name].append(rate)
            openings[name].append(opening)
    figures = {
        name: {
            "ticks_per_cpu_s": round(median(found)),
            "least": round(min(found)),
            "most": round(max(found)),
            "opening_cpu_s": round(median(openings[name]), 3),
        }
        for name, found in rates.items()
    }
    print(
        json.dumps(
            {"benchmark": "sim", "machine": machine(), "rounds": rounds, **figures}, ensure_ascii=False
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
