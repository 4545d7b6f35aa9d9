"""Errors of the configuration.

ConfigError       settings that cannot be used, with every problem found
"""

from collections.abc import Sequence


class ConfigError(Exception):
    """Settings that cannot be used.

    `problems` holds one line of text for each thing that is wrong: where it stands, the key,
    what was found and what is allowed. Secrets are not in it.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
