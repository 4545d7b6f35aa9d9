"""The hub's errors carry what the client is told."""

from hub.codes import BAD_MSG
from hub.errors import HubError, MessageError


def test_message_error_carries_code_hint_and_id() -> None:
    """Everything an `err` answer needs travels with the error."""
    error = MessageError(BAD_MSG, "hz: too quick", 7)
    assert isinstance(error, HubError)
    assert (error.code, error.hint, error.message_id, str(error)) == (
        BAD_MSG, "hz: too quick", 7, "hz: too quick",
    )  # fmt: skip


def test_message_error_needs_no_id() -> None:
    """A message whose id could not be read is answered without one."""
    assert MessageError(BAD_MSG, "x").message_id is None
