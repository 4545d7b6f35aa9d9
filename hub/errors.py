"""Errors of the hub.

HubError
└── MessageError    a client's message cannot be accepted; it becomes an `err` answer
"""

from hub.codes import ErrorCode


class HubError(Exception):
    """Anything that goes wrong between a client and the hub."""


class MessageError(HubError):
    """A message cannot be accepted. `hint` names the field, and never repeats a secret."""

    def __init__(self, code: ErrorCode, hint: str, message_id: int | None = None) -> None:
        super().__init__(hint)
        self.code = code
        self.hint = hint
        self.message_id = message_id
