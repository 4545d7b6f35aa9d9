"""What follows from a client's message, as values: whoever owns the connection performs them."""

from typing import Any

from msgspec import Struct

from hub.codes import CloseCode, ErrorCode
from hub.messages import AlertAck, AlertDel, AlertList, AlertPut, FromMark


class Answer(Struct, frozen=True):
    """Send a control message."""

    message: dict[str, Any]


class Subscribe(Struct, frozen=True):
    """Begin a subscription to these channels; it takes the place of one of the same id."""

    sub_id: int
    lineup: str
    channels: tuple[str, ...]
    kinds: tuple[str, ...]
    star: bool
    """Every symbol of `kinds`, those to come included; then `channels` is empty."""
    rate_hz: float | None
    """None = raw."""
    start: FromMark | str
    """A place on the tape, `live` or `snapshot`."""
    denied: tuple[dict[str, str], ...] = ()
    """What was asked for and may not be had, with the word of the error."""


class Unsubscribe(Struct, frozen=True):
    """End a subscription."""

    sub_id: int


class Withdraw(Struct, frozen=True):
    """Take channels from a subscription, because the caller may not have them any more."""

    sub_id: int
    channels: tuple[str, ...]


class Ask(Struct, frozen=True):
    """Hand a message to the desk, which answers it."""

    message: AlertPut | AlertList | AlertDel | AlertAck


class Close(Struct, frozen=True):
    """Close the connection."""

    code: CloseCode
    reason: str = ""


Effect = Answer | Subscribe | Unsubscribe | Withdraw | Ask | Close


def error_message(code: ErrorCode, hint: str, message_id: int | None = None) -> dict[str, Any]:
    """An `err` message."""
    message: dict[str, Any] = {"op": "err"}
    if message_id is not None:
        message["id"] = message_id
    message |= {"code": code.word, "no": code.number, "class": code.error_class, "msg": code.meaning}
    if hint:
        message["hint"] = hint
    return message
