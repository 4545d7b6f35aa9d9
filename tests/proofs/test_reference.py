"""The independent reader: the golden bytes of the protocol page, and the recordings' known counts."""

import gzip
import struct
from pathlib import Path

import pytest

from proofs import reference
from proofs.aims import ProofError
from proofs.lib import recordings
from proofs.reference import Quote, Trade

QUOTE = bytes.fromhex("5100ac63c02096866d145a49455854202020e4250000241d0f0000000000ec1d0f0000000000e8030000")
TRADE = bytes.fromhex("5400c3dff705a2866d145a4945585420202064000000241d0f0000000000968f060000000000")
SYSTEM = bytes.fromhex("534500a09997e93db614")


def recording(folder: Path, *segments: tuple[int, list[bytes]]) -> Path:
    """A recording of segments: the first sequence number and the messages of each."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for first, messages in segments:
        payload = b"".join(struct.pack("<H", len(message)) + message for message in messages)
        header = struct.pack("<BBHIIHHqqq", 1, 0, 0x8003, 1, 1, len(payload), len(messages), 0, first, 0)
        udp = struct.pack(">HHHH", 1, 2, 8 + len(header + payload), 0) + header + payload
        frame = bytes(12) + b"\x08\x00" + b"\x45" + bytes(8) + b"\x11" + bytes(10) + udp
        data += struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
    path = folder / "sample.pcap.gz"
    path.write_bytes(gzip.compress(data))
    return path


def test_golden_messages_are_read_in_our_units(tmp_path: Path) -> None:
    """The quote and trade of the specification come out with 1e-9 prices and 1e-6 sizes."""
    found = reference.read(recording(tmp_path, (1, [QUOTE, TRADE]), (3, []), (3, [SYSTEM])))
    assert found.quotes == [
        Quote("ZIEXT", 1471980632572715948, 99_050_000_000, 9_700_000_000, 99_070_000_000, 1_000_000_000)
    ]
    assert found.trades == [Trade("ZIEXT", 1471980683662974915, 99_050_000_000, 100_000_000, 429974)]
    assert found.messages == {"Q": 1, "T": 1, "S": 1}
    assert (found.gaps, found.heartbeats, found.symbols) == (0, 1, {"ZIEXT"})


def test_missing_sequence_numbers_are_counted(tmp_path: Path) -> None:
    """A jump of the sequence is a gap of as many messages."""
    assert reference.read(recording(tmp_path, (1, [SYSTEM]), (5, [SYSTEM]))).gaps == 3


def test_an_unknown_container_is_refused(tmp_path: Path) -> None:
    """The reader was written for the recordings there are, and says when it is given others."""
    path = tmp_path / "other.gz"
    path.write_bytes(gzip.compress(b"\x0a\x0d\x0d\x0a" + bytes(60)))
    with pytest.raises(ValueError, match="classic"):
        reference.read(path)


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
