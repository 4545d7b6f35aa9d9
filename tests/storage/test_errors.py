"""The tree of errors is the one printed at the top of its module."""

import inspect

import pytest

from storage import errors

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", CLASSES)
def test_each_error_stands_in_the_printed_tree_and_below_the_base(error: type[Exception]) -> None:
    """A caller can catch everything of the package by one name, and read what there is."""
    assert errors.__doc__ is not None
    assert error.__name__ in errors.__doc__
    assert issubclass(error, errors.StorageError)
    assert error.__doc__


@pytest.mark.parametrize("error", [errors.CursorForged, errors.CursorForeign, errors.CursorExpired])
def test_every_fault_of_a_cursor_is_a_cursor_error(error: type[Exception]) -> None:
    """Over HTTP all of them are the caller's fault."""
    assert issubclass(error, errors.CursorError)
