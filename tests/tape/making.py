"""What the tests of the tape are made of: ticks, tapes in a folder, and what is read from them."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hypothesis import strategies as st
from msgspec import Struct, structs

from config.settings import TapeSettings
from tape.batch import Batch, SourcePosition
from tape.disk import Disk
from tape.frames import BATCH, Frame, scan
from tape.reader import Damage, TapeReader
from tape.segment import HEADER_BYTES
from tape.tape import Tape
from tests.ticks.strategies import any_tick
from ticks.channels import channel_of
from ticks.flags import BACKFILL
from ticks.model import FeedEvent, News, Quote, Tick, Trade

NOW_NS: Final = 1_784_000_000_000_000_000
SETTINGS: Final = TapeSettings(
    segment_bytes=8_192, sync_interval_ms=60_000, reserve_marks=1 << 16, table_rows=32, ring_ticks=4_096
)  # fmt: skip
"""Small segments, and a sync thread that does nothing unless it is asked."""


def quote(seq: int = 1, symbol: str = "AAPL", ts_recv: int = NOW_NS, conds: str = "R") -> Quote:
    """A quote; `seq` tells it from others."""
    return Quote(3, 86, symbol, ts_recv, 0, ts_recv, seq, 0, 10**9, 100, 2 * 10**9, 200, 86, 86, conds, 65)


def trade(
    seq: int = 1, symbol: str = "AAPL", ts_recv: int = NOW_NS, flags: int = 0, conds: str = "@"
) -> Trade:
    """A trade; `seq` tells it from others."""
    return Trade(3, 86, symbol, ts_recv, 0, ts_recv, seq, flags, 10**9, 10**6, seq, 65, conds, 7)


def news(seq: int = 1, headline: str = "", ts_recv: int = NOW_NS) -> News:
    """An article: a tick that does not fit a row."""
    return News(3, 0, "*", ts_recv, 0, ts_recv, seq, 0, str(seq), headline, "", "", "", "", 0, 0, ("AAPL",))


def backfilled(seq: int = 1, symbol: str = "AAPL") -> Trade:
    """A trade of the `!b` channel."""
    return trade(seq, symbol, flags=BACKFILL)


def position(value: int, key: str = "source") -> SourcePosition:
    """A position of a source."""
    return SourcePosition(key, str(value).encode())


def batch(first_m: int, ticks: Sequence[Tick], epoch: int = 1, lineup: str = "", **rest: object) -> Batch:
    """A batch as the sequencer might make it; channels are numbered by first appearance."""
    names: dict[str, int] = {}
    ids = [names.setdefault(str(channel_of(tick, lineup)), len(names)) for tick in ticks]
    at: SourcePosition | None = rest.get("position")  # type: ignore[assignment]
    return Batch(
        epoch, lineup, first_m, ids, [1 + ids[:i].count(x) for i, x in enumerate(ids)], list(ticks), at
    )


def names_of(made: Batch) -> list[str | None]:
    """Channel id → name, of a batch made by `batch`."""
    found: dict[int, str | None] = {}
    for channel_id, tick in zip(made.channel_ids, made.ticks, strict=True):
        found[channel_id] = str(channel_of(tick, made.lineup))
    return [found[channel_id] for channel_id in sorted(found)]


@contextmanager
def tape_in(
    folder: Path, settings: TapeSettings = SETTINGS, now_ns: int = NOW_NS, disk: Disk | None = None
) -> Iterator[Tape]:
    """A tape that is closed when the block is left."""
    tape = Tape(settings, folder, now_ns, disk=disk)
    try:
        yield tape
    finally:
        tape.close()


def kill(tape: Tape) -> None:
    """What the death of the process leaves: nothing is written, nothing synced, the folder is free."""
    tape.journal.abandon()
    tape.marks.close()
    os.close(tape._lock)


def fill(
    tape: Tape, ticks: int, each: int = 5, symbols: int = 7, start: int = 0, sync_ticks: int = 40
) -> int:
    """Publish quotes in batches of `each`, one ns apart, syncing now and then; return the last mark."""
    # Without a sync no segment would end: the next one begins with copies of what is not durable.
    last_m = 0
    for first in range(start, start + ticks, each):
        made: list[Tick] = [
            quote(seq, f"SYM{seq % symbols}", NOW_NS + seq)
            for seq in range(first, min(first + each, start + ticks))
        ]
        published = tape.publish("", made, position(first), NOW_NS + first)
        assert published is not None
        last_m = published.last_m
        if (first - start + each) % sync_ticks < each:
            tape.flush()
    return last_m


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is true, at most twenty seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        threading.Event().wait(0.001)


def read_all(folder: Path, up_to_m: int, after_m: int = 0) -> tuple[dict[int, Tick], list[Damage]]:
    """Mark → tick, and the holes, as a fresh reader finds them."""
    reader = TapeReader(folder)
    ticks: dict[int, Tick] = {}
    holes: list[Damage] = []
    for item in reader.read(after_m, up_to_m):
        if isinstance(item, Damage):
            holes.append(item)
        else:
            ticks.update(enumerate(item.ticks, item.first_m))
    reader.close()
    return ticks, holes


class Place(Struct, frozen=True):
    """Where a batch lies in its segment."""

    first_m: int
    last_m: int
    begin: int
    end: int


def places(path: Path) -> list[Place]:
    """The batches of a segment that have rows."""
    return [
        Place(item.first_m, item.first_m + item.count - 1, item.offset, item.end)
        for item in scan(path.read_bytes(), HEADER_BYTES)
        if isinstance(item, Frame) and item.kind == BATCH and item.count
    ]


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def gaps(ticks: dict[int, Tick]) -> list[FeedEvent]:
    """The gaps that the tape has declared."""
    return [tick for tick in ticks.values() if isinstance(tick, FeedEvent) and tick.what == "gap_close"]


def boot(folder: Path, name: str, settings: TapeSettings = SETTINGS) -> TapeSettings:
    """Settings of a machine that has just been started under this boot id."""
    path = folder / "boot_id"
    path.write_text(name + "\n")
    return structs.replace(settings, boot_id_path=str(path))


def batches() -> st.SearchStrategy[Batch]:
    """Batches of any ticks, with and without a position."""
    at = st.none() | st.builds(SourcePosition, st.text(min_size=1, max_size=40), st.binary(max_size=60))
    return st.builds(
        lambda first_m, ticks, epoch, lineup, at: batch(first_m, ticks, epoch, lineup, position=at),
        st.integers(1, 2**53), st.lists(any_tick(), max_size=12), st.integers(0, 2**32 - 1),
        st.sampled_from(("", "iex", "a-b-9")), at,
    )  # fmt: skip
