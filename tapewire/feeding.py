"""Feeds of the main process: what `feeds/` makes, brought onto the tape."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from config.settings import Settings
from feeds.iex import IexSession
from feeds.pacing import parse_speed
from feeds.replay import FilePlayed, ReplayFeed
from feeds.sim import SimExchange, SimSettings
from feeds.sim.feed import SimFeed
from tape.batch import SourcePosition
from tape.tape import Tape
from tapewire.totals import Totals, unpack_totals
from ticks.model import Tick
from ticks.sources import IEX_TOPS

log = structlog.get_logger()

WAIT_S: Final = 0.05
"""How often a recording that waits for the journal looks at it, s."""

LEFT_OUT: Final = ("gaps", "lost", "duplicates", "malformed", "wrong_protocol", "implausible", "quarantined")
"""The counters of a recording that say what did not become ticks."""
FRAMES_LEFT_OUT: Final = (
    "not_udp", "fragments", "cut", "malformed", "unknown_link", "untimed", "damages", "skipped_bytes",
)  # fmt: skip
"""The counters of its file that say what was no datagram."""


class Feed(Protocol):
    """A source of ticks that publishes to the tape by itself."""

    @property
    def lineup(self) -> str:
        """Name of the line-up that the ticks belong to; empty = the default one."""
        ...

    @property
    def recorded(self) -> bool:
        """Whether the ticks are of the past: their times are not our clock's, and they can wait."""
        ...

    async def run(self) -> None:
        """Publish until there is nothing more, or until cancelled."""
        ...


class _NotKeptError(Exception):
    """The journal cannot be written."""


class Replay:
    """Recordings played onto the tape, with totals that survive interruptions.

    A recording can wait, and be read again: while the journal cannot be written nothing is played,
    and then it goes on behind what was kept. What was published of it meanwhile, one batch, comes
    again under new numbers.

    `ready`, if given, is awaited now and then: while it does not return, nothing is played.
    """

    recorded = True

    def __init__(
        self,
        tape: Tape,
        files: Sequence[Path],
        speed: str,
        lineup: str = "",
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.lineup = lineup
        self._tape = tape
        self._files = files
        self._speed = speed
        self._ready = ready
        self._totals: dict[str, Totals] = {}
        self.feed = self._make_feed()

    async def run(self) -> None:
        """Play to the end of the last recording.

        Raises:
            RecordingError: one of them cannot be played.
        """
        while not await self._play():
            self.feed = self._make_feed()
        for file in self.feed.files:
            _tell(file)

    async def _play(self) -> bool:
        """Play until the end, or until the journal fails and works again; returns whether it is the end."""
        try:
            await self.feed.run(self._sink, self._ready)
        except _NotKeptError:
            log.warning("recordings wait: the journal cannot be written")
        else:
            return True
        while self._tape.volatile:  # noqa: ASYNC110 - whoever tends the tape ends it
            await asyncio.sleep(WAIT_S)
        log.info("recordings go on behind what was kept")
        return False

    def _make_feed(self) -> ReplayFeed:
        return ReplayFeed(
            self._files,
            speed=parse_speed(self._speed),
            saved=self._saved,
            make_core=lambda: IexSession(IEX_TOPS, replay=True),
        )

    @property
    def totals(self) -> dict[str, Totals]:
        """Key of each recording's position on the tape → what was published of it, in earlier runs too."""
        return self._totals

    def _saved(self, key: str) -> bytes | None:
        key = self._tape_key(key)
        saved = self._tape.position(key)
        if saved is None:
            self._totals[key] = Totals()
            return None
        self._totals[key], position = unpack_totals(saved)
        return position

    def _tape_key(self, key: str) -> str:
        """The key of a position on the tape: a recording may be played into several line-ups."""
        return f"{key}@{self.lineup}" if self.lineup else key

    def _sink(self, ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        key = self._tape_key(position.key)
        totals = self._totals[key]
        totals.add(ticks, self._tape.sequencer.state.next_m)
        kept = SourcePosition(key, totals.pack(position.value))
        self._tape.publish(self.lineup, ticks, kept, time.time_ns())
        if self._tape.volatile:
            raise _NotKeptError


def _tell(file: FilePlayed) -> None:
    """Log what came of a recording, and what had to be left out of it."""
    counters = file.counters
    left_out = {name: count for name in LEFT_OUT if (count := getattr(counters, name))}
    if file.unknown:
        left_out["unknown"] = sum(file.unknown.values())
    frames = {name: count for name in FRAMES_LEFT_OUT if (count := getattr(file.capture, name))}
    more = {"frames": frames} if frames else {}
    log.info(
        "recording played",
        file=file.path.name,
        packets=file.packets,
        ticks=counters.ticks,
        **left_out,
        **more,
    )
    if file.damage:
        log.warning("recording is damaged", file=file.path.name, damage=file.damage)


class Simulation:
    """A simulated market published onto the tape; on a tape that has one already, it goes on.

    Raises:
        PositionError: what the tape remembers is of no simulated market.
    """

    recorded = False

    def __init__(self, tape: Tape, market: SimSettings, lineup: str = "") -> None:
        self.lineup = lineup
        self._tape = tape
        exchange = SimExchange(market)
        # Receive times never fall along the tape, whatever our clock does between two runs.
        self.feed = SimFeed(exchange, clock_ns=lambda: max(time.time_ns(), tape.last_ts_recv))
        saved = tape.position(self.feed.key)
        if saved is not None:
            exchange.restore(saved)

    async def run(self) -> None:
        """Trade until cancelled."""
        await self.feed.run(self._sink)

    def _sink(self, ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        self._tape.publish(self.lineup, ticks, position, now_ns)


def configured_feeds(
    tape: Tape, settings: Settings, ready: Callable[[], Awaitable[None]] | None = None
) -> list[Feed]:
    """The feeds that the configuration names; `ready` is for those that can wait."""
    return [
        Replay(tape, [Path(file) for file in source.files], source.speed, source.lineup, ready)
        for source in settings.sources
    ]
