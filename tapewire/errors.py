"""Errors of the wiring.

TapewireError
└── StartError     the service cannot start, with every problem found
"""

from collections.abc import Sequence


class TapewireError(Exception):
    """Anything that goes wrong in the wiring."""


class StartError(TapewireError):
    """The service cannot start as it was asked to; `problems` has one line for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
