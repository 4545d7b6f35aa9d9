"""What a recording is made of."""

import msgspec
import pytest

from feeds.datagrams import Refusal
from feeds.packets import CaptureCounters, Packet


def test_each_refusal_of_a_frame_has_its_counter() -> None:
    """A frame that gives no datagram is counted under its reason, so each reason needs a field."""
    assert {refusal.value for refusal in Refusal} <= set(msgspec.structs.asdict(CaptureCounters()))


def test_a_packet_cannot_be_changed() -> None:
    """Packets are values."""
    packet = Packet(1, b"x", 2)
    with pytest.raises(AttributeError):
        packet.time_ns = 3  # type: ignore[misc]
