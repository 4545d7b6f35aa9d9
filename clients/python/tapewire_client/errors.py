"""Errors of the client.

ClientError
├── RequestRefused            the hub answered a message with `err`; its attributes say why
├── ConnectionRefused         the hub does not want this connection; coming back unchanged is of no use
├── ConnectionLost            nobody answers, or the connection broke and the client was told not to come back
│   └── ConnectionPostponed   the hub (or a proxy) asks us to come later
└── ProtocolError             what came is not of the protocol; the peer is at fault
"""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Anything that this client raises."""


class RequestRefused(ClientError):
    """The hub answered a message with `err`."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.code = str(message.get("code", ""))
        """A word, such as `AUTH_FAILED` or `BAD_MSG`."""
        self.error_class = str(message.get("class", ""))
        """What to do about it: `fix`, `auth`, `plan`, `wait`, `gone` or `hub`."""
        self.hint = str(message.get("hint", ""))
        self.request_id: int | None = message.get("id")
        """The id of the subscription that was refused; None when it was something else."""
        parts = (self.code, str(message.get("msg", "")), self.hint)
        super().__init__(": ".join(part for part in parts if part))


class ConnectionRefused(ClientError):
    """The hub refused the handshake or closed with a code that says: don't come back unchanged."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        """The close code of the WebSocket, or the status of the HTTP answer."""
        self.reason = reason
        super().__init__(f"refused by the hub: {code} {reason}".rstrip())


class ConnectionLost(ClientError):
    """There is no connection; trying again later may help."""


class ConnectionPostponed(ConnectionLost):
    """We were turned away for now."""

    def __init__(self, text: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        """How long to wait at least, s."""
        super().__init__(text)


class ProtocolError(ClientError):
    """What came is not of the protocol."""
