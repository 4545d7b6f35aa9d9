"""Names and headers of files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tape import segment
from tape.errors import FormatError, NewerFormat
from tape.segment import SegmentHeader, TapeFile, decode_header, encode_header

ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=36)
headers = st.builds(SegmentHeader, st.integers(0, 2**53), st.integers(0, 2**63), ids, ids, st.booleans())


@given(headers)
def test_headers_come_back_as_they_were_made(header: SegmentHeader) -> None:
    """In a fixed number of bytes."""
    data = encode_header(header)
    assert len(data) == segment.HEADER_BYTES
    assert decode_header(data) == header


@given(headers, st.integers(0, 107), st.integers(0, 7))
def test_a_flipped_bit_is_damage_and_never_another_header(header: SegmentHeader, at: int, bit: int) -> None:
    """Not even one in the version number, which would otherwise look like a newer format."""
    data = bytearray(encode_header(header))
    data[at] ^= 1 << bit
    with pytest.raises(FormatError) as caught:
        decode_header(bytes(data))
    assert not isinstance(caught.value, NewerFormat)


def newer(header: SegmentHeader) -> bytes:
    """The header of a later version, sound."""
    import struct
    import zlib

    data = bytearray(encode_header(header))
    struct.pack_into("<H", data, 8, segment.VERSION + 1)
    crc_at = segment._HEADER.size - 4
    struct.pack_into("<I", data, crc_at, zlib.crc32(data[:crc_at]))
    return bytes(data)


def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    """The message says which file and which version."""
    path = tmp_path / "00000000000000000007.seg"
    path.write_bytes(newer(SegmentHeader(7, 1, "boot", "tape")))
    with pytest.raises(NewerFormat, match=r"0007\.seg: format 2 is newer .* \(1\)"):
        segment.read_header(TapeFile(7, path, False))


@pytest.mark.parametrize("data", [b"", b"x" * 127, b"x" * 128, bytes(128)])
def test_what_is_no_header_is_an_error(data: bytes) -> None:
    """Short, foreign and empty bytes."""
    with pytest.raises(FormatError):
        decode_header(data)


def make(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch()


def test_files_are_listed_in_the_order_of_their_marks(tmp_path: Path) -> None:
    """Journal and archive together; of two with the same mark the segment counts."""
    make(
        tmp_path,
        "journal/00000000000000000030.seg", "journal/00000000000000000020.seg",
        "archive/00000000000000000010.arc", "archive/00000000000000000020.arc",
        "journal/00000000000000000040.new", "journal/notes.seg", "journal/²³.seg", "archive/5.seg",
    )  # fmt: skip
    assert [(file.first_m, file.archived) for file in segment.list_files(tmp_path)] == [
        (10, True), (20, False), (30, False),
    ]  # fmt: skip
    assert segment.list_drafts(tmp_path / "journal") == [tmp_path / "journal/00000000000000000040.new"]


def test_a_folder_without_files_has_none(tmp_path: Path) -> None:
    """Nor need the folders be there."""
    assert segment.list_files(tmp_path) == []
    assert segment.list_drafts(tmp_path / "journal") == []


def test_the_following_file_is_found_in_journal_and_archive(tmp_path: Path) -> None:
    """Also for a file that was itself archived or retired after it had been opened."""
    make(tmp_path, *(f"journal/{m:020}.seg" for m in (30, 40)), *(f"archive/{m:020}.arc" for m in (10, 20)))
    files = segment.list_files(tmp_path)
    for file, following in zip(files, [*files[1:], None], strict=True):
        assert segment.following_file(tmp_path, file) == following
    gone = TapeFile(15, tmp_path / "journal/00000000000000000015.seg", False)
    assert segment.following_file(tmp_path, gone) == files[1]
