"""The flags keep their bits and have names."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticks.strategies import FLAGS_MAX
from ticks import flags

BITS = {
    "snapshot": 1, "replay": 2, "backfill": 4, "late": 8, "out_of_order": 16, "possible_dup": 32,
    "after_gap": 64, "secondary_source": 128, "partial_coverage": 256, "ts_event_estimated": 512,
    "clock_suspect": 1024, "test_symbol": 2048, "corrected": 4096,
}  # fmt: skip
"""As the first release wrote them into journals."""


def test_bits_never_move() -> None:
    """Each name stands for the one bit it always had."""
    assert {name: bit for bit, name in flags.NAMES.items()} == BITS
    assert sum(flags.NAMES) == FLAGS_MAX


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_names_tell_exactly_the_bits_that_are_set(bits: int) -> None:
    """Lowest bit first; bits without a name are left out."""
    named = flags.names(bits)
    assert sum(BITS[name] for name in named) == bits & FLAGS_MAX
    assert named == sorted(named, key=BITS.__getitem__)
