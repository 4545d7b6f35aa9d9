"""Play recordings as if they were live.

A shell: it reads files and the clock for `feeds.playback`, and hands on what that makes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from feeds.contract import Counters, ProtocolCore
from feeds.errors import RecordingError
from feeds.iex import IexSession
from feeds.packets import CaptureCounters
from feeds.pcap import PcapReader
from feeds.playback import Playback
from feeds.recordings import Recording, file_key
from tape.batch import SourcePosition
from ticks.model import Tick
from ticks.sources import REPLAY

Sink = Callable[[list[Tick], SourcePosition, int], None]
"""Takes a batch: ticks, the position behind them, and the time of receipt of the last one, ns."""

WAITING_LEAST: Final = 256
"""More of a file is read when fewer packets than this wait, so that pacing never waits for the disk."""
TURN_NS: Final = 5_000_000
"""How long the loop is kept before others have their turn, ns; a batch more at most."""
_SLEEP_LEAST_S: Final = 0.001
_SLEEP_MOST_S: Final = 0.25
"""A sleep is cut to this, so that a clock that was suspended is noticed, s."""


class FilePlayed(msgspec.Struct, frozen=True):
    """What came of one recording, what was played of it in an earlier run included."""

    path: Path
    key: str
    """The key of its position on the tape."""
    packets: int
    decoded: dict[str, int]
    """Messages by the vendor's type letter."""
    unknown: dict[str, int]
    """Messages of types that are not decoded, likewise."""
    counters: Counters
    capture: CaptureCounters
    damage: str
    """Why it could not be read to its end, or what of it had to be passed over; empty when all was well."""


def inspect(path: Path) -> str:
    """The key of a recording, after a look whether it can be played at all.

    Raises:
        RecordingError: it cannot be opened, or does not begin like a packet capture.
    """
    key = file_key(path)
    recording = Recording(path)
    reader = PcapReader()
    try:
        reader.feed(recording.read())
        if not reader.offset:
            reader.finish()
    except RecordingError as error:
        raise RecordingError(f"{path}: {recording.damage or error}") from error
    finally:
        recording.close()
    return key


class ReplayFeed:
    """Plays recordings, one after the other.

    Each is a source of its own to the tape: its position is kept under its content's key, and
    a recording that was interrupted goes on exactly behind its last position. One that is
    named twice is played once.

    Arguments:
        files: recordings in order.
        speed: see `feeds.pacing.parse_speed`; None is as fast as possible.
        saved: gives the saved position of a key, or None.
        make_core: makes the protocol core for a recording; by default IEX.
        clock_ns: a clock that never steps back, ns.
    """

    def __init__(
        self,
        files: Sequence[Path],
        *,
        speed: Fraction | None,
        saved: Callable[[str], bytes | None],
        make_core: Callable[[], ProtocolCore] = lambda: IexSession(REPLAY, replay=True),
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._files = list(files)
        self._speed = speed
        self._saved = saved
        self._make_core = make_core
        self._clock_ns = clock_ns
        self._finished: list[FilePlayed] = []
        self._playing: tuple[Path, str, Playback] | None = None

    @property
    def files(self) -> list[FilePlayed]:
        """What has been played: the finished recordings, then the one that is being played."""
        if self._playing is None:
            return list(self._finished)
        return [*self._finished, _report(*self._playing, "")]

    @property
    def decoded(self) -> dict[str, int]:
        """Messages decoded from all recordings by type letter, earlier runs included."""
        totals: dict[str, int] = {}
        for file in self.files:
            for letter, count in file.decoded.items():
                totals[letter] = totals.get(letter, 0) + count
        return totals

    @property
    def gaps(self) -> int:
        """Holes in the sequences of all recordings, earlier runs included."""
        return sum(file.counters.gaps for file in self.files)

    async def run(self, sink: Sink, ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """Play everything; return at the end of the last file.

        `sink` gets every batch that has ticks, in order. `ready`, if given, is awaited
        between turns: while it does not return, nothing is played, so what comes behind the
        sink can hold the replay back. Nothing is buffered for it.

        Raises:
            RecordingError: a file cannot be opened or is no capture; found for all files
                before the first one is played.
            PositionError: a saved position is not one of a recording.
        """
        keys = [await asyncio.to_thread(inspect, path) for path in self._files]
        seen: set[str] = set()
        for path, key in zip(self._files, keys, strict=True):
            if key not in seen:
                seen.add(key)
                await self._play(path, key, sink, ready)

    async def _play(
        self, path: Path, key: str, sink: Sink, ready: Callable[[], Awaitable[None]] | None
    ) -> None:
        playback = Playback(self._make_core(), self._speed, self._saved(key))
        self._playing = (path, key, playback)
        recording = Recording(path)
        try:
            await self._play_all(recording, playback, key, sink, ready)
        finally:
            recording.close()
        damage = "; ".join(problem for problem in (recording.damage, playback.damage) if problem)
        self._finished.append(_report(path, key, playback, damage))
        self._playing = None

    async def _play_all(
        self,
        recording: Recording,
        playback: Playback,
        key: str,
        sink: Sink,
        ready: Callable[[], Awaitable[None]] | None,
    ) -> None:
        clock_ns = self._clock_ns
        ended = False
        turn_ends_ns = clock_ns() + TURN_NS
        while not ended or playback.waiting:
            if not ended and playback.waiting < WAITING_LEAST:
                chunk = await asyncio.to_thread(recording.read)
                if chunk:
                    playback.feed(chunk)
                else:
                    playback.finish()
                    ended = True
            wait_ns = playback.wait_ns(clock_ns())
            if wait_ns:
                await asyncio.sleep(min(max(wait_ns / 1e9, _SLEEP_LEAST_S), _SLEEP_MOST_S))
            elif wait_ns == 0:
                played = playback.play(clock_ns())
                if played.ticks:
                    sink(played.ticks, SourcePosition(key, played.position), played.recv_ns)
                if clock_ns() < turn_ends_ns:
                    continue
                await asyncio.sleep(0)
            if ready is not None:
                await ready()
            turn_ends_ns = clock_ns() + TURN_NS


def _report(path: Path, key: str, playback: Playback, damage: str) -> FilePlayed:
    core = playback.core
    return FilePlayed(
        path, key, playback.packets, core.decoded, core.unknown, core.counters, playback.capture, damage
    )
