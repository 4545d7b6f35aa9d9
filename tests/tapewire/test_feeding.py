"""Recordings on their way to the tape, interrupted and not."""

import asyncio
import struct
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import Settings, SourceSettings, TapeSettings
from feeds.iex.market_day import Day
from feeds.sim import SimSettings
from feeds.synthetic_file import write_recording
from tape.batch import Batch
from tape.disk import Disk
from tape.tape import Tape
from tapewire.feeding import WAIT_S, Replay, Simulation, configured_feeds
from tapewire.replay_report import ranges_of
from tests.tape.faulty_disk import FaultyDisk
from ticks.model import FeedEvent, Trade


def make_tape(folder: Path, disk: Disk | None = None) -> Tape:
    """A tape in a folder."""
    return Tape(TapeSettings(sync_interval_ms=0, retry_ms=1), folder, time.time_ns(), disk=disk)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A made-up recording of a few thousand messages."""
    path = tmp_path / "day.pcap"
    write_recording(path, Day(seed=3, symbols=5, messages=3_000))
    return path


async def test_a_whole_recording_is_published_once(tmp_path: Path, recording: Path) -> None:
    """Published totals equal what is on the tape, and a second replay adds nothing."""
    tape = make_tape(tmp_path / "data")
    first = Replay(tape, [recording], "max")
    await first.run()
    (totals,) = first.totals.values()
    published = sum(totals.by_report().values())
    assert published == tape.marks.accepted > 2_000
    again = Replay(tape, [recording], "max")
    await again.run()
    assert tape.marks.accepted == published
    assert [t.published for t in again.totals.values()] == [totals.published]
    tape.close()


async def test_an_interrupted_replay_goes_on_with_its_totals(tmp_path: Path, recording: Path) -> None:
    """Cancelled in the middle and started on a reopened tape: the same totals as in one go."""
    whole = make_tape(tmp_path / "whole")
    undisturbed = Replay(whole, [recording], "max")
    await undisturbed.run()
    whole.close()

    tape = make_tape(tmp_path / "cut")
    enough = asyncio.Event()

    def on_batch(batch: Batch) -> None:
        if batch.last_m > 1_000:
            enough.set()

    tape.on_batch = on_batch
    cut = Replay(tape, [recording], "max")
    playing = asyncio.create_task(cut.run())
    await enough.wait()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert tape.marks.accepted > 0
    tape.close()

    tape = make_tape(tmp_path / "cut")
    rest = Replay(tape, [recording], "max")
    await rest.run()
    assert rest.feed.decoded == undisturbed.feed.decoded
    assert [t.published for t in rest.totals.values()] == [t.published for t in undisturbed.totals.values()]
    tape.close()


async def test_a_recording_waits_for_a_disk_that_is_full(tmp_path: Path, recording: Path) -> None:
    """When there is room again it goes on behind what was kept: in the end all of it is, with its totals."""
    whole = make_tape(tmp_path / "whole")
    undisturbed = Replay(whole, [recording], "max")
    await undisturbed.run()
    whole.close()

    disk = FaultyDisk()
    tape = make_tape(tmp_path / "cut", disk)
    batches: list[Batch] = []
    tape.on_batch = batches.append
    replay = Replay(tape, [recording], "max")
    disk.room_bytes = 150_000
    playing = asyncio.create_task(replay.run())
    async with asyncio.timeout(30):
        while not tape.volatile:  # noqa: ASYNC110 - the disk has no event
            await asyncio.sleep(0)
    lost = tape.marks.accepted
    published = len(batches)
    await asyncio.wait({playing}, timeout=3 * WAIT_S)
    assert not playing.done()
    assert disk.acted["no room"]
    assert len(batches) == published
    disk.heal()
    tape.tend(time.time_ns() + 1_000_000_000)
    await asyncio.wait_for(playing, 30)
    assert [t.published for t in replay.totals.values()] == [t.published for t in undisturbed.totals.values()]
    assert replay.feed.decoded == undisturbed.feed.decoded
    tape.flush()
    kept = [item for item in tape.reader().read(0, tape.marks.durable) if isinstance(item, Batch)]
    ticks = [tick for batch in kept for tick in batch.ticks if not isinstance(tick, FeedEvent)]
    (totals,) = replay.totals.values()
    assert len(ticks) == sum(totals.published) > 2_000
    assert tape.marks.accepted > lost
    assert tape.epoch == 3
    tape.close()


async def test_a_recording_in_two_line_ups_is_published_in_both(tmp_path: Path, recording: Path) -> None:
    """How far it was played is kept for each line-up by itself, over a restart too."""
    tape = make_tape(tmp_path / "data")
    for _ in range(2):
        for lineup in ("", "iex"):
            replay = Replay(tape, [recording], "max", lineup)
            await replay.run()
            ranges = ranges_of(tape.reader(), set(replay.totals), 1, tape.marks.accepted)
            (totals,) = replay.totals.values()
            assert sum(last - first + 1 for first, last in ranges) == sum(totals.published) > 2_000
    channels = tape.sequencer.state.channels
    assert len([name for name in channels if name and name.endswith("@iex")]) * 2 == len(channels)
    tape.close()


async def test_what_is_no_datagram_is_told(tmp_path: Path, recording: Path) -> None:
    """Frames of other protocols in a recording are counted in the line that says what was played."""
    arp = bytes(12) + b"\x08\x06" + bytes(46)
    with recording.open("ab") as file:
        file.write(struct.pack("<IIII", 1_783_960_300, 0, len(arp), len(arp)) + arp)
    tape = make_tape(tmp_path / "data")
    with capture_logs() as logs:
        await Replay(tape, [recording], "max").run()
    tape.close()
    (played,) = [entry for entry in logs if entry["event"] == "recording played"]
    assert played["frames"] == {"not_udp": 1}


def test_the_configuration_names_the_feeds(tmp_path: Path) -> None:
    """One feed for each source."""
    tape = make_tape(tmp_path / "data")
    source = SourceSettings(name="a", type="replay", files=("x.pcap",), speed="max", lineup="iex")
    assert len(configured_feeds(tape, Settings(sources=(source, source)))) == 2
    tape.close()


async def test_a_simulated_market_goes_on_where_its_tape_ends(tmp_path: Path) -> None:
    """Cancelled and started again on the same folder: one tape, and no trade id is used twice."""
    market = SimSettings(symbols=4, rate=2_000)
    ids: list[int] = []
    for least in (200, 400):
        enough = asyncio.Event()

        def on_batch(batch: Batch, enough: asyncio.Event = enough, least: int = least) -> None:
            ids.extend(tick.trade_id for tick in batch.ticks if isinstance(tick, Trade))
            if batch.last_m > least:
                enough.set()

        tape = Tape(TapeSettings(sync_interval_ms=0), tmp_path, time.time_ns(), on_batch)
        playing = asyncio.create_task(Simulation(tape, market).run())
        await asyncio.wait_for(enough.wait(), 60)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        tape.close()
    assert tape.epoch == 1
    assert len(ids) == len(set(ids)) > 0
