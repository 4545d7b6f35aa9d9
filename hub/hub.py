"""The hub's shell: the loop's moments, the clocks, and the thread that reads the journal.

A batch comes in by `on_batch`, right after it was journalled, and goes through the router
without waiting. Raw frames are written at the end of the same loop turn (or `raw_flush_ms`
later, and under load when as much time has passed as the last writing took), interval frames
at the wheel's ticks. A subscription that is behind is served from ring or journal in slices
until it has caught up. What is decided is decided in `hub.switchboard`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Protocol

from config.settings import HubSettings
from hub.callers import Caller
from hub.connection import Connection, Wire
from hub.desk import Desk
from hub.moment import Moment
from hub.router import RATES, Router, due_rates
from hub.switchboard import Switchboard
from hub.tape_view import Memory, TapeView
from hub.turn import Turn
from tape.batch import Batch, Damage
from tape.errors import TapeError
from tape.latest import Latest
from tape.state import EpochStart

STOOD_STILL_SECONDS: Final = 1.0
"""A loop that is later than this for a tick of the wheel was not running at all (a stopped process)."""

FLUSH_WAIT_SECONDS_MAX: Final = 0.25
"""Raw ticks wait no longer than this for others, however long writing took."""


def stood_still_ns(before: int, step: int) -> int:
    """For how long nobody could be heard, when the wheel turns from one step to another, ns."""
    missed_seconds = (step - before - 1) / RATES[0]
    return int(missed_seconds * 1e9) if missed_seconds > STOOD_STILL_SECONDS else 0


def flush_wait_seconds(least: float, took: float, idle: float) -> float:
    """How long a flush of raw ticks waits for more of them; 0 = it is the next thing the loop does.

    Writing takes about as long for one tick as for ten, so when there is much to do fewer and fuller
    writes get more done: a flush begins no sooner after the last one than that one `took`. On a quiet
    loop, where the last was long ago (`idle`), nothing waits.
    """
    return max(least, min(took, FLUSH_WAIT_SECONDS_MAX) - idle, 0.0)


class History(Memory, Protocol):
    """The tape, as far as it is read back."""

    @property
    def executor(self) -> Executor:
        """Where the journal is read."""
        ...

    def read(self, after_m: int, up_to_m: int) -> list[Batch | Damage]:
        """Batches and holes from journal and archive; called in the executor, one call at a time."""
        ...


class Hub:
    """Serves the native protocol. Runs on one loop; every method is called from it.

    Args:
        settings: `[hub]`.
        history: the tape's memory and files.
        names: the tape's table of channels (id → name), which grows.
        channel_id: its inverse; None for a channel without a tick.
        latest: the newest tick of a channel by name.
        counts: gives the last number of each channel, by id. Asked each time: the tape may begin
            another list when its journal has recovered.
        epochs: gives the table of epochs.
        authenticate: (token, ns UTC) → the caller; raises `MessageError`.
        now_ns: the calendar's clock, ns UTC.
        desk: who answers about alerts and watchlists; None = nobody.
    """

    def __init__(
        self,
        settings: HubSettings,
        history: History,
        names: list[str | None],
        channel_id: Callable[[str], int | None],
        latest: Callable[[str], Latest | None],
        counts: Callable[[], list[int]],
        epochs: Callable[[], list[EpochStart]],
        authenticate: Callable[[str | None, int], Caller],
        now_ns: Callable[[], int],
        desk: Desk | None = None,
    ) -> None:
        view = TapeView(names, channel_id, latest, counts, epochs, history)
        self._board = Switchboard(settings, view, authenticate, desk)
        self._history = history
        self._now_ns = now_ns
        self._flush_seconds = settings.raw_flush_ms / 1_000
        self._flush_due = False
        self._flushed_at = 0.0
        self._flush_took = 0.0
        self._last_took = 0.0
        self._asleep_ns = 0
        self.turn = Turn()
        """What all clients' messages may take of one turn of the loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work = asyncio.Event()
        self._journal_work = asyncio.Event()
        self._board.feeder.on_work = self._wake

    async def run(self) -> None:
        """Turn the wheel, feed who is behind, look after silent and stalled clients, until cancelled."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._turn())
            tasks.create_task(self._feed())
            tasks.create_task(self._read_journal())

    @property
    def connections(self) -> dict[Connection, None]:
        """Those who are connected."""
        return self._board.connections

    @property
    def router(self) -> Router:
        """Who wants what; its `head_m` is the newest mark that was published."""
        return self._board.router

    @property
    def counters(self) -> dict[str, int]:
        """What has happened since the start, by name."""
        return self._board.counters

    @property
    def behind(self) -> int:
        """How many subscriptions are being served from the tape."""
        return self._board.feeder.behind

    @property
    def full(self) -> bool:
        """Whether there is no room for another connection."""
        return self._board.full

    def moment(self) -> Moment:
        """Now, by both clocks."""
        return Moment(self._now_ns(), time.monotonic_ns() - self._asleep_ns)

    # -- the tape's side -------------------------------------------------------------------

    def on_batch(self, batch: Batch) -> None:
        """Take a batch that has just been journalled. Never raises: feeds and journal go on without us."""
        try:
            self._board.publish(batch, self.moment())
        except Exception as error:
            # The next batch will find this one missing, and everybody is served from the tape.
            self._board.counters["failed"] += 1
            self._report("a batch could not be handed on", error)
        if not self._flush_due and self._loop is not None:
            self._flush_due = True
            idle_seconds = time.monotonic() - self._flushed_at
            wait_seconds = flush_wait_seconds(self._flush_seconds, self._flush_took, idle_seconds)
            if wait_seconds:
                self._loop.call_later(wait_seconds, self._flush)
            else:
                self._loop.call_soon(self._flush)

    def backlog(self) -> int:
        """How many marks the raw subscription that is furthest behind lacks; 0 when none is."""
        return self._board.backlog()

    # -- the clients' side -----------------------------------------------------------------

    def connect(self, wire: Wire, *, packed: bool) -> Connection | None:
        """A client has connected; None when there is no room (the wire was closed)."""
        return self._board.connect(wire, self.moment(), packed=packed)

    def receive(self, connection: Connection, payload: bytes) -> None:
        """A client has sent one message of the WebSocket."""
        try:
            self._board.receive(connection, payload, self.moment())
        except Exception as error:
            # A fault of ours that one client's message brought out must stay with that client.
            self._board.fail(connection, self.moment())
            self._report("a client's message could not be handled", error)

    def heard(self, connection: Connection) -> None:
        """A client has shown that it lives (a pong, say)."""
        self._board.heard(connection, self.moment())

    def stall(self, connection: Connection) -> None:
        """The client does not take what was written: nothing more until it does."""
        self._board.stall(connection, self.moment())

    def drain(self, connection: Connection) -> None:
        """The client takes bytes again."""
        self._board.drain(connection, self.moment())

    def lost(self, connection: Connection) -> None:
        """The connection has ended."""
        self._board.lost(connection)

    def shut(self) -> None:
        """The hub is going down: tell everybody, and close."""
        self._board.shut(self.moment())

    # -- moments ---------------------------------------------------------------------------

    def _flush(self) -> None:
        began = time.monotonic()
        self._flush_due = False
        self._board.flush(self.moment())
        self._flushed_at = time.monotonic()
        # Of two, so that one that was held up by something else delays nothing.
        took = self._flushed_at - began
        self._flush_took, self._last_took = min(took, self._last_took), took

    def _wake(self) -> None:
        self._work.set()
        self._journal_work.set()

    async def _turn(self) -> None:
        """The 16 Hz wheel. Steps that were missed are made up for by one."""
        begin, step = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begin + (step + 1) / RATES[0] - time.monotonic()))
            before, step = step, int((time.monotonic() - begin) * RATES[0])
            self._asleep_ns += stood_still_ns(before, step)
            now = self.moment()
            self._board.turn(due_rates(before, step), now)
            self._board.sweep(now)

    async def _feed(self) -> None:
        """Serve slices from memory, and let the loop do everything else between any two."""
        while True:
            try:
                served = self._board.step(self.moment())
            except Exception as error:
                self._fail_serving(error)
                served = True
            if not served:
                self._work.clear()
                await self._work.wait()
            await asyncio.sleep(0)

    async def _read_journal(self) -> None:
        """Read for one subscription at a time; the others go on from memory meanwhile."""
        while True:
            wish = self._board.feeder.journal_wish()
            if wish is None:
                self._journal_work.clear()
                await self._journal_work.wait()
                continue
            catch_up, after_m, up_to_m = wish
            items = await self._read(after_m, up_to_m)
            empty = not items
            try:
                while self._board.feed(catch_up, items, self.moment()):  # noqa: ASYNC110  # nothing is awaited
                    await asyncio.sleep(0)  # between two slices the loop serves all others
            except Exception as error:
                self._fail_serving(error)
            self._board.feeder.fed(catch_up, after_m, up_to_m, whole=not items, empty=empty)

    def _fail_serving(self, error: Exception) -> None:
        """What one client asked for brought out a fault of ours: it must stay with that client."""
        self._board.fail_serving(self.moment())
        self._report("a client could not be served from the tape", error)

    def _report(self, message: str, error: Exception) -> None:
        told = {"message": message, "exception": error}
        if self._loop is not None:
            self._loop.call_exception_handler(told)

    async def _read(self, after_m: int, up_to_m: int) -> deque[Batch | Damage]:
        """Read from the journal; what cannot be read is a hole, and told as one."""
        loop, history = asyncio.get_running_loop(), self._history
        try:
            return deque(await loop.run_in_executor(history.executor, history.read, after_m, up_to_m))
        except (TapeError, OSError):
            self._board.counters["unreadable"] += 1
            return deque([Damage(after_m + 1, up_to_m, "disk")])
