"""The secret key that signs cursors: 32 random bytes in the data folder, for its owner alone."""

import os
import secrets
from pathlib import Path
from typing import Final

from storage.cursor import KEY_BYTES
from storage.errors import KeyFileBroken

FILE_NAME: Final = "cursor.key"


def load_key(data_dir: Path) -> bytes:
    """The key of a data folder, made when there is none yet. Several processes may ask at once.

    Raises:
        KeyFileBroken: the file is there but holds no key.
        OSError: it cannot be read or made.
    """
    path = data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise KeyFileBroken(f"{path} has {len(secret)} bytes instead of {KEY_BYTES}; delete it")
    return secret


def _make(path: Path) -> None:
    """Put a new key in place whole, unless somebody was faster."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass  # theirs is as good as ours, and everybody reads the same one
    finally:
        unfinished.unlink()
