"""Batches and their marks."""

from tests.tape.making import batch, quote


def test_marks_of_a_batch_are_consecutive() -> None:
    """The last mark follows from the first and the number of ticks."""
    made = batch(10, [quote(1), quote(2), quote(3)])
    assert made.last_m == 12


def test_batch_without_ticks_ends_in_front_of_its_first_mark() -> None:
    """It uses no mark."""
    assert batch(10, []).last_m == 9
