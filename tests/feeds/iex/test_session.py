"""The IEX protocol core: holes, repeats, restarts, garbage, going on from a position.

Real recordings go through it in `test_real_recordings`.
"""

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.contract import FeedState
from feeds.errors import PositionError
from feeds.iex import IexSession, encode
from feeds.iex.transport import DEEP_1_0
from tests.feeds.iex.wire import (
    NOW,
    SOURCE,
    data_ticks,
    forged,
    gaps,
    garbage,
    hear,
    numbered,
    numbers_of,
    stream,
)
from ticks import flags
from ticks.model import FeedEvent, Quote


def test_the_state_follows_the_day_of_the_exchange() -> None:
    """INIT until a segment is heard, LIVE, CLOSED after the end of messages, LIVE again the next day."""
    session = IexSession(SOURCE)
    writer = encode.SegmentWriter(1)
    states = [session.state]
    for number, messages in enumerate(([], [encode.system_event(NOW, "C")], [])):
        session.receive(writer.segment(messages, NOW + number), NOW)
        states.append(session.state)
    writer.restart(2)
    session.receive(writer.segment([], NOW + 3), NOW)
    states.append(session.state)
    assert states == [FeedState.INIT, FeedState.LIVE, FeedState.CLOSED, FeedState.CLOSED, FeedState.LIVE]
    assert session.counters.restarts == 1
    assert session.data_to_send() == []


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), drop=st.data())
def test_a_hole_is_told_in_front_of_the_first_tick_after_it(seed: int, drop: st.DataObject) -> None:
    """Losing some segments loses just their messages, and each hole is told with its exact size."""
    segments = stream(60, seed=seed)
    whole = hear(IexSession(SOURCE), segments)
    dropped = drop.draw(st.sets(st.integers(2, len(segments) - 1), max_size=8))
    session = IexSession(SOURCE)
    heard = hear(session, [data for number, data in enumerate(segments) if number not in dropped])
    # The last heartbeat shows what is missing at the end.
    last = encode.SegmentWriter(0x50A70000)
    last.next_sequence, last.next_offset = 61, sum(len(data) - 40 for data in segments)
    heard += session.receive(last.segment([], NOW + 10**6), NOW)
    missing = numbers_of([data for number, data in enumerate(segments) if number in dropped])
    assert [(tick.src_seq, tick.ts_event) for tick in data_ticks(heard)] == [
        (tick.src_seq, tick.ts_event) for tick in whole if tick.src_seq not in missing
    ]
    opened = [event for event in heard if isinstance(event, FeedEvent) and event.what == "gap_open"]
    closed = [event for event in heard if isinstance(event, FeedEvent) and event.what == "gap_close"]
    assert sum(event.lost for event in opened) == len(missing) == session.counters.lost
    assert [event.lost for event in opened] == [event.lost for event in closed]
    assert session.counters.gaps == len(opened)
    told: set[int] = set()
    for start, end in zip(opened, closed, strict=True):
        told |= set(range(start.src_seq, end.src_seq))
        assert heard.index(end) == heard.index(start) + 1
    assert told == missing


def test_a_gap_event_has_all_it_knows() -> None:
    """The pair names the last tick before the hole, the first one after it, and what is missing."""
    writer = encode.SegmentWriter(1)
    session = IexSession(SOURCE, replay=True)
    session.receive(writer.segment([], NOW), NOW)
    session.receive(writer.segment([encode.quote(NOW + 1, "SPY", 1, 1, 2, 2)], NOW + 2), NOW)
    writer.segment([b"lost"] * 3, NOW + 3)
    after = session.receive(writer.segment([encode.quote(NOW + 5, "SPY", 1, 1, 2, 2)], NOW + 6), NOW + 7)
    bits = flags.REPLAY | flags.PARTIAL_COVERAGE
    text = "messages 2 to 4 are missing"
    assert after[:2] == [
        FeedEvent(
            SOURCE, ord("V"), "*", NOW + 1, NOW + 6, NOW + 7, 2, bits,
            "gap_open", "loss", "*", NOW + 1, NOW + 5, 3, text,
        ),
        FeedEvent(
            SOURCE, ord("V"), "*", NOW + 5, NOW + 6, NOW + 7, 5, bits,
            "gap_close", "loss", "*", NOW + 1, NOW + 5, 3, text,
        ),
    ]  # fmt: skip
    assert isinstance(after[2], Quote)


def test_a_heartbeat_tells_of_a_lost_tail() -> None:
    """Loss shows within a heartbeat; its send time stands in for the event that has not come yet."""
    writer = encode.SegmentWriter(1)
    session = IexSession(SOURCE)
    session.receive(writer.segment([], NOW), NOW)
    writer.segment([b"lost"] * 7, NOW + 1)
    events = session.receive(writer.segment([], NOW + 2), NOW + 3)
    assert gaps(events) == [("gap_open", 7), ("gap_close", 7)]
    assert [event.ts_event for event in events] == [NOW + 2, NOW + 2]
    assert gaps(session.receive(writer.segment([], NOW + 3), NOW + 4)) == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), chance=st.randoms(use_true_random=False))
def test_of_two_lines_each_message_is_heard_once(seed: int, chance: random.Random) -> None:
    """Of lines that carry the same messages, split differently, the one behind gives duplicates."""
    segments = stream(50, seed=seed)
    whole = hear(IexSession(SOURCE), segments)
    messages = [
        data[start + 2 : start + 2 + int.from_bytes(data[start : start + 2], "little")]
        for data in segments
        for _, start in numbered(data)
    ]
    other = encode.SegmentWriter(0x50A70000)
    second = []
    while messages:
        part = chance.randint(1, 7)
        second.append(other.segment(messages[:part], NOW + 50))
        messages = messages[part:]
    merged: list[bytes] = []
    first = [(data, numbers_of([data])) for data in segments]
    follower = [(data, numbers_of([data])) for data in second]
    # The second line never runs ahead of the first: that would be loss, which is another test.
    told = 0
    while first or follower:
        ahead = not follower or max(follower[0][1]) > told
        if first and (ahead or chance.random() < 0.6):
            data, numbers = first.pop(0)
            told = max(numbers, default=told)
        else:
            data, numbers = follower.pop(0)
        merged.append(data)
    session = IexSession(SOURCE)
    heard = [tick for data in merged for tick in session.receive(data, NOW)]
    assert [(tick.src_seq, tick.ts_event) for tick in heard] == [
        (tick.src_seq, tick.ts_event) for tick in whole
    ]
    assert session.counters.duplicates == 50
    assert session.counters.gaps == session.counters.restarts == session.counters.implausible == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), chance=st.randoms(use_true_random=False))
def test_segments_in_any_order_lose_nothing_silently(seed: int, chance: random.Random) -> None:
    """Whatever the order, no message comes twice, and those that come too late were told lost."""
    segments = stream(50, seed=seed)
    mixed = segments[:2] + sorted(segments[2:], key=lambda _: chance.random())
    session = IexSession(SOURCE)
    heard = data_ticks(hear(session, mixed))
    numbers = [tick.src_seq for tick in heard]
    assert len(numbers) == len(set(numbers))
    counters = session.counters
    told = sum(session.decoded.values()) + counters.unknown + counters.quarantined + counters.lost
    assert told == session.next_sequence - 1


@pytest.mark.parametrize("session_id", [0x50A70000, 0x50A80000])
def test_a_restart_is_neither_a_hole_nor_repeats(session_id: int) -> None:
    """A sender that begins again at 1, in the same session or another, is heard in full."""
    writer = encode.SegmentWriter(0x50A70000)
    first = stream(40, writer=writer)
    writer.restart(session_id)
    second = stream(30, seed=2, first_ns=NOW + 10**9, writer=writer)
    session = IexSession(SOURCE)
    heard = hear(session, first + second)
    assert len(heard) == len(hear(IexSession(SOURCE), first)) + len(hear(IexSession(SOURCE), second))
    counters = session.counters
    assert (counters.restarts, counters.gaps, counters.duplicates) == (1, 0, 0)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), inserted=st.lists(st.tuples(st.integers(0, 40), garbage), max_size=8))
def test_garbage_between_good_segments_loses_nothing_else(
    seed: int, inserted: list[tuple[int, bytes]]
) -> None:
    """Whatever comes in between, the good segments give their ticks, and no hole is told."""
    segments = stream(40, seed=seed)
    whole = hear(IexSession(SOURCE), segments)
    mixed: list[tuple[bytes, int]] = [(data, number) for number, data in enumerate(segments)]
    for place, data in inserted:
        # After the second segment: before, nothing tells which of two streams is the right one.
        mixed.insert(2 + place % (len(mixed) - 1), (data, 0))
    session = IexSession(SOURCE)
    heard = [tick for data, number in mixed for tick in session.receive(data, NOW + number)]
    assert heard == whole
    counters = session.counters
    assert counters.frames == len(mixed)
    refused = counters.malformed + counters.wrong_protocol + counters.implausible
    assert refused == len(inserted)


@settings(max_examples=300, deadline=None)
@given(data=st.lists(garbage, max_size=10))
def test_any_datagrams_give_ticks_and_never_raise(data: list[bytes]) -> None:
    """From nothing but garbage comes no error, every frame is counted, and a position can be saved."""
    session = IexSession(SOURCE)
    ticks = hear(session, data)
    assert session.counters.frames == len(data)
    assert session.counters.ticks == len(ticks)
    assert len(session.position()) <= 3_500
    IexSession(SOURCE).restore(session.position())


def test_a_damaged_first_segment_does_not_lead_astray() -> None:
    """When the very first segment is of another stream, the real one is joined behind it."""
    segments = stream(30)
    session = IexSession(SOURCE)
    session.receive(forged(DEEP_1_0, 1, 7, 2**41, 2**40, [b"a"]), NOW)
    assert hear(session, segments) == hear(IexSession(SOURCE), segments)


@pytest.mark.parametrize(
    ("damage", "counter"),
    [
        (lambda data: data[:39], "malformed"),
        (lambda data: b"", "malformed"),
        (lambda data: data[:-1], "malformed"),
        (lambda data: data + b"x", "malformed"),
        (lambda data: data[:14] + b"\x09" + data[15:], "malformed"),
        (lambda data: data[:40] + b"\xff" + data[41:], "malformed"),
        (lambda data: b"\x02" + data[1:], "wrong_protocol"),
        (lambda data: data[:2] + b"\x34\x12" + data[4:], "wrong_protocol"),
        (lambda data: data[:4] + b"\x09" + data[5:], "wrong_protocol"),
        (lambda data: data[:8] + b"\x09" + data[9:], "implausible"),
        (lambda data: data[:29] + b"\x01" + data[30:], "implausible"),
    ],
)
def test_a_damaged_segment_is_counted_and_its_messages_are_told_lost(
    damage: Callable[[bytes], bytes],
    counter: str,
) -> None:
    """Each kind of damage has its counter; the next segment shows the hole."""
    writer = encode.SegmentWriter(0x0102)
    session = IexSession(SOURCE)
    for _ in range(3):
        session.receive(writer.segment([encode.trade(NOW, "SPY", 1, 1, 1)], NOW), NOW)
    bad = writer.segment([encode.trade(NOW, "SPY", 1, 1, 1)], NOW)
    assert session.receive(damage(bad), NOW) == []
    assert getattr(session.counters, counter) == 1
    after = session.receive(writer.segment([encode.trade(NOW, "SPY", 1, 1, 1)], NOW), NOW)
    assert gaps(after) == [("gap_open", 1), ("gap_close", 1)]
    assert len(after) == 3


def test_a_given_protocol_is_the_only_one_followed() -> None:
    """A session told to follow DEEP leaves TOPS out."""
    session = IexSession(SOURCE, protocol=DEEP_1_0)
    hear(session, stream(10))
    assert session.state is FeedState.INIT
    assert session.counters.wrong_protocol == session.counters.frames


def test_an_impossible_send_time_is_unknown() -> None:
    """The messages are good all the same."""
    session = IexSession(SOURCE)
    writer = encode.SegmentWriter(1)
    ticks = session.receive(writer.segment([encode.trade(NOW, "SPY", 1, 1, 1)], -5), NOW)
    assert [tick.ts_send for tick in ticks] == [0]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    stop=st.integers(0, 40),
    dropped=st.sets(st.integers(0, 40), max_size=5),
    inserted=st.lists(st.tuples(st.integers(0, 40), garbage), max_size=5),
)
def test_a_session_goes_on_from_any_position_exactly(
    seed: int, stop: int, dropped: set[int], inserted: list[tuple[int, bytes]]
) -> None:
    """Same ticks, same totals, same state and same next position as if it had never stopped."""
    segments = [data for number, data in enumerate(stream(40, seed=seed)) if number not in dropped]
    for place, data in inserted:
        segments.insert(place % (len(segments) + 1), data)
    stop %= len(segments) + 1
    unbroken = IexSession(SOURCE, replay=True)
    hear(unbroken, segments[:stop])
    position = unbroken.position()
    resumed = IexSession(SOURCE, replay=True)
    resumed.restore(position)
    assert resumed.position() == position
    assert hear(resumed, segments[stop:]) == hear(unbroken, segments[stop:])
    assert resumed.decoded == unbroken.decoded
    assert resumed.unknown == unbroken.unknown
    assert resumed.counters == unbroken.counters
    assert resumed.state == unbroken.state
    assert resumed.position() == unbroken.position()


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_a_position_or_the_one_error(data: bytes) -> None:
    """A damaged position is refused, not half believed."""
    session = IexSession(SOURCE)
    for position in (data, session.position()[:-1] + data):
        try:
            session.restore(position)
        except PositionError:
            continue
        hear(session, stream(5))


@pytest.mark.parametrize(("place", "value"), [(1, [b"short", 1, 0, 0, True]), (5, {256: 1}), (6, {-1: 1})])
def test_a_position_with_impossible_values_is_refused(place: int, value: object) -> None:
    """A key of the wrong length and types that are no byte are not believed."""
    fields = msgspec.msgpack.decode(IexSession(SOURCE).position())
    fields[place] = value
    with pytest.raises(PositionError):
        IexSession(SOURCE).restore(msgspec.msgpack.encode(fields))


def test_positions_of_other_versions_are_refused() -> None:
    """A newer format is not guessed at."""
    session = IexSession(SOURCE)
    position = bytearray(session.position())
    assert position[1] == 1
    position[1] = 2
    with pytest.raises(PositionError, match="version 2"):
        session.restore(bytes(position))
