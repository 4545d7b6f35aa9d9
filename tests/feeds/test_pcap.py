"""The reader of captures: chunks, magic, going on at an offset, any bytes."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.capture_writer import CaptureFormat, CaptureWriter
from feeds.errors import RecordingError
from feeds.packets import Packet
from feeds.pcap import PcapReader
from tests.feeds.test_captures import START_NS, read

FORMATS = [(container, big) for container in get_args(CaptureFormat) for big in (False, True)]
MAGICS = (
    "d4c3b2a1",
    "a1b2c3d4",
    "4d3cb2a1",
    "a1b23c4d",
    "0a0d0d0a1c0000004d3c2b1a",
    "0a0d0d0a0000001c1a2b3c4d",
)


@st.composite
def captures(draw: st.DrawFn) -> bytes:
    """A capture in any format, now and then with garbage between its records and a cut end."""
    container, big_endian = draw(st.sampled_from(FORMATS))
    writer = CaptureWriter(container, big_endian=big_endian, vlans=draw(st.sampled_from(((), (3,)))))
    data = bytearray(writer.head())
    for place in range(draw(st.integers(0, 8))):
        data += writer.datagram(START_NS + place * 1_000_000, draw(st.binary(max_size=30)))
        if draw(st.integers(0, 5)) == 0:
            data += draw(st.binary(max_size=40))
    return bytes(data[: len(data) - draw(st.sampled_from((0, 0, 1, 30)))])


def read_in_chunks(data: bytes, cuts: list[int], skip_to: int = 0) -> tuple[list[Packet], PcapReader]:
    """What a reader gives that is fed `data` in pieces that end at `cuts`."""
    reader = PcapReader(skip_to)
    packets = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        packets += reader.feed(data[start:end])
    return packets + reader.finish(), reader


@settings(max_examples=150, deadline=None)
@given(data=captures(), cuts=st.lists(st.integers(0, 2_000), max_size=12))
def test_any_chunking_gives_the_same_packets(data: bytes, cuts: list[int]) -> None:
    """Where the file was cut changes nothing: packets, counters, damage, offset."""
    try:
        packets, reader = read(data)
    except RecordingError:
        with pytest.raises(RecordingError):
            read_in_chunks(data, cuts)
        return
    chunked, other = read_in_chunks(data, cuts)
    assert chunked == packets
    assert (other.counters, other.damage, other.offset) == (reader.counters, reader.damage, len(data))


@settings(max_examples=60, deadline=None)
@given(data=captures())
def test_byte_by_byte_gives_the_same_packets(data: bytes) -> None:
    """The smallest chunks there are."""
    packets, _ = read(data) if len(data) >= 24 else ([], None)
    if packets:
        assert read_in_chunks(data, list(range(len(data))))[0] == packets


@settings(max_examples=100, deadline=None)
@given(data=captures(), choice=st.integers(0, 100), cuts=st.lists(st.integers(0, 2_000), max_size=5))
def test_a_reader_that_skips_to_a_packet_goes_on_exactly(data: bytes, choice: int, cuts: list[int]) -> None:
    """From the offset after any packet on, the packets and the final counters are the same."""
    if len(data) < 24:
        return
    packets, reader = read(data)
    if not packets:
        return
    place = choice % len(packets)
    rest, other = read_in_chunks(data, cuts, packets[place].offset_after)
    assert rest == packets[place + 1 :]
    assert (other.counters, other.damage) == (reader.counters, reader.damage)


@settings(max_examples=400, deadline=None)
@given(
    magic=st.sampled_from(("", *MAGICS)),
    version=st.sampled_from(
        (
            b"",
            b"\x02\x00\x04\x00" + bytes(12) + b"\x01\x00\x00\x00",
            b"\x00\x02\x00\x04" + bytes(15) + b"\x01",
        )
    ),
    rest=st.binary(max_size=300),
)
def test_any_bytes_give_packets_or_the_one_error(magic: str, version: bytes, rest: bytes) -> None:
    """Whatever the bytes, a reader gives packets and counts the rest, or says it is no capture."""
    data = bytes.fromhex(magic) + version + rest
    try:
        packets, reader = read(data)
    except RecordingError:
        return
    assert reader.counters.datagrams == len(packets)
    assert reader.offset == len(data)


@pytest.mark.parametrize("data", [b"", b"\x1f", b"\x1f\x8b\x08\x00", b"PK\x03\x04" + bytes(30), bytes(4)])
def test_what_is_no_capture_is_refused(data: bytes) -> None:
    """The first four bytes decide, and the error says what they were."""
    with pytest.raises(RecordingError, match=data[:4].hex() or "empty"):
        read(data)


@pytest.mark.parametrize("magic", MAGICS)
def test_a_capture_cut_inside_its_head_holds_nothing_and_says_so(magic: str) -> None:
    """A file of a capture's first bytes alone is a cut capture, not another kind of file."""
    data = bytes.fromhex(magic) + bytes(2)
    packets, reader = read(data)
    assert packets == []
    assert reader.damage == f"the last {len(data)} bytes hold no whole record"


def test_a_capture_without_packets_is_whole() -> None:
    """An empty recording is a recording."""
    for container, big_endian in FORMATS:
        packets, reader = read(CaptureWriter(container, big_endian=big_endian).head())
        assert (packets, reader.damage, reader.counters.damages) == ([], "", 0)


def test_the_reader_holds_back_no_more_than_one_record() -> None:
    """What has been given out is done with: memory does not grow with the file."""
    writer = CaptureWriter()
    data = writer.head() + b"".join(writer.datagram(START_NS + place, bytes(1_000)) for place in range(200))
    reader = PcapReader()
    for fed in range(0, len(data), 77):
        reader.feed(data[fed : fed + 77])
        assert min(fed + 77, len(data)) - reader.offset <= 16 + 42 + 1_000
    assert reader.finish() == []
    assert reader.counters.datagrams == 200
