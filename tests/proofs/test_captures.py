import gzip
from pathlib import Path

import pytest

from proofs.captures import (
    Packet,
    Segment,
    parse_segment,
    payload_of,
    pcap,
    read_packets,
    read_recording,
    with_payload,
)

SEGMENT = Segment(1, 0, 0x8003, 1, 0x50A70000, 0, 0, 0, 7, 5, ()).holding([b"abc", b"", b"S" * 10])
FRAME = bytes(12) + b"\x08\x00\x46" + bytes(8) + b"\x11" + bytes(14) + b"\x01\x02\x03\x04" + bytes(4)


def test_a_segment_is_put_together_as_it_was_taken_apart() -> None:
    """Header and messages survive; count and length fit the messages."""
    assert parse_segment(SEGMENT.pack()) == SEGMENT
    assert (SEGMENT.held, SEGMENT.length) == (3, 19)


def test_a_segment_with_bytes_left_over_is_refused() -> None:
    """Only a segment that is consumed to its last byte is sound."""
    with pytest.raises(ValueError, match="1 bytes left over"):
        parse_segment(SEGMENT.pack() + b"x")


def test_a_frame_carries_what_it_was_given() -> None:
    """The payload of a frame can be read and replaced; options of IPv4 are dropped."""
    frame = with_payload(FRAME, b"hello")
    assert payload_of(frame) == b"hello"
    assert payload_of(with_payload(frame, b"")) == b""
    assert frame[14] == 0x45
    assert frame[34:38] == b"\x01\x02\x03\x04"


def test_frames_of_other_protocols_are_refused() -> None:
    """Neither ARP nor TCP is taken for a datagram."""
    with pytest.raises(ValueError, match="UDP"):
        payload_of(FRAME[:12] + b"\x08\x06" + FRAME[14:])
    with pytest.raises(ValueError, match="UDP"):
        payload_of(FRAME[:23] + b"\x06" + FRAME[24:])


def test_a_recording_is_written_and_read(tmp_path: Path) -> None:
    """Capture times and frames survive the way through a file."""
    packets = [Packet(1_500_000_000_000_001, FRAME), Packet(1_500_000_001_999_999, b"")]
    path = tmp_path / "some.pcap.gz"
    path.write_bytes(gzip.compress(pcap(packets)))
    assert read_recording(path) == packets


def test_another_container_is_refused() -> None:
    """The reader was written for the recordings there are, and says when it is given others."""
    with pytest.raises(ValueError, match="classic"):
        list(read_packets(b"\x0a\x0d\x0d\x0a" + bytes(60)))
    cut = bytearray(pcap([Packet(1, b"abc")]))
    cut[36] = 4
    with pytest.raises(ValueError, match="whole"):
        list(read_packets(bytes(cut)))
