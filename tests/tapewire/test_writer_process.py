"""The writer is started, started again, and ended."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Settings
from tapewire.errors import StartError
from tapewire.writer_process import WriterProcess, writer_process

SLEEPER = [sys.executable, "-c", "import sys; sys.stdin.read()"]


async def until(condition: Callable[[], bool]) -> None:
    """Wait, for a bounded time, until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.01)


async def test_a_writer_that_dies_is_started_again() -> None:
    """A new process, and it is counted."""
    writer = WriterProcess(SLEEPER)
    running = asyncio.create_task(writer.run())
    await until(lambda: writer.alive)
    first = writer.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: writer.starts == 2 and writer.alive)
    assert writer.pid != first
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not writer.alive
    assert writer.pid == 0


async def test_leaving_ends_the_writer() -> None:
    """Nothing is left running when the task is cancelled, not even one that ignores SIGTERM at first."""
    writer = WriterProcess(SLEEPER)
    running = asyncio.create_task(writer.run())
    await until(lambda: writer.alive)
    pid = writer.pid
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_store_that_cannot_be_used_ends_the_service() -> None:
    """The writer's own exit code for that is not answered by starting it again."""
    writer = WriterProcess([sys.executable, "-c", "raise SystemExit(78)"])
    with pytest.raises(StartError, match="store"):
        await asyncio.wait_for(writer.run(), 20)
    assert writer.starts == 1


def test_the_command_holds_no_setting(tmp_path: Path) -> None:
    """Arguments can be read by everybody on the machine: only the data folder is among them."""
    writer = writer_process(Settings(), tmp_path)
    assert str(tmp_path) in writer._command
    assert not [argument for argument in writer._command if "sqlite" in argument]
