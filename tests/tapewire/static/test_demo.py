"""The page of the real demo, in a real browser, while the demo is killed and started again."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.tapewire.static.browser import CHROMIUM, Tab, browsing
from tests.tapewire.static.test_browser import (
    ENTER,
    TAB,
    but_for_the_outage,
    counted,
    more_ticks,
    rows,
    text,
    ticking,
)
from ticks.times import parse_time

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


async def ask(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON of a `GET` with the demo's token."""
    url, headers = f"http://127.0.0.1:{port}{path}", {"Authorization": "Bearer demo"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def complaints(tab: Tab, port: int) -> list[str]:
    """What the browser complained about, but for its own words about a hub that has no alerts."""
    status, _ = await ask(port, "/v1/alerts")
    return [line for line in tab.complaints if status != 404 or "404" not in line]


CANDLES: Final = """[...document.querySelectorAll('#candles tbody tr')].map(line => [
    Number(line.dataset.time),
    ...[...line.querySelectorAll('td')].map(cell => Number(cell.textContent.replaceAll(',', ''))),
])"""


async def test_history_and_live_candles_of_the_demo_leave_no_seam(tmp_path: Path) -> None:
    """The demo has traded before the page was opened; its candles are those that its trades make."""
    port = free_port()
    async with browsing(tmp_path / "profile") as tab, demo(port, tmp_path / "data"):
        async with asyncio.timeout(START_SECONDS):
            while len((await ask(port, "/v1/trades?symbols=AAPL&limit=40"))[1]["trades"]) < 40:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await tab.open(f"http://127.0.0.1:{port}/?symbols=AAPL,MSFT")
        await ticking(tab)
        opened_s = time.time()
        await tab.value("document.querySelector('#chart details').open = true")
        await tab.until(f"({CANDLES}).at(0)?.[0] > {opened_s + 15}", START_SECONDS)
        shown = {int(start): tuple(prices) for start, *prices in (await tab.value(CANDLES))[1:]}
        _, answer = await ask(port, "/v1/trades?symbols=AAPL")
        assert answer["next_cursor"] is None
        made = made_of(answer["trades"])
        assert shown == {start: made[start] for start in shown}
        assert min(shown) < opened_s - 5
        assert max(shown) > opened_s + 5
        assert await complaints(tab, port) == []


def made_of(trades: list[dict[str, Any]], seconds: int = 5) -> dict[int, tuple[float, ...]]:
    """Candles by the eligibility of each trade: start → open, high, low, close."""
    candles: dict[int, tuple[float, ...]] = {}
    for row in trades:
        if row["kind"] == "cancel" or row["upd"] is not None:
            continue
        start = parse_time(row["ts_event"]) // 10**9 // seconds * seconds
        price, sets_open, sets_range = row["price"], row["elig"] >> 2 & 3, row["elig"] & 0x20
        if start not in candles:
            if sets_open:
                candles[start] = (price,) * 4
            continue
        first, high, low, last = candles[start]
        if sets_range:
            high, low = max(high, price), min(low, price)
        candles[start] = (first, high, low, price if sets_open == 2 else last)
    return candles


async def rings_over_the_stream(port: int) -> bool:
    """Whether the hub knows what to do with the acknowledgement of a ring."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/v1/stream", protocols=["tapewire.v1.json"]) as socket,
    ):
        await socket.send_json([{"op": "hello", "token": "demo"}, {"op": "alert.ack", "id": 7, "off": 0}])
        await socket.send_json([{"op": "ping", "id": 8, "ct": 0}])
        async for frame in socket:
            told = frame.json()
            if any(one.get("hint") == "unknown op" for one in told):
                return False
            if any(one["op"] == "pong" for one in told):
                return True
    return False


async def test_an_alert_of_the_demo_is_set_by_four_keys_and_rings_with_its_proof(tmp_path: Path) -> None:
    """Tab, Enter, a level, Enter; it rings by itself, and its proof has the tick that did it."""
    port = free_port()
    async with browsing(tmp_path / "profile") as tab, demo(port, tmp_path / "data"):
        if (await ask(port, "/v1/alerts"))[0] == 404 or not await rings_over_the_stream(port):
            pytest.skip("this hub has no alerts yet, or does not ring over the stream")
        await tab.open(f"http://127.0.0.1:{port}/")
        await ticking(tab)
        price = float((await rows(tab))["AAPL"]["last"].replace(",", ""))
        await tab.press(*TAB)
        await tab.press(*ENTER)
        assert await tab.value("document.activeElement.id") == "level"
        # One above and one below: the simulated market moves, but nobody knows which way.
        for count, level in ((1, price + 0.01), (2, price - 0.01)):
            await tab.type(f"{level:.2f}")
            await tab.press(*ENTER)
            await tab.until(f"document.querySelectorAll('#alert-list li').length === {count}")
        try:
            await tab.until("document.querySelector('#ringing') !== null", START_SECONDS)
        except TimeoutError:
            known = [(await ask(port, path))[1] for path in ("/v1/alerts", "/v1/fires")]
            raise AssertionError(f"nothing rang on the page; the hub knows {known}") from None
        proof = await tab.value("document.querySelector('#ringing table').textContent")
        for part in ("The tick", "The one before", "The quote", "sim"):
            assert part in proof
        fires = (await ask(port, "/v1/fires"))[1]["fires"]
        acknowledged = [told["off"] for told in tab.sent if told["op"] == "alert.ack"]
        assert acknowledged
        assert set(acknowledged) <= {fire["off"] for fire in fires}
        assert tab.complaints == []


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
            assert await complaints(tab, port) == []
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
    assert [line for line in but_for_the_outage(tab) if "404" not in line] == []
