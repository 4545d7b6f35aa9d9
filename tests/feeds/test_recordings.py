"""Recordings on disk: plain, gzip, zstd, damaged, endless."""

import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from feeds.errors import RecordingError
from feeds.recordings import CHUNK_BYTES, KEY_BYTES, Recording, file_key

CONTENT = b"".join(b"%07d\n" % number for number in range(60_000))


def read_all(path: Path) -> tuple[bytes, str, int]:
    """Content, damage and the longest chunk of a recording."""
    recording = Recording(path)
    chunks = list(iter(recording.read, b""))
    recording.close()
    return b"".join(chunks), recording.damage, max(map(len, chunks), default=0)


def plain(data: bytes) -> bytes:
    """Not packed at all."""
    return data


def two_members(data: bytes) -> bytes:
    """Two gzip files joined, with the padding that tapes add."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:]) + bytes(512)


def zstd(data: bytes) -> bytes:
    """A zstd file with a checksum, as the command writes it."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def two_frames(data: bytes) -> bytes:
    """Two zstd frames joined."""
    half = len(data) // 2
    return zstd(data[:half]) + zstd(data[half:])


PACKERS: list[Callable[[bytes], bytes]] = [plain, gzip.compress, two_members, zstd, two_frames]


@pytest.mark.parametrize("pack", PACKERS)
def test_the_content_comes_out_whatever_it_is_packed_in(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """The first bytes say how it is packed; the name says nothing."""
    path = tmp_path / "anything.txt"
    path.write_bytes(pack(CONTENT))
    content, damage, longest = read_all(path)
    assert content == CONTENT
    assert damage == ""
    assert longest <= 2 * CHUNK_BYTES


@pytest.mark.parametrize("pack", PACKERS[1:])
def test_a_cut_file_gives_what_is_left_and_says_so(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Everything that can be unpacked before the cut comes out."""
    path = tmp_path / "cut"
    packed = pack(CONTENT).rstrip(b"\0")
    path.write_bytes(packed[: len(packed) - 9])
    content, damage, _ = read_all(path)
    assert damage == "its compression ends early"
    assert content
    assert CONTENT.startswith(content)


@pytest.mark.parametrize("pack", PACKERS[1:])
def test_a_damaged_file_gives_what_was_before_the_damage(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """Damage ends the file, with the reason; it does not raise."""
    path = tmp_path / "damaged"
    packed = bytearray(pack(CONTENT))
    packed[-1_000:-900] = bytes(100)
    path.write_bytes(packed)
    _, damage, _ = read_all(path)
    assert damage.startswith("its compression ")


def test_garbage_behind_a_gzip_member_is_damage(tmp_path: Path) -> None:
    """What follows a member is another member, padding, or told."""
    path = tmp_path / "tail"
    path.write_bytes(gzip.compress(CONTENT) + b"garbage")
    content, damage, _ = read_all(path)
    assert content == CONTENT
    assert damage.startswith("its compression ")


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    """No bytes are no damage; that they are no capture is for the capture's reader to say."""
    path = tmp_path / "empty"
    path.touch()
    assert read_all(path) == (b"", "", 0)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_file_that_unpacks_to_gigabytes_is_read_in_pieces(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """A bomb costs bounded memory: 32 MiB at most at a time."""
    path = tmp_path / "bomb"
    path.write_bytes(pack(bytes(200_000_000)))
    recording = Recording(path)
    total = longest = 0
    while chunk := recording.read():
        total += len(chunk)
        longest = max(longest, len(chunk))
    recording.close()
    assert total == 200_000_000
    assert longest <= 32 * 1024 * 1024


def test_a_closed_recording_gives_nothing_more(tmp_path: Path) -> None:
    """Closing twice is fine, and a read after it is the end."""
    path = tmp_path / "plain"
    path.write_bytes(CONTENT)
    recording = Recording(path)
    assert recording.read() == CONTENT[:CHUNK_BYTES]
    recording.close()
    recording.close()
    assert recording.read() == b""


def test_closing_waits_for_a_read_in_another_thread(tmp_path: Path) -> None:
    """However a reader and a closer meet, the reader gets content or the end, and no error."""
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(CONTENT))
    for _ in range(20):
        recording = Recording(path)
        chunks: list[bytes] = []
        reader = threading.Thread(target=lambda r=recording, c=chunks: c.extend(iter(r.read, b"")))
        reader.start()
        recording.close()
        reader.join(10)
        assert not reader.is_alive()
        assert CONTENT.startswith(b"".join(chunks))
        assert recording.damage == ""


@pytest.mark.parametrize("what", ["missing", "folder", "unreadable"])
def test_what_cannot_be_opened_is_refused_by_name(tmp_path: Path, what: str) -> None:
    """The error names the file and the reason."""
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "unreadable":
        path.write_bytes(b"x")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read every file")
    with pytest.raises(RecordingError, match=what):
        Recording(path)
    with pytest.raises(RecordingError, match=what):
        file_key(path)


def test_a_file_that_cannot_be_read_ends_and_says_why() -> None:
    """A disk that fails ends the recording like any other damage."""
    path = Path("/proc/self/mem")
    if not path.is_file():
        pytest.skip("this system has no file that opens and cannot be read")
    content, damage, _ = read_all(path)
    assert (content, damage) == (b"", "reading it failed (Input/output error)")
    with pytest.raises(RecordingError, match="mem"):
        file_key(path)


def test_a_key_names_the_content_and_not_the_file(tmp_path: Path) -> None:
    """A renamed copy has the same key; a change at either end, or of the size, another."""
    content = b"a" + os.urandom(3 * KEY_BYTES - 2) + b"a"  # so that an x at either end is a change
    variants = [content, content + b"x", b"x" + content[1:], content[:-1] + b"x", b"", b"x"]
    variants += [bytes(3 * KEY_BYTES), bytes(4 * KEY_BYTES)]
    keys = []
    for number, variant in enumerate(variants):
        path = tmp_path / str(number)
        path.write_bytes(variant)
        keys.append(file_key(path))
    copy = tmp_path / "copy.pcap"
    copy.write_bytes(content)
    assert file_key(copy) == keys[0]
    assert len(set(keys)) == len(keys)
    for key in keys:
        prefix, digest = key.split(":")
        assert prefix == "replay"
        assert len(bytes.fromhex(digest)) == 12
