"""Writing captures."""

from typing import get_args

import pytest

from feeds.capture_writer import CaptureFormat, CaptureWriter
from feeds.pcap import PcapReader

TIME_NS = 1_700_000_000_123_456_789


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("container", get_args(CaptureFormat))
@pytest.mark.parametrize("vlans", [(), (5,), (100, 200, 300)])
def test_what_is_written_is_read_back(
    container: CaptureFormat, big_endian: bool, vlans: tuple[int, ...]
) -> None:
    """Each variant gives back its datagrams and times, to the precision of the format."""
    writer = CaptureWriter(container, big_endian=big_endian, vlans=vlans)
    sent = [(TIME_NS + place * 1_000_001, bytes(range(place))) for place in range(20)]
    data = writer.head() + b"".join(writer.datagram(*one) for one in sent)
    reader = PcapReader()
    packets = reader.feed(data) + reader.finish()
    unit_ns = 1_000 if container == "pcap-us" else 1
    assert [(packet.time_ns, packet.payload) for packet in packets] == [
        (time_ns - time_ns % unit_ns, payload) for time_ns, payload in sent
    ]
    assert reader.damage == ""


def test_a_frame_is_as_the_standards_have_it() -> None:
    """Head and frame, byte by byte: the group's MAC address, tags outermost first, a right checksum."""
    writer = CaptureWriter(vlans=(0x111, 0x222))
    assert writer.head().hex() == "d4c3b2a1020004000000000000000000ffff000001000000"
    record = writer.datagram(TIME_NS, b"\xab")
    assert record[:16].hex() == "00f1536540e20100" + "33000000" * 2
    assert (
        record[16:42].hex() == "01005e571503" + "b82a72cf8eff" + "88a80111" + "81000222" + "0800" + "4500001d"
    )
    header = record[38:58]
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, 20, 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    assert record[58:].hex() == "28892889" + "00090000" + "ab"
