"""Keeps the tape's folder small, beside the writer: sealed segments are compressed, old files go.

In the writer's process, because that has no clients to keep waiting, and because its lock makes
it the only one; in a thread of it, because a segment takes seconds. Only what the store has made
safe from power cuts is touched. Each step leaves the tape whole, so the thread may die at any
moment with its process.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from config.settings import TapeSettings
from tape.archive import archive_sealed, retire
from tape.errors import TapeError

EVERY_SECONDS: Final = 2.0

log = structlog.get_logger()


class Upkeep:
    """Archives and retires the tape's files every `EVERY_SECONDS`.

    Args:
        directory: the tape's data folder.
        settings: `[tape]`.
        safe_m: gives the mark up to which everything is in the store, also after a power cut.
        wall_ns: gives the time, ns UTC.
    """

    def __init__(
        self,
        directory: Path,
        settings: TapeSettings,
        safe_m: Callable[[], int],
        wall_ns: Callable[[], int],
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._safe_m = safe_m
        self._wall_ns = wall_ns
        self._ended = threading.Event()
        self._failing = ""

    def start(self) -> None:
        """Begin, in a thread that ends with the process if it is not told before."""
        threading.Thread(target=self._run, name="upkeep", daemon=True).start()

    def end(self) -> None:
        """Begin nothing new."""
        self._ended.set()

    def once(self) -> None:
        """Archive what is sealed and stored, and delete what is too old or too much.

        A disk that refuses is told once, and tried again with the next call.
        """
        safe_m = self._safe_m()
        try:
            archived = archive_sealed(self._directory, safe_m, self._settings)
            retired = retire(self._directory, safe_m, self._settings, self._wall_ns())
        except (OSError, TapeError) as error:
            if str(error) != self._failing:
                log.warning("the tape's old files stay as they are; trying again", error=str(error))
            self._failing = str(error)
            return
        self._failing = ""
        if archived or retired:
            log.info("tape kept small", archived=archived, retired=retired, safe=safe_m)

    def _run(self) -> None:
        # At once, so that a writer that never lives long keeps the folder small all the same.
        while not self._ended.is_set():
            self.once()
            self._ended.wait(EVERY_SECONDS)
