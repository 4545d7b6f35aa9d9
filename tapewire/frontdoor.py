"""The one port: reads a connection's first request head and hands the connection to whom it belongs.

A WebSocket upgrade goes to the hub's own protocol (no task per connection, frames built
once); everything else to aiohttp, with the bytes already read. An upgrade on a connection
that aiohttp already serves (a request before it in the same packet, a proxy that reuses
connections), and one that needs a closer look, is taken over by `take_over`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast

from aiohttp import web

from tapewire.http.access import Network, is_trusted
from tapewire.http.call import Call, Route
from tapewire.http.problems import Problem

STREAM_PATH: Final = "/v1/stream"
HEAD_BYTES_MAX: Final = 65_536
"""Of a longer head aiohttp, which has limits for each of its parts, gets to know while it comes."""
HEAD_SECONDS_MAX: Final = 10.0
"""A client that has not sent a whole head by then is cut."""
WAITING_MAX: Final = 1_024
"""Connections without a whole head; one more, and the oldest of them is cut. Who means it has sent a head
long before that."""
TOO_LATE: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = f"GET {STREAM_PATH} HTTP/1.1".encode()
_FOR_HTTP_TO_JUDGE: Final = (b"transfer-encoding", b"content-length", b"expect")

Make = Callable[[], asyncio.Protocol]


class FrontDoor:
    """Makes the protocol of each new connection.

    Bounds: `WAITING_MAX` connections, each with `HEAD_BYTES_MAX` and one read, for `HEAD_SECONDS_MAX`.

    Args:
        stream: makes the protocol of a WebSocket, which is given the upgrade request.
        http: makes the protocol of everything else.
        proxies: when there are any, streams of other peers go to `http` too, which refuses them.
    """

    def __init__(self, stream: Make, http: Make, proxies: Sequence[Network] = ()) -> None:
        self.stream = stream
        self.http = http
        self._proxies = proxies
        self._waiting: dict[Visitor, None] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return Visitor(self)

    def close(self) -> None:
        """Cut all those without a whole head."""
        for visitor in list(self._waiting):
            visitor.cut()

    def enter(self, visitor: "Visitor") -> None:
        """Somebody has connected."""
        self._waiting[visitor] = None
        if len(self._waiting) > WAITING_MAX:
            next(iter(self._waiting)).cut()

    def leave(self, visitor: "Visitor") -> None:
        """Somebody has left, or been handed over."""
        self._waiting.pop(visitor, None)

    def trusts(self, transport: asyncio.Transport) -> bool:
        """Whether a peer may be served at all."""
        if not self._proxies:
            return True
        peer = transport.get_extra_info("peername")
        return is_trusted(peer[0] if isinstance(peer, tuple) else None, self._proxies)


class Visitor(asyncio.Protocol):
    """A connection whose first request head is still coming."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the head."""
        self._transport = cast("asyncio.Transport", transport)
        self._timeout = asyncio.get_running_loop().call_later(HEAD_SECONDS_MAX, self._give_up)
        self._door.enter(self)

    def data_received(self, data: bytes) -> None:
        """Collect the head; hand over when it is whole, or when it is none."""
        if self._transport is None:
            return  # cut; what was under way does not matter
        head = self._head
        searched = max(0, len(head) - len(_END) + 1)
        head += data
        if not searched:
            # Empty lines in front of a request are to be ignored (RFC 9112, 2.2).
            del head[: len(head) - len(head.lstrip(b"\r\n"))]
        end = head.find(_END, searched)
        if end >= 0:
            wanted = is_stream(bytes(head[:end])) and self._door.trusts(self._transport)
            self._hand_over(self._door.stream if wanted else self._door.http)
        elif len(head) > HEAD_BYTES_MAX or _is_no_head(head):
            self._hand_over(self._door.http)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        self._leave()

    def cut(self) -> None:
        """End the connection at once."""
        transport = self._leave()
        if transport is not None:
            transport.abort()

    def _give_up(self) -> None:
        started = bool(self._head)
        transport = self._leave()
        if transport is None:
            return
        if started:
            transport.write(TOO_LATE)
        transport.close()

    def _hand_over(self, make: Make) -> None:
        transport = self._leave()
        assert transport is not None
        protocol = make()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(bytes(self._head))

    def _leave(self) -> asyncio.Transport | None:
        """Wait no longer; the transport, if there still is one."""
        self._door.leave(self)
        if self._timeout is not None:
            self._timeout.cancel()
        transport, self._transport = self._transport, None
        return transport


def is_stream(head: bytes) -> bool:
    """Whether a request's head is an upgrade to our stream that needs no other judgement.

    What is peculiar in any way is aiohttp's to answer, or to hand to `take_over`.
    """
    line, *fields = head.split(b"\r\n")
    if line != _REQUEST_LINE:
        return False
    upgrades = hosts = 0
    for field in fields:
        name, _, value = field.partition(b":")
        name = name.lower()
        if name in _FOR_HTTP_TO_JUDGE:
            return False
        hosts += name == b"host"
        upgrades += name == b"upgrade" and value.strip().lower() == b"websocket"
    return hosts == 1 and upgrades == 1


def _is_no_head(head: bytearray) -> bool:
    """Whether no request begins so: TLS, say, or lines that end as HTTP's do not."""
    line_end = head.find(b"\n")
    return bool(head) and (
        not head[:1].isalpha() or (line_end >= 0 and head[line_end - 1 : line_end] != b"\r")
    )


class _Tail:
    """Stands in as aiohttp's payload parser to be given what followed the upgrade request."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Keep it."""
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Nothing more comes."""


class _TakenOver(web.StreamResponse):
    """What a handler returns whose connection has been taken over: nothing is sent for it."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send nothing."""


def stream_route(make: Make) -> Route:
    """The route of the stream, for upgrades that came by aiohttp; `make` makes their protocol."""

    async def stream(call: Call) -> web.StreamResponse:
        return take_over(call.request, make)

    return Route(STREAM_PATH, "GET", "public", stream, "The WebSocket; its first message brings the token.")


def take_over(request: web.Request, make: Make) -> web.StreamResponse:
    """Give the connection of an upgrade request to a protocol of its own; aiohttp is done with it.

    Raises:
        Problem: the request is no upgrade.
    """
    transport = request.transport
    if transport is None or not _is_upgrade(request):
        raise Problem("upgrade-required", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    served = request.protocol
    tail = _Tail()
    served.set_parser(tail)  # type: ignore[arg-type]  # it only feeds it
    paused = served.writing_paused
    # For aiohttp this connection has ended, and so has the task that runs us: once it waits, it is cancelled.
    served.transport = None
    served.connection_lost(None)
    protocol = make()
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if paused:
        protocol.pause_writing()  # the client has not taken the answers before this one yet
    protocol.data_received(_head_of(request) + tail.data)
    return _TakenOver()


def _is_upgrade(request: web.Request) -> bool:
    """Whether aiohttp has stopped reading requests behind this one: then what follows is the stream's."""
    asked = request._message.upgrade and request.headers.get("Upgrade", "").lower() == "websocket"
    return asked and not request.body_exists


def _head_of(request: web.Request) -> bytes:
    """The request's head again, as bytes."""
    version = request.version
    lines = [f"GET {STREAM_PATH} HTTP/{version.major}.{version.minor}".encode()]
    lines.extend(name + b": " + value for name, value in request.raw_headers)
    return b"\r\n".join(lines) + _END
