"""A tape on a faulty disk, beside a model that knows what was published and what must be readable.

`World` does what it is told (publish, crash, cut the power …) and checks after each step
what a tape promises. It is driven by lists of steps, so that a failure shrinks.
"""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from config.settings import TapeSettings
from tape.archive import archive_sealed, retire
from tape.batch import Batch, SourcePosition
from tape.errors import JournalFailed
from tape.reader import Damage, TapeReader
from tape.state import EpochStart
from tape.tape import Tape
from tests.tape.faulty_disk import FaultyDisk
from ticks.channels import channel_of
from ticks.flags import BACKFILL
from ticks.model import FeedEvent, News, Quote, Tick, Trade

SECOND_NS: Final = 1_000_000_000
START_NS: Final = 1_784_000_000 * SECOND_NS
SYMBOLS: Final = ("AAPL", "MSFT", "SPY", "BRK.B", "ZVZZT")
SETTINGS: Final = TapeSettings(
    segment_bytes=6_000, sync_interval_ms=60_000, reserve_marks=64, table_rows=24, ring_ticks=1_024,
    retry_ms=1_000,
)  # fmt: skip
"""Small, so that few ticks make many segments, tables and reservations; the thread never syncs by itself."""


class Published(Struct, frozen=True):
    """One tick as it was handed on."""

    epoch: int
    channel: str
    n: int
    tick: Tick
    part: int
    """Which batch of its source it came in; -1 none."""


class Broken(AssertionError):
    """The tape broke a promise."""


def demand(truth: object, what: str, *facts: Any) -> None:
    """Raise `Broken` unless `truth`."""
    if not truth:
        raise Broken(f"{what}: {facts}")


class World:
    """One tape over all its lives."""

    def __init__(
        self,
        folder: Path,
        settings: TapeSettings = SETTINGS,
        *,
        holes: bool = True,
        disk: FaultyDisk | None = None,
    ) -> None:
        """`holes`: a power cut may also lose pages in the middle of what was pending."""
        self.folder = folder / "data"
        self.boot_path = folder / "boot_id"
        self.settings = structs.replace(settings, boot_id_path=str(self.boot_path))
        self.disk = disk or FaultyDisk(holes=holes)
        self.acted: Counter[str] = Counter()
        self.published: dict[int, Published] = {}
        self.were_durable: set[int] = set()
        """Marks that the tape once called durable: they must be readable until they are retired."""
        self.now_ns = START_NS
        self.parts = 0
        """How many batches the source has delivered, as its position on the tape says."""
        self._copies_are_few = settings.unsynced_bytes < settings.segment_bytes
        self.tape: Tape
        self._started = False
        """Whether `tape` is the one that publishes now; a tape may publish while it starts."""
        self._closed = False
        self._waiting: list[int] = []
        """Journalled marks that are not durable yet."""
        self._volatile_epochs: set[int] = set()
        self._durable_m = 0
        self._retired_m = 0
        self._holes = False
        """Whether damage was found when the tape was read last: then numbers are missing too."""
        self._last_m = 0
        self._numbers: dict[tuple[int, str], int] = {}
        self._made = 0
        self._boots = 0
        self._tail_m = 0
        self._tail: TapeReader | None = None
        self._reboot()
        self._open()

    # What can be done.

    def publish(self, count: int, seed: int, *, position: bool = True, lineup: str = "") -> Batch | None:
        """Publish `count` random ticks; with `position`, as the next batch of a source."""
        chance = random.Random(seed)
        ticks = [self._tick(chance) for _ in range(count)]
        at = SourcePosition("source", str(self.parts).encode()) if position else None
        batch = self.tape.publish(lineup, ticks, at, self.now_ns)
        if batch is None:
            self.acted["turned away"] += 1
            demand(self.tape.volatile, "numbering stopped though the journal works")
        elif position:
            self.parts += 1
        self._check_marks()
        return batch

    def flush(self) -> None:
        """Wait for the disk."""
        self.tape.flush()
        self._check_marks()
        if not self.tape.volatile and not self.tape.journal.sync_failed:
            demand(self.tape.marks.durable == self.tape.journal.written_m, "flushed, yet not durable")

    def background_sync(self) -> None:
        """What the sync thread does every few milliseconds."""
        self.tape.journal._syncer.sync_dirty()
        self._check_marks()

    def tend(self, seconds: float) -> None:
        """Let time pass, or go back, and give the tape a chance to notice."""
        self.now_ns += int(seconds * SECOND_NS)
        self.tape.tend(self.now_ns)
        self._check_marks()

    def heal(self) -> None:
        """Let the disk work again, and time pass until the tape tries it."""
        self.disk.heal()
        self.tend(2)
        demand(not self.tape.volatile, "the disk works, yet the tape is volatile")

    def close(self, *, reboot: bool = False) -> None:
        """End cleanly, perhaps start the machine anew, and open again."""
        clean = not self.tape.volatile and not self.disk.refuses
        epoch = self.tape.epoch
        self._closed = True
        self.tape.close()
        if reboot:
            self.disk.shut_down()
            self._waiting.clear()
            self._reboot()
        self._open()
        if clean:
            demand(
                self.tape.verdict == "continue", "a clean end, yet not continued", self.tape.recovered.damage
            )
            demand(self.tape.epoch == epoch, "a clean end, yet a new epoch")

    def crash(self) -> None:
        """The process dies, and is started again."""
        volatile, kept_m = self.tape.volatile, self.tape.journal.written_m
        self._die()
        self._open()
        self.acted["crash"] += 1
        if not volatile:
            demand(self.tape.verdict == "continue", "died, yet not continued", self.tape.recovered.damage)
            demand(self.tape.journal.written_m >= kept_m, "the death of the process lost ticks")
        self.check_everything()

    def cut_power(self, seed: int) -> None:
        """The machine loses power, and is started again."""
        chance = random.Random(seed)
        self._die()
        self.disk.power_cut(chance)
        self._waiting.clear()
        marks = self.folder / "marks.bin"
        fate = chance.choice(("kept", "kept", "zero", "gone"))
        if fate == "zero":
            marks.write_bytes(bytes(4096))
        elif fate == "gone":
            marks.unlink()
        self._reboot()
        self._open()
        self.acted["power cut"] += 1
        self.acted["torn tail"] += bool(self.tape.recovered.torn_bytes)
        self.acted["damage"] += bool(self.tape.recovered.damage)
        self.check_everything()

    def die_in(self, calls: int) -> None:
        """The process dies in the middle of the disk call that comes after so many others."""
        self.disk.calls_left = calls

    def short_writes(self, seed: int) -> None:
        """From now on the system takes any part of what is written; 0 ends that."""
        self.disk.short_writes = random.Random(seed) if seed else None

    def recover_from_death(self) -> None:
        """After `Died`: the process is gone, and is started again until it lives."""
        self.acted["death"] += 1
        if self._copies_are_few:
            # It may have been writing again what was not durable, without what was let go of: that is
            # found missing then, and the gap that tells how much was not published yet.
            self._waiting.clear()
        self._die()
        self.disk.process_died()
        self._open()
        self.check_everything()

    def archive(self, share: float) -> None:
        """Compress a share of what is durable, as if that were stored."""
        stored_m = int(share * self.tape.marks.durable)
        try:
            self.acted["archived"] += archive_sealed(self.folder, stored_m, self.settings, self.disk)
        except OSError:
            self.acted["archive refused"] += 1

    def retire(self, share: float, budget: int) -> None:
        """Delete what lies beyond a budget, of a share of what is durable."""
        stored_m = int(share * self.tape.marks.durable)
        settings = structs.replace(self.settings, tape_retention_bytes=budget)
        try:
            self.acted["retired"] += retire(self.folder, stored_m, settings, self.now_ns, self.disk)
        finally:
            self._retired_m = max(self._retired_m, self.tape.reader().first_m() - 1)

    def tail(self, most: int) -> None:
        """Read on, at most so many marks, with a reader that lives as long as the process."""
        if self._tail is None:
            self._tail = self.tape.reader()
        up_to_m = min(self.tape.marks.durable, self._tail_m + most)
        self._compare(self._tail, self._tail_m, up_to_m)
        self._tail_m = max(self._tail_m, up_to_m)

    def read(self, low: float, high: float) -> None:
        """Read a part with a fresh reader."""
        durable_m = self.tape.marks.durable
        after_m, up_to_m = sorted((round(low * durable_m), round(high * durable_m)))
        reader = self.tape.reader()
        self._compare(reader, after_m, up_to_m)
        reader.close()

    # What must hold.

    def check_everything(self) -> None:
        """Read the whole tape."""
        self._check_marks()
        self.read(0, 1)
        before: dict[str, int] = {}
        kept = self.on_tape()
        for known in kept if not self._holes else ():
            n = before.get(known.channel, known.n - 1) + 1
            demand(known.n == n, "numbers on the tape are broken", known, n)
            before[known.channel] = n

    def finish(self) -> None:
        """Check, end, and see that nothing is left open."""
        self.check_everything()
        self.tape.close()
        if self._tail is not None:
            self._tail.close()
        demand(self.disk.open_files == 0, "files are left open", self.disk.open_files)

    def on_tape(self) -> list[Published]:
        """What can be read, in order."""
        reader = self.tape.reader()
        items = list(reader.read(0, self.tape.marks.durable))
        reader.close()
        self._holes = any(isinstance(item, Damage) and item.reason == "disk" for item in items)
        return [
            self.published[m]
            for item in items
            if isinstance(item, Batch)
            for m in range(item.first_m, item.last_m + 1)
        ]

    def _reboot(self) -> None:
        self._boots += 1
        self.boot_path.parent.mkdir(parents=True, exist_ok=True)
        self.boot_path.write_text(f"boot-{self._boots}\n")

    def _open(self) -> None:
        last_m = self._last_m
        refuses = self.disk.refuses
        self._started = self._closed = False
        try:
            self.tape = Tape(self.settings, self.folder, self.now_ns, self._take, self.disk)
        except JournalFailed:
            demand(refuses, "the disk works, yet the tape does not open")
            self.acted["start refused"] += 1
            self.disk.heal()
            self.tape = Tape(self.settings, self.folder, self.now_ns, self._take, self.disk)
        tape = self.tape
        self._started = True
        self.acted[tape.verdict] += 1
        if tape.verdict == "restart" and last_m:
            newest = self.published[self._last_m]
            told = isinstance(newest.tick, FeedEvent) and self._last_m > last_m
            demand(told, "a loss was not declared")
        self._adopt(last_m)
        self._check_position()

    def _adopt(self, last_m: int) -> None:
        """Ticks that were journalled when the process died, and not published yet, are on the tape now."""
        reader = self.tape.reader()
        for item in reader.read(last_m, self.tape.marks.durable):
            if isinstance(item, Damage) or item.first_m in self.published:
                continue
            for m, (n, tick) in enumerate(zip(item.ns, item.ticks, strict=True), item.first_m):
                self.acted["written, not published"] += 1
                channel = str(channel_of(tick, item.lineup))
                part = -1 if item.position is None else int(item.position.value)
                self.published[m] = Published(item.epoch, channel, n, tick, part)
                self._numbers[item.epoch, channel] = n
                self._last_m = max(self._last_m, m)
                self._waiting.append(m)
        reader.close()
        self._check_marks()

    def _die(self) -> None:
        tape = self.tape
        self.disk.calls_left = None
        tape.journal.abandon()
        if self._started and not self._closed:
            tape.marks.close()
            os.close(tape._lock)
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _take(self, batch: Batch) -> None:
        """The listener: the rules of numbers, as every client sees them."""
        if self._started and self.tape.volatile:
            self._volatile_epochs.add(batch.epoch)
        part = -1 if batch.position is None else int(batch.position.value)
        for m, (n, tick) in enumerate(zip(batch.ns, batch.ticks, strict=True), batch.first_m):
            demand(m > self._last_m, "a mark was given twice, or fell", m, self._last_m)
            self._last_m = m
            channel = str(channel_of(tick, batch.lineup))
            before = self._numbers.get((batch.epoch, channel), n - 1)
            demand(n == before + 1, "numbers are broken", channel, batch.epoch, before, n)
            self._numbers[batch.epoch, channel] = n
            self.published[m] = Published(batch.epoch, channel, n, tick, part)
            self._waiting.append(m)
            if isinstance(tick, FeedEvent) and tick.lost > 0 and self._copies_are_few:
                self.acted["copies let go"] += 1
                self._waiting.clear()  # any of them may be among the lost
        limit_m = self.disk.reserved_m()
        demand(batch.last_m <= limit_m, "a mark beyond the synced reservation", batch.last_m, limit_m)

    def _check_marks(self) -> None:
        tape, marks = self.tape, self.tape.marks
        if tape.volatile:
            self._volatile_epochs.add(tape.epoch)
            self.acted["volatile"] += 1
        demand(marks.durable >= self._durable_m, "the durable mark fell", marks.durable, self._durable_m)
        self._durable_m = marks.durable
        demand(marks.accepted >= self._last_m, "accepted lags behind", marks.accepted, self._last_m)
        demand(marks.epoch == tape.epoch, "the shared epoch is another", marks.epoch, tape.epoch)
        waiting = [m for m in self._waiting if not self._is_volatile(m)]
        self.were_durable.update(m for m in waiting if m <= marks.durable)
        self._waiting = [m for m in waiting if m > marks.durable]

    def _is_volatile(self, m: int) -> bool:
        return self.published[m].epoch in self._volatile_epochs

    def _check_position(self) -> None:
        """A source goes on exactly behind what is on the tape."""
        value = self.tape.position("source")
        self.parts = 0 if value is None else int(value) + 1
        kept = {known.part for known in self.on_tape()}
        demand(
            all(part < self.parts for part in kept), "ticks behind the source's position", self.parts, kept
        )

    def _compare(self, reader: TapeReader, after_m: int, up_to_m: int) -> None:
        """Everything in (after_m, up_to_m] is read as it was published, or its loss is declared."""
        at = after_m
        for item in reader.read(after_m, up_to_m):
            demand(at < item.first_m <= item.last_m, "read twice, out of order, or nothing", item, at)
            self._check_passed_over(at + 1, item.first_m, reader.epochs())
            at = item.last_m
            if isinstance(item, Damage):
                self.acted["declared damage"] += 1
                gone = item.last_m <= self._retired_m
                lost = self.were_durable.isdisjoint(range(item.first_m, item.last_m + 1))
                demand(gone or lost, "damage without a cause", item)
                demand(gone or item.reason == "disk", "a wrong reason", item)
                continue
            names = reader.channels()
            for m, channel_id, n, tick in zip(
                range(item.first_m, item.last_m + 1), item.channel_ids, item.ns, item.ticks, strict=True
            ):
                known = self.published.get(m)
                demand(known is not None, "read what nobody published", m, tick)
                assert known is not None
                demand(not self._is_volatile(m), "read what was volatile", m, known)
                read = (item.epoch, names[channel_id], n, tick)
                wanted = (known.epoch, known.channel, known.n, known.tick)
                demand(read == wanted, "read something else than was published", m, read, wanted)
        demand(at <= max(up_to_m, after_m), "read beyond the range", at, up_to_m)
        self._check_passed_over(at + 1, up_to_m + 1, reader.epochs())

    def _check_passed_over(self, first_m: int, end_m: int, epochs: list[EpochStart]) -> None:
        """What was passed over in silence lies in front of an epoch, and never was durable."""
        for m in range(first_m, end_m):
            if m not in self.published:
                continue
            behind = any(start.kept_m < m < start.first_m for start in epochs)
            demand(behind, "passed over without a word", m, self.published[m], epochs)
            demand(m not in self.were_durable, "a durable tick is gone", m, self.published[m])

    def _tick(self, chance: random.Random) -> Tick:
        self._made += 1
        made, symbol = self._made, chance.choice(SYMBOLS)
        flags = BACKFILL if chance.random() < 0.1 else 0
        now_ns = max(self.now_ns, self.tape.last_ts_recv)
        head = (3, 86, symbol, self.now_ns, 0, now_ns, made, flags)
        what = chance.randrange(8)
        if what == 0:
            text = "h" * chance.randrange(80)
            return News(
                3,
                0,
                "*",
                self.now_ns,
                0,
                now_ns,
                made,
                0,
                str(made),
                text,
                "",
                "",
                "",
                "§TW\x01",
                0,
                0,
                (symbol,),
            )
        if what < 4:
            conds = chance.choice(("", "@", "@FTI", "12345"))
            return Trade(*head, 10**9 + made, 10**6, made, 65, conds, 7)
        return Quote(*head, made, 100, made + 1, 200, 86, 86, "R", 65)
