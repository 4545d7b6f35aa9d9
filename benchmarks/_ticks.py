"""Made-up ticks that the store's benchmarks share: Zipf-distributed symbols, times with jitter."""

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from tape.batch import Batch
from ticks.model import Quote, Tick, Trade
from ticks.times import NS_PER_SECOND, parse_time

START_NS: Final = parse_time("2026-07-13T09:30:00-04:00")
SYMBOLS: Final = 8_000
EXPONENT: Final = 1.05
JITTER_NS: Final = 2_000_000
BATCH_TICKS: Final = 200
DISTRIBUTION: Final = f"zipf({EXPONENT}) over {SYMBOLS} symbols, in order of time with ±2 ms of jitter"


def made_up(count: int, trades: float, seed: int = 7) -> list[Batch]:
    """Batches of trades and quotes, `trades` of them (0 … 1) trades, over six and a half hours."""
    chance = random.Random(seed)
    names = [f"S{number}" for number in range(SYMBOLS)]
    weights = list(accumulate(1 / rank**EXPONENT for rank in range(1, SYMBOLS + 1)))
    step_ns = 23_400 * NS_PER_SECOND // count
    ticks: list[Tick] = []
    for number, name in enumerate(chance.choices(names, cum_weights=weights, k=count)):
        received_ns = START_NS + number * step_ns
        event_ns = received_ns + chance.randrange(-JITTER_NS, JITTER_NS)
        price = chance.randrange(1_0000, 900_0000) * 100_000
        if chance.random() < trades:
            size = chance.randrange(1, 500) * 1_000_000
            ticks.append(
                Trade(
                    3,
                    86,
                    name,
                    event_ns,
                    event_ns,
                    received_ns,
                    number,
                    2,
                    price,
                    size,
                    10**9 + number,
                    0,
                    "  I",
                    5,
                )
            )
        else:
            ticks.append(
                Quote(
                    3, 86, name, event_ns, event_ns, received_ns, number, 2,
                    price, 300_000_000, price + 10_000_000, 100_000_000, 86, 86, "", 0,
                )
            )  # fmt: skip
    return batches_of(ticks)


def batches_of(ticks: Sequence[Tick]) -> list[Batch]:
    """Ticks as the tape hands them on; each one's number is its mark."""
    return [
        Batch(1, "", at + 1, [0] * len(part), list(range(at + 1, at + 1 + len(part))), list(part))
        for at in range(0, len(ticks), BATCH_TICKS)
        if (part := ticks[at : at + BATCH_TICKS])
    ]
