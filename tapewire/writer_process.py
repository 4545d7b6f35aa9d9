"""Keeps the writer process running: the part of the system that moves the tape into the store.

A shell. The writer dies with us (it watches its standard input) and is started again when
it dies, after a wait that grows while it keeps dying.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from config.settings import Settings
from storage.child import ChildSettings, child_command, child_environment
from storage.process import EXIT_UNUSABLE
from tapewire.errors import StartError

log = structlog.get_logger()

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MOST_S: Final = 5.0
STEADY_S: Final = 10.0
"""A writer that lived this long was well: the next wait is the first one again."""


class WriterProcess:
    """Runs `command` for as long as `run` does."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.alive = False
        self.starts = 0
        self._command = list(command)
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Of the running writer; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    async def run(self) -> None:
        """Start the writer, and start it again when it dies, until cancelled.

        Raises:
            StartError: the writer says that starting it again is of no use.
        """
        loop = asyncio.get_running_loop()
        backoff_s = BACKOFF_FIRST_S
        while True:
            started = loop.time()
            code = await self._run_once()
            if code == EXIT_UNUSABLE:
                raise StartError(["the writer cannot use the store; its own line says why"])
            if loop.time() - started >= STEADY_S:
                backoff_s = BACKOFF_FIRST_S
            log.warning("writer ended", code=code, again_in_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MOST_S)

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, env=self._environment
        )
        self.starts += 1
        self.alive = True
        try:
            return await self._process.wait()
        finally:
            self.alive = False
            await self._end(self._process)
            self._process = None

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End a writer that still runs: it commits what it has."""
        if process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(BACKOFF_MOST_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def writer_process(settings: Settings, data_dir: Path) -> WriterProcess:
    """The writer of a data folder, ready to `run`."""
    child = ChildSettings(settings.storage, settings.tape.boot_id_path, settings.tape, settings.log)
    return WriterProcess(child_command("tapewire.writer_main", data_dir), child_environment(child))
