"""A second source that reports the same market: for failover between feeds."""

from collections import deque
from random import Random
from typing import Final

from msgspec.structs import astuple

from feeds.sim.noise import mix
from ticks.model import FeedEvent, Tick

DELAY_NS_MAX: Final = 10_000_000_000


class SimView:
    """Hands on the ticks of an exchange later, under another source, and not all of them.

    Events, sequence numbers and trade ids are those of the exchange, so a lost tick leaves a
    hole in `src_seq`. Which ticks are lost follows from the seed and the order alone. Feed
    events of the exchange are handed on, and never lost.

    What waits is bounded by the delay: at most ten seconds of the market.

    Arguments:
        source: number of the source that the ticks carry.
        delay_ns: how much later than the exchange's own ticks these arrive; half of it before the
            source sends them. At most 10 s.
        loss: which part of the ticks is lost, 0 to below 1.

    Raises:
        ValueError: delay or loss outside its range.
    """

    def __init__(self, source: int, delay_ns: int, loss: float, seed: int) -> None:
        if not 0 <= delay_ns <= DELAY_NS_MAX or not 0.0 <= loss < 1.0:
            raise ValueError(f"delay must be 0 to {DELAY_NS_MAX} ns and loss 0 to below 1")
        self.source = source
        self.lost = 0
        """Ticks that were lost so far."""
        self._delay_ns = delay_ns
        self._loss = loss
        self._random = Random(mix(seed) ^ source).random
        self._waiting: deque[Tick] = deque()

    def relay(self, ticks: list[Tick], now_ns: int) -> list[Tick]:
        """Take what the exchange gave; return what has arrived by `now_ns`, in order."""
        waiting = self._waiting
        for tick in ticks:
            if self._loss and self._random() < self._loss and not isinstance(tick, FeedEvent):
                self.lost += 1
            else:
                waiting.append(tick)
        arrived: list[Tick] = []
        while waiting and waiting[0].ts_recv + self._delay_ns <= now_ns:
            arrived.append(self._restamp(waiting.popleft()))
        return arrived

    def _restamp(self, tick: Tick) -> Tick:
        _, venue, symbol, ts_event, ts_send, ts_recv, *rest = astuple(tick)
        delay_ns = self._delay_ns
        sent_ns = ts_send + delay_ns // 2
        return type(tick)(self.source, venue, symbol, ts_event, sent_ns, ts_recv + delay_ns, *rest)
