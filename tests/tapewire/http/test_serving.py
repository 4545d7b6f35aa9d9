"""Serving for as long as a block runs."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from config.settings import HttpSettings
from tapewire.http.server import HttpRunner
from tapewire.http.serving import serving
from tapewire.preflight import open_listener


async def hello(request: web.Request) -> web.Response:
    """Answer."""
    return web.Response(text="hello")


async def test_requests_are_answered_inside_and_refused_after(tmp_path: Path) -> None:
    """The port answers while the block runs; afterwards nobody listens there."""
    listener = open_listener(HttpSettings(port=0))
    port = listener.getsockname()[1]
    app = web.Application()
    app.router.add_get("/", hello)
    async with aiohttp.ClientSession() as client:
        async with (
            serving(HttpRunner(app, now_ns=time.time_ns), listener),
            client.get(f"http://127.0.0.1:{port}/") as answer,
        ):
            assert await answer.text() == "hello"
        with pytest.raises(aiohttp.ClientConnectionError):
            await asyncio.wait_for(client.get(f"http://127.0.0.1:{port}/"), 10)
