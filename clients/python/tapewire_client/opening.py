"""Opening a connection: the WebSocket's handshake, our hello, and what their failures mean."""

import asyncio
import ssl
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from tapewire_client.codec import SUBPROTOCOLS, Codec, Decode, Encode
from tapewire_client.errors import (
    ClientError,
    ConnectionLost,
    ConnectionPostponed,
    ConnectionRefused,
    RequestRefused,
)
from tapewire_client.messages import Message
from tapewire_client.outcome import Outcome, of_close, of_status

FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest frame taken from a hub. Its own are far smaller; it bounds what a wrong peer can make us hold."""
FRAMES_WAITING_MAX: Final = 1_024
"""Frames received ahead of the consumer. Beyond it the socket is not read: the hub slows down, and
what it could not send comes from its tape later."""
HANDSHAKE_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
NO_CLOSE_CODE: Final = 1006


class Opener:
    """Opens connections to one hub, always in the same way."""

    def __init__(
        self,
        url: str,
        token: str | None,
        codec: Codec,
        encode: Encode,
        decode: Decode,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._url = url
        self._token = token
        self._subprotocol = Subprotocol(SUBPROTOCOLS[codec])
        self._encode = encode
        self._decode = decode
        # What websockets takes: None only without TLS, True for the system's trust.
        self._tls = tls or (True if urlsplit(url).scheme == "wss" else None)

    async def open(self) -> tuple[ClientConnection, list[Message]]:
        """Open a socket and say hello; the socket, and the messages that came, `welcome` first.

        Raises:
            RequestRefused: the token is not valid, or there is no room for this user.
            ConnectionRefused: the hub (or something else at that address) does not let us in.
            ConnectionLost: nobody answers there, or `ConnectionPostponed`: not now.
            ProtocolError: what answers is not of the protocol.
        """
        socket = await self._open_socket()
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await socket.send(self._encode([self._hello()]))
                return socket, await self._welcome(socket)
        except BaseException as error:
            socket.transport.abort()
            if isinstance(error, ConnectionClosed):
                code, reason = close_of(error)
                raise refusal(of_close(code, reason), code, reason) from None
            if isinstance(error, TimeoutError):
                raise ConnectionLost("no welcome in time") from None
            raise

    async def _open_socket(self) -> ClientConnection:
        try:
            socket = await open_websocket(
                self._url,
                ssl=self._tls,
                subprotocols=[self._subprotocol],
                compression=None,
                max_size=FRAME_BYTES_MAX,
                max_queue=FRAMES_WAITING_MAX,
                open_timeout=HANDSHAKE_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=None,  # the hub pings; a consumer that is slow must not look like a dead hub
                user_agent_header="tapewire-client",
                proxy=None if is_local(self._url) else True,
            )
        except InvalidStatus as error:
            status, headers = error.response.status_code, error.response.headers
            outcome = of_status(status, headers.get("Retry-After"))
            raise refusal(outcome, status, error.response.reason_phrase) from None
        except TimeoutError:
            raise ConnectionLost("no answer in time") from None
        except (InvalidHandshake, OSError, EOFError) as error:
            raise ConnectionLost(reason_of(error)) from error
        if socket.subprotocol != self._subprotocol:
            socket.transport.abort()
            raise ConnectionRefused(101, "whoever answers there does not speak tapewire's protocol")
        return socket

    async def _welcome(self, socket: ClientConnection) -> list[Message]:
        """Wait for the answer to our hello; whatever else came with it stays behind it."""
        while True:
            messages = self._decode(await socket.recv(decode=False))
            for place, message in enumerate(messages):
                if message["op"] == "welcome":
                    return messages[place:]
                if message["op"] == "err":
                    raise RequestRefused(message)

    def _hello(self) -> dict[str, Any]:
        hello: dict[str, Any] = {"op": "hello", "client": {"name": "tapewire-client"}}
        return hello if self._token is None else {**hello, "token": self._token}


def refusal(outcome: Outcome, code: int, reason: str) -> ClientError:
    """The error for a handshake or a connection that ended so."""
    if outcome.come_back:
        return ConnectionPostponed(f"turned away: {code} {reason}".rstrip(), outcome.wait_s)
    return ConnectionRefused(code, reason)


def close_of(closed: ConnectionClosed) -> tuple[int, str]:
    """The close code and reason that the hub sent; `NO_CLOSE_CODE` when it sent none."""
    return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else (NO_CLOSE_CODE, "")


def reason_of(error: BaseException) -> str:
    """A failure in the system's own words, without what the user knows already."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"  # of several addresses the system tells all in one long line
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def is_local(url: str) -> bool:
    """Whether the hub is on this machine, where no proxy is asked."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
