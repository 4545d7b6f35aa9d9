"""One recording being played: batches, positions, going on."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.capture_writer import CaptureWriter
from feeds.contract import Counters
from feeds.errors import PositionError
from feeds.iex import IexSession, encode
from feeds.playback import PACKETS_MAX, TICKS_MAX, Playback, Played
from tests.feeds.iex import wire
from ticks.model import FeedEvent, Tick

STEP_NS = 1_000_000


def recording(segments: list[bytes], step_ns: int = STEP_NS) -> bytes:
    """A capture of segments that arrive a step apart."""
    writer = CaptureWriter()
    return writer.head() + b"".join(
        writer.datagram(wire.NOW + number * step_ns, data) for number, data in enumerate(segments)
    )


def playback(saved: bytes | None = None, speed: Fraction | None = None) -> Playback:
    """A playback of an IEX recording."""
    return Playback(IexSession(wire.SOURCE, replay=True), speed, saved)


def play(player: Playback, data: bytes, chunk: int = 500) -> list[Played]:
    """All batches of a recording that is read in chunks, those without ticks left out."""
    played = []
    for start in range(0, len(data), chunk):
        player.feed(data[start : start + chunk])
        while player.waiting:
            played.append(player.play(0))
    player.finish()
    while player.waiting:
        played.append(player.play(0))
    return [batch for batch in played if batch.ticks]


def ticks_of(played: list[Played]) -> list[Tick]:
    """All ticks of batches."""
    return [tick for batch in played for tick in batch.ticks]


def test_a_recording_gives_the_ticks_of_its_segments_at_their_capture_times() -> None:
    """Receive times are those of the capture."""
    segments = wire.stream(80)
    session = IexSession(wire.SOURCE, replay=True)
    expected = [
        tick
        for number, data in enumerate(segments)
        for tick in session.receive(data, wire.NOW + number * STEP_NS)
    ]
    player = playback()
    played = play(player, recording(segments))
    assert ticks_of(played) == expected
    assert player.core.decoded == session.decoded
    assert player.packets == len(segments) == player.capture.datagrams
    assert player.damage == ""


def test_a_batch_is_bounded_in_packets_and_ticks() -> None:
    """Many small packets and few large ones both end a batch."""
    small = wire.stream(3 * PACKETS_MAX)
    player = playback()
    player.feed(recording(small))
    sizes = []
    while player.waiting:
        before = player.packets
        player.play(0)
        sizes.append(player.packets - before)
    assert max(sizes) == PACKETS_MAX
    writer = encode.SegmentWriter(1)
    large = [writer.segment([encode.trade(wire.NOW, "SPY", 1, 1, 1)] * 30, wire.NOW) for _ in range(100)]
    batches = play(playback(), recording(large), chunk=1_000_000)
    assert {len(batch.ticks) for batch in batches[:-1]} == {TICKS_MAX // 30 * 30 + 30}


def test_packets_that_are_not_due_wait() -> None:
    """At speed 1 a batch holds what is due and no more."""
    segments = wire.stream(20)
    player = playback(speed=Fraction(1))
    player.feed(recording(segments))
    now_ns = 777
    player.play(now_ns)
    assert player.packets == 1
    assert player.wait_ns(now_ns) == STEP_NS
    player.play(now_ns + 3 * STEP_NS)
    assert player.packets == 4
    assert player.waiting == len(segments) - 4


def test_a_capture_clock_that_steps_back_does_not_take_receive_times_with_it() -> None:
    """The time of receipt never falls."""
    data = recording(wire.stream(40), step_ns=-STEP_NS)
    assert {tick.ts_recv for tick in ticks_of(play(playback(), data))} == {wire.NOW}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    stop=st.integers(0, 100),
    chunk=st.integers(50, 5_000),
    dropped=st.sets(st.integers(0, 60), max_size=4),
    cut=st.integers(0, 100),
)
def test_a_playback_goes_on_behind_any_batch_exactly(
    seed: int, stop: int, chunk: int, dropped: set[int], cut: int
) -> None:
    """From the position of any batch: the ticks that follow, and in the end the totals of the whole file."""
    segments = [data for number, data in enumerate(wire.stream(60, seed=seed)) if number not in dropped]
    data = recording(segments)
    data = data[: len(data) - cut]
    whole = playback()
    batches = play(whole, data, chunk)
    if not batches:
        return
    stop %= len(batches)
    resumed = playback(batches[stop].position)
    rest = play(resumed, data, chunk)
    assert ticks_of(rest) == ticks_of(batches[stop + 1 :])
    assert resumed.core.decoded == whole.core.decoded
    assert resumed.core.counters == whole.core.counters
    assert resumed.capture == whole.capture
    assert resumed.damage == whole.damage
    assert resumed.packets == whole.packets
    assert resumed.position() == whole.position()


def test_a_finished_playback_started_again_plays_nothing_and_has_the_totals() -> None:
    """Behind the last batch there is nothing but trailing heartbeats."""
    data = recording([*wire.stream(30), *wire.stream(0)])
    whole = playback()
    last = play(whole, data)[-1]
    again = playback(last.position)
    assert play(again, data) == []
    assert again.core.counters == whole.core.counters
    assert again.core.decoded == whole.core.decoded


def test_garbage_in_a_recording_is_counted_and_the_rest_is_played() -> None:
    """Other traffic between the segments costs nothing."""
    segments = wire.stream(40)
    mixed = [*segments[:5], b"garbage", *segments[5:9], bytes(300), *segments[9:]]
    player = playback()
    ticks = ticks_of(play(player, recording(mixed)))
    assert [tick.src_seq for tick in ticks] == [
        tick.src_seq for tick in ticks_of(play(playback(), recording(segments)))
    ]
    assert not any(isinstance(tick, FeedEvent) for tick in ticks)
    assert player.core.counters.malformed == 1
    assert player.core.counters.wrong_protocol == 1


def test_the_position_of_a_fresh_playback_is_its_start() -> None:
    """It can be saved before anything was played."""
    data = recording(wire.stream(10))
    assert ticks_of(play(playback(playback().position()), data)) == ticks_of(play(playback(), data))
    assert playback(playback().position()).core.counters == Counters()


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60))
def test_what_is_no_position_is_refused(data: bytes) -> None:
    """Garbage, positions of other versions and of other cores raise the one error."""
    position = playback().position()
    for saved in (data, position[:1] + b"\x07" + position[2:], position[:-5] + data):
        if saved != position:
            with pytest.raises(PositionError):
                playback(saved)
