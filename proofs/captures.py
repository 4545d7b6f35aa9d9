"""Recordings as plain bytes: read apart, put together, and spoilt on purpose.

Classic pcap, Ethernet, IPv4, UDP and the framing of IEX-TP, with `struct` alone: like
`proofs.reference`, this shares no code with `feeds`.
"""

import gzip
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

MAGIC: Final = 0xA1B2C3D4
UDP: Final = 17
FILE_HEADER: Final = struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, 65_535, 1)
SEGMENT: Final = struct.Struct("<BBHIIHHqqq")
"""Version, reserved, protocol, channel, session, payload length, messages, offset, first, send time."""


class Packet(NamedTuple):
    """A captured frame."""

    time_us: int
    frame: bytes


class Segment(NamedTuple):
    """The header of an IEX-TP segment, and its messages."""

    version: int
    reserved: int
    protocol: int
    channel: int
    session: int
    length: int
    """Bytes of payload, as the header says."""
    held: int
    """Messages, as the header says."""
    offset: int
    first: int
    """Sequence number of the first message; of a heartbeat, of the next one."""
    send_time: int
    messages: tuple[bytes, ...]

    def pack(self) -> bytes:
        """The segment's bytes, with the header as it is, right or wrong."""
        return SEGMENT.pack(*self[:-1]) + framed(self.messages)

    def holding(self, messages: Sequence[bytes]) -> "Segment":
        """The same segment with other messages, and a header that fits them."""
        return self._replace(messages=tuple(messages), held=len(messages), length=len(framed(messages)))


def framed(messages: Iterable[bytes]) -> bytes:
    """Messages, each with its length in front."""
    return b"".join(struct.pack("<H", len(message)) + message for message in messages)


def read_packets(data: bytes) -> Iterator[Packet]:
    """Yield the frames of a recording.

    Raises:
        ValueError: it is not a classic little-endian microsecond pcap.
    """
    (magic,) = struct.unpack_from("<I", data)
    if magic != MAGIC:
        raise ValueError(f"not a classic little-endian microsecond pcap: {magic:08x}")
    place = len(FILE_HEADER)
    while place < len(data):
        seconds, micros, kept, whole = struct.unpack_from("<IIII", data, place)
        if kept != whole:
            raise ValueError("not a whole packet")
        yield Packet(seconds * 1_000_000 + micros, data[place + 16 : place + 16 + kept])
        place += 16 + kept


def read_recording(path: Path) -> list[Packet]:
    """All frames of a gzipped recording."""
    return list(read_packets(gzip.decompress(path.read_bytes())))


def pcap(packets: Iterable[Packet]) -> bytes:
    """The bytes of a recording."""
    return FILE_HEADER + b"".join(
        struct.pack("<IIII", *divmod(time_us, 1_000_000), len(frame), len(frame)) + frame
        for time_us, frame in packets
    )


def payload_of(frame: bytes) -> bytes:
    """What the UDP datagram in a frame carries.

    Raises:
        ValueError: the frame is not UDP over IPv4.
    """
    if frame[12:14] != b"\x08\x00" or frame[23] != UDP:
        raise ValueError("not UDP over IPv4")
    udp = 14 + 4 * (frame[14] & 0x0F)
    (length,) = struct.unpack_from(">H", frame, udp + 4)
    return frame[udp + 8 : udp + length]


def with_payload(frame: bytes, payload: bytes) -> bytes:
    """A frame like this one that carries something else."""
    ip = bytearray(frame[14:34])
    struct.pack_into(">H", ip, 2, 28 + len(payload))
    ip[0], ip[10:12] = 0x45, bytes(2)  # no options; the checksum is left out, as network cards do
    ports = frame[14 + 4 * (frame[14] & 0x0F) :][:4]
    return frame[:14] + bytes(ip) + ports + struct.pack(">HH", 8 + len(payload), 0) + payload


def parse_segment(payload: bytes) -> Segment:
    """Take a sound segment apart.

    Raises:
        ValueError: bytes are left over, or missing.
    """
    header = SEGMENT.unpack_from(payload)
    messages, place = [], SEGMENT.size
    for _ in range(header[6]):
        (length,) = struct.unpack_from("<H", payload, place)
        messages.append(payload[place + 2 : place + 2 + length])
        place += 2 + length
    if place != len(payload):
        raise ValueError(f"{len(payload) - place} bytes left over in a segment")
    return Segment._make((*header, tuple(messages)))
