"""Playing files: order, pace, going on, holding back, what cannot be played."""

import asyncio
import gzip
from fractions import Fraction
from pathlib import Path

import pytest

from feeds.capture_writer import CaptureWriter
from feeds.errors import PositionError, RecordingError
from feeds.recordings import file_key
from feeds.replay import TURN_NS, ReplayFeed, inspect
from tape.batch import SourcePosition
from tests.feeds.data import DEEP_2026, TOPS_2026, real
from tests.feeds.iex import wire
from tests.feeds.test_playback import recording
from ticks.model import Tick


class Tape:
    """Keeps what a replay gives it, as the tape would: ticks, and the newest position of each key."""

    def __init__(self, positions: dict[str, bytes] | None = None) -> None:
        self.ticks: list[Tick] = []
        self.batches: list[tuple[int, SourcePosition, int]] = []
        self.positions = dict(positions or {})

    def sink(self, ticks: list[Tick], position: SourcePosition, now_ns: int) -> None:
        """Take a batch."""
        assert ticks
        assert ticks[-1].ts_recv <= now_ns
        self.ticks += ticks
        self.batches.append((len(ticks), position, now_ns))
        self.positions[position.key] = position.value

    def feed(self, *files: Path, speed: Fraction | None = None) -> ReplayFeed:
        """A replay that goes on from what this tape has."""
        return ReplayFeed(files, speed=speed, saved=self.positions.get)


def write(path: Path, segments: list[bytes], step_ns: int = 1_000_000) -> Path:
    """Write a recording."""
    path.write_bytes(recording(segments, step_ns))
    return path


async def play(*files: Path) -> tuple[ReplayFeed, Tape]:
    """Play files from their start at full speed."""
    tape = Tape()
    feed = tape.feed(*files)
    await feed.run(tape.sink)
    return feed, tape


async def test_files_are_played_in_order_each_under_its_own_key(tmp_path: Path) -> None:
    """Two recordings give the ticks of the first, then those of the second, and totals of both."""
    first = write(tmp_path / "a.pcap", wire.stream(50))
    second = write(tmp_path / "b.pcap", wire.stream(70, seed=2))
    (one, tape_one), (two, tape_two) = await play(first), await play(second)
    both, tape = await play(first, second)
    assert tape.ticks == tape_one.ticks + tape_two.ticks
    assert list(tape.positions) == [file_key(first), file_key(second)]
    assert both.decoded == {
        letter: one.decoded.get(letter, 0) + two.decoded.get(letter, 0)
        for letter in one.decoded.keys() | two.decoded.keys()
    }
    assert [file.path for file in both.files] == [first, second]
    assert [file.damage for file in both.files] == ["", ""]
    assert both.gaps == 0


async def test_a_recording_named_twice_is_played_once(tmp_path: Path) -> None:
    """The key is of the content, so a copy is the same recording."""
    first = write(tmp_path / "a.pcap", wire.stream(50))
    copy = write(tmp_path / "copy.pcap", wire.stream(50))
    (_, once), (feed, twice) = await play(first), await play(first, copy, first)
    assert twice.ticks == once.ticks
    assert len(feed.files) == 1


async def test_a_replay_that_was_stopped_goes_on_exactly(tmp_path: Path) -> None:
    """Stopped behind any batch, the ticks of both runs are those of one, and so are the totals."""
    paths = [
        write(tmp_path / "a.pcap", wire.stream(3_000)),
        write(tmp_path / "b.pcap", wire.stream(2_000, seed=2)),
    ]
    whole_feed, whole = await play(*paths)
    stops = len(whole.batches)
    assert stops > 5
    for stop in range(1, stops):
        tape = Tape()

        def sink(
            ticks: list[Tick], position: SourcePosition, now_ns: int, tape: Tape = tape, stop: int = stop
        ) -> None:
            if len(tape.batches) == stop:
                raise InterruptedError
            tape.sink(ticks, position, now_ns)

        with pytest.raises(InterruptedError):
            await tape.feed(*paths).run(sink)
        feed = tape.feed(*paths)
        await feed.run(tape.sink)
        assert tape.ticks == whole.ticks
        assert feed.decoded == whole_feed.decoded
        assert feed.files == whole_feed.files


async def test_a_finished_replay_started_again_gives_no_ticks_and_the_same_totals(tmp_path: Path) -> None:
    """What has been played is on the tape."""
    path = write(tmp_path / "a.pcap", wire.stream(300))
    first, tape = await play(path)
    again, nothing = tape.feed(path), Tape()
    await again.run(nothing.sink)
    assert nothing.ticks == []
    assert again.files == first.files


async def test_a_real_recording_is_played_with_the_totals_of_its_readme() -> None:
    """From the compressed file to the last tick, in batches of a bounded size."""
    feed, tape = await play(real(TOPS_2026))
    assert feed.decoded["Q"] == 158_958
    assert feed.decoded["T"] == 757
    assert sum(feed.decoded.values()) == 212_153
    assert len(tape.ticks) == 212_150
    assert max(size for size, _, _ in tape.batches) < 1_100
    received = [now_ns for _, _, now_ns in tape.batches]
    assert received == sorted(received)


async def test_two_real_recordings_one_after_the_other() -> None:
    """TOPS, then DEEP of the same session: each is a stream of its own."""
    feed, _ = await play(real(TOPS_2026), real(DEEP_2026))
    assert feed.decoded["T"] == 757 + 620
    assert feed.gaps == 0


async def test_packed_recordings_are_played_like_plain_ones(tmp_path: Path) -> None:
    """What it is packed in does not show in the ticks; a cut one is played up to the cut and says so."""
    plain = write(tmp_path / "plain", wire.stream(400))
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    cut = tmp_path / "cut"
    cut.write_bytes(packed.read_bytes()[:-2_000])
    (_, whole), (_, same), (feed, less) = await play(plain), await play(packed), await play(cut)
    assert same.ticks == whole.ticks
    assert 0 < len(less.ticks) < len(whole.ticks)
    assert less.ticks == whole.ticks[: len(less.ticks)]
    assert feed.files[0].damage.startswith("its compression ends early; the last ")


async def test_at_a_speed_packets_are_played_when_they_are_due(tmp_path: Path) -> None:
    """At ten times the recorded pace, a packet each 10 ms of the recording is one each 1 ms of the clock."""
    segments = wire.stream(100)
    path = write(tmp_path / "a.pcap", segments, step_ns=10_000_000)
    now_ns = 0
    seen: dict[int, int] = {}

    async def ready() -> None:
        # Called between turns: what was due at the former time has been played; now comes the next.
        nonlocal now_ns
        seen[now_ns] = feed.files[0].packets
        now_ns += 500_000

    feed = ReplayFeed([path], speed=Fraction(10), saved=lambda key: None, clock_ns=lambda: now_ns)
    tape = Tape()
    async with asyncio.timeout(20):
        await feed.run(tape.sink, ready)
    assert feed.files[0].packets == len(segments)
    assert len(seen) > len(segments)
    for time_ns, packets in seen.items():
        # A batch ends the turn only when something is to be waited for, so the last one may be on its way.
        assert packets in (time_ns // 1_000_000, time_ns // 1_000_000 + 1)


async def test_nothing_is_played_while_the_other_side_is_not_ready(tmp_path: Path) -> None:
    """What lies behind the sink can hold the replay back, and let it go on."""
    path = write(tmp_path / "a.pcap", wire.stream(30_000))
    tape = Tape()
    gate, asked = asyncio.Event(), asyncio.Event()

    async def ready() -> None:
        if tape.batches:
            asked.set()
            await gate.wait()

    feed = tape.feed(path)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(feed.run(tape.sink, ready))
        await asked.wait()
        held = len(tape.batches)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(tape.batches) == held
        gate.set()
    assert len(tape.batches) > held
    assert feed.decoded["Q"] > 0


async def test_others_have_their_turn_during_a_replay_at_full_speed(tmp_path: Path) -> None:
    """The loop is given back again and again: about as often as the turns that the replay takes."""
    path = write(tmp_path / "a.pcap", wire.stream(30_000))
    ticks_of_the_clock = 0

    def clock_ns() -> int:
        # Each look at the clock is a fifth of a turn, whatever the machine.
        nonlocal ticks_of_the_clock
        ticks_of_the_clock += 1
        return ticks_of_the_clock * TURN_NS // 5

    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    tape = Tape()
    other_task = asyncio.create_task(other())
    await ReplayFeed([path], speed=None, saved=lambda key: None, clock_ns=clock_ns).run(tape.sink)
    other_task.cancel()
    assert turns >= len(tape.batches) // 5


async def test_a_replay_can_be_cancelled_at_any_time(tmp_path: Path) -> None:
    """Cancelled while it reads, plays or waits, it leaves no open file and no thread behind."""
    path = write(tmp_path / "a.pcap", wire.stream(5_000))
    for rounds in range(12):
        tape = Tape()
        task = asyncio.create_task(tape.feed(path, speed=Fraction(1)).run(tape.sink))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 100, gzip.compress(b"garbage", mtime=0), b"\x1f\x8b\x08 cut"]
)
async def test_what_is_no_recording_is_refused_before_anything_is_played(
    tmp_path: Path, content: bytes
) -> None:
    """One file of several that cannot be played stops the replay at its start, and is named."""
    good = write(tmp_path / "good.pcap", wire.stream(50))
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(content)
    tape = Tape()
    with pytest.raises(RecordingError, match=r"bad\.pcap"):
        await tape.feed(good, bad).run(tape.sink)
    assert tape.ticks == []
    with pytest.raises(RecordingError, match=r"bad\.pcap"):
        inspect(bad)


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """It is named with the reason."""
    with pytest.raises(RecordingError, match=r"none\.pcap: No such file"):
        await play(tmp_path / "none.pcap")


async def test_a_damaged_position_is_refused(tmp_path: Path) -> None:
    """A replay never goes on by guess."""
    path = write(tmp_path / "a.pcap", wire.stream(50))
    tape = Tape({inspect(path): b"nonsense"})
    with pytest.raises(PositionError):
        await tape.feed(path).run(tape.sink)


async def test_an_empty_capture_is_played_to_its_end_at_once(tmp_path: Path) -> None:
    """A recording of nothing is one, also when it is cut in its head."""
    head = CaptureWriter().head()
    for size in (24, 10):
        path = tmp_path / f"{size}.pcap"
        path.write_bytes(head[:size])
        feed, tape = await play(path)
        assert tape.ticks == []
        assert bool(feed.files[0].damage) == (size == 10)
