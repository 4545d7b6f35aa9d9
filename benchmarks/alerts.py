"""What alerts cost on the path of ticks: `python -m benchmarks.alerts [ROUNDS]`.

Prints one JSON line: nanoseconds of CPU time for each tick, medians over the rounds with their
range, of one process on one core. 500,000 ticks (one trade to nine quotes) over 500 symbols:

* `none`: no rule at all: what it costs to look at the ticks;
* `rules_1000`, `rules_100000`: so many rules around the prices, `calm`: hardly any is reached;
* `wild_1000`, `wild_100000`: prices run through the levels, every rule rings every time;
* `put`: putting one rule beside 100,000 others on the same symbol, in microseconds.

A wild line also says how many rings a second of CPU time holds, proofs included, and how many
alerts were looked at for each tick.
"""

import gc
import json
import random
import sys
import time
from statistics import median
from typing import Any, Final
from uuid import UUID

from alerts.engine import Engine
from alerts.model import Alert, Condition, Owner, Rule
from proofs.machine import machine
from tape.batch import Batch
from ticks.conditions import RTH, elig
from ticks.model import Quote, Tick, Trade
from ticks.sources import SIM
from ticks.times import parse_time

TICKS: Final = 500_000
SYMBOLS: Final = 500
BATCH_TICKS: Final = 100
TRADE_EACH: Final = 10
PRICE: Final = 100 * 10**9
CENT: Final = 10**7
CALM_CENTS: Final = 40
"""How far calm prices move from their start; the nearest rule is beyond."""
WILD_CENTS: Final = 400
START_NS: Final = parse_time("2026-07-13T10:00:00-04:00")
OWNER: Final = Owner("default", "ann")
TAPE: Final = ord("C")
ELIG: Final = elig(TAPE, "@", RTH)


def made_up(reach_cents: int, seed: int = 7) -> list[Batch]:
    """Prices that walk up to `reach_cents` away from where they began."""
    chance = random.Random(seed)
    prices = [0] * SYMBOLS
    ticks: list[Tick] = []
    for number in range(TICKS):
        symbol = chance.randrange(SYMBOLS)
        step = chance.randint(-2, 2) if reach_cents == CALM_CENTS else chance.randint(-60, 60)
        prices[symbol] = min(reach_cents, max(-reach_cents, prices[symbol] + step))
        price, at_ns, name = PRICE + prices[symbol] * CENT, START_NS + number * 10_000, f"S{symbol}"
        if number % TRADE_EACH:
            ticks.append(
                Quote(SIM, 86, name, at_ns, 0, at_ns, number, 0, price - CENT, 10**8, price + CENT, 10**8, 86,
                      86, "R", TAPE)
            )  # fmt: skip
        else:
            ticks.append(
                Trade(SIM, 86, name, at_ns, 0, at_ns, number, 0, price, 10**8, number, TAPE, "@", ELIG)
            )
    return [
        Batch(1, "", at + 1, [0] * BATCH_TICKS, [1] * BATCH_TICKS, ticks[at : at + BATCH_TICKS])
        for at in range(0, TICKS, BATCH_TICKS)
    ]


def rules(count: int, seed: int = 8) -> list[Alert]:
    """Rules at levels between the calm and the wild reach, on every feature, ringing every time."""
    chance = random.Random(seed)
    made = []
    for number in range(1, count + 1):
        away = chance.randint(CALM_CENTS + 5, WILD_CENTS - 5)
        above = chance.random() < 0.5
        level = PRICE + (away if above else -away) * CENT
        one = Condition(
            chance.choice(("last", "bid", "ask", "mid")), ">=" if above else "<=", level, "", 5 * CENT
        )
        rule = Rule(f"S{chance.randrange(SYMBOLS)}", (one,), repeat="every")
        made.append(Alert(str(UUID(int=number)), OWNER, 1, rule, START_NS, START_NS))
    return made


def measured(batches: list[Batch], alerts: list[Alert]) -> tuple[float, int, int]:
    """Nanoseconds for each tick, rings, and alerts that were looked at."""
    engine = Engine()
    for alert in alerts:
        engine.put(alert)
    # The first values end the blindness of the new rules.
    warm = len(batches) // 10
    for batch in batches[:warm]:
        engine.take(batch)
    engine.take_changes()
    looked_at = engine.steps
    rings = 0
    gc.collect()
    began = time.process_time_ns()
    for batch in batches[warm:]:
        engine.take(batch)
        rings += len(engine.take_changes().fires)
    taken_ns = time.process_time_ns() - began
    return taken_ns / ((len(batches) - warm) * BATCH_TICKS), rings, engine.steps - looked_at


def put_us(count: int) -> float:
    """Microseconds to put a rule beside `count` others on one symbol."""
    engine = Engine()
    made = rules(count)
    began = time.process_time_ns()
    for alert in made:
        one = Condition("last", ">=", alert.rule.conditions[0].level, "")
        engine.put(Alert(alert.id, OWNER, 1, Rule("S1", (one,)), START_NS, START_NS))
    return (time.process_time_ns() - began) / count / 1_000


def main(rounds: int) -> None:
    """Measure everything in turn, `rounds` times, and print the line."""
    calm, wild = made_up(CALM_CENTS), made_up(WILD_CENTS)
    few, many = rules(1_000), rules(100_000)
    found: dict[str, list[tuple[float, int, int]]] = {}
    for _ in range(rounds):
        for name, batches, alerts in (
            ("none", calm, []),
            ("rules_1000", calm, few),
            ("rules_100000", calm, many),
            ("wild_1000", wild, few),
            ("wild_100000", wild, many),
        ):
            found.setdefault(name, []).append(measured(batches, alerts))
    line: dict[str, Any] = {"benchmark": "alerts"}
    for name, each in found.items():
        times = [one[0] for one in each]
        line[name] = {
            "ns_per_tick": round(median(times)), "range": [round(min(times)), round(max(times))],
            "looked_at_per_tick": round(each[0][2] / (TICKS * 0.9), 3),
        }  # fmt: skip
        if each[0][1]:
            per_s = each[0][1] / (median(times) * TICKS * 0.9 / 1e9)
            line[name] |= {"rings": each[0][1], "rings_per_cpu_s": round(per_s)}
    line |= {"put_us": round(put_us(100_000), 1), "rounds": rounds, "machine": machine()}
    print(json.dumps(line))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
