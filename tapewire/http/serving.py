"""Serving on a listening socket, for as long as a block of code runs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from tapewire.frontdoor import FrontDoor, Make
from tapewire.http.access import Network
from tapewire.http.server import HttpRunner

BACKLOG: Final = 1_024
"""Connections that wait to be accepted: a whole crowd of clients may come back at once."""

log = structlog.get_logger()


@asynccontextmanager
async def serving(
    runner: HttpRunner,
    listener: socket.socket,
    stream: Make | None = None,
    proxies: Sequence[Network] = (),
) -> AsyncIterator[None]:
    """Serve HTTP, and WebSockets when `stream` makes their protocol.

    On leaving, requests in flight may end within the runner's time; streams are their maker's to close.
    When there are `proxies`, only they (and this machine) may open a stream.
    """
    await runner.setup()
    try:
        assert runner.server is not None
        door = FrontDoor(stream or runner.server, runner.server, proxies)
        server = await asyncio.get_running_loop().create_server(door, sock=listener, backlog=BACKLOG)
        try:
            host, port = listener.getsockname()[:2]
            log.info("listening", url=f"http://{host}:{port}")
            yield
        finally:
            server.close()
            door.close()
    finally:
        await runner.cleanup()
