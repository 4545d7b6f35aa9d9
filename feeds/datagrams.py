"""From a captured frame to the payload of its UDP datagram.

A core. Link layers: Ethernet with any number of VLAN tags, raw IP, Linux "cooked" capture
(both versions) and BSD loopback. IPv4 with options and IPv6 with extension headers;
fragments are not put together, because no market-data sender fragments. Checksums are not
looked at: captures made on the sending machine have none.
"""

import enum
from struct import Struct
from typing import Final


class Refusal(enum.Enum):
    """Why a frame gives no payload; each value names its counter in `CaptureCounters`."""

    NOT_UDP = "not_udp"
    FRAGMENT = "fragments"
    CUT = "cut"
    MALFORMED = "malformed"
    UNKNOWN_LINK = "unknown_link"


LINK_NULL: Final = 0
LINK_ETHERNET: Final = 1
LINK_RAW: Final = 101
LINK_LOOP: Final = 108
LINK_SLL: Final = 113
LINK_IPV4: Final = 228
LINK_IPV6: Final = 229
LINK_SLL2: Final = 276
_BSD_RAW: Final = (12, 14)
"""What raw IP is called in captures of some BSDs."""

_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_VLAN_TAGS: Final = frozenset((0x8100, 0x88A8, 0x9100))
_UDP: Final = 17
_IPV6_FRAGMENT: Final = 44
_IPV6_EXTENSIONS: Final = frozenset((0, 43, 60))
"""Hop-by-hop options, routing, destination options."""

_u16: Final = Struct(">H").unpack_from
_ethernet_ipv4_udp: Final = Struct(">12xHBxHxxHxB14xH2x").unpack_from
"""Of an untagged Ethernet frame: EtherType, version and header length, total length, fragment
word, protocol; and, when the IP header has no options, the UDP length."""
_UNTAGGED_BYTES: Final = 42


def udp_payload(link: int, data: bytes, start: int, end: int) -> bytes | Refusal:
    """The UDP payload of the frame `data[start:end]` of a link type, or why there is none.

    A frame that was cut by the capture is refused when its datagram is not whole.
    """
    if link == LINK_ETHERNET:
        if end - start >= _UNTAGGED_BYTES:
            # Nearly every frame of a market-data capture is of this one shape.
            ether, version, total, fragment, protocol, length = _ethernet_ipv4_udp(data, start)
            if (
                ether == _IPV4
                and version == 0x45
                and not fragment & 0x3FFF
                and protocol == _UDP
                and 8 <= length <= total - 20
                and start + 34 + length <= end
            ):
                return data[start + _UNTAGGED_BYTES : start + 34 + length]
        return _ethernet(data, start, end)
    if link in (LINK_RAW, LINK_IPV4, LINK_IPV6) or link in _BSD_RAW:
        return _ip(data, start, end)
    if link == LINK_SLL:
        return _by_ether_type(data, start, start + 14, start + 16, end)
    if link == LINK_SLL2:
        return _by_ether_type(data, start, start, start + 20, end)
    if link in (LINK_NULL, LINK_LOOP):
        # Four bytes of address family, whose numbers differ between systems: IP says its version.
        return _ip(data, start + 4, end)
    return Refusal.UNKNOWN_LINK


def _ethernet(data: bytes, start: int, end: int) -> bytes | Refusal:
    return _by_ether_type(data, start, start + 12, start + 14, end)


def _by_ether_type(data: bytes, start: int, type_at: int, body: int, end: int) -> bytes | Refusal:
    """Go through VLAN tags to the IP header; `type_at` is the EtherType's place, `body` what follows."""
    if body > end:
        return Refusal.CUT
    ether = int(_u16(data, type_at)[0])
    while ether in _VLAN_TAGS:
        if body + 4 > end:
            return Refusal.CUT
        ether = int(_u16(data, body + 2)[0])
        body += 4
    if ether == _IPV4:
        return _ip(data, body, end, version=4)
    if ether == _IPV6:
        return _ip(data, body, end, version=6)
    return Refusal.NOT_UDP


def _ip(data: bytes, start: int, end: int, version: int = 0) -> bytes | Refusal:
    """An IP packet of the version that the link layer announced, if it did."""
    if start >= end:
        return Refusal.CUT
    stated = data[start] >> 4
    if version not in (0, stated):
        return Refusal.MALFORMED
    if stated == 4:
        return _ipv4(data, start, end)
    if stated == 6:
        return _ipv6(data, start, end)
    return Refusal.MALFORMED


def _ipv4(data: bytes, start: int, end: int) -> bytes | Refusal:
    if end - start < 20:
        return Refusal.CUT
    header = (data[start] & 0x0F) * 4
    total = int(_u16(data, start + 2)[0])
    if header < 20 or total < header:
        return Refusal.MALFORMED
    if data[start + 9] != _UDP:
        return Refusal.NOT_UDP
    if _u16(data, start + 6)[0] & 0x3FFF:
        return Refusal.FRAGMENT
    return _udp(data, start + header, start + total, end)


def _ipv6(data: bytes, start: int, end: int) -> bytes | Refusal:
    if end - start < 40:
        return Refusal.CUT
    following = data[start + 6]
    body = start + 40
    stop = body + int(_u16(data, start + 4)[0])
    while following in _IPV6_EXTENSIONS:
        # Each extension is at least 8 bytes long, so this ends with the frame.
        if body + 8 > end:
            return Refusal.CUT
        following = data[body]
        body += (data[body + 1] + 1) * 8
    if following == _IPV6_FRAGMENT:
        return Refusal.FRAGMENT
    if following != _UDP:
        return Refusal.NOT_UDP
    return _udp(data, body, stop, end)


def _udp(data: bytes, start: int, stop: int, end: int) -> bytes | Refusal:
    """The payload of the datagram at `start`; IP says it stops at `stop`, the capture at `end`."""
    if start + 8 > end:
        return Refusal.CUT
    length = int(_u16(data, start + 4)[0])
    if length < 8 or start + length > stop:
        return Refusal.MALFORMED
    if start + length > end:
        return Refusal.CUT
    return data[start + 8 : start + length]
