"""IEX-TP segments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import MessageError
from feeds.iex import encode
from feeds.iex.transport import (
    HEADER_BYTES,
    TOPS_1_5,
    SegmentHead,
    message_spans,
    read_head,
    unpack_head,
    unpack_key,
)
from tests.feeds.data import real

SEND_NS = 1_509_192_000_487_009_269


def segment(messages: list[bytes]) -> bytes:
    """A segment with these messages."""
    return encode.SegmentWriter(7).segment(messages, SEND_NS)


def test_the_header_of_a_real_segment() -> None:
    """A segment cut from the exchange's feed has the values that its README states."""
    data = real("iex-messages/TOPS15Segment.dump").read_bytes()
    assert read_head(data) == SegmentHead(
        protocol=TOPS_1_5,
        channel=1,
        session=0x443B0000,
        payload_bytes=44,
        count=1,
        offset=371580,
        sequence=8446,
        send_ns=SEND_NS,
    )


def test_both_ways_of_reading_a_header_agree() -> None:
    """The hot path's key is protocol, channel and session as they are on the wire."""
    data = segment([b"x"])
    head = read_head(data)
    version, key, length, count, offset, sequence, send_ns = unpack_head(data)
    assert version == 1
    protocol, channel, session = unpack_key(key)
    assert head == SegmentHead(protocol, channel, session, length, count, offset, sequence, send_ns)
    assert head.key == key


def test_what_is_no_segment_is_refused() -> None:
    """Too short, another version, a length that the datagram does not have."""
    data = segment([b"x"])
    with pytest.raises(MessageError, match="at least 40"):
        read_head(data[:39])
    with pytest.raises(MessageError, match="version 2"):
        read_head(b"\x02" + data[1:])
    with pytest.raises(MessageError, match="header says 3"):
        read_head(data + b"x")


@settings(max_examples=200, deadline=None)
@given(messages=st.lists(st.binary(max_size=50), max_size=20))
def test_spans_are_the_messages(messages: list[bytes]) -> None:
    """Every message is found where it is, empty ones too."""
    data = segment(messages)
    spans = message_spans(data, len(messages))
    assert spans is not None
    assert [data[start:end] for start, end in spans] == messages


@settings(max_examples=200, deadline=None)
@given(messages=st.lists(st.binary(max_size=50), max_size=5), wrong=st.integers(0, 7), cut=st.integers(1, 60))
def test_a_wrong_count_or_length_is_noticed(messages: list[bytes], wrong: int, cut: int) -> None:
    """The messages must be exactly as many as stated, and end with the last byte."""
    data = segment(messages)
    if wrong != len(messages):
        assert message_spans(data, wrong) is None
    assert message_spans(data + b"x", len(messages)) is None
    if len(data) - cut >= HEADER_BYTES:
        assert message_spans(data[:-cut], len(messages)) is None


def test_three_thousand_messages_of_one_byte_are_framed() -> None:
    """Small messages are no reason to refuse a segment."""
    spans = message_spans(segment([b"?"] * 3_000), 3_000)
    assert spans is not None
    assert len(spans) == 3_000
