"""Recordings that are spoilt in one way each, with what must come of them all the same.

Every function takes sound packets and a random generator, and returns the file's bytes and the
segments that are left of it: what an independent reader would still make of the rest.
"""

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from proofs.captures import Packet, Segment, parse_segment, payload_of, pcap, with_payload

UNKNOWN_TYPES: Final = b"zyxwvu"
ADMINISTRATIVE: Final = b"HOPID"
"""Types whose messages are neither trades nor quotes."""
HEADER_BYTES: Final = 40


class Spoilt(Struct):
    """A recording after the damage."""

    data: bytes
    """The file's content."""
    segments: list[Segment]
    """What is still sound, in order."""
    places: int
    """How many places were damaged."""


Spoil = Callable[[Sequence[Packet], random.Random], Spoilt]


def segments_of(packets: Sequence[Packet]) -> list[Segment]:
    """The segments that sound packets carry."""
    return [parse_segment(payload_of(packet.frame)) for packet in packets]


def cut(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """The file ends in the middle of a packet."""
    keep = rng.randrange(len(packets) // 2, len(packets))
    whole = pcap(packets[:keep])
    beyond = pcap(packets[: keep + 1])
    return Spoilt(beyond[: rng.randrange(len(whole) + 1, len(beyond))], segments_of(packets[:keep]), 1)


def cut_gzip(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """The compressed file ends too early."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    data = packer.compress(pcap(packets)) + packer.flush()
    data = data[: rng.randrange(len(data) // 2, len(data) - 8)]
    readable = len(zlib.decompressobj(31).decompress(data))
    keep, end = 0, 24
    for packet in packets:
        end += 16 + len(packet.frame)
        keep += end <= readable
    return Spoilt(data, segments_of(packets[:keep]), 1)


def garbage(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Datagrams of random bytes between the good ones."""

    def made(like: Packet) -> bytes:
        return with_payload(like.frame, rng.randbytes(rng.randrange(1400)))

    return _with_strangers(packets, rng, made)


def foreign_frames(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Frames of other protocols, and frames that are too short for any."""

    def made(like: Packet) -> bytes:
        frame = bytearray(like.frame)
        match rng.randrange(4):
            case 0:
                frame[12:14] = rng.choice((b"\x08\x06", b"\x86\xdd", b"\x88\xcc"))
            case 1:
                frame[23] = 6
            case 2:
                frame[14] = 0x65
            case _:
                del frame[rng.randrange(42) :]
        return bytes(frame)

    return _with_strangers(packets, rng, made)


def wrong_version(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Segments of another version, another protocol and another channel."""

    def made(like: Packet) -> bytes:
        payload = bytearray(payload_of(like.frame))
        match rng.randrange(3):
            case 0:
                payload[0] = rng.choice((0, 2, 255))
            case 1:
                payload[2:4] = struct.pack("<H", rng.choice((0x8002, 0x8004, 0x8005, 0)))
            case _:
                payload[4:8] = struct.pack("<I", rng.randrange(2, 1000))
        return with_payload(like.frame, bytes(payload))

    return _with_strangers(packets, rng, made)


def repeated(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Segments that come a second time."""
    spoilt: list[Packet] = []
    places = 0
    for packet in packets:
        spoilt.append(packet)
        if rng.random() < 0.05 and parse_segment(payload_of(packet.frame)).held:
            spoilt.append(packet)
            places += 1
    return Spoilt(pcap(spoilt), segments_of(packets), places)


def lost(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Segments that never came."""
    segments = segments_of(packets)
    # Not the first: nobody can tell what was sent before it. Not the last: nothing comes after it.
    gone = {place for place in range(1, len(packets) - 1) if segments[place].held and rng.random() < 0.02}
    kept = [place for place in range(len(packets)) if place not in gone]
    return Spoilt(pcap([packets[place] for place in kept]), [segments[place] for place in kept], len(gone))


def unknown_types(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Administrative messages whose type nobody knows."""

    def change(message: bytes) -> tuple[bytes, bool]:
        return bytes([rng.choice(UNKNOWN_TYPES)]) + message[1:], False

    return _with_messages(packets, rng, ADMINISTRATIVE, change)


def grown(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Messages with bytes at their end that a later version has added: they still count."""

    def change(message: bytes) -> tuple[bytes, bool]:
        return message + rng.randbytes(rng.randrange(1, 9)), True

    return _with_messages(packets, rng, ADMINISTRATIVE + b"QT", change)


def shortened(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Quotes and trades that are shorter than their type demands."""

    def change(message: bytes) -> tuple[bytes, bool]:
        return message[: rng.randrange(1, len(message))], False

    return _with_messages(packets, rng, b"QT", change)


def nonsense(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Quotes and trades with impossible values."""

    def change(message: bytes) -> tuple[bytes, bool]:
        broken = bytearray(message)
        match rng.randrange(3):
            case 0:
                broken[2:10] = struct.pack("<q", rng.choice((0, -1, 2**62)))
            case 1:
                broken[10:18] = rng.choice((bytes(8), b" " * 8, b"A\0B     ", b"\xff" * 8))
            case _:
                # Size of a trade and bid of a quote stand in front of this price: it has to count.
                broken[18:22] = struct.pack("<I", 100)
                broken[22:30] = struct.pack("<q", rng.choice((-1, -(2**63), 2**62)))
        return bytes(broken), False

    return _with_messages(packets, rng, b"QT", change)


def broken_framing(packets: Sequence[Packet], rng: random.Random) -> Spoilt:
    """Segments whose lengths do not add up: they are lost as a whole, and nothing else."""
    segments = segments_of(packets)
    spoilt, kept = [], []
    places = 0
    for place, (packet, segment) in enumerate(zip(packets, segments, strict=True)):
        if not segment.held or not 0 < place < len(packets) - 1 or rng.random() > 0.02:
            spoilt.append(packet)
            kept.append(segment)
            continue
        payload = bytearray(payload_of(packet.frame))
        match rng.randrange(3):
            case 0:
                payload[HEADER_BYTES : HEADER_BYTES + 2] = struct.pack("<H", rng.randrange(1500, 65536))
            case 1:
                payload[12:14] = struct.pack("<H", segment.length + rng.randrange(1, 1000))
            case _:
                del payload[rng.randrange(HEADER_BYTES, len(payload)) :]
        spoilt.append(packet._replace(frame=with_payload(packet.frame, bytes(payload))))
        places += 1
    return Spoilt(pcap(spoilt), kept, places)


RECOVERABLE: Final[dict[str, Spoil]] = {
    spoil.__name__: spoil
    for spoil in (
        cut, cut_gzip, garbage, foreign_frames, wrong_version, repeated, lost, unknown_types, grown,
        shortened, nonsense, broken_framing,
    )
}  # fmt: skip
"""Damages of which it is known what must be left."""


def flipped(packets: Sequence[Packet], rng: random.Random) -> bytes:
    """Random bytes of the file are others: nobody knows what must come of it, but not a crash."""
    data = bytearray(pcap(packets))
    for _ in range(200):
        data[rng.randrange(24, len(data))] = rng.randrange(256)
    return bytes(data)


def _with_strangers(packets: Sequence[Packet], rng: random.Random, made: Callable[[Packet], bytes]) -> Spoilt:
    """Put packets that are none of ours between the good ones."""
    spoilt = []
    for packet in packets:
        if rng.random() < 0.05:
            spoilt.append(packet._replace(frame=made(packet)))
        spoilt.append(packet)
    return Spoilt(pcap(spoilt), segments_of(packets), len(spoilt) - len(packets))


def _with_messages(
    packets: Sequence[Packet],
    rng: random.Random,
    types: bytes,
    change: Callable[[bytes], tuple[bytes, bool]],
) -> Spoilt:
    """Change some messages of these types; `change` says what becomes of one, and whether it still counts."""
    spoilt, left = [], []
    places = 0
    for packet, segment in zip(packets, segments_of(packets), strict=True):
        sent, sound = [], []
        for message in segment.messages:
            if message[0] in types and rng.random() < 0.05:
                changed, counts = change(message)
                sent.append(changed)
                sound += [message] if counts else []
                places += 1
            else:
                sent.append(message)
                sound.append(message)
        changed_segment = segment.holding(sent)
        spoilt.append(packet._replace(frame=with_payload(packet.frame, changed_segment.pack())))
        # The sequence goes on as it was sent: what is left out leaves no gap.
        left.append(segment._replace(messages=tuple(sound)))
    return Spoilt(pcap(spoilt), left, places)
