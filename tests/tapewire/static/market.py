"""A small live market behind the page: simulated exchange, tape, hub, routes, on one port of loopback."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from accounts import Accounts
from config.settings import AccountsSettings, HubSettings, TapeSettings, TokenSettings
from feeds.sim import SimExchange, SimSettings
from feeds.sim.feed import INTERVAL_SECONDS, SimFeed
from hub.hub import Hub
from hub.stream import StreamProtocol
from hub.wire import control
from tape.batch import SourcePosition
from tape.tape import Tape
from tapewire.fanout import TapeHistory, make_hub
from tapewire.http.application import build_app
from tapewire.http.routes import ROUTES
from tapewire.http.server import HttpRunner
from tapewire.http.serving import serving
from tests.tapewire.http.world import World
from ticks.flags import REPLAY
from ticks.model import MARKET, FeedEvent, Tick

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
WAIT_SECONDS = 20

TOKENS = (
    TokenSettings(user="demo", token="demo"),
    TokenSettings(
        user="bob", token="only-apple", live=("t:AAPL", "q:AAPL", "s:AAPL", "b1m:AAPL"), delayed=("t:MSFT",)
    ),
)


class Market:
    """What is running; `port` stays the same over restarts."""

    def __init__(self, folder: Path, port: int = 0, *, as_replay: bool = False, tokens: bool = True) -> None:
        self.folder = folder
        self.port = port
        self.as_replay = as_replay
        self.accounts = Accounts(AccountsSettings(tokens=TOKENS if tokens else TOKENS[1:]))
        self.symbols = 12
        self.head_start_s = 0
        """How long it has been trading when it is opened, s."""
        self.bell = asyncio.Event()
        """Set while there is trading."""
        self.bell.set()
        self.hub: Hub | None = None
        self.limits = HubSettings()
        self.with_stream = True
        """Whether there is a stream, or HTTP alone."""
        self._tape: Tape | None = None
        self._transports: list[asyncio.Transport] = []

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def published(self, symbol: str) -> int:
        """How many trades, quotes and status changes of a symbol are on the tape."""
        assert self._tape is not None
        numbers = self._tape.sequencer
        ids = [numbers.channel_id(f"{kind}:{symbol}") for kind in "tqs"]
        return sum(numbers.state.ns[channel_id] for channel_id in ids if channel_id is not None)

    async def subscribed(self, count: int) -> None:
        """Wait until the clients have so many subscriptions."""
        assert self.hub is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while sum(len(one.subs) for one in self.hub.connections) != count:  # noqa: ASYNC110 - no event is told
                await asyncio.sleep(INTERVAL_SECONDS)

    def publish(self, *ticks: Tick) -> None:
        """Put ticks of the tests' own onto the tape."""
        assert self._tape is not None
        now_ns = time.time_ns()
        self._tape.publish("", list(ticks), SourcePosition("test:", b""), now_ns)

    def feed_event(self, what: str, why: str, lost: int = 0) -> None:
        """Something happens to the whole feed, now."""
        now_ns = time.time_ns()
        self.publish(
            FeedEvent(1, 0, MARKET, now_ns, 0, now_ns, 0, 0, what, why, MARKET, now_ns, now_ns, lost, "")
        )

    def tell(self, message: dict[str, Any]) -> None:
        """Send every client a control message of the tests' own."""
        assert self.hub is not None
        for connection in self.hub.connections:
            connection.send([control([message], packed=False)])

    def fall_silent(self) -> None:
        """Say nothing more to whoever is connected, and hear nothing: their sockets stay open."""
        assert self.hub is not None
        for connection in list(self.hub.connections):
            wire = connection.wire
            assert isinstance(wire, StreamProtocol)
            assert wire.transport is not None
            self._transports.append(wire.transport)
            wire.transport.pause_reading()
            wire.transport = None  # whatever is written to it from now on goes nowhere
            self.hub.lost(connection)

    @asynccontextmanager
    async def trading(self) -> AsyncIterator["Market"]:
        """Open the market, and close it in order."""
        world_folder, tape_folder = self.folder / "world", self.folder / "tape"
        for folder in (world_folder, tape_folder):
            folder.mkdir(parents=True, exist_ok=True)
        tape = self._tape = Tape(TapeSettings(), tape_folder, time.time_ns())
        history = TapeHistory(tape, tape_folder)
        world = World(world_folder)
        world.accounts = self.accounts
        try:
            async with self._serving(tape, world, history):
                yield self
        finally:
            world.marks.close()
            history.close()
            tape.close()

    @asynccontextmanager
    async def _serving(self, tape: Tape, world: World, history: TapeHistory) -> AsyncIterator[None]:
        hub = self.hub = make_hub(self.limits, tape, self.accounts, history)
        tape.on_batch = hub.on_batch

        def stream() -> StreamProtocol:
            return StreamProtocol(hub, self.limits)

        exchange = SimExchange(SimSettings(seed=7, symbols=self.symbols, rate=200.0))
        if self.head_start_s:
            now_ns = time.time_ns()
            exchange.advance(now_ns - self.head_start_s * SECOND_NS)
            self._publish(tape, exchange.advance(now_ns), SourcePosition("sim:", exchange.position()), now_ns)
        app = build_app(world.services(), ROUTES)
        runner = HttpRunner(app, now_ns=time.time_ns, shutdown_seconds=1.0)
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        async with serving(runner, listener, stream if self.with_stream else None):
            turning = asyncio.create_task(hub.run())
            trading = asyncio.create_task(self._trade(tape, exchange))
            try:
                yield
            finally:
                for transport in self._transports:
                    transport.abort()
                trading.cancel()
                hub.shut()
                turning.cancel()
                await asyncio.gather(trading, turning, return_exceptions=True)

    async def _trade(self, tape: Tape, exchange: SimExchange) -> None:
        feed = SimFeed(exchange)
        while True:
            await self.bell.wait()
            feed.step(lambda *made: self._publish(tape, *made))
            await asyncio.sleep(INTERVAL_SECONDS)

    def _publish(self, tape: Tape, ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        if self.as_replay:
            ticks = [
                replace(tick, flags=tick.flags | REPLAY, ts_event=tick.ts_event - 100 * DAY_NS)
                for tick in ticks
            ]
        tape.publish("", ticks, position, now_ns)
