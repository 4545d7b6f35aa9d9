"""Real tapes and real processes of the store, for the tests of the shells."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from config.settings import StorageSettings, TapeSettings
from storage.child import ChildSettings, child_command, child_environment
from storage.contract import Row, ScanQuery
from storage.memory import MemoryStore
from storage.sqlite.reader import SqliteReader
from tape.batch import Batch
from tape.tape import Tape
from tests.storage.making import NOON, quote, trade, walk
from ticks.kinds import FAMILIES
from ticks.model import Tick

BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"
WAIT_SECONDS = 30.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, for a bounded time."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.002)


def open_tape(data_dir: Path) -> Tape:
    """A tape in `data_dir`."""
    return Tape(TapeSettings(sync_interval_ms=1), data_dir, NOON)


def some_ticks(first: int, count: int) -> list[Tick]:
    """Trades and quotes of some symbols, one after the other."""
    ticks: list[Tick] = []
    for number in range(first, first + count):
        symbol, ts_event = f"S{number % 7}", NOON + number
        ticks.append(trade(symbol, ts_event, number + 1) if number % 3 == 0 else quote(symbol, ts_event))
    return ticks


def publish(tape: Tape, ticks: Sequence[Tick], batch_ticks: int = 100) -> list[Batch]:
    """Number ticks in batches and make them durable."""
    batches = []
    for first in range(0, len(ticks), batch_ticks):
        batch = tape.publish("", list(ticks[first : first + batch_ticks]), None, NOON + 10**9)
        assert batch is not None
        batches.append(batch)
    tape.flush()
    return batches


def model_of(batches: Sequence[Batch]) -> dict[str, list[Row]]:
    """What the store must hold in the end, by family."""
    store = MemoryStore()
    store.write(batches, 2**40)
    return {family: store.scan(ScanQuery(family, 2**40, limit=1_000_000)).rows for family in FAMILIES}


def stored_in(data_dir: Path) -> dict[str, list[Row]]:
    """What the store holds as of its checkpoint, by family."""
    reader = SqliteReader(data_dir / "store")
    found = {family: walk(reader, ScanQuery(family, reader.stored_m())) for family in FAMILIES}
    reader.close()
    return found


class WriterRun:
    """One writer process and what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: Path) -> None:
        self.process = process
        self._said = said

    def lines(self) -> list[dict[str, object]]:
        """The lines of its standard error."""
        return [json.loads(line) for line in self._said.read_text().splitlines() if line.endswith("}")]

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def writer_process(
    data_dir: Path, settings: StorageSettings | None = None, child: ChildSettings | None = None
) -> Iterator[WriterRun]:
    """A running writer; killed at the end if it still runs."""
    said = data_dir / f"writer-{time.monotonic_ns()}.log"
    if child is None:
        child = ChildSettings(settings or StorageSettings(round_rows=500, round_ms=5), BOOT_ID_PATH)
    with said.open("wb") as errors:
        process = subprocess.Popen(
            child_command("storage.process", data_dir),
            stdin=subprocess.PIPE, stderr=errors, env=child_environment(child),
        )  # fmt: skip
    try:
        yield WriterRun(process, said)
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        sys.stdout.flush()
