"""The tree of errors is the one printed at the top of its module."""

import re

import pytest

from ticks import errors
from ticks.errors import TickError


def test_the_printed_tree_is_the_tree_there_is() -> None:
    """One base class, and one subclass for each thing a caller would do differently."""
    printed = set(re.findall(r"\w+Error", errors.__doc__ or ""))
    defined = {name for name in vars(errors) if name.endswith("Error")}
    assert printed == defined
    for name in defined - {"TickError"}:
        assert getattr(errors, name).__bases__ == (TickError,)


@pytest.mark.parametrize("name", ["ChannelError", "SymbolError", "CodecError", "CalendarError"])
def test_every_error_is_a_value_error_with_a_line_on_it(name: str) -> None:
    """A caller that knows nothing of ours may catch `ValueError`."""
    error = getattr(errors, name)
    assert issubclass(error, ValueError)
    assert error.__doc__
