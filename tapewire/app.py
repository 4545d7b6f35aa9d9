"""The whole system on one page: what is built from what, in which order it starts and stops.

    feeds ─▶ Tape (number, journal) ─▶ Pipeline ─┬▶ Hub ─▶ WebSockets     this process, one loop
              ▲        │                         ├▶ alerts ─▶ webhooks
              │        │                         └▶ bars ─┐
              └────────┼──────────────────────────────────┘
                       └──── journal ────▶ writer process ─▶ store
    HTTP ◀── history workers ◀── store and journal

Start: port, tape, hub, alerts, writer, HTTP and WebSockets, bars, feeds. Stop (SIGINT, SIGTERM, end of a
replay with `--exit`): feeds, journal durable, clients told, writer caught up, HTTP, tape closed.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import msgspec
import structlog
import uvloop

from accounts import Accounts
from config.settings import Settings
from feeds.replay import inspect
from storage.child import collect_seldom
from storage.pool import HistoryPool
from storage.stores import open_reader
from tape.recovery import describe
from tape.tape import Tape
from tapewire.alerting import Alerting
from tapewire.audit import AuditTrail
from tapewire.bar_feed import BarFeed
from tapewire.demo_start import announce
from tapewire.fanout import Streams, TapeHistory, make_hub
from tapewire.feeding import Feed, Replay, Simulation, configured_feeds
from tapewire.frontdoor import stream_route
from tapewire.http.access import networks
from tapewire.http.application import build_app
from tapewire.http.routes import ROUTES
from tapewire.http.server import HttpRunner
from tapewire.http.serving import serving
from tapewire.options import DemoOptions, ReplayOptions
from tapewire.pipeline import Pipeline
from tapewire.preflight import open_listener, url_of
from tapewire.replay_report import differences, make_report
from tapewire.services import make_services
from tapewire.writer_process import WriterProcess, writer_process

log = structlog.get_logger()

TEND_S = 0.1
"""How often the tape is looked after when no ticks come, s."""
STORED_POLL_S = 0.01
"""How often the writer's mark is looked at while it is waited for, s."""
BEHIND_MARKS_MAX = 100_000
"""A recording is held back while a raw subscriber is further behind: the ring still has that, marks."""
BEHIND_POLL_S = 0.001


class System:
    """What runs in the main process, and the processes it looks after."""

    def __init__(self, settings: Settings) -> None:
        """Open the tape.

        Raises:
            TapeError: it cannot be opened; `tapewire.preflight.explain` has the words.
            StorageError: the settings name no store, or what is there is none.
            AlertsError: the files of alerts cannot be opened, or are something else.
        """
        self.settings = settings
        self.directory = Path(settings.data_dir)
        open_reader(settings.storage, self.directory).close()
        self.pipeline = Pipeline()
        self.accounts = Accounts(settings.accounts, AuditTrail().note)
        self.tape = Tape(settings.tape, self.directory, time.time_ns(), self.pipeline.on_batch)
        self.tape_history = TapeHistory(self.tape, self.directory)
        self.alerting = Alerting(settings, self.tape, self.directory, self.accounts)
        self.hub = make_hub(settings.hub, self.tape, self.accounts, self.tape_history, self.alerting.stream)
        self.streams = Streams(self.hub, settings.hub)
        self.pipeline.then.extend((self.hub.on_batch, self.alerting.runtime.on_batch))
        self.bars: list[BarFeed] = []
        self.writer: WriterProcess = writer_process(settings, self.directory)
        self.history = HistoryPool(settings.storage, self.directory)
        self.started = False
        self.draining = False
        log.info("tape opened", found=describe(self.tape.recovered), epoch=self.tape.epoch)

    def make_bars(self, feeds: Sequence[Feed]) -> None:
        """Make bars of every line-up that has a feed. A recording's own times count, not our clock."""
        for lineup in sorted({feed.lineup for feed in feeds}):
            recorded = all(feed.recorded for feed in feeds if feed.lineup == lineup)
            clock_ns = None if recorded else time.time_ns
            self.bars.append(BarFeed(self.tape, self.settings.bars, lineup, clock_ns))
        self.pipeline.then.extend(bars.on_batch for bars in self.bars)

    async def ready(self) -> None:
        """Return when a recording may go on: who wants every tick is not far behind."""
        while self.hub.backlog() > BEHIND_MARKS_MAX or not all(bars.following for bars in self.bars):  # noqa: ASYNC110 - clients move it
            await asyncio.sleep(BEHIND_POLL_S)

    async def caught_up(self) -> None:
        """Return when nobody who wants every tick lacks one, or is given up by the hub for not reading."""
        while self.hub.backlog():  # noqa: ASYNC110 - clients move it
            await asyncio.sleep(BEHIND_POLL_S)

    async def tend(self) -> None:
        """Look after the tape while nothing is published, until cancelled."""
        while True:
            await asyncio.sleep(TEND_S)
            self.tape.tend(time.time_ns())

    async def stored(self) -> None:
        """Return when everything that is durable is stored."""
        while self.tape.marks.stored < self.tape.marks.durable:  # noqa: ASYNC110 - another process moves the mark
            await asyncio.sleep(STORED_POLL_S)

    async def drain(self) -> None:
        """Make what was accepted durable, send the clients away, and let the writer store it.

        Both have `http.shutdown_s` for that.
        """
        self.draining = True
        self.tape.flush()
        self.hub.shut()
        try:
            async with asyncio.timeout(self.settings.http.shutdown_s):
                await self.stored()
                await self.streams.gone()
        except TimeoutError:
            marks = self.tape.marks
            log.warning("stopping before all is stored", stored=marks.stored, durable=marks.durable)


def run(settings: Settings) -> int:
    """Run the configured feeds until SIGINT or SIGTERM; returns the exit code."""
    return _run(_serve(settings, lambda system: configured_feeds(system.tape, settings, system.ready)))


def run_replay(options: ReplayOptions) -> int:
    """Play recordings; returns 1 when `--exit` was given and something was not stored as published.

    Raises:
        RecordingError: one of them cannot be played at all; nothing was started.
    """
    for file in options.files:
        inspect(file)

    def feeds(system: System) -> list[Feed]:
        return [Replay(system.tape, options.files, options.speed, ready=system.ready)]

    return _run(_serve(options.settings, feeds, report=options.exit_when_stored))


def run_demo(options: DemoOptions) -> int:
    """Simulate a market and serve it until SIGINT or SIGTERM; returns the exit code."""

    def feeds(system: System) -> list[Feed]:
        return [Simulation(system.tape, options.market)]

    return _run(_serve(options.settings, feeds, announce=lambda url: announce(url, options)))


def _run(main: Coroutine[None, None, int]) -> int:
    collect_seldom()  # looking at everything that is subscribed to would hold the loop for 50 ms and more
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _serve(
    settings: Settings,
    make_feeds: Callable[[System], Sequence[Feed]],
    *,
    report: bool = False,
    announce: Callable[[str], None] | None = None,
) -> int:
    """Build the system, run it until it is told to stop or `report` is due, and take it down.

    `announce` is told the address as soon as it is served.
    """
    began = time.monotonic()
    listener = open_listener(settings.http)
    system = System(settings)
    proxies = networks(settings.http.trusted_proxies)
    stop = _stop_signals()
    code = 0
    try:
        async with asyncio.TaskGroup() as workers:
            tasks = [
                workers.create_task(system.writer.run()),
                workers.create_task(system.history.run()),
                workers.create_task(system.tend()),
                workers.create_task(system.hub.run()),
                workers.create_task(system.alerting.run()),
            ]
            try:
                runner = HttpRunner(
                    build_app(make_services(system), (*ROUTES, stream_route(system.streams))),
                    now_ns=time.time_ns,
                    shutdown_seconds=settings.http.shutdown_s,
                )
                async with serving(runner, listener, system.streams, proxies):
                    system.started = True
                    if announce is not None:
                        announce(url_of(listener))
                    feeds = make_feeds(system)
                    if not report:  # whose line speaks of the recordings alone
                        system.make_bars(feeds)
                        tasks.extend(workers.create_task(bars.run()) for bars in system.bars)
                    await _play(system, feeds, stop, until_played=report)
                    if report and not stop.is_set():
                        await system.caught_up()
                    await system.drain()
                    if report and not stop.is_set():
                        code = await _report(system, feeds, time.monotonic() - began)
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        listener.close()
        system.alerting.close()
        system.tape_history.close()
        system.tape.close()
    return code


async def _play(system: System, feeds: Sequence[Feed], stop: asyncio.Event, *, until_played: bool) -> None:
    """Run the feeds until all have ended (and it was asked for), or until the signal to stop."""
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(_all(system, feeds))
        stopping = group.create_task(stop.wait())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done() and playing.exception() is None and not until_played:
            await stop.wait()
        playing.cancel()
        stopping.cancel()


async def _all(system: System, feeds: Sequence[Feed]) -> None:
    async with asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(feed.run())
    for bars in system.bars:
        bars.end()


async def _report(system: System, feeds: Sequence[Feed], seconds: float) -> int:
    """Wait until all is stored, print the report, and compare."""
    await system.stored()
    line = await make_report(
        system.tape, system.history, [f for f in feeds if isinstance(f, Replay)], seconds
    )
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()
    differing = differences(line)
    for key, (published, stored) in differing.items():
        log.error("stored differs from published", kind=key, published=published, stored=stored)
    return 1 if differing else 0


def _stop_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        log.info("stopping")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    return stop
