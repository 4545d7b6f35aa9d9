"""Noise that can be asked for any moment: a pure function of (key, time).

Nothing here remembers what was asked before (it only keeps the last answer's ingredients), so
a market that was restarted finds every price where it would have been.
"""

from typing import Final

_MASK: Final = (1 << 64) - 1
_UNIT: Final = 2.0**-53
_SECOND_NS: Final = 1_000_000_000
_DAY_S: Final = 23_400
"""Seconds of a trading day, to which a daily volatility refers."""
_FASTEST_S: Final = 1
_SLOWEST_S: Final = 262_144
_STEP: Final = 4


def mix(value: int) -> int:
    """Scramble an integer of any size into 64 bits (the finaliser of splitmix64)."""
    value = (value + 0x9E37_79B9_7F4A_7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return value ^ (value >> 31)


def mix_text(seed: int, text: str) -> int:
    """Scramble a seed and a text into 64 bits; the same on every machine, unlike `hash`."""
    return mix(mix(seed) ^ int.from_bytes(text.encode(), "little"))


def unit(value: int) -> float:
    """The upper 53 of 64 scrambled bits as a number in [0, 1)."""
    return (value >> 11) * _UNIT


class _Octave:
    """Random heights at the points of a lattice in time, joined by straight lines."""

    __slots__ = ("amplitude", "cell", "height", "key", "period_ns", "slope")

    def __init__(self, key: int, period_ns: int, amplitude: float) -> None:
        self.key = key
        self.period_ns = period_ns
        self.amplitude = amplitude
        self.cell = -(1 << 62)
        self.height = 0.0
        self.slope = 0.0

    def enter(self, cell: int) -> None:
        """Look up the line of another cell."""
        left = self.amplitude * (2.0 * unit(mix(self.key + cell)) - 1.0)
        right = self.amplitude * (2.0 * unit(mix(self.key + cell + 1)) - 1.0)
        self.cell = cell
        self.height = left
        self.slope = (right - left) / self.period_ns


class Wander:
    """A path that wanders like a price for up to some days and in the long run returns to 0.

    A sum of octaves whose amplitude grows with the root of their period: up to the slowest
    period it moves like a random walk of the given volatility, beyond it reverts to its mean.

    Arguments:
        key: 64 bits that name the path.
        volatility: typical change over a trading day (0.02 = 2 %).
        fastest_s: the shortest period, s: what is quicker is left out, and costs nothing.
    """

    __slots__ = ("_octaves",)

    def __init__(self, key: int, volatility: float, fastest_s: int = _FASTEST_S) -> None:
        self._octaves: list[_Octave] = []
        period_s = _FASTEST_S
        while period_s <= _SLOWEST_S:
            if period_s >= fastest_s:
                amplitude = volatility * (period_s / _DAY_S) ** 0.5
                self._octaves.append(_Octave(mix(key + period_s), period_s * _SECOND_NS, amplitude))
            period_s *= _STEP

    def at(self, time_ns: int) -> float:
        """Where the path is at a time, relative to 0; always within +- 7 times the volatility."""
        total = 0.0
        for octave in self._octaves:
            cell = time_ns // octave.period_ns
            if cell != octave.cell:
                octave.enter(cell)
            total += octave.height + octave.slope * (time_ns - cell * octave.period_ns)
        return total
