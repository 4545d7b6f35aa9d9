"""The spoilt recordings are spoilt as they say, and what is left of them is known."""

import random

import pytest

from proofs import reference, spoiling
from proofs.captures import Packet, Segment, pcap, with_payload
from proofs.spoiling import RECOVERABLE, Spoilt
from tests.proofs.test_captures import FRAME
from tests.proofs.test_reference import QUOTE, TRADE

HALT = bytes.fromhex("4848ac63c02096866d145a4945585420202054312020")
SEGMENTS = 400


def packets() -> list[Packet]:
    """Segments of three messages each, with a heartbeat now and then."""
    made, first = [], 1
    for place in range(SEGMENTS):
        held = [] if place % 50 == 49 else [QUOTE, TRADE, HALT]
        segment = Segment(1, 0, 0x8003, 1, 1, 0, 0, 0, first, 0, ()).holding(held)
        made.append(Packet(place, with_payload(FRAME, segment.pack())))
        first += len(held)
    return made


def spoilt(name: str, seed: int = 7) -> Spoilt:
    """The packets, spoilt."""
    return RECOVERABLE[name](packets(), random.Random(seed))


@pytest.mark.parametrize("name", sorted(RECOVERABLE))
def test_each_damage_is_done_and_repeatable(name: str) -> None:
    """Something was damaged; the same seed damages the same."""
    one = spoilt(name)
    assert one.places > 0
    assert one == spoilt(name)
    assert one.data != spoilt(name, seed=8).data


@pytest.mark.parametrize("name", ["garbage", "foreign_frames", "wrong_version", "repeated", "grown"])
def test_some_damages_cost_nothing(name: str) -> None:
    """What was put in between, or at the end of messages, leaves all ticks where they are."""
    assert reference.read_segments(spoilt(name).segments).messages == {"Q": 392, "T": 392, "H": 392}


@pytest.mark.parametrize("name", ["shortened", "nonsense", "unknown_types"])
def test_a_damaged_message_costs_itself(name: str) -> None:
    """As many messages are gone as were damaged, and the sequence has no gap."""
    made = spoilt(name)
    left = reference.read_segments(made.segments)
    assert left.messages.total() == 3 * 392 - made.places
    assert left.gaps == 0


@pytest.mark.parametrize("name", ["lost", "broken_framing"])
def test_a_lost_segment_leaves_a_gap(name: str) -> None:
    """What went with the segment is missing from the sequence."""
    made = spoilt(name)
    left = reference.read_segments(made.segments)
    assert left.messages.total() == 3 * (392 - made.places)
    assert left.gaps == 3 * made.places


def test_a_cut_file_ends_within_a_packet() -> None:
    """Everything before the cut is there, and a rest that is no packet."""
    made = spoilt("cut")
    kept = len(made.segments)
    assert made.segments == spoiling.segments_of(packets()[:kept])
    assert made.data.startswith(pcap(packets()[:kept]))
    assert pcap(packets()[: kept + 1]).startswith(made.data)
    assert len(pcap(packets()[:kept])) < len(made.data) < len(pcap(packets()[: kept + 1]))


def test_flipped_bytes_keep_the_length() -> None:
    """Only the file's header is spared."""
    sound = pcap(packets())
    damaged = spoiling.flipped(packets(), random.Random(7))
    assert len(damaged) == len(sound)
    assert damaged[:24] == sound[:24]
    assert damaged != sound
