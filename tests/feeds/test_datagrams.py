"""From captured frames to UDP payloads."""

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.datagrams import (
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_IPV6,
    LINK_LOOP,
    LINK_NULL,
    LINK_RAW,
    LINK_SLL,
    LINK_SLL2,
    Refusal,
    udp_payload,
)

MACS = bytes(12)
PAYLOAD = b"a payload"
EXTENSIONS = b"\x3c" + bytes(7) + b"\x11\x01" + bytes(14)
"""Hop-by-hop options of 8 bytes, then destination options of 16."""


def udp(payload: bytes = PAYLOAD, length: int | None = None) -> bytes:
    """A UDP datagram; `length` makes its header lie."""
    return pack(">HHHH", 1, 2, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    body: bytes, *, protocol: int = 17, fragment: int = 0, options: bytes = b"", total: int = -1
) -> bytes:
    """An IPv4 packet around `body`."""
    version = 0x40 | 5 + len(options) // 4
    total = 20 + len(options) + len(body) if total < 0 else total
    return pack(">BBHHHBBH8s", version, 0, total, 7, fragment, 64, protocol, 0, bytes(8)) + options + body


def ipv6(body: bytes, *, following: int = 17, extensions: bytes = b"") -> bytes:
    """An IPv6 packet around `body`."""
    return (
        pack(">IHBB32s", 6 << 28, len(extensions) + len(body), following, 64, bytes(32)) + extensions + body
    )


def payload_of(frame: bytes, link: int = LINK_ETHERNET) -> bytes | Refusal:
    """What `udp_payload` says of a frame that stands in the middle of other bytes."""
    return udp_payload(link, b"\xff" * 5 + frame + b"\xff" * 7, 5, 5 + len(frame))


ETHERNET_IPV4 = MACS + b"\x08\x00"


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (LINK_ETHERNET, ETHERNET_IPV4 + ipv4(udp())),
        (LINK_ETHERNET, ETHERNET_IPV4 + ipv4(udp(b"x")) + bytes(17)),
        (LINK_ETHERNET, MACS + b"\x81\x00\x00\x05\x08\x00" + ipv4(udp())),
        (LINK_ETHERNET, MACS + b"\x88\xa8\x00\x01\x81\x00\x00\x05\x08\x00" + ipv4(udp())),
        (LINK_ETHERNET, MACS + b"\x91\x00\x00\x01" * 2 + b"\x81\x00\x00\x05\x86\xdd" + ipv6(udp())),
        (LINK_ETHERNET, ETHERNET_IPV4 + ipv4(udp(), options=bytes(8))),
        (LINK_ETHERNET, ETHERNET_IPV4 + ipv4(udp(), fragment=0x4000)),
        (LINK_ETHERNET, MACS + b"\x86\xdd" + ipv6(udp())),
        (LINK_ETHERNET, MACS + b"\x86\xdd" + ipv6(udp(), following=0, extensions=EXTENSIONS)),
        (LINK_RAW, ipv4(udp())),
        (12, ipv6(udp())),
        (LINK_IPV4, ipv4(udp())),
        (LINK_IPV6, ipv6(udp())),
        (LINK_SLL, bytes(14) + b"\x08\x00" + ipv4(udp())),
        (LINK_SLL, bytes(14) + b"\x81\x00\x00\x07\x08\x00" + ipv4(udp())),
        (LINK_SLL2, b"\x86\xdd" + bytes(18) + ipv6(udp())),
        (LINK_NULL, b"\x02\x00\x00\x00" + ipv4(udp())),
        (LINK_LOOP, b"\x00\x00\x00\x18" + ipv6(udp())),
    ],
)  # fmt: skip
def test_the_payload_is_found_in_every_kind_of_frame(link: int, frame: bytes) -> None:
    """Link layers, VLAN tags, IP options and extension headers are all gone through."""
    assert payload_of(frame, link) in (PAYLOAD, b"x")


@pytest.mark.parametrize(
    ("frame", "refusal"),
    [
        (b"", Refusal.CUT),
        (MACS + b"\x08", Refusal.CUT),
        (MACS + b"\x81\x00\x00", Refusal.CUT),
        (MACS + b"\x81\x00\x00\x01", Refusal.CUT),
        (MACS + b"\x08\x06" + bytes(40), Refusal.NOT_UDP),
        (ETHERNET_IPV4, Refusal.CUT),
        (ETHERNET_IPV4 + ipv4(udp())[:19], Refusal.CUT),
        (ETHERNET_IPV4 + ipv4(udp())[:-1], Refusal.CUT),
        (ETHERNET_IPV4 + ipv4(udp())[:27], Refusal.CUT),
        (ETHERNET_IPV4 + ipv4(udp(), protocol=6), Refusal.NOT_UDP),
        (ETHERNET_IPV4 + ipv4(udp(), fragment=0x2000), Refusal.FRAGMENT),
        (ETHERNET_IPV4 + ipv4(udp(), fragment=0x0003), Refusal.FRAGMENT),
        (ETHERNET_IPV4 + ipv4(udp(length=7)), Refusal.MALFORMED),
        (ETHERNET_IPV4 + ipv4(udp(length=60000)), Refusal.MALFORMED),
        (ETHERNET_IPV4 + ipv4(udp(), total=19), Refusal.MALFORMED),
        (ETHERNET_IPV4 + b"\x41" + ipv4(udp())[1:], Refusal.MALFORMED),
        (ETHERNET_IPV4 + b"\x15" + ipv4(udp())[1:], Refusal.MALFORMED),
        (ETHERNET_IPV4 + ipv6(udp()), Refusal.MALFORMED),
        (MACS + b"\x86\xdd" + ipv4(udp()), Refusal.MALFORMED),
        (MACS + b"\x86\xdd" + ipv6(udp())[:39], Refusal.CUT),
        (MACS + b"\x86\xdd" + ipv6(udp(), following=6), Refusal.NOT_UDP),
        (MACS + b"\x86\xdd" + ipv6(udp(), following=44), Refusal.FRAGMENT),
        (MACS + b"\x86\xdd" + ipv6(b"", following=43, extensions=b"\x11\x09\x00"), Refusal.CUT),
    ],
)
def test_a_frame_without_a_whole_datagram_is_refused_by_its_reason(frame: bytes, refusal: Refusal) -> None:
    """Other protocols, fragments, cut and contradictory frames are told apart."""
    assert payload_of(frame) is refusal


def test_an_unknown_link_layer_is_refused() -> None:
    """A link type that we do not read says so."""
    assert payload_of(ipv4(udp()), 147) is Refusal.UNKNOWN_LINK


@settings(max_examples=300, deadline=None)
@given(
    link=st.sampled_from((0, 1, 12, 101, 108, 113, 228, 229, 276, 999)),
    frame=st.binary(max_size=120),
    prefix=st.sampled_from(
        (b"", ETHERNET_IPV4, ETHERNET_IPV4 + b"\x45", MACS + b"\x86\xdd\x60", MACS + b"\x81\x00")
    ),
)
def test_any_bytes_give_a_payload_or_a_refusal(link: int, frame: bytes, prefix: bytes) -> None:
    """No bytes raise, and a payload lies inside its frame."""
    result = payload_of(prefix + frame, link)
    assert isinstance(result, Refusal) or result in prefix + frame


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=60), cut=st.integers(1, 100))
def test_a_cut_frame_never_gives_a_shortened_payload(payload: bytes, cut: int) -> None:
    """Whatever the capture left out, a payload is whole or refused."""
    frame = ETHERNET_IPV4 + ipv4(udp(payload))
    assert payload_of(frame) == payload
    assert isinstance(payload_of(frame[:-cut]), Refusal)
