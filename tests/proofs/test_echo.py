"""The echo servers send back what they are sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect

from proofs import echo


@asynccontextmanager
async def client_of(name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClientConnection]:
    """A client of one of the servers."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(echo, "_tell", port.set_result)
    serving = asyncio.ensure_future(echo.main(name))
    try:
        uri = f"ws://127.0.0.1:{await asyncio.wait_for(port, 20)}"
        async with connect(uri, max_size=None, compression=None) as client:
            yield client
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@pytest.mark.parametrize("name", echo.SERVERS)
async def test_text_and_bytes_come_back_as_they_were(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, long, and in more pieces than a hub's client may send."""
    async with client_of(name, monkeypatch) as client:
        for message in ("", "ü", b"", b"\x00\xff", "x" * 300_000, b"y" * 300_000):
            await client.send(message)
            assert await asyncio.wait_for(client.recv(), 20) == message


async def test_the_hub_takes_any_number_of_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite sends more of them than a hub's client may."""
    async with client_of("hub", monkeypatch) as client:
        await client.send(iter(["x"] * 2_000))
        assert await asyncio.wait_for(client.recv(), 20) == "x" * 2_000
