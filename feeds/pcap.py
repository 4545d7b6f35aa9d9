"""Read packet captures, whatever chunks they come in: pcap and pcapng.

A core: bytes in, packets out. Which format it is say the file's first bytes, never its
name (among the exchange's files, `.pcap.gz` may be pcapng inside, and the other way round).
"""

from typing import Final

from feeds.captures import BLOCK_MAGIC, CLASSIC_MAGIC, HEAD_BYTES, BlockCapture, ClassicCapture, Framing
from feeds.errors import RecordingError
from feeds.packets import CaptureCounters, Packet

__all__ = ["CaptureCounters", "Packet", "PcapReader"]


class PcapReader:
    """Push the bytes of a capture in, take its UDP datagrams out.

    Memory is bounded by one record (4 MiB at most) and the chunk given. Any cutting of the
    file into chunks gives the same packets.

    Arguments:
        skip_to: do not give out packets that end at or before this byte of the
            uncompressed file (see `Packet.offset_after`); they are still counted, so a
            reader that goes on where another stopped ends with the same counters.
    """

    def __init__(self, skip_to: int = 0) -> None:
        self.counters: Final = CaptureCounters()
        self.damage: str = ""
        """After `finish`: what is wrong with the file, in words; empty when nothing is."""
        self._skip_to = skip_to
        self._framing: Framing | None = None
        self._chunks: list[bytes] = []
        self._held = 0
        self._need = HEAD_BYTES
        self._offset = 0

    @property
    def offset(self) -> int:
        """Byte of the uncompressed file up to which everything has been dealt with."""
        return self._offset

    def feed(self, data: bytes) -> list[Packet]:
        """Take the next bytes of the file; return the packets that are now complete.

        Raises:
            RecordingError: the file does not begin like a capture, or is of an unknown version.
        """
        self._chunks.append(data)
        self._held += len(data)
        if self._held < self._need:
            return []
        return self._parse(final=False)

    def finish(self) -> list[Packet]:
        """Say that the file has ended; return what its last bytes still hold.

        A last record that was cut short is not an error: everything before it has been
        given out, and `damage` says so.

        Raises:
            RecordingError: the file is too short to be a capture.
        """
        packets = self._parse(final=True)
        found = self.counters
        framing = self._framing
        tail = 0
        if framing is None:
            found.damages += 1
            found.skipped_bytes += self._offset
            tail = self._offset
        elif framing.lost_at >= 0:
            tail = self._offset - framing.lost_at
        problems = []
        if tail:
            problems.append(f"the last {tail} bytes hold no whole record")
        elsewhere = found.skipped_bytes - tail
        if elsewhere:
            problems.append(f"{elsewhere} bytes before that are damaged")
        self.damage = "; ".join(problems)
        return packets

    def _parse(self, *, final: bool) -> list[Packet]:
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        packets: list[Packet] = []
        done, need = 0, 0
        if self._framing is None:
            self._framing, done = self._begin(data)
        if self._framing is None:
            done = len(data)
        else:
            parsed, need = self._framing.parse(data[done:], self._offset + done, packets, final=final)
            done += parsed
        self._offset += done
        rest = data[done:]
        self._chunks = [rest]
        self._held = len(rest)
        self._need = max(need, len(rest) + 1)
        return packets

    def _begin(self, data: bytes) -> tuple[Framing | None, int]:
        """Choose the reader by the first bytes, and say how many of them it has used up."""
        magic = data[:4]
        if magic in CLASSIC_MAGIC:
            if len(data) < HEAD_BYTES:
                return None, 0
            return ClassicCapture(data, self.counters, self._skip_to), HEAD_BYTES
        if magic == BLOCK_MAGIC:
            if len(data) < HEAD_BYTES:
                return None, 0
            # The first block is read again, as a block like any other.
            return BlockCapture(data, self.counters, self._skip_to), 0
        raise RecordingError("not a packet capture: " + (f"begins with {magic.hex()}" if data else "empty"))
