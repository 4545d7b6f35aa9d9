"""Real alerts for the routes: a tape, the runtime over it, and webhook endpoints."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alerts.runtime import AlertRuntime
from alerts.webhooks.endpoints import Endpoints
from config.settings import AlertSettings, WebhookSettings
from tape.tape import Tape
from tapewire.alert_desk import AlertDesk
from tests.alerts.making import trade
from tests.alerts.webhooks.making import until
from tests.tape.making import SETTINGS
from tests.tapewire.http.world import Client, World

RULE: dict[str, Any] = {"symbol": "AAPL", "when": {"feature": "last", "op": ">=", "level": "100.50"}}
HOOK = "https://hooks.example.com/a"


class Market:
    """A tape that tests publish on, and the desk over it."""

    def __init__(self, folder: Path, world: World) -> None:
        folder.mkdir()
        self.world = world
        self.tape = Tape(SETTINGS, folder, world.now_ns)
        self.alerts = AlertRuntime(self.tape, AlertSettings(per_user_max=5), folder, lambda: world.now_ns)
        self.tape.on_batch = self.alerts.on_batch
        self.endpoints = Endpoints(folder, WebhookSettings(endpoints_per_user_max=5))
        self.desk = AlertDesk(self.alerts, self.endpoints, world.accounts, lambda: world.now_ns)

    def print(self, price: float, symbol: str = "AAPL") -> None:
        """Publish a trade."""
        assert self.tape.publish("", [trade(price, symbol)], None, self.world.now_ns) is not None

    async def ring(self, times: int = 1) -> None:
        """Ring an alert on AAPL at 100.50 of ann's so often; it stays, as `every`."""
        told = 0
        self.alerts.on_fires.append(lambda stored: _add(stored))

        def _add(stored: Any) -> None:
            nonlocal told
            told += len(stored)

        for number in range(times):
            self.print(90)
            self.print(101)
            await until(lambda number=number: told > number)  # type: ignore[misc]


@asynccontextmanager
async def alerting(tmp_path: Path, world: World) -> AsyncIterator[tuple[Client, Market]]:
    """A served world with alerts."""
    market = Market(tmp_path / "tape", world)
    world.desk = market.desk
    task = asyncio.create_task(market.alerts.run())
    try:
        async with world.serving() as client:
            yield client, market
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        market.alerts.close()
        market.endpoints.close()
        market.tape.close()
