"""The page of the real demo, in a real browser, while the demo is killed and started again."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.tapewire.static.browser import CHROMIUM, browsing
from tests.tapewire.static.test_browser import but_for_the_outage, counted, more_ticks, rows, text, ticking

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it to try the page"),
]
START_SECONDS: Final = 60
KILLS: Final = 2


@asynccontextmanager
async def demo(port: int, data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A demo that is served when this begins, and dead when it ends."""
    command = ["-m", "tapewire", "demo", "--port", str(port), "--data", str(data), "--no-browser"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", *command, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _is_served(port):
                assert process.returncode is None, "the demo has ended"
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_served(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_the_page_of_the_demo_goes_on_after_the_demo_was_killed(tmp_path: Path) -> None:
    """Prices move; after kill -9 and a new start it has resumed from its mark, with a certificate."""
    port, data = free_port(), tmp_path / "data"
    async with browsing(tmp_path / "profile") as tab:
        async with demo(port, data):
            await tab.open(f"http://127.0.0.1:{port}/")
            await ticking(tab)
            await tab.until(f"{text('feed')} === 'SIMULATED' && {text('mark')} > 0")
            before = await rows(tab)
            await more_ticks(tab, await counted(tab) + 50)
            assert (await rows(tab))["AAPL"]["bid"] + (await rows(tab))["AAPL"]["ask"] != (
                before["AAPL"]["bid"] + before["AAPL"]["ask"]
            )
            assert tab.complaints == []
        for _ in range(KILLS):
            await tab.until(f"{text('connection')} === 'Reconnecting'")
            ticks = await counted(tab)
            mark = max(told["m"] for told in tab.received if told["op"] == "mark")
            tab.sent.clear()
            tab.received.clear()
            async with demo(port, data):
                await tab.until(f"{text('connection')} === 'Connected'", START_SECONDS)
                await more_ticks(tab, ticks + 50)
                await tab.until(f"{text('mark')} > {mark}")
                resumed = [told for told in tab.sent if told["op"] == "sub"]
                assert resumed
                assert all(told["from"]["m"] == mark for told in resumed)
                certificates = [told for told in tab.received if told["op"] == "cont"]
                entries = [entry for told in certificates for entry in told["chans"].values()]
                assert entries
                assert all(entry["complete"] for entry in entries)
                assert await tab.value(text("holes")) == "0 / 0"
                await tab.until(f"{text('missed')}.startsWith('The feed missed part of the market from ')")
    assert but_for_the_outage(tab) == []
