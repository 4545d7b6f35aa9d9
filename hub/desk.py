"""The desk behind the hub: whoever knows about alerts and watchlists, which the hub only passes on."""

from collections.abc import Sequence
from typing import Any, Protocol

from hub.callers import Caller
from hub.connection import Connection
from hub.messages import AlertAck, AlertDel, AlertList, AlertPut
from hub.sender import Sender

DeskMessage = AlertPut | AlertList | AlertDel | AlertAck


class Visit:
    """One client's connection, as the desk sees it."""

    __slots__ = ("_connection", "_sender")

    def __init__(self, connection: Connection, sender: Sender) -> None:
        self._connection = connection
        self._sender = sender

    @property
    def caller(self) -> Caller:
        """Who it is, by the newest token."""
        caller = self._connection.session.caller
        assert caller is not None
        return caller

    @property
    def packed(self) -> bool:
        """Whether messages go out as MessagePack."""
        return self._connection.packed

    def answer(self, message: dict[str, Any]) -> None:
        """Answer what the client has asked. It goes nowhere when the client has left."""
        self._sender.say(self._connection, message)

    def push(self, message: dict[str, Any]) -> bool:
        """Send what the client has not asked for; False when it cannot take that now."""
        connection = self._connection
        if connection.closed or connection.stalled or connection.rest:
            return False
        self._sender.say(connection, message)
        return True


class Desk(Protocol):
    """Answers clients about their alerts and watchlists. No method waits or raises, but `watchlist`."""

    def opened(self, visit: Visit) -> None:
        """Somebody is there who has said who they are. Nothing is sent at once: `welcome` comes first."""
        ...

    def closed(self, visit: Visit) -> None:
        """They have left."""
        ...

    def ask(self, visit: Visit, message: DeskMessage) -> None:
        """Take what a client says; it is answered on the visit, now or later."""
        ...

    def watchlist(self, caller: Caller, name: str) -> Sequence[str]:
        """The symbols of a caller's list.

        Raises:
            MessageError: the caller has none of this name.
        """
        ...
