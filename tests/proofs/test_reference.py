"""The independent reader: the golden bytes of the protocol page, and the recordings' known counts."""

import pytest

from proofs import reference
from proofs.aims import ProofError
from proofs.captures import Segment
from proofs.lib import recordings
from proofs.reference import Quote, Recording, Trade

QUOTE = bytes.fromhex("5100ac63c02096866d145a49455854202020e4250000241d0f0000000000ec1d0f0000000000e8030000")
TRADE = bytes.fromhex("5400c3dff705a2866d145a4945585420202064000000241d0f0000000000968f060000000000")
SYSTEM = bytes.fromhex("534500a09997e93db614")


def recording(*segments: tuple[int, list[bytes]]) -> Recording:
    """What is read from segments: the first sequence number and the messages of each."""
    empty = Segment(1, 0, 0x8003, 1, 1, 0, 0, 0, 0, 0, ())
    return reference.read_segments(empty._replace(first=first).holding(held) for first, held in segments)


def test_golden_messages_are_read_in_our_units() -> None:
    """The quote and trade of the specification come out with 1e-9 prices and 1e-6 sizes."""
    found = recording((1, [QUOTE, TRADE]), (3, []), (3, [SYSTEM]))
    assert found.quotes == [
        Quote("ZIEXT", 1471980632572715948, 99_050_000_000, 9_700_000_000, 99_070_000_000, 1_000_000_000)
    ]
    assert found.trades == [Trade("ZIEXT", 1471980683662974915, 99_050_000_000, 100_000_000, 429974)]
    assert found.messages == {"Q": 1, "T": 1, "S": 1}
    assert (found.gaps, found.heartbeats, found.symbols) == (0, 1, {"ZIEXT"})


def test_missing_sequence_numbers_are_counted() -> None:
    """A jump of the sequence is a gap of as many messages."""
    assert recording((1, [SYSTEM]), (5, [SYSTEM])).gaps == 3


def test_the_lab_recording_has_its_published_counts() -> None:
    """Read independently, the 2017 lab recording is what its description says."""
    try:
        path = recordings() / "iex" / "20170710_TOPS1.6_lab.pcap.gz"
    except ProofError as error:
        pytest.skip(str(error))
    found = reference.read(path)
    assert (len(found.quotes), len(found.trades), len(found.breaks), len(found.symbols)) == (
        27217,
        6390,
        3,
        7799,
    )
    assert (found.gaps, found.heartbeats, found.messages.total()) == (0, 237, 57674)
    assert sum(trade.size for trade in found.trades) == 1_427_907 * reference.SIZE
    value = sum(trade.price // reference.PRICE * (trade.size // reference.SIZE) for trade in found.trades)
    assert value == 693_942_768_200
