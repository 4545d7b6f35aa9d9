"""The errors of the feeds."""

import re

from feeds import errors


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """Every error is in the printed tree, under the one base class."""
    printed = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    defined = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.FeedError) and value is not errors.FeedError
    ]
    assert printed == defined
    assert all(getattr(errors, name).__doc__ for name in defined)
