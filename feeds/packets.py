"""What a recording is made of: packets, and what became of the rest of it."""

from msgspec import Struct


class Packet(Struct, frozen=True, gc=False):
    """One UDP datagram of a recording."""

    time_ns: int
    """When it was captured, ns UTC; 0 when the recording never said a time."""
    payload: bytes
    offset_after: int
    """Byte of the uncompressed file just behind it: reading goes on there."""


class CaptureCounters(Struct):
    """What a reader has found in a recording: plain integers that only rise.

    Each record is counted once in `datagrams` or in one of the reasons below it.
    """

    records: int = 0
    """Captured frames."""
    datagrams: int = 0
    """Frames that held a whole UDP datagram."""
    not_udp: int = 0
    """Frames of other protocols."""
    fragments: int = 0
    """IP fragments, which are not put together."""
    cut: int = 0
    """Frames of which the capture kept too little."""
    malformed: int = 0
    """Frames whose lengths contradict each other, or of an interface never described."""
    unknown_link: int = 0
    """Frames of a link layer that we do not read."""
    untimed: int = 0
    """Frames without a usable capture time; they take that of the frame before them."""
    damages: int = 0
    """Places where the next record could not be found at once."""
    skipped_bytes: int = 0
    """Bytes passed over in looking for it."""
