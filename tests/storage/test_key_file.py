"""The key that signs cursors."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.cursor import KEY_BYTES
from storage.errors import KeyFileBroken
from storage.key_file import FILE_NAME, load_key


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """Cursors stay valid over restarts; two hubs have different keys."""
    secret = load_key(tmp_path)
    assert len(secret) == KEY_BYTES
    assert load_key(tmp_path) == secret
    (tmp_path / "other").mkdir()
    assert load_key(tmp_path / "other") != secret
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [FILE_NAME]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """Whoever has it can make cursors."""
    load_key(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_all_who_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    """Only one of them makes it."""
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(load_key, [tmp_path] * 32))
    assert len(secrets) == 1


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    """Instead of signing with half a key."""
    (tmp_path / FILE_NAME).write_bytes(b"short")
    with pytest.raises(KeyFileBroken, match="5 bytes"):
        load_key(tmp_path)
