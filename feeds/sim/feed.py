"""The shell of the simulated exchange: moves the clock's time into it and its ticks out.

What to do after a stall is decided in `plan`, which is plain and reads no clock.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from feeds.sim.exchange import SimExchange
from feeds.sim.view import SimView
from tape.batch import SourcePosition
from ticks.model import Tick

Sink = Callable[[list[Tick], SourcePosition, int], None]
"""Takes (ticks, position after them, now in ns) at once, without waiting."""

INTERVAL_SECONDS: Final = 0.005
"""How often the exchange is asked: rarely enough to cost nothing, often enough to look live."""
SLICE_NS: Final = 20_000_000
"""Most market time that one call of a sink covers; the loop gets a turn in between."""
TURN_SECONDS: Final = 0.005
"""How long an exchange that is behind is asked for slice after slice before the loop gets a turn."""
CATCH_UP_NS: Final = 2_000_000_000
"""Most market time that is caught up after a stall. What is older is skipped, and declared."""


class Plan(Struct, frozen=True):
    """What to ask of the exchange next."""

    skip_to_ns: int
    """Stand still until then first; 0 = nothing to skip."""
    advance_to_ns: int
    behind: bool
    """Whether there is more to ask for at once."""


def plan(reached_ns: int, now_ns: int) -> Plan:
    """What to ask of an exchange that has reached a time (0: it has not begun) and should be at another."""
    skip_to_ns = 0
    if reached_ns and now_ns - reached_ns > CATCH_UP_NS:
        reached_ns = skip_to_ns = now_ns - CATCH_UP_NS
    if reached_ns and now_ns - reached_ns > SLICE_NS:
        return Plan(skip_to_ns, reached_ns + SLICE_NS, behind=True)
    return Plan(skip_to_ns, now_ns, behind=False)


class SimFeed:
    """Runs a simulated exchange in real time.

    There is no queue: ticks go to the sinks in the loop turn in which they are made. An
    exchange that cannot keep up, or whose process stood still, is never more than `CATCH_UP_NS`
    behind: what is older is not traded at all and told by gap_open, gap_close (why = overflow).

    Arguments:
        exchange: restored already, if it is to go on after another.
        key: names the source in positions.
        clock_ns: the time, ns UTC. While it steps back nothing trades.
        views: further sources of the same market, each with the sink for its ticks.
    """

    def __init__(
        self,
        exchange: SimExchange,
        key: str = "sim:",
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        views: Sequence[tuple[SimView, Sink]] = (),
    ) -> None:
        self.exchange = exchange
        self.key = key
        self._clock_ns = clock_ns
        self._views = tuple(views)
        self.ticks = 0
        """Ticks given to the exchange's own sink so far."""
        self.overflows = 0
        """Stretches that were skipped because we were too far behind."""

    async def run(self, sink: Sink) -> None:
        """Hand ticks to `sink` until cancelled; what a sink raises ends it."""
        while True:
            until = time.monotonic() + TURN_SECONDS
            while (behind := self.step(sink)) and time.monotonic() < until:
                pass  # a loop that turns slowly must not let the market fall further behind
            await asyncio.sleep(0 if behind else INTERVAL_SECONDS)

    def step(self, sink: Sink) -> bool:
        """Hand over what is due, a slice at most; return whether more is due already."""
        now_ns = self._clock_ns()
        exchange = self.exchange
        todo = plan(exchange.reached_ns, now_ns)
        ticks: list[Tick] = []
        if todo.skip_to_ns:
            behind_ms = (now_ns - exchange.reached_ns) // 1_000_000
            text = f"the simulated exchange was {behind_ms} ms behind"
            ticks = exchange.skip(todo.skip_to_ns, "overflow", text)
            self.overflows += 1
        ticks += exchange.advance(todo.advance_to_ns)
        if ticks:
            self.ticks += len(ticks)
            sink(ticks, SourcePosition(self.key, exchange.position()), now_ns)
        for view, view_sink in self._views:
            if arrived := view.relay(ticks, todo.advance_to_ns):
                view_sink(arrived, SourcePosition(f"{self.key}{view.source}", exchange.position()), now_ns)
        return todo.behind
