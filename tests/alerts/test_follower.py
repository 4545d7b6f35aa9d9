"""Following the tape: from the files, from memory, then batch by batch; and pausing in between."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.engine import Engine
from alerts.follower import Follower
from tape.batch import Batch
from tape.tape import Tape
from tests.tape.making import SETTINGS, fill, kill, tape_in
from tests.tape.making import quote as any_quote


class Rig:
    """A follower of a tape, and what it evaluated."""

    def __init__(self, tape: Tape) -> None:
        self.engine = Engine()
        self.marks: list[int] = []
        self.is_full = False
        self.broken = False
        self.follower = Follower(tape, self.engine, self.evaluate, lambda: self.is_full, self.check)
        tape.on_batch = self.follower.on_batch

    def evaluate(self, batch: Batch) -> None:
        """Keep the marks."""
        assert batch.first_m > self.engine.m
        self.marks += range(batch.first_m, batch.last_m + 1)
        self.engine.take(batch)

    def check(self) -> None:
        """Raise when it was told to."""
        if self.broken:
            raise RuntimeError("broken")


async def test_everything_from_before_is_read_and_then_batches_are_taken(tmp_path: Path) -> None:
    """More than memory holds: the files first, without a hole and without a repetition."""
    with tape_in(tmp_path, replace(SETTINGS, ring_ticks=1_024)) as tape:
        fill(tape, 6_000, each=50)
        assert not tape.ring.covers(0)
        rig = Rig(tape)
        fill(tape, 100, start=6_000)
        await rig.follower.catch_up()
        assert rig.follower.present.is_set()
        fill(tape, 100, start=6_100)
        assert rig.marks == list(range(1, 6_201))


async def test_the_tape_may_grow_while_it_is_read(tmp_path: Path) -> None:
    """Until the follower is there, batches are left to be read back."""
    with tape_in(tmp_path, replace(SETTINGS, ring_ticks=8_192)) as tape:
        last_m = fill(tape, 5_000, each=50)
        rig = Rig(tape)
        catching = asyncio.create_task(rig.follower.catch_up())
        for turn in range(20):
            last_m = fill(tape, 100, start=5_000 + 100 * turn)
            await asyncio.sleep(0)
        await catching
        assert rig.marks == list(range(1, last_m + 1))


async def test_a_pause_is_made_up_for_later(tmp_path: Path) -> None:
    """While nothing may be evaluated batches pass by; none is missing afterwards."""
    with tape_in(tmp_path) as tape:
        rig = Rig(tape)
        await rig.follower.catch_up()
        fill(tape, 50)
        rig.is_full = True
        fill(tape, 500, start=50)
        assert (len(rig.marks), rig.follower.pauses, rig.follower.present.is_set()) == (50, 1, False)
        await rig.follower.fallen_behind()
        catching = asyncio.create_task(rig.follower.catch_up())
        await asyncio.sleep(0)
        assert len(rig.marks) == 50
        rig.is_full = False
        await catching
        fill(tape, 10, start=550)
        assert rig.marks == list(range(1, 561))


async def test_an_engine_goes_on_from_its_mark(tmp_path: Path) -> None:
    """What was evaluated before the start is not read again."""
    with tape_in(tmp_path) as tape:
        fill(tape, 300)
        rig = Rig(tape)
        rig.engine.skip(200)
        await rig.follower.catch_up()
        assert rig.marks == list(range(201, 301))


async def test_marks_that_are_gone_are_counted_and_passed_over(tmp_path: Path) -> None:
    """A hole in the files is no reason to wait for ever."""
    with tape_in(tmp_path, replace(SETTINGS, ring_ticks=1_024)) as tape:
        fill(tape, 4_000)
        oldest = min((tmp_path / "journal").iterdir())
        oldest.unlink()
        rig = Rig(tape)
        await rig.follower.catch_up()
        assert rig.follower.damaged_marks > 0
        assert rig.marks[-1] == 4_000
        assert len(rig.marks) + rig.follower.damaged_marks == 4_000


async def test_marks_that_were_never_given_are_passed_over(tmp_path: Path) -> None:
    """After a restart under another boot id numbering goes on far beyond."""
    boot = tmp_path / "boot"
    boot.write_text("one\n")
    settings = replace(SETTINGS, boot_id_path=str(boot))
    folder = tmp_path / "tape"
    tape = Tape(settings, folder, 1)
    fill(tape, 100)
    kill(tape)
    boot.write_text("two\n")
    with tape_in(folder, settings) as again:
        last_m = fill(again, 100, start=100)
        assert last_m > 60_000
        rig = Rig(again)
        await rig.follower.catch_up()
        fill(again, 10, start=200)
        assert rig.engine.m == again.marks.accepted
        assert rig.marks[:100] == list(range(1, 101))
        assert len(rig.marks) > 200
        assert rig.follower.damaged_marks == 0


async def test_what_cannot_go_on_is_raised(tmp_path: Path) -> None:
    """It is not waited for."""
    with tape_in(tmp_path) as tape:
        tape.publish("", [any_quote(1)], None, 1)
        rig = Rig(tape)
        rig.is_full = rig.broken = True
        with pytest.raises(RuntimeError, match="broken"):
            await rig.follower.catch_up()
