"""Errors of accounts.

AccountsError
├── AccountSettingsError   the table of tokens in the configuration cannot be used
└── AuthError              the caller is not known; all of it is the caller's fault
    ├── AuthMissing        no credential was given
    ├── AuthFailed         the credential is nobody's
    └── TokenExpired       the credential was somebody's once

None of the messages repeats a credential.
"""

from collections.abc import Sequence


class AccountsError(Exception):
    """Anything that goes wrong in this package."""


class AccountSettingsError(AccountsError):
    """The table of tokens cannot be used; `problems` has one line for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class AuthError(AccountsError):
    """The caller is not known."""


class AuthMissing(AuthError):
    """No credential was given; the caller may try again with one."""


class AuthFailed(AuthError):
    """The credential is nobody's; trying it again is of no use."""


class TokenExpired(AuthError):
    """The credential has come to its end; the caller needs a new one."""
