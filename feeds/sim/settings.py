"""What can be chosen about the simulated market."""

from typing import Final, Literal

from msgspec import Struct

from ticks.sources import SIM

SYMBOLS_MAX: Final = 20_000
RATE_MAX: Final = 500_000
"""Highest `rate` x `speed`, ticks/s. Sequence numbers and trade ids begin at the µs of the start,
so that no start repeats an earlier one's as long as fewer than 1,000,000 a second are used."""
BOOKS_RATE_MAX: Final = 20_000
"""Highest `rate` x `speed` for which `auto` keeps full books, ticks/s."""
SPEED_LEAST: Final = 0.001
SPEED_MOST: Final = 1_000
_RATE_LEAST: Final = 0.001


class SimSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One simulated market. Equal settings and an equal start give an equal tape.

    Raises:
        ValueError: a value outside its range, or more ticks a second than `RATE_MAX`.
    """

    seed: int = 7
    """What the random numbers grow from; below 2⁶³."""
    symbols: int = 12
    """How many symbols trade, 1 to 20,000: the well-known ones first, then invented ones."""
    rate: float = 100.0
    """Ticks of the whole market in a second at `speed` 1, on average, ticks/s."""
    speed: float = 1.0
    """How much faster than a real market this one lives, 0.001 to 1,000: prices wander, halts come
    and the `rate` is multiplied by it. The times on the ticks are the clock's all the same."""
    mode: Literal["auto", "books", "load"] = "auto"
    """`books`: a full order book for each symbol. `load`: quotes and trades without books, for
    benchmarks. `auto`: books up to 20,000 ticks/s."""
    halt_every_s: float = 240.0
    """Mean time between two halts anywhere in the market, s at `speed` 1."""
    halt_s: float = 15.0
    """How long a halt lasts, 1 to 3,600 s at `speed` 1."""
    cancel_every: int = 400
    """One trade on the book in this many is cancelled some seconds later, trades."""
    source: int = SIM
    """Number of the source that the ticks carry, see `ticks.sources`."""

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, right in (
                ("seed", 0 <= self.seed < 1 << 63),
                ("symbols", 1 <= self.symbols <= SYMBOLS_MAX),
                ("rate", _RATE_LEAST <= self.rate <= RATE_MAX),
                ("speed", SPEED_LEAST <= self.speed <= SPEED_MOST),
                ("rate x speed", _RATE_LEAST <= self.rate * self.speed <= RATE_MAX),
                ("mode", self.mode in ("auto", "books", "load")),
                ("halt_every_s", 1 <= self.halt_every_s <= 1e9),
                ("halt_s", 1 <= self.halt_s <= 3_600),
                ("cancel_every", self.cancel_every >= 1),
                ("source", 0 <= self.source <= 255),
            )
            if not right
        ]
        if wrong:
            raise ValueError(f"outside its range: {', '.join(wrong)}")

    @property
    def total_rate(self) -> float:
        """Ticks of the whole market in a second of the clock, ticks/s."""
        return self.rate * self.speed

    @property
    def has_books(self) -> bool:
        """Whether each symbol has a full order book."""
        return self.mode == "books" or (self.mode == "auto" and self.total_rate <= BOOKS_RATE_MAX)
