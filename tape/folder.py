"""The data folder is held by one process at a time, in one boot of one machine."""

import fcntl
import os
import uuid
from pathlib import Path
from typing import Final

from tape.errors import TapeLocked
from tape.segment import BOOT_ID_CHARS

LOCK_NAME: Final = "tape.lock"


def lock_folder(directory: Path) -> int:
    """Take the folder for this process, for as long as the returned descriptor is open.

    Raises:
        TapeLocked: another process has it.
        OSError: the lock's file cannot be made.
    """
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise TapeLocked(f"{directory} is in use by another tapewire process") from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_boot_id(path: Path) -> str:
    """What tells this boot of the machine from others; a machine that cannot tell boots each time."""
    boot_id = path.read_text("ascii", "replace").strip()[:BOOT_ID_CHARS]
    return boot_id or str(uuid.uuid4())
