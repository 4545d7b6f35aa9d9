"""The two file formats of packet captures, record by record.

A core behind `feeds.pcap`. `ClassicCapture` reads the format of tcpdump, `BlockCapture`
pcapng. Both are told how much of the file they are shown, and only ever decide on what
they see whole, so the way the file was cut into chunks cannot change what they find.

*Damage.* A length that cannot be right, or an odd record (longer than it originally was, or
days away) that what follows does not bear out, means that the place of the next record is lost.
From there each following byte (pcapng: each fourth) is tried as the start of a record,
until one fits so well that chance is ruled out; the bytes in between are counted.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from feeds.contract import EARLIEST_NS, LATEST_NS
from feeds.datagrams import Refusal, udp_payload
from feeds.errors import RecordingError
from feeds.packets import CaptureCounters, Packet

RECORD_BYTES_MAX: Final = 262_144
"""The longest packet a capture can hold: libpcap's own limit."""
BLOCK_BYTES_MAX: Final = 4 * 1024 * 1024
"""The longest pcapng block we wait for; the format itself has no limit."""
INTERFACES_MAX: Final = 4_096
"""Interfaces of one pcapng section; a file that describes more is not believed."""

_SECOND_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400


HEAD_BYTES: Final = 24
"""As much of any capture as its reader must see before it can be set up; the classic head."""


class Framing:
    """What both formats share: counting, and turning a captured frame into a packet."""

    def __init__(self, counters: CaptureCounters, skip_to: int) -> None:
        self.counters = counters
        self._skip_to = skip_to
        self._last_ns = 0
        self.lost_at = -1
        """Byte of the file at which the place of the next record was lost; -1 while it is known."""

    def parse(self, data: bytes, base: int, packets: list[Packet], *, final: bool) -> tuple[int, int]:
        """Read records from the start of `data`, which stands at byte `base` of the file.

        Returns how many bytes are done with, and how long the rest must become before
        there is any use in asking again. `final` says that nothing follows `data`.
        """
        raise NotImplementedError

    def _lose(self, offset: int) -> None:
        self.lost_at = offset
        self.counters.damages += 1

    def _keep(
        self,
        link: int,
        time_ns: int,
        data: bytes,
        start: int,
        end: int,
        offset_after: int,
        packets: list[Packet],
    ) -> None:
        counters = self.counters
        counters.records += 1
        if EARLIEST_NS <= time_ns < LATEST_NS:
            self._last_ns = time_ns
        else:
            counters.untimed += 1
            time_ns = self._last_ns
        payload = udp_payload(link, data, start, end)
        if isinstance(payload, Refusal):
            setattr(counters, payload.value, getattr(counters, payload.value) + 1)
            return
        counters.datagrams += 1
        if offset_after > self._skip_to:
            packets.append(Packet(time_ns, payload, offset_after))


class ClassicCapture(Framing):
    """The classic format: a 24-byte head, then records of 16 bytes and the frame."""

    def __init__(self, head: bytes, counters: CaptureCounters, skip_to: int) -> None:
        super().__init__(counters, skip_to)
        order, self._unit_ns = CLASSIC_MAGIC[head[:4]]
        major = Struct(order + "H").unpack_from(head, 4)[0]
        if major != 2:
            raise RecordingError(f"packet capture of version {major}; only version 2 is known")
        # The upper bits hold the length of the frame check sequence, which UDP's length makes moot.
        self._link = Struct(order + "I").unpack_from(head, 20)[0] & 0xFFFF
        self._record = Struct(order + "IIII").unpack_from
        self._near_s = -1
        """A time within a day of which records are expected, s; -1 before the first one."""

    def parse(self, data: bytes, base: int, packets: list[Packet], *, final: bool) -> tuple[int, int]:
        """See `Framing.parse`."""
        place = 0
        size = len(data)
        record, link, unit_ns, keep = self._record, self._link, self._unit_ns, self._keep
        while True:
            if self.lost_at >= 0:
                place, need = self._search(data, place, final)
                if self.lost_at >= 0:
                    return place, need
            if size - place < 16:
                if not final or place == size:
                    return place, 16
                self._lose(base + place)
                continue
            seconds, fraction, length, original = record(data, place)
            end = place + 16 + length
            usual = 0 < length <= original and abs(seconds - self._near_s) <= _DAY_S
            if not usual and self._near_s < 0:
                # The first record has nothing to be compared with.
                self._near_s = seconds
                usual = 0 < length <= original
            shown = end if usual else end + 16
            if shown > size and not final and length <= RECORD_BYTES_MAX:
                return place, shown - place
            if length > RECORD_BYTES_MAX or end > size or not (usual or self._bears_out(data, end, seconds)):
                self._lose(base + place)
                continue
            if not usual:
                self._near_s = seconds
            keep(link, seconds * _SECOND_NS + fraction * unit_ns, data, place + 16, end, base + end, packets)
            place = end

    def _bears_out(self, data: bytes, place: int, seconds: int) -> bool:
        """Whether an odd record of this time is one after all, by what follows it at `place`."""
        if place + 16 > len(data):
            return True
        following, fraction, length, _ = self._record(data, place)
        near = min(abs(following - seconds), abs(following - self._near_s)) <= _DAY_S
        return bool(near and 0 < length <= RECORD_BYTES_MAX and fraction * self._unit_ns < _SECOND_NS)

    def _search(self, data: bytes, start: int, final: bool) -> tuple[int, int]:
        """Look for a record from `start` on: one that is followed by another, or by the end."""
        size = len(data)
        place = start
        need = 16
        while place + 16 <= size:
            after = self._end_if_likely(data, place)
            if after and after + 16 > size and not final:
                need = after + 16 - place
                break
            if after and after <= size and (after + 16 > size or self._end_if_likely(data, after)):
                self.lost_at = -1
                # So that `parse` believes it as well.
                self._near_s = int(self._record(data, place)[0])
                break
            place += 1
        else:
            place = size if final else place
        self.counters.skipped_bytes += place - start
        return place, need

    def _end_if_likely(self, data: bytes, place: int) -> int:
        """Where the record at `place` ends if it looks like one, else 0."""
        seconds, fraction, length, original = self._record(data, place)
        last_s = self._last_ns // _SECOND_NS
        near = abs(seconds - last_s) <= _DAY_S if last_s else seconds * _SECOND_NS >= EARLIEST_NS
        if near and fraction * self._unit_ns < _SECOND_NS and 0 < length <= original <= RECORD_BYTES_MAX:
            return place + 16 + int(length)
        return 0


CLASSIC_MAGIC: Final[dict[bytes, tuple[str, int]]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""First four bytes → byte order, and nanoseconds in the unit of the records' fractions."""
BLOCK_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
"""First four bytes of pcapng, the same in both byte orders."""

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_OLD_PACKET: Final = 2
_SIMPLE_PACKET: Final = 3
_ENHANCED_PACKET: Final = 6
_KNOWN_BLOCKS: Final = frozenset((_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, 4, 5, _ENHANCED_PACKET))
"""Names (4) and statistics (5) included: the blocks at which a search may end."""
_BODY_LEAST: Final = {_SECTION: 16, _INTERFACE: 8, _OLD_PACKET: 20, _SIMPLE_PACKET: 4, _ENHANCED_PACKET: 20}
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_OPTION_RESOLUTION: Final = 9
_OPTION_OFFSET: Final = 14


class BlockCapture(Framing):
    """pcapng: blocks that state their length at both ends."""

    def __init__(self, head: bytes, counters: CaptureCounters, skip_to: int) -> None:
        super().__init__(counters, skip_to)
        if head[8:12] not in _ORDERS:
            raise RecordingError("pcapng without a byte-order mark")
        self._set_order(_ORDERS[head[8:12]])
        major = self._u16(head, 12)[0]
        if major != 1:
            raise RecordingError(f"pcapng of version {major}; only version 1 is known")
        self._interfaces: list[tuple[int, int, int, int]] = []
        """Of each: link type, snapshot length, units per second, offset in ns."""

    def parse(self, data: bytes, base: int, packets: list[Packet], *, final: bool) -> tuple[int, int]:
        """See `Framing.parse`."""
        place = 0
        size = len(data)
        while True:
            if size - place < 12:
                if not final or place == size:
                    return place, 12
                if self.lost_at < 0:
                    self._lose(base + place)
                self.counters.skipped_bytes += size - place
                return size, 12
            length, u32 = self._measure(data, place)
            end = place + length
            if length and end > size and not final:
                return place, length
            if length and end <= size and u32(data, end - 4)[0] == length:
                self.lost_at = -1
                self._block(data, place, end, base + end, packets)
                place = end
                continue
            if self.lost_at < 0:
                self._lose(base + place)
            # Blocks are aligned to 4 bytes of the file.
            step = min(4 - (base + place) % 4, size - place)
            self.counters.skipped_bytes += step
            place += step

    def _measure(self, data: bytes, place: int) -> tuple[int, Callable[..., tuple[Any, ...]]]:
        """The length of the block at `place`, 0 when it cannot be one, and how to read its integers."""
        u32 = self._u32
        kind = u32(data, place)[0]
        if kind == _SECTION:
            # The only block that may change the byte order, from its own length on.
            order = _ORDERS.get(data[place + 8 : place + 12])
            if order is None:
                return 0, u32
            u32 = Struct(order + "I").unpack_from
        elif self.lost_at >= 0 and kind not in _KNOWN_BLOCKS:
            return 0, u32
        length = int(u32(data, place + 4)[0])
        least = 12 + _BODY_LEAST.get(kind, 0)
        return (length if least <= length <= BLOCK_BYTES_MAX and length % 4 == 0 else 0), u32

    def _set_order(self, order: str) -> None:
        self._order = order
        self._u16 = Struct(order + "H").unpack_from
        self._u32 = Struct(order + "I").unpack_from
        self._i64 = Struct(order + "q").unpack_from
        self._enhanced = Struct(order + "IIIII").unpack_from
        self._old = Struct(order + "HHIIII").unpack_from

    def _block(self, data: bytes, start: int, end: int, offset_after: int, packets: list[Packet]) -> None:
        kind = self._u32(data, start)[0]
        body = start + 8
        if kind == _ENHANCED_PACKET:
            interface, high, low, captured, _ = self._enhanced(data, body)
            self._packet(interface, high << 32 | low, data, body + 20, captured, end, offset_after, packets)
        elif kind == _OLD_PACKET:
            interface, _, high, low, captured, _ = self._old(data, body)
            self._packet(interface, high << 32 | low, data, body + 20, captured, end, offset_after, packets)
        elif kind == _SIMPLE_PACKET:
            snapshot = self._interfaces[0][1] if self._interfaces else 0
            captured = min(self._u32(data, body)[0], end - 8 - body, snapshot or RECORD_BYTES_MAX)
            self._packet(0, None, data, body + 4, captured, end, offset_after, packets)
        elif kind == _INTERFACE:
            self._describe(data, body, end - 4)
        elif kind == _SECTION:
            self._set_order(_ORDERS[data[body : body + 4]])
            self._interfaces.clear()

    def _packet(
        self,
        interface: int,
        units: int | None,
        data: bytes,
        start: int,
        captured: int,
        block_end: int,
        offset_after: int,
        packets: list[Packet],
    ) -> None:
        if interface >= len(self._interfaces) or start + captured > block_end - 4:
            self.counters.records += 1
            self.counters.malformed += 1
            return
        link, _, per_second, offset_ns = self._interfaces[interface]
        time_ns = 0 if units is None else units * _SECOND_NS // per_second + offset_ns
        self._keep(link, time_ns, data, start, start + captured, offset_after, packets)

    def _describe(self, data: bytes, body: int, end: int) -> None:
        """Take an interface description: link type, snapshot length, and its clock's options."""
        if len(self._interfaces) >= INTERFACES_MAX:
            self.counters.malformed += 1
            return
        per_second, offset_s = 1_000_000, 0
        option = body + 8
        while option + 4 <= end:
            code, length = self._u16(data, option)[0], self._u16(data, option + 2)[0]
            value = option + 4
            if code == 0 or value + length > end:
                break
            if code == _OPTION_RESOLUTION and length >= 1:
                power = data[value] & 0x7F
                per_second = 1 << power if data[value] & 0x80 else 10**power
            elif code == _OPTION_OFFSET and length >= 8:
                offset_s = self._i64(data, value)[0]
            option = value + (length + 3) // 4 * 4
        self._interfaces.append(
            (self._u16(data, body)[0], self._u32(data, body + 4)[0], per_second, offset_s * _SECOND_NS)
        )
