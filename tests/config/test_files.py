"""Reading small text files."""

import os
from pathlib import Path

import pytest

from config.files import FILE_BYTES_MAX, UnreadableFile, is_world_readable, read_text


def test_utf8_with_and_without_a_mark_is_text(tmp_path: Path) -> None:
    """Editors on some systems put a byte-order mark in front."""
    file = tmp_path / "a"
    file.write_bytes("µ = 1\n".encode())
    assert read_text(file) == "µ = 1\n"
    file.write_bytes(b"\xef\xbb\xbf" + "µ = 1\n".encode())
    assert read_text(file) == "µ = 1\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a = 1".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("a = 1".encode("utf-16-be"), "has NUL bytes"),
        (b"a = 1\0", "has NUL bytes"),
        (b"a = \xff1", r"is not UTF-8 text \(byte 4\)"),
        (b" " * (FILE_BYTES_MAX + 1), "is longer than 1048576 bytes"),
    ],
)
def test_what_is_not_short_utf8_text_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """Each with its reason, none with its content."""
    file = tmp_path / "a"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=why):
        read_text(file)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, a device, a pipe that nobody writes to, an impossible name."""
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path / "missing", "no such file or directory"),
        (tmp_path, "is not a regular file"),
        (Path(os.devnull), "is not a regular file"),
        (tmp_path / "pipe", "is not a regular file"),
        (Path("a\0b"), "has a name that no file can have"),
        (tmp_path / "file" / "below", "no such file or directory"),
    ):
        with pytest.raises(UnreadableFile, match=why):
            read_text(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """The reason is the system's."""
    file = tmp_path / "a"
    file.touch(mode=0o000)
    with pytest.raises(UnreadableFile, match="permission denied"):
        read_text(file)


def test_a_file_is_world_readable_by_its_mode(tmp_path: Path) -> None:
    """Only the bit for others counts; a missing file is not readable."""
    file = tmp_path / "a"
    file.touch()
    file.chmod(0o640)
    assert not is_world_readable(file)
    file.chmod(0o604)
    assert is_world_readable(file)
    assert not is_world_readable(tmp_path / "missing")
