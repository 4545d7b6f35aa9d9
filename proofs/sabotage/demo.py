"""Planted defects of the demo: late, open to anybody, another market than was asked for, untidy."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from proofs.sabotage.defects import acted, defect


@defect("slow-address", "tapewire.demo_start")
def slow_address(module: Any) -> None:
    """The address is printed two seconds late."""
    original = module.announce

    def broken(*arguments: Any) -> None:
        acted()
        time.sleep(2)
        original(*arguments)

    module.announce = broken


@defect("late-market", "tapewire.feeding")
def late_market(module: Any) -> None:
    """The market opens five seconds late."""
    original = module.Simulation.run

    async def broken(self: Any) -> None:
        acted()
        await asyncio.sleep(5)
        await original(self)

    module.Simulation.run = broken


@defect("any-token", "accounts.table")
def any_token(module: Any) -> None:
    """Whoever shows a token that nobody has is taken for the first user."""
    original = module.Accounts.authenticate

    def broken(self: Any, *arguments: Any) -> Any:
        try:
            return original(self, *arguments)
        except module.AuthFailed:
            acted()
            return self._entries[0].principal

    module.Accounts.authenticate = broken


@defect("seed-ignored", "feeds.sim.exchange")
def seed_ignored(module: Any) -> None:
    """Each market grows from a seed of its own."""
    original = module.SimExchange.__init__

    def broken(self: Any, settings: Any) -> None:
        acted()
        original(self, structs.replace(settings, seed=random.randrange(1 << 30)))

    module.SimExchange.__init__ = broken


@defect("symbol-missing", "feeds.sim.listing")
def symbol_missing(module: Any) -> None:
    """TSLA is not listed."""
    original = module.list_stocks

    def broken(count: int) -> Any:
        listed = [stock for stock in original(count + 1) if stock.symbol != "TSLA"]
        acted()
        return type(original(count))(listed[:count])

    module.list_stocks = broken


@defect("half-rate", "tapewire.options")
def half_rate(module: Any) -> None:
    """The market makes half as many ticks as it was told to."""
    original = module.DemoOptions.market.fget

    def broken(self: Any) -> Any:
        acted()
        market = original(self)
        return structs.replace(market, rate=market.rate / 2)

    module.DemoOptions.market = property(broken)


@defect("data-forgotten", "tapewire.demo_start")
def data_forgotten(module: Any) -> None:
    """The tape is kept in a temporary folder, whatever folder was given."""
    original = module.data_folder

    def broken(given: Any) -> Any:
        if given is not None:
            acted()
        return original(None)

    module.data_folder = broken


@defect("folder-left", "tapewire.demo_start")
def folder_left(module: Any) -> None:
    """The temporary folder stays."""

    @contextmanager
    def broken(given: Path | None) -> Iterator[Path]:
        acted()
        yield given or Path(tempfile.mkdtemp(prefix="tapewire-demo-"))

    module.data_folder = broken


@defect("unclean-end", "tapewire.app")
def unclean_end(module: Any) -> None:
    """A demo that was told to end ends with status 1."""
    original = module.run_demo

    def broken(options: Any) -> int:
        original(options)
        acted()
        return 1

    module.run_demo = broken
