"""The errors of the wiring."""

from tapewire.errors import StartError, TapewireError


def test_a_failed_start_holds_every_reason() -> None:
    """The command line prints them one by one."""
    error = StartError(["a", "b"])
    assert isinstance(error, TapewireError)
    assert error.problems == ("a", "b")
    assert str(error) == "a\nb"
