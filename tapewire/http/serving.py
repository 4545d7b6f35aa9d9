"""Serving an application on a listening socket, for as long as a block of code runs."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from tapewire.http.server import HttpRunner

log = structlog.get_logger()


@asynccontextmanager
async def serving(runner: HttpRunner, listener: socket.socket) -> AsyncIterator[None]:
    """Serve; on leaving, requests in flight may end within the runner's time."""
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        host, port = listener.getsockname()[:2]
        log.info("listening", url=f"http://{host}:{port}")
        yield
    finally:
        await runner.cleanup()
