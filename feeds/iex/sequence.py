"""Where a segment stands in the sequence: next, a repeat, behind a hole, a new beginning, or nonsense.

A message is identified by (protocol, channel, session, sequence number). Header fields
check each other: between two segments the stream offset grows by at least 2 bytes and at
most 65,537 for each message, and the send time grows. What fails these checks, such as a
jump of 2⁴⁰ or another session in mid-day, is set aside as a *rival* and believed when the
next segment goes on from it exactly, is sent later, and the stream that it contradicts has
been silent meanwhile; so no damaged segment can cost the good ones.
"""

import enum
from typing import Final

import msgspec

from feeds.iex.transport import SEQUENCE_MAX, STREAM_BYTES, Span

TRUSTED_JUMP: Final = 1 << 22
"""The longest hole that one segment alone may declare, messages: a minute of the largest burst seen."""
RESTART_NS: Final = 1_000_000_000
"""A segment sent so much later than all others, with a sequence number long past, is no repeat."""
LINE_SKEW_NS: Final = 100_000_000
"""How much later than one line the other may send the same first segment."""
_FRAMED_LEAST: Final = 2
_FRAMED_MOST: Final = 65_537


class Refusal(enum.Enum):
    """Why nothing of a segment is used."""

    WRONG_PROTOCOL = "wrong_protocol"
    IMPLAUSIBLE = "implausible"
    MALFORMED = "malformed"


class Placement(msgspec.Struct, frozen=True):
    """What to do with a segment."""

    fresh_from: int = 0
    """Index of its first message that has not been seen; its message count when all have."""
    lost: int = 0
    """Messages missing in front of it."""
    restarted: bool = False
    """The sequence began again."""
    joined: bool = False
    """The first segment of all: what came before it was never ours."""


class Track(msgspec.Struct, array_like=True):
    """What has been seen of one stream of segments: the state of `place`, small enough to be saved."""

    key: bytes = b""
    """Protocol, channel and session that are followed, see `transport.unpack_head`; empty = none yet."""
    next_sequence: int = 1
    next_offset: int = 0
    last_send_ns: int = 0
    proven: bool = False
    """Two segments have followed on each other, so the first was no accident."""
    rival_key: bytes = b""
    rival_sequence: int = 0
    rival_offset: int = 0
    rival_send_ns: int = 0
    rival_since: int = 0
    """What `next_sequence` was when the rival appeared."""

    def advance(self, key: bytes, sequence: int, offset: int, send_ns: int) -> None:
        """Go on behind a segment that was taken: the next one should have these."""
        self.key = key
        self.next_sequence = sequence
        self.next_offset = offset
        self.last_send_ns = send_ns


def place(
    track: Track, key: bytes, sequence: int, offset: int, send_ns: int, spans: list[Span]
) -> Placement | Refusal:
    """Say what to do with a well-framed segment, and go on behind it if any of it is taken.

    A repeat changes nothing in `track`.
    """
    count = len(spans)
    if not 1 <= sequence <= SEQUENCE_MAX or not 0 <= offset <= SEQUENCE_MAX:
        return Refusal.MALFORMED
    if track.proven and key[:STREAM_BYTES] != track.key[:STREAM_BYTES]:
        return Refusal.WRONG_PROTOCOL
    proven = _place(track, key, sequence, offset, send_ns, spans)
    placement = proven or _doubt(track, key, sequence, offset, send_ns, spans)
    if isinstance(placement, Refusal):
        return placement
    first_time = placement.joined or placement.restarted or sequence >= track.next_sequence
    if first_time or placement.fresh_from < count:
        track.proven = not placement.joined
        track.advance(key, sequence + count, offset + _payload_bytes(spans), send_ns)
    return placement


def _payload_bytes(spans: list[Span]) -> int:
    return spans[-1][1] - spans[0][0] + 2 if spans else 0


def _place(
    track: Track, key: bytes, sequence: int, offset: int, send_ns: int, spans: list[Span]
) -> Placement | None:
    """The placement that the segment proves by itself; None when it is not to be believed alone."""
    if not track.key:
        return Placement(joined=True)
    begins = sequence == 1 and offset == 0
    if key != track.key:
        same_stream = key[:STREAM_BYTES] == track.key[:STREAM_BYTES]
        begins = begins and same_stream and send_ns > track.last_send_ns
        return Placement(restarted=True) if begins else None
    ahead = sequence - track.next_sequence
    if ahead == 0:
        return Placement()
    if begins and send_ns > track.last_send_ns + LINE_SKEW_NS:
        return Placement(restarted=True)
    if ahead > 0:
        return Placement(lost=ahead) if _is_stretch(ahead, offset - track.next_offset) else None
    if track.last_send_ns and send_ns > track.last_send_ns + RESTART_NS:
        return None
    behind = -ahead - len(spans)
    if behind >= 0:
        # A single segment heard so far is itself in doubt: then a repeat has to fit to it.
        fits = track.proven or _is_stretch(behind, track.next_offset - offset - _payload_bytes(spans))
        return Placement(fresh_from=len(spans)) if fits else None
    # Partly seen: lines do not split the stream alike. The new part must begin where we are.
    if offset + spans[-ahead][0] - spans[0][0] == track.next_offset:
        return Placement(fresh_from=-ahead)
    return None


def _is_stretch(messages: int, size: int) -> bool:
    """Whether so many messages can take up so many bytes of the stream, and can be missed at once."""
    return messages <= TRUSTED_JUMP and messages * _FRAMED_LEAST <= size <= messages * _FRAMED_MOST


def _doubt(
    track: Track, key: bytes, sequence: int, offset: int, send_ns: int, spans: list[Span]
) -> Placement | Refusal:
    """Judge a segment that contradicts what has been seen: take it when it follows on the last such one."""
    if not track.proven:
        # The contradicted segment stands alone, too: begin with this one instead.
        return Placement(joined=True)
    follows = (key, sequence, offset) == (track.rival_key, track.rival_sequence, track.rival_offset)
    alone = track.rival_since == track.next_sequence
    if follows and alone and send_ns > track.rival_send_ns > track.last_send_ns:
        track.rival_key = b""
        forward = key == track.key and sequence >= track.next_sequence
        lost = sequence - (track.next_sequence if forward else 1)
        return Placement(lost=lost, restarted=not forward)
    track.rival_key = key
    track.rival_sequence = sequence + len(spans)
    track.rival_offset = offset + _payload_bytes(spans)
    track.rival_send_ns = send_ns
    track.rival_since = track.next_sequence
    return Refusal.IMPLAUSIBLE
