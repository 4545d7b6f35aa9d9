"""Two servers that send back what they are sent, for test-suites of the WebSocket protocol.

    python -m proofs.echo hub|websockets

`hub` stands on the classes that the hub's own endpoint stands on, `websockets` is that package's own
server. Both take messages of any size that a suite sends, in any number of pieces, and print their port.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop
from websockets.asyncio.server import ServerConnection, serve

from hub.stream import WebSocketProtocol
from hub.websocket import Event, Message, WebSocketCore
from hub.wire import BINARY, TEXT, frame

MESSAGE_BYTES: Final = 32 << 20
FRAGMENTS_MAX: Final = 1 << 20
OPEN_SECONDS: Final = 30.0


class EchoProtocol(WebSocketProtocol):
    """The hub's WebSocket, with an echo in place of the hub."""

    def __init__(self) -> None:
        core = WebSocketCore(
            message_bytes=MESSAGE_BYTES,
            subprotocols=(),
            check=lambda path, origin, host: None,
            fragments_max=FRAGMENTS_MAX,
        )
        super().__init__(
            core, write_buffer_bytes=MESSAGE_BYTES, open_seconds=OPEN_SECONDS, busy_share=1.0
        )  # fmt: skip

    def on_event(self, event: Event) -> None:
        """Send a message back."""
        if isinstance(event, Message):
            self.write(frame(event.payload, TEXT if event.text else BINARY))


async def hub() -> None:
    """Serve with the hub's classes."""
    server = await asyncio.get_running_loop().create_server(EchoProtocol, "127.0.0.1", 0)
    _tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def websockets() -> None:
    """Serve with the package's own server."""
    async with serve(_echo, "127.0.0.1", 0, max_size=MESSAGE_BYTES, compression=None) as server:
        _tell(next(iter(server.sockets)).getsockname()[1])
        await server.serve_forever()


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def _tell(port: int) -> None:
    print(port, flush=True)


SERVERS: Final[dict[str, Callable[[], Awaitable[None]]]] = {"hub": hub, "websockets": websockets}


async def main(name: str) -> None:
    """Serve until the process is ended."""
    await SERVERS[name]()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
