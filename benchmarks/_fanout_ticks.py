"""The ticks of the fan-out benchmark. The C program and the peer make the very same ones.

Tick number i, from 0 on, is a trade of symbol `S%04d` of i × 7919 modulo the number of symbols, so
that each symbol comes once in a round; it is due i / rate seconds after the start.
"""

from typing import Final

from ticks.model import Tick, Trade
from ticks.sources import SIM

STRIDE: Final = 7919
"""A prime that divides no number of symbols in use: each round visits every symbol once."""
VENUE: Final = ord("V")
ELIGIBLE: Final = 2047
_SECOND_NS: Final = 1_000_000_000
_CENT: Final = 10_000_000
_SHARE: Final = 1_000_000


def symbol_names(universe: int) -> list[str]:
    """The symbols: S0000, S0001 and so on."""
    return [f"S{number:04d}" for number in range(universe)]


class TickSource:
    """Makes ticks at an exact rate.

    Args:
        rate: ticks/s.
        universe: how many symbols.
        start_ns: when the first one is due, ns UTC.
    """

    def __init__(self, rate: int, universe: int, start_ns: int) -> None:
        if universe % STRIDE == 0:
            raise ValueError(f"{universe} symbols cannot be visited in steps of {STRIDE}")
        self.made = 0
        """How many have been made."""
        self._rate = rate
        self._start_ns = start_ns
        self._names = symbol_names(universe)

    def until(self, now_ns: int) -> list[Tick]:
        """Make the ticks that have become due."""
        rate, start_ns, names = self._rate, self._start_ns, self._names
        universe = len(names)
        begin, end = self.made, (now_ns - start_ns) * rate // _SECOND_NS + 1
        self.made = max(begin, end)
        ticks: list[Tick] = []
        for i in range(begin, end):
            due_ns = start_ns + i * _SECOND_NS // rate
            price = (10_000 + i % 50 * 100 + i % 100) * _CENT
            ticks.append(
                Trade(
                    SIM, VENUE, names[i * STRIDE % universe], due_ns, due_ns, due_ns, i + 1, 0,
                    price, (1 + i % 900) * _SHARE, i + 1, 0, "", ELIGIBLE,
                )
            )  # fmt: skip
        return ticks
