"""A hub on a real loop: its tape is in memory, its clients are wires or sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from config.settings import HubSettings
from hub.codes import AUTH_FAILED
from hub.errors import MessageError
from hub.hub import Hub
from hub.stream import StreamProtocol
from tape.batch import Batch, Damage
from tape.errors import TapeError
from tests.hub.rig import BEGIN_NS, MemoryTape, User
from ticks.model import Tick

LIMIT_SECONDS = 20.0


class ReadTape(MemoryTape):
    """A tape in memory whose journal is read in a thread, and may be out of order."""

    def __init__(self, ring_ticks: int = 64) -> None:
        super().__init__(ring_ticks)
        self.executor: Executor = ThreadPoolExecutor(1)
        self.broken = False

    def read(self, after_m: int, up_to_m: int) -> list[Batch | Damage]:
        """From the journal."""
        if self.broken:
            raise TapeError("cannot be read")
        return super().read(after_m, up_to_m)


class House:
    """A hub that runs, and its tape. `users`: by token; the token `bug` brings out a fault of ours."""

    def __init__(self, tape: ReadTape | None = None, **settings: Any) -> None:
        self.tape = tape or ReadTape()
        self.settings = HubSettings(**settings)
        self.users: dict[str | None, User] = {"token": User()}
        state = self.tape.state
        self.hub = Hub(
            self.settings, self.tape, state.channels, self.tape.sequencer.channel_id, self.tape.latest,
            lambda: state.ns, lambda: state.epochs, self.authenticate, lambda: BEGIN_NS,
        )  # fmt: skip
        self.faults: list[dict[str, Any]] = []
        self.port = 0

    def authenticate(self, token: str | None, utc_ns: int) -> User:
        """Who shows a token."""
        if token == "bug":
            raise RuntimeError("a fault of ours")
        if token not in self.users:
            raise MessageError(AUTH_FAILED, "not a token of ours")
        return self.users[token]

    def publish(self, *ticks: Tick) -> None:
        """Publish one batch."""
        self.hub.on_batch(self.tape.publish(list(ticks)))

    @asynccontextmanager
    async def running(self, *, listen: bool = False) -> AsyncIterator["House"]:
        """Run the hub, on a port if asked to; afterwards nothing may be left running."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: self.faults.append(told))
        server = None
        if listen:
            server = await loop.create_server(
                lambda: StreamProtocol(self.hub, self.settings), "127.0.0.1", 0
            )  # fmt: skip
            self.port = server.sockets[0].getsockname()[1]
        task = asyncio.ensure_future(self.hub.run())
        await asyncio.sleep(0)
        try:
            yield self
        finally:
            self.hub.shut()
            if server is not None:
                server.close()
                await server.wait_closed()
            task.cancel()
            await asyncio.wait([task])
            self.tape.executor.shutdown()
        assert len(asyncio.all_tasks()) == 1, "a task was left running"


async def until(condition: Callable[[], object]) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110  # whatever the condition is
            await asyncio.sleep(0.002)
