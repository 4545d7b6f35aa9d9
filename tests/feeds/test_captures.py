"""The two capture formats, record by record, with what can be wrong in them."""

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.capture_writer import CaptureFormat, CaptureWriter
from feeds.captures import BLOCK_BYTES_MAX, INTERFACES_MAX, RECORD_BYTES_MAX
from feeds.errors import RecordingError
from feeds.packets import Packet
from feeds.pcap import PcapReader
from tests.feeds.test_datagrams import ETHERNET_IPV4, ipv4, udp

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
PCAPNG_MARK = 0x1A2B3C4D


def read(data: bytes) -> tuple[list[Packet], PcapReader]:
    """All packets of a file, and the reader with its counters."""
    reader = PcapReader()
    return reader.feed(data) + reader.finish(), reader


def records(writer: CaptureWriter, count: int, first: int = 0) -> list[bytes]:
    """Records a second apart, with payloads that tell them apart."""
    return [
        writer.datagram(START_NS + place * SECOND_NS, b"%04d" % place)
        for place in range(first, first + count)
    ]


def payloads(packets: list[Packet]) -> list[int]:
    """The numbers of the packets that `records` made."""
    return [int(packet.payload) for packet in packets]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    return pack(order + "II", kind, len(body) + 12) + body + pack(order + "I", len(body) + 12)


def section(order: str = "<") -> bytes:
    """A pcapng section header."""
    return block(0x0A0D0D0A, pack(order + "IHHq", PCAPNG_MARK, 1, 0, -1), order)


def interface(options: bytes = b"", link: int = 1, order: str = "<") -> bytes:
    """A pcapng interface description."""
    return block(1, pack(order + "HHI", link, 0, 0) + options, order)


def enhanced(units: int, frame: bytes, number: int = 0, order: str = "<") -> bytes:
    """A pcapng enhanced packet."""
    head = pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


FRAME = ETHERNET_IPV4 + ipv4(udp(b"0007"))


@pytest.mark.parametrize("container", ["pcap-us", "pcapng"])
def test_a_cut_last_record_keeps_everything_before_it(container: CaptureFormat) -> None:
    """At whichever byte the file ends, the whole records before are given out and the rest is declared."""
    writer = CaptureWriter(container)
    parts = [writer.head(), *records(writer, 3)]
    whole = b"".join(parts)
    for end in range(len(parts[0]), len(whole)):
        packets, reader = read(whole[:end])
        ends = [sum(map(len, parts[: count + 1])) for count in range(1, 4)]
        complete = sum(1 for one in ends if one <= end)
        assert payloads(packets) == list(range(complete))
        tail = end - (ends[complete - 1] if complete else len(parts[0]))
        assert reader.counters.skipped_bytes == tail
        assert reader.damage == (f"the last {tail} bytes hold no whole record" if tail else "")
        assert reader.offset == end


@pytest.mark.parametrize("container", ["pcap-us", "pcap-ns", "pcapng"])
@pytest.mark.parametrize("big_endian", [False, True])
@settings(max_examples=25, deadline=None)
@given(garbage=st.binary(min_size=12, max_size=200).map(lambda data: b"\xff" * 12 + data))
def test_after_garbage_between_records_reading_goes_on(
    container: CaptureFormat, big_endian: bool, garbage: bytes
) -> None:
    """Garbage costs itself and nothing else."""
    if container == "pcapng":
        garbage += bytes(-len(garbage) % 4)
    writer = CaptureWriter(container, big_endian=big_endian)
    before, after = records(writer, 3), records(writer, 3, first=3)
    packets, reader = read(writer.head() + b"".join(before) + garbage + b"".join(after))
    assert payloads(packets) == [0, 1, 2, 3, 4, 5]
    assert reader.counters.damages == 1
    assert reader.counters.skipped_bytes == len(garbage)
    assert reader.damage == f"{len(garbage)} bytes before that are damaged"


@pytest.mark.parametrize("container", ["pcap-us", "pcapng"])
def test_an_absurd_length_costs_one_record(container: CaptureFormat) -> None:
    """A record that claims gigabytes is passed over, those around it are not."""
    writer = CaptureWriter(container)
    parts = records(writer, 5)
    place = 8 if container == "pcap-us" else 4
    parts[2] = parts[2][:place] + b"\xfc\xff\xff\x7f" + parts[2][place + 4 :]
    packets, reader = read(writer.head() + b"".join(parts))
    assert payloads(packets) == [0, 1, 3, 4]
    assert reader.counters.skipped_bytes == len(parts[2])


def test_a_length_that_is_wrong_but_possible_costs_one_record() -> None:
    """A record that claims to reach over hundreds of others is not believed against what follows it."""
    writer = CaptureWriter()
    parts = records(writer, 900)
    parts[2] = parts[2][:10] + b"\x01" + parts[2][11:]
    packets, reader = read(writer.head() + b"".join(parts))
    assert payloads(packets) == [number for number in range(900) if number != 2]
    assert reader.counters.skipped_bytes == len(parts[2])


def test_a_stretch_of_zeros_is_no_row_of_empty_records() -> None:
    """Zeros look like records without a byte; they are damage."""
    writer = CaptureWriter()
    parts = records(writer, 6)
    packets, reader = read(writer.head() + b"".join(parts[:3]) + bytes(4_096) + b"".join(parts[3:]))
    assert payloads(packets) == list(range(6))
    assert (reader.counters.damages, reader.counters.skipped_bytes) == (1, 4_096)


def test_recordings_of_several_days_and_odd_lengths_are_read() -> None:
    """A night between two packets, and a writer that misstates the original length, are no damage."""
    writer = CaptureWriter()
    days = [START_NS + day * 3 * 86_400 * SECOND_NS for day in (0, 0, 5, 5, 9)]
    parts = [writer.datagram(time_ns, b"%04d" % number) for number, time_ns in enumerate(days)]
    odd = [part[:12] + bytes(4) + part[16:] for part in records(writer, 5)]
    for file in (parts, odd):
        packets, reader = read(writer.head() + b"".join(file))
        assert payloads(packets) == list(range(5))
        assert reader.counters.damages == 0


def test_two_damaged_places_are_both_passed_over_and_a_cut_end_is_told_apart() -> None:
    """Each damage is counted; the words name the end and the middle separately."""
    writer = CaptureWriter()
    parts = records(writer, 6)
    bad = b"\xff" * 33
    packets, reader = read(
        writer.head() + parts[0] + bad + parts[1] + parts[2] + bad + parts[3] + parts[4][:40]
    )
    assert payloads(packets) == [0, 1, 2, 3]
    assert reader.counters.damages == 3
    assert reader.damage == "the last 40 bytes hold no whole record; 66 bytes before that are damaged"


def test_a_record_at_the_very_end_is_found_after_garbage() -> None:
    """What follows a damage needs no second record to be believed when the file ends with it."""
    writer = CaptureWriter()
    parts = records(writer, 2)
    packets, _ = read(writer.head() + parts[0] + b"\xff" * 20 + parts[1])
    assert payloads(packets) == [0, 1]


def test_a_record_may_be_as_long_as_the_format_allows_and_no_longer() -> None:
    """The bound on a record is the one of the format."""
    head = CaptureWriter().head()
    filler = pack("<IIII", START_NS // SECOND_NS, 0, RECORD_BYTES_MAX, RECORD_BYTES_MAX) + bytes(
        RECORD_BYTES_MAX
    )
    _, reader = read(head + filler)
    assert (reader.counters.records, reader.counters.damages) == (1, 0)
    over = pack("<IIII", START_NS // SECOND_NS, 0, RECORD_BYTES_MAX + 1, RECORD_BYTES_MAX + 1)
    _, reader = read(head + over + bytes(RECORD_BYTES_MAX + 1))
    assert (reader.counters.records, reader.counters.damages) == (0, 1)


def test_a_capture_with_a_short_snapshot_length_counts_what_it_cut() -> None:
    """A frame of which too little was kept gives no payload, and is no damage to the file."""
    writer = CaptureWriter()
    whole = records(writer, 2)
    seconds_etc = whole[0][:8] + pack("<II", 40, len(whole[0]) - 16)
    packets, reader = read(writer.head() + seconds_etc + whole[0][16:56] + whole[1])
    assert payloads(packets) == [1]
    assert (reader.counters.cut, reader.counters.damages) == (1, 0)


def test_a_capture_time_that_cannot_be_takes_the_one_before() -> None:
    """Times before 1990 are counted and replaced; the packet is kept."""
    writer = CaptureWriter()
    parts = [writer.datagram(0, b"0000"), writer.datagram(START_NS, b"0001"), writer.datagram(5, b"0002")]
    packets, reader = read(writer.head() + b"".join(parts))
    assert [packet.time_ns for packet in packets] == [0, START_NS, START_NS]
    assert reader.counters.untimed == 2


def test_classic_captures_of_another_version_are_refused() -> None:
    """Only version 2 exists; anything else is not read by guess."""
    with pytest.raises(RecordingError, match="version 3"):
        read(pack("<IHHiIII", 0xA1B2C3D4, 3, 4, 0, 0, 65535, 1))


def test_pcapng_of_another_version_or_without_byte_order_is_refused() -> None:
    """The section header decides whether the file can be read at all."""
    with pytest.raises(RecordingError, match="version 2"):
        read(block(0x0A0D0D0A, pack("<IHHq", PCAPNG_MARK, 2, 0, -1)))
    with pytest.raises(RecordingError, match="byte-order"):
        read(block(0x0A0D0D0A, pack("<IHHq", 0x12345678, 1, 0, -1)))


@pytest.mark.parametrize(
    ("options", "units", "time_ns"),
    [
        (b"", 1_700_000_000_000_001, 1_700_000_000_000_001_000),
        (pack("<HHB3x", 9, 1, 6), 1_700_000_000_000_001, 1_700_000_000_000_001_000),
        (pack("<HHB3x", 9, 1, 9), START_NS + 1, START_NS + 1),
        (pack("<HHB3x", 9, 1, 3), 1_700_000_000_001, START_NS + 1_000_000),
        (pack("<HHB3x", 9, 1, 0x80 | 10), 1_700_000_000 << 10 | 512, START_NS + 500_000_000),
        (pack("<HHB3xHHq", 9, 1, 9, 14, 8, 1_700_000_000), 7, START_NS + 7),
        (pack("<HHq", 14, 8, -3_600), 1_700_003_600_000_000, START_NS),
        (pack("<HH4sHHB3x", 2, 3, b"eth", 9, 1, 9), START_NS + 1, START_NS + 1),
        (pack("<HHHHB3x", 0, 0, 9, 1, 9), 1_700_000_000_000_001, 1_700_000_000_000_001_000),
        (pack("<HHB3xHH", 9, 1, 9, 14, 60_000), START_NS + 1, START_NS + 1),
    ],
)
def test_an_interface_states_its_clock(options: bytes, units: int, time_ns: int) -> None:
    """Resolution, as a power of ten or of two, and offset; without them microseconds."""
    packets, _ = read(section() + interface(options) + enhanced(units, FRAME))
    assert packets[0].time_ns == time_ns


def test_each_interface_has_its_own_link_and_clock() -> None:
    """A packet names the interface that captured it."""
    data = section() + interface() + interface(pack("<HHB3x", 9, 1, 9), link=101)
    data += enhanced(START_NS // 1_000, FRAME) + enhanced(START_NS + 9, FRAME[14:], 1) + enhanced(1, FRAME, 2)
    packets, reader = read(data)
    assert [packet.time_ns for packet in packets] == [START_NS, START_NS + 9]
    assert reader.counters.malformed == 1


def test_a_new_section_forgets_interfaces_and_may_change_the_byte_order() -> None:
    """Captures that were joined together are read on, each in its own order."""
    data = section() + interface() + enhanced(START_NS // 1_000, FRAME)
    data += section(">") + enhanced(1, FRAME, order=">") + interface(order=">")
    data += enhanced(START_NS // 1_000 + 5, FRAME, order=">")
    packets, reader = read(data)
    assert [packet.time_ns for packet in packets] == [START_NS, START_NS + 5_000]
    assert (reader.counters.malformed, reader.counters.damages) == (1, 0)


def test_simple_and_old_packet_blocks_are_read() -> None:
    """A simple packet has no time and takes the last one; the old block is as the new one."""
    old = pack(
        "<HHIIII", 0, 0, START_NS // 1_000 >> 32, START_NS // 1_000 & 0xFFFFFFFF, len(FRAME), len(FRAME)
    )
    data = section() + interface() + block(2, old + FRAME) + block(3, pack("<I", len(FRAME)) + FRAME)
    packets, reader = read(data)
    assert [(packet.time_ns, packet.payload) for packet in packets] == [(START_NS, b"0007")] * 2
    assert reader.counters.untimed == 1


def test_blocks_of_other_kinds_are_passed_over() -> None:
    """Names, statistics and kinds yet to be invented do not matter to us."""
    data = (
        section()
        + interface()
        + block(4, b"names")
        + block(0x0BAD, bytes(90))
        + enhanced(START_NS // 1_000, FRAME)
    )
    packets, reader = read(data)
    assert (len(packets), reader.counters.records, reader.damage) == (1, 1, "")


def test_a_packet_longer_than_its_block_is_malformed() -> None:
    """The captured length must lie inside the block."""
    lying = pack("<IIIII", 0, 0, 0, len(FRAME) + 8, len(FRAME) + 8)
    packets, reader = read(section() + interface() + block(6, lying + FRAME))
    assert (packets, reader.counters.malformed) == ([], 1)


def test_a_file_that_describes_endless_interfaces_is_not_believed() -> None:
    """What one section can make us remember is bounded."""
    packets, reader = read(
        section() + interface() * (INTERFACES_MAX + 3) + enhanced(START_NS // 1_000, FRAME)
    )
    assert (len(packets), reader.counters.malformed) == (1, 3)


def test_a_block_longer_than_we_wait_for_is_damage() -> None:
    """A block that would fill the memory is passed over, and the next one found."""
    data = (
        section()
        + interface()
        + pack("<II", 6, BLOCK_BYTES_MAX + 4)
        + bytes(64)
        + enhanced(START_NS // 1_000, FRAME)
    )
    packets, reader = read(data)
    assert (len(packets), reader.counters.skipped_bytes) == (1, 72)
