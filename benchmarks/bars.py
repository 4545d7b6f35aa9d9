"""How many trades become bars in a second of processor time: `python -m benchmarks.bars [ROUNDS]`.

Prints one JSON line, medians over the rounds with their range, per second of the process's CPU
time on one core. Twelve minutes of made-up trades, all prints' bars, days and revisions made:

* `trades_500`, `trades_8000`: batches of trades alone, over so many symbols (Zipf's law);
* `mixed_500`: nine quotes to each trade, in ticks;
* `rebuild_500`: the same trades by `rebuild`;
* `slowest_call_ms`: the longest single call, at a minute mark with 8,000 symbols.
"""

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from statistics import median
from typing import Final

from config.settings import BarSettings
from proofs.machine import machine
from tape.bar_audit import rebuild
from tape.bars import BarBuilder
from tape.batch import Batch
from ticks import conditions
from ticks.model import Quote, Tick, Trade
from ticks.sources import SIM
from ticks.times import NS_PER_MINUTE, NS_PER_SECOND, parse_time

START_NS: Final = parse_time("2026-07-13T10:00:00-04:00")
MINUTES: Final = 12
TRADES: Final = 600_000
BATCH_TICKS: Final = 100
QUOTES_PER_TRADE: Final = 9
CODES: Final = ("@", "@", "@", "@F", "@I", "@FI", "@4")
TIMER_NS: Final = 50_000_000


def made_up(symbols: int, seed: int = 7) -> list[Trade]:
    """Trades evenly over the minutes, one in a hundred received up to ten seconds late."""
    chance = random.Random(seed)
    names = [f"S{number}" for number in range(symbols)]
    weights = list(accumulate(1 / rank for rank in range(1, symbols + 1)))
    step_ns = MINUTES * NS_PER_MINUTE // TRADES
    tape = ord("C")
    trades = []
    for number, name in enumerate(chance.choices(names, cum_weights=weights, k=TRADES)):
        received_ns = START_NS + number * step_ns
        late_ns = chance.randrange(10 * NS_PER_SECOND) if chance.random() < 0.01 else 0
        codes = chance.choice(CODES)
        trades.append(
            Trade(
                SIM, 81, name, received_ns - late_ns, 0, received_ns, number, 0,
                chance.randrange(100_0000, 101_0000) * 100_000, chance.randrange(1, 500) * 1_000_000,
                number + 1, tape, codes, conditions.elig(tape, codes, conditions.RTH),
            )
        )  # fmt: skip
    return trades


def with_quotes(trades: Sequence[Trade]) -> list[Tick]:
    """Nine quotes before each tenth of the trades."""
    ticks: list[Tick] = []
    for trade in trades[:: QUOTES_PER_TRADE + 1]:
        at_ns = trade.ts_recv
        quote = Quote(SIM, 81, trade.symbol, at_ns, 0, at_ns, 0, 0, 1, 1, 2, 1, 81, 81, "R", 67)
        ticks += [quote] * QUOTES_PER_TRADE
        ticks.append(trade)
    return ticks


def batches_of(ticks: Sequence[Tick]) -> list[Batch]:
    """The ticks as the tape hands them on."""
    return [
        Batch(1, "", at + 1, [], [], list(ticks[at : at + BATCH_TICKS]))
        for at in range(0, len(ticks), BATCH_TICKS)
    ]


def stream(batches: Sequence[Batch]) -> tuple[int, float]:
    """Bars made, and the longest call in ms; the clock is asked every 50 ms of the ticks' time."""
    bars = BarBuilder(BarSettings())
    made, slowest, timer_ns = 0, 0.0, START_NS
    for batch in batches:
        began = time.perf_counter()
        made += len(bars.on_batch(batch))
        slowest = max(slowest, time.perf_counter() - began)
        if (now_ns := batch.ticks[-1].ts_recv) >= timer_ns:
            timer_ns = now_ns + TIMER_NS
            made += len(bars.on_time(now_ns))
    while (due_ns := bars.due_ns) is not None and due_ns < START_NS + 2 * MINUTES * NS_PER_MINUTE:
        began = time.perf_counter()
        made += len(bars.on_time(due_ns))
        slowest = max(slowest, time.perf_counter() - began)
    return made, slowest * 1e3


def rate(count: int, work: Callable[[], object]) -> float:
    """`count` per second of CPU time that `work` takes."""
    gc.collect()
    began = time.process_time()
    work()
    return count / (time.process_time() - began)


def main(rounds: int) -> None:
    """Measure everything in turn, `rounds` times, and print the line."""
    few, many = made_up(500), made_up(8_000)
    mixed = with_quotes(few)
    few_batches, many_batches, mixed_batches = batches_of(few), batches_of(many), batches_of(mixed)
    end_ns = START_NS + 2 * MINUTES * NS_PER_MINUTE
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, count, work in (
            ("trades_500", len(few), lambda: stream(few_batches)),
            ("trades_8000", len(many), lambda: stream(many_batches)),
            ("mixed_500", len(mixed), lambda: stream(mixed_batches)),
            ("rebuild_500", len(few), lambda: rebuild(few, end_ns)),
        ):
            rates.setdefault(name, []).append(rate(count, work))
    bars, slowest_ms = stream(many_batches)
    figures = {
        name: {
            "per_cpu_s": round(median(found)),
            "range": [round(min(found)), round(max(found))],
        }
        for name, found in rates.items()
    }
    line = {
        "benchmark": "bars",
        **figures,
        "bars_8000": bars,
        "slowest_call_ms": round(slowest_ms, 2),
        "rounds": rounds,
        "machine": machine(),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
