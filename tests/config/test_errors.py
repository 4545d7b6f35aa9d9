"""The one error of the configuration."""

from config.errors import ConfigError


def test_an_error_holds_every_problem_and_prints_one_a_line() -> None:
    """Whoever catches it can print the problems one by one, or all at once."""
    error = ConfigError(["first", "second"])
    assert error.problems == ("first", "second")
    assert str(error) == "first\nsecond"
