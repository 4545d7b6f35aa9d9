"""Reference data."""

from feeds.iex.reference import ReferenceData


def test_reference_data_is_a_value() -> None:
    """Two entries with the same content are equal and can be kept in a set."""
    one = ReferenceData("ZIEXT", 1, 100_000_000, 99_050_000_000, 1, True, False, False)
    assert {one, ReferenceData("ZIEXT", 1, 100_000_000, 99_050_000_000, 1, True, False, False)} == {one}
