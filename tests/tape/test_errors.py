"""The tree of errors."""

import inspect

from tape import errors


def test_every_error_of_the_tape_has_one_base_and_stands_in_the_tree() -> None:
    """Whoever catches `TapeError` catches all of them; the tree at the top names each."""
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    assert len(classes) >= 8
    for cls in classes:
        assert issubclass(cls, errors.TapeError)
        assert cls.__name__ in (errors.__doc__ or "")
