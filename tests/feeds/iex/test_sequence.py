"""Where a segment stands: each rule by itself."""

import pytest

from feeds.iex.sequence import LINE_SKEW_NS, RESTART_NS, TRUSTED_JUMP, Placement, Refusal, Track, place
from feeds.iex.transport import DEEP_1_0, TOPS_1_6, Span, pack_key

KEY = pack_key(TOPS_1_6, 1, 7)
OTHER_SESSION = pack_key(TOPS_1_6, 1, 8)
OTHER_PROTOCOL = pack_key(DEEP_1_0, 1, 7)
OTHER_CHANNEL = pack_key(TOPS_1_6, 2, 7)
BYTES = 10
"""Length of each message, with the two bytes that say so."""
NOW = 10**18


def spans(count: int) -> list[Span]:
    """Where the messages of a segment are, each of 8 bytes."""
    return [(42 + number * BYTES, 50 + number * BYTES) for number in range(count)]


def put(track: Track, sequence: int, count: int = 1, **changes: int | bytes) -> Placement | Refusal:
    """Place a segment with its right offset and time, but for `changes`."""
    key = changes.get("key", KEY)
    offset = changes.get("offset", (sequence - 1) * BYTES)
    send_ns = changes.get("send_ns", NOW + sequence)
    assert isinstance(key, bytes)
    assert isinstance(offset, int)
    assert isinstance(send_ns, int)
    return place(track, key, sequence, offset, send_ns, spans(count))


def running(count: int = 100) -> Track:
    """A track that has seen `count` messages, in segments that followed on each other."""
    track = Track()
    assert put(track, 1, 0) == Placement(joined=True)
    assert put(track, 1, count) == Placement()
    assert track.next_sequence == count + 1
    return track


def test_the_next_segment_is_taken() -> None:
    """What follows on is placed without loss, heartbeats too."""
    track = running()
    assert put(track, 101, 3) == Placement()
    assert put(track, 104, 0) == Placement()
    assert put(track, 104) == Placement()
    assert (track.next_sequence, track.next_offset) == (105, 1_040)


def test_a_number_that_follows_on_is_taken_even_with_another_offset() -> None:
    """The sequence number is what identifies a message; the offset is a check for doubtful cases."""
    track = running()
    assert put(track, 101, offset=5) == Placement()
    assert track.next_offset == 5 + BYTES


def test_a_hole_is_counted_in_messages() -> None:
    """A later segment and a heartbeat both show what is missing."""
    track = running()
    assert put(track, 104) == Placement(lost=3)
    assert put(track, 110, 0) == Placement(lost=5)
    assert put(track, 110) == Placement()


def test_seen_messages_are_repeats() -> None:
    """Whole and partial repeats are told apart, and a repeat moves nothing."""
    track = running()
    assert put(track, 50, 20) == Placement(fresh_from=20)
    assert put(track, 1, 3) == Placement(fresh_from=3)
    assert track == running()
    assert put(track, 99, 5) == Placement(fresh_from=2)
    assert track.next_sequence == 104


def test_a_late_heartbeat_is_nothing() -> None:
    """A heartbeat that was overtaken changes nothing."""
    track = running()
    assert put(track, 90, 0) == Placement()
    assert track == running()


def test_a_partial_repeat_must_fit_to_the_byte() -> None:
    """Where its new part would begin somewhere else in the stream, it is not believed."""
    assert put(running(), 99, 5, offset=981) is Refusal.IMPLAUSIBLE


@pytest.mark.parametrize("count", [0, 4])
def test_sequence_one_at_offset_zero_is_a_restart(count: int) -> None:
    """A sender that begins again, with or without messages in its first segment, repeats nothing."""
    track = running()
    assert put(track, 1, count, send_ns=NOW + 2 + LINE_SKEW_NS) == Placement(restarted=True)
    assert track.next_sequence == count + 1


def test_a_repeat_of_the_first_segment_is_no_restart() -> None:
    """The send time tells a copy on another line from a new beginning."""
    track = running()
    for send_ns in (NOW, NOW + 1 + LINE_SKEW_NS):
        assert put(track, 1, 4, send_ns=send_ns) == Placement(fresh_from=4)


def test_a_new_session_that_begins_at_one_is_taken_at_once() -> None:
    """The next day needs no confirmation."""
    track = running()
    assert put(track, 1, 2, key=OTHER_SESSION, send_ns=NOW + 1_000) == Placement(restarted=True)
    assert (track.key, track.next_sequence) == (OTHER_SESSION, 3)


def test_a_new_session_in_its_middle_is_taken_when_a_second_segment_agrees() -> None:
    """One odd segment is not enough; with the second, all of the session's earlier messages are missing."""
    track = running()
    assert put(track, 500, 2, key=OTHER_SESSION) is Refusal.IMPLAUSIBLE
    assert put(track, 502, 1, key=OTHER_SESSION) == Placement(lost=501, restarted=True)


def test_a_contradiction_is_not_believed_while_the_stream_goes_on() -> None:
    """Two segments that agree with each other do not end a stream that is alive."""
    track = running()
    assert put(track, 500, 2, key=OTHER_SESSION) is Refusal.IMPLAUSIBLE
    assert put(track, 101) == Placement()
    assert put(track, 502, 1, key=OTHER_SESSION) is Refusal.IMPLAUSIBLE
    assert put(track, 102) == Placement()


@pytest.mark.parametrize("later", [0, -1, -(10**18)])
def test_a_heartbeat_that_repeats_itself_proves_nothing(later: int) -> None:
    """A heartbeat follows on itself; only one that was sent later is a second witness."""
    track = running()
    assert put(track, 2**40, 0) is Refusal.IMPLAUSIBLE
    assert put(track, 2**40, 0, send_ns=NOW + 2**40 + later) is Refusal.IMPLAUSIBLE
    assert put(track, 101) == Placement()


def test_an_impossible_jump_costs_one_segment() -> None:
    """A jump of 2⁴⁰ is set aside and the stream goes on."""
    track = running()
    assert put(track, 2**40) is Refusal.IMPLAUSIBLE
    assert put(track, 101) == Placement()
    assert put(track, 200, offset=1_000) is Refusal.IMPLAUSIBLE
    assert put(track, 200, offset=10**9) is Refusal.IMPLAUSIBLE
    assert put(track, 102) == Placement()


def test_a_jump_that_goes_on_is_real() -> None:
    """After an outage of minutes the second segment proves what the first claimed."""
    track = running()
    far = 101 + TRUSTED_JUMP + 1
    assert put(track, far, 2) is Refusal.IMPLAUSIBLE
    assert put(track, far + 2) == Placement(lost=far + 2 - 101)
    assert put(track, far + 3) == Placement()
    assert put(running(), 101 + TRUSTED_JUMP) == Placement(lost=TRUSTED_JUMP)


def test_a_restart_whose_beginning_was_missed_is_found() -> None:
    """Old numbers that are sent long after all others, and go on from each other, are a new run."""
    track = running(10_000)
    later = NOW + 10_000 + RESTART_NS
    assert put(track, 500, 2, send_ns=later + 1) is Refusal.IMPLAUSIBLE
    assert put(track, 502, 1, send_ns=later + 2) == Placement(lost=501, restarted=True)
    assert track.next_sequence == 503


def test_a_lagging_second_line_is_no_restart() -> None:
    """Repeats that come at most a second late are repeats, however well they follow on each other."""
    track = running(10_000)
    for sequence in range(9_000, 9_010):
        assert put(track, sequence, send_ns=NOW + RESTART_NS) == Placement(fresh_from=1)


@pytest.mark.parametrize("key", [OTHER_PROTOCOL, OTHER_CHANNEL])
def test_another_stream_is_none_of_ours(key: bytes) -> None:
    """Once a stream has been joined, others are left out, even when they begin."""
    track = running()
    assert put(track, 101, key=key) is Refusal.WRONG_PROTOCOL
    assert put(track, 1, key=key, send_ns=NOW + 1_000) is Refusal.WRONG_PROTOCOL
    assert put(track, 101) == Placement()


@pytest.mark.parametrize("key", [OTHER_PROTOCOL, OTHER_SESSION, KEY])
def test_a_first_segment_that_nothing_follows_decides_nothing(key: bytes) -> None:
    """If the very first segment was damaged, the next one is joined in its place."""
    track = Track()
    assert put(track, 2**40, key=key) == Placement(joined=True)
    assert put(track, 7) == Placement(joined=True)
    assert put(track, 8) == Placement()
    assert put(track, 2**40) is Refusal.IMPLAUSIBLE


def test_a_repeat_of_the_very_first_segment_is_a_repeat() -> None:
    """When a second line joins in right at the start, nothing is heard twice."""
    track = Track()
    assert put(track, 50, 4) == Placement(joined=True)
    assert put(track, 50, 4) == Placement(fresh_from=4)
    assert put(track, 48, 3) == Placement(fresh_from=3)
    assert put(track, 52, 3) == Placement(fresh_from=2)
    assert track.next_sequence == 55


@pytest.mark.parametrize(("sequence", "offset"), [(0, 0), (-5, 0), (2**62 + 1, 0), (1, -1), (1, 2**62 + 1)])
def test_numbers_that_no_sender_has_are_malformed(sequence: int, offset: int) -> None:
    """Not even the first segment is believed with them."""
    assert put(Track(), sequence, offset=offset) is Refusal.MALFORMED
