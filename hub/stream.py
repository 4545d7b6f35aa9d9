"""The asyncio side of one client's WebSocket: bytes between transport, protocol core and hub.

No task belongs to a connection. Back-pressure comes from the transport's own callbacks:
while it is paused nothing is read from the client either, so a client that does not read
its answers cannot make us keep more of them.
"""

import asyncio
import ipaddress
import itertools
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Final, cast

from config.settings import HubSettings
from hub.connection import Connection
from hub.hub import Hub
from hub.turn import Turn
from hub.websocket import Ended, Event, Heard, Message, Opened, Refusal, WebSocketCore

JSON: Final = "tapewire.v1.json"
MSGPACK: Final = "tapewire.v1.msgpack"
BUSY_SHARE: Final = 0.05
"""How much of a core one client's messages may take for long; then they wait in the network."""
BUSY_SECONDS: Final = 0.05
"""How much of it they may take at once: a thousand commands, or a watchlist of thousands of channels."""
WAIT_SECONDS_MAX: Final = 1.0
"""How long it is not read at a time: it must not seem silent for that."""
CLOSE_SECONDS: Final = 5.0
"""How long a close handshake may take."""
RETRY_AFTER_SECONDS: Final = 5
UNSENT_BYTES: Final = 32_768
"""What the kernel takes for a client beyond what is on its way. By default it takes megabytes: each
stalled client would hold them, and find old ticks in them when it reads again."""
PORT: Final = re.compile(r":\d+\Z")


class WebSocketProtocol(asyncio.Protocol):
    """Moves bytes between a transport and a `WebSocketCore`; what the events mean is the subclass's.

    What a client sends is acted on as long as the `turn` allows, and for `busy_share` of all time.
    """

    def __init__(
        self,
        core: WebSocketCore,
        *,
        write_buffer_bytes: int,
        open_seconds: float,
        busy_share: float = BUSY_SHARE,
        turn: Turn | None = None,
    ) -> None:
        self.core = core
        self.transport: asyncio.Transport | None = None
        self._write_buffer_bytes = write_buffer_bytes
        self._open_seconds = open_seconds
        self._timeout: asyncio.TimerHandle | None = None
        self._received: Iterator[Event] | None = None
        """What of the last read is still to be acted on."""
        self._holds: set[str] = set()
        """Why nothing is read at the moment."""
        self._busy_share = busy_share
        self._turn = turn or Turn()
        self._allowance = BUSY_SECONDS
        self._allowed_at = 0.0

    def on_event(self, event: Event) -> None:
        """Act on what the client did. `Opened` comes first, nothing comes after `Ended`."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """The connection is gone, or has nothing more to say."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the transport up: small buffers, no delay."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=self._write_buffer_bytes)
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._abort_in(self._open_seconds)

    def data_received(self, data: bytes) -> None:
        """Feed the core and act on what it says, now or in one of the loop's next turns."""
        events = self.core.receive(data, int(asyncio.get_running_loop().time() * 1e9))
        if self._received is not None:
            self._received = itertools.chain(self._received, events)
            return
        self._received = events
        self._act()

    def eof_received(self) -> bool:
        """The client has sent everything it will: it is gone."""
        self.core.receive_eof()
        self.send_own()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Tell it once."""
        self._stop_timeout()
        self.transport = None
        self._received = None
        self.core.forget()
        self.on_lost()

    def hold(self, why: str) -> None:
        """Read nothing until this, and every other hold, is released."""
        if not self._holds and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._holds.add(why)

    def release(self, why: str) -> None:
        """End a hold, if there is one."""
        if why not in self._holds:
            return
        self._holds.remove(why)
        if not self._holds and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send whole frames."""
        if self.transport is not None and self.core.open:
            self.transport.write(data)

    def ping(self) -> None:
        """Ask the client for a sign of life."""
        self.core.ping()
        self.send_own()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; a client that does not take or answer it in time is cut."""
        self.core.close(code, reason)
        self.send_own()
        self._abort_in(CLOSE_SECONDS)

    def send_own(self) -> None:
        """Send what the protocol itself has to say."""
        transport = self.transport
        if transport is None:
            return
        for data in self.core.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()

    def _act(self) -> None:
        """Act on what was received. One client must not keep the others waiting: the rest has time."""
        if self._received is None:
            self.release("busy")  # all was done; the client has waited for what it cost
            return
        if self._turn.over():
            self.hold("busy")
            asyncio.get_running_loop().call_soon(self._act)
            return
        begin = now = time.thread_time()
        done = True
        for event in self._received:
            self.send_own()
            if isinstance(event, Opened):
                self._stop_timeout()
            elif isinstance(event, Ended):
                self._abort_in(CLOSE_SECONDS)
            self.on_event(event)
            now = self._turn.spend(now)
            if self._turn.over():
                done = False
                break
        if self.transport is None:
            return
        self.send_own()
        wait_seconds = self._charge(self._turn.spend(now) - begin)
        if self.core.ended:
            wait_seconds = 0.0  # dear no longer; what nobody reads would cost it our close frame
        if done:
            self._received = None
        if done and not wait_seconds:
            self.release("busy")
        else:
            self.hold("busy")
            asyncio.get_running_loop().call_later(wait_seconds, self._act)

    def _charge(self, seconds: float) -> float:
        """Take from what the client's messages may cost; how long it has to wait until it has some again."""
        now = time.monotonic()
        earned = (now - self._allowed_at) * self._busy_share
        self._allowance = min(BUSY_SECONDS, self._allowance + earned) - seconds
        self._allowed_at = now
        return min(WAIT_SECONDS_MAX, max(0.0, -self._allowance / self._busy_share))

    def _abort_in(self, seconds: float) -> None:
        self._stop_timeout()
        self._timeout = asyncio.get_running_loop().call_later(seconds, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


class StreamProtocol(WebSocketProtocol):
    """Serves one client of the native protocol. `ended` is called when the connection is lost."""

    def __init__(self, hub: Hub, settings: HubSettings, ended: Callable[[], None] | None = None) -> None:
        core = WebSocketCore(
            message_bytes=settings.message_bytes, subprotocols=(JSON, MSGPACK), check=self._check
        )
        super().__init__(
            core, write_buffer_bytes=settings.write_buffer_bytes, open_seconds=settings.hello_s,
            turn=hub.turn,
        )  # fmt: skip
        self._hub = hub
        self._settings = settings
        self._ended = ended
        self._connection: Connection | None = None

    def on_event(self, event: Event) -> None:
        """Hand it to the hub."""
        if isinstance(event, Opened):
            self._connection = self._hub.connect(self, packed=event.subprotocol == MSGPACK)
            if "stalled" in self._holds and self._connection is not None:
                self._hub.stall(self._connection)  # on a reused connection earlier answers may be in the way
        elif isinstance(event, Ended):
            self._leave()
        elif self._connection is None:
            return
        elif isinstance(event, Message):
            self._hub.receive(self._connection, event.payload)
        elif isinstance(event, Heard):
            self._hub.heard(self._connection)

    def on_lost(self) -> None:
        """Tell the hub."""
        self._leave()
        if self._ended is not None:
            self._ended()

    def pause_writing(self) -> None:
        """The client does not take what was written."""
        self.hold("stalled")
        if self._connection is not None:
            self._hub.stall(self._connection)

    def resume_writing(self) -> None:
        """The client takes bytes again."""
        self.release("stalled")
        if self._connection is not None:
            self._hub.drain(self._connection)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; nothing more is heard of this client."""
        self._connection = None
        super().close(code, reason)

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._hub.lost(connection)

    def _check(self, path: str, origin: str | None, host: str | None) -> Refusal | None:
        """Refuse pages of other sites (they would come with their users' trust), and everybody when full."""
        allowed = self._settings.origins
        here = self.transport.get_extra_info("sockname") if self.transport is not None else None
        listed = origin in allowed or "*" in allowed
        if origin is not None and not listed and not is_own_page(origin, host, here):
            return Refusal(403, "this origin may not connect")
        if self._hub.full:
            return Refusal(503, "no room for another connection", RETRY_AFTER_SECONDS)
        return None


def is_own_page(origin: str, host: str | None, here: object) -> bool:
    """Whether a page came from where it now connects to; `here` is our end's address and port.

    On an address that only this machine reaches, a name other than `localhost` proves nothing: any
    site can let its own name lead there.
    """
    if not isinstance(here, tuple):
        return False
    if origin in [f"http://{name}:{here[1]}" for name in ("127.0.0.1", "localhost", "[::1]")]:
        return True
    scheme, _, authority = origin.partition("://")
    if scheme not in ("http", "https") or host is None or authority != host.lower():
        return False
    name = PORT.sub("", authority).strip("[]")
    return name == "localhost" or _is_address(name) or not ipaddress.ip_address(here[0]).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
