"""The sources keep their numbers and have names."""

from ticks import sources

NUMBERS = {
    "unknown": 0, "alpaca-sip": 1, "alpaca-iex": 2, "iex-tops": 3, "iex-deep": 4, "sim": 5, "replay": 6,
    "derived": 7, "hub": 8, "sim-b": 9,
}  # fmt: skip
"""As the first release wrote them into journals."""


def test_numbers_never_move() -> None:
    """Each name stands for the one number it always had, below those that users may take."""
    assert {name: number for number, name in sources.NAMES.items()} == NUMBERS
    assert max(sources.NAMES) < sources.FIRST_CONFIGURED


def test_every_number_has_a_name() -> None:
    """A configured source is called by its number where its name is not known."""
    assert sources.name(sources.IEX_TOPS) == "iex-tops"
    assert sources.name(0) == "unknown"
    assert sources.name(70) == "source-70"
    assert len({sources.name(number) for number in range(256)}) == 256
