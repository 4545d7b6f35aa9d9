"""IEX-TP segments: one datagram, a header of 40 bytes and the messages in it (version 1.26).

All integers are little-endian. A segment with no messages is a heartbeat, whose sequence
and offset are those of the next segment that will have some.
"""

from struct import Struct
from typing import Final

import msgspec

from feeds.errors import MessageError

VERSION: Final = 1
HEADER_BYTES: Final = 40
TOPS_1_5: Final = 0x8002
TOPS_1_6: Final = 0x8003
DEEP_1_0: Final = 0x8004
DEEP_PLUS_1_0: Final = 0x8005
PROTOCOLS: Final[dict[int, str]] = {
    TOPS_1_5: "TOPS 1.5",
    TOPS_1_6: "TOPS 1.6",
    DEEP_1_0: "DEEP 1.0",
    DEEP_PLUS_1_0: "DEEP+ 1.0",
}
"""Message protocol id → name. Of DEEP+ only what it shares with the others is decoded."""
SEQUENCE_MAX: Final = 1 << 62
"""No sequence number or stream offset is taken for real beyond this."""

Span = tuple[int, int]
"""First byte of a message and the byte after its last, in the datagram."""

_head: Final = Struct("<BxHIIHHqqq").unpack_from
unpack_head: Final = Struct("<Bx10sHHqqq").unpack_from
"""Version, key (protocol, channel and session as they are on the wire), payload length, message
count, stream offset, first sequence number, send time. The hot path compares the key as bytes."""


class SegmentHead(msgspec.Struct, frozen=True, gc=False):
    """The header of a segment."""

    protocol: int
    channel: int
    session: int
    """Opaque; so far the days since 1970 of the session's date × 65,536."""
    payload_bytes: int
    count: int
    offset: int
    """Byte of the session's stream at which the payload stands."""
    sequence: int
    """Number of the first message; of a heartbeat, of the message that will come next."""
    send_ns: int

    @property
    def key(self) -> bytes:
        """What `unpack_head` gives as the key."""
        return pack_key(self.protocol, self.channel, self.session)


pack_key: Final = Struct("<HII").pack
"""(protocol, channel, session) → the ten bytes that tell one stream of messages from another."""
unpack_key: Final = Struct("<HII").unpack
KEY_BYTES: Final = 10
STREAM_BYTES: Final = 6
"""How much of a key says protocol and channel; the rest is the session."""


def read_head(data: bytes) -> SegmentHead:
    """Read the header of a segment.

    Raises:
        MessageError: too short, another version of the transport, or a payload that is
            not as long as the header says.
    """
    if len(data) < HEADER_BYTES:
        raise MessageError(f"a segment has at least {HEADER_BYTES} bytes, this has {len(data)}")
    version, *fields = _head(data)
    if version != VERSION:
        raise MessageError(f"IEX-TP version {version}; only {VERSION} is known")
    head = SegmentHead(*fields)
    if head.payload_bytes != len(data) - HEADER_BYTES:
        raise MessageError(
            f"payload of {len(data) - HEADER_BYTES} bytes, the header says {head.payload_bytes}"
        )
    return head


def message_spans(data: bytes, count: int) -> list[Span] | None:
    """Where the messages of a segment are; None when they are not exactly `count` up to the last byte."""
    size = len(data)
    place = HEADER_BYTES
    if count == 1 and size > place + 2 and data[place] | data[place + 1] << 8 == size - place - 2:
        # Nine segments of ten hold one message.
        return [(place + 2, size)]
    spans = []
    while place + 2 <= size:
        start = place + 2
        place = start + (data[place] | data[place + 1] << 8)
        spans.append((start, place))
    return spans if place == size and len(spans) == count else None
