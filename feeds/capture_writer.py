"""Write packet captures: what `feeds.pcap` reads, in each of its variants.

A core: it gives bytes, and whoever called writes them to a file.
"""

from struct import Struct, pack
from typing import Final, Literal

CaptureFormat = Literal["pcap-us", "pcap-ns", "pcapng"]

_ETHERNET: Final = 1
_SNAPSHOT_BYTES: Final = 65_535
_MULTICAST: Final = bytes.fromhex("e9d71503")
"""233.215.21.3, the group of the exchange's TOPS line A."""
_SENDER: Final = bytes.fromhex("17e29b84")
_SENDER_MAC: Final = bytes.fromhex("b82a72cf8eff")
_PORT: Final = 10_377
_ipv4: Final = Struct(">BBHHHBBH4s4s")


class CaptureWriter:
    """Makes the bytes of a capture of UDP datagrams in IPv4 in Ethernet.

    Arguments:
        big_endian: the byte order of the file's own numbers; those of the network are what they are.
        vlans: VLAN numbers of the tags of each frame, outermost first.
    """

    def __init__(
        self, container: CaptureFormat = "pcap-us", *, big_endian: bool = False, vlans: tuple[int, ...] = ()
    ) -> None:
        self._container = container
        self._order = ">" if big_endian else "<"
        self._record = Struct(self._order + "IIII")
        # The innermost tag is 802.1Q, those around it are 802.1ad.
        kinds = (0x88A8,) * (len(vlans) - 1) + (0x8100,)
        tags = b"".join(pack(">HH", kind, vlan) for kind, vlan in zip(kinds, vlans, strict=False))
        group_mac = b"\x01\x00\x5e" + bytes((_MULTICAST[1] & 0x7F,)) + _MULTICAST[2:]
        self._ethernet = group_mac + _SENDER_MAC + tags + b"\x08\x00"
        self._identification = 0

    def head(self) -> bytes:
        """What the file begins with."""
        order = self._order
        if self._container == "pcapng":
            section = self._block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
            # Option 9: the clock's unit is 10⁻⁹ s.
            options = pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
            return section + self._block(1, pack(order + "HHI", _ETHERNET, 0, _SNAPSHOT_BYTES) + options)
        magic = 0xA1B2C3D4 if self._container == "pcap-us" else 0xA1B23C4D
        return pack(order + "IHHiIII", magic, 2, 4, 0, 0, _SNAPSHOT_BYTES, _ETHERNET)

    def datagram(self, time_ns: int, payload: bytes) -> bytes:
        """The record of a datagram captured at `time_ns` (`pcap-us` cuts it to microseconds)."""
        frame = self._ethernet + self._ip(payload)
        if self._container == "pcapng":
            fixed = pack(
                self._order + "IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame), len(frame)
            )
            return self._block(6, fixed + frame)
        seconds, rest_ns = divmod(time_ns, 1_000_000_000)
        fraction = rest_ns // 1_000 if self._container == "pcap-us" else rest_ns
        return self._record.pack(seconds, fraction, len(frame), len(frame)) + frame

    def _block(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = pack(self._order + "I", len(body) + 12)
        return pack(self._order + "I", kind) + length + body + length

    def _ip(self, payload: bytes) -> bytes:
        self._identification = (self._identification + 1) & 0xFFFF
        fields = (0x45, 0, 28 + len(payload), self._identification, 0x4000, 64, 17)
        checksum = _internet_checksum(_ipv4.pack(*fields, 0, _SENDER, _MULTICAST))
        # A UDP checksum of 0 means that the sender made none, which IPv4 allows.
        udp = pack(">HHHH", _PORT, _PORT, 8 + len(payload), 0)
        return _ipv4.pack(*fields, checksum, _SENDER, _MULTICAST) + udp + payload


def _internet_checksum(header: bytes) -> int:
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
