"""Faults on real files: each scene makes one act, demands what the tape promises, and counts.

Used by the tests of faults and by the proof of the durability rule. A scene returns how
often its fault acted; it raises `Broken` when a promise is broken.
"""

import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from config.settings import TapeSettings
from tape import frames, segment
from tape.archive import archive_sealed
from tape.batch import Batch
from tape.disk import Disk
from tape.errors import JournalFailed
from tape.frames import Frame, scan
from tape.marks import FILE_NAME, Marks
from tape.reader import Damage
from tape.recovery import recover
from tape.tape import Tape
from tests.tape.making import NOW_NS, boot, gaps, kill, news, position, quote, read_all, trade
from tests.tape.world import World, demand
from ticks.channels import channel_of
from ticks.model import Tick

SETTINGS: Final = TapeSettings(
    segment_bytes=7_000, sync_interval_ms=60_000, reserve_marks=1 << 12, table_rows=40, ring_ticks=1_024
)  # fmt: skip
SECOND_NS: Final = 1_000_000_000


class Quick(Disk):
    """Syncs nothing: these scenes have no power cut, and would wait for the disk for nothing."""

    def sync(self, descriptor: int) -> None:
        """Nothing."""

    def sync_folder(self, path: Path) -> None:
        """Nothing."""


class Told(Struct, frozen=True):
    """What one tick was published as."""

    epoch: int
    channel: str
    n: int
    tick: Tick


class Ledger:
    """Everything that was published on one tape, over all its lives. Use its `take` as `on_batch`."""

    def __init__(self, earlier: "Ledger | None" = None, up_to_m: int = segment.NO_MARK) -> None:
        """Begin with what `earlier` holds up to a mark."""
        known = {} if earlier is None else earlier.told
        self.told: dict[int, Told] = {m: told for m, told in known.items() if m <= up_to_m}
        self._numbers: set[tuple[int, str, int]] = set()
        for told in self.told.values():
            self._numbers.add((told.epoch, told.channel, told.n))

    @property
    def last_m(self) -> int:
        """The newest mark."""
        return max(self.told, default=0)

    def take(self, batch: Batch) -> None:
        """Note a batch; no mark and no number may have been given before."""
        for m, (n, tick) in enumerate(zip(batch.ns, batch.ticks, strict=True), batch.first_m):
            demand(m > self.last_m, "a mark was given twice, or fell", m, self.last_m)
            channel = str(channel_of(tick, batch.lineup))
            number = (batch.epoch, channel, n)
            demand(number not in self._numbers, "a number was given twice", number)
            self._numbers.add(number)
            self.told[m] = Told(batch.epoch, channel, n, tick)

    def compare(self, ticks: dict[int, Tick], holes: list[Damage]) -> set[int]:
        """Demand that what was read was told, and that nothing was both read and declared; the rest."""
        for m, tick in ticks.items():
            demand(m in self.told and self.told[m].tick == tick, "read what nobody published", m, tick)
        declared = {m for hole in holes for m in range(hole.first_m, min(hole.last_m, self.last_m) + 1)}
        demand(declared.isdisjoint(ticks), "declared lost, and read all the same", declared & ticks.keys())
        return {m for m in self.told if m not in ticks} - declared


def publish(tape: Tape, batches: int, seed: int, *, sync_every: int = 5) -> None:
    """Publish batches of every shape: rows only, rows and blobs, positions, new channels."""
    chance = random.Random(seed)
    for number in range(batches):
        first = tape.sequencer.state.next_m
        ticks: list[Tick] = []
        for at in range(first, first + chance.choice((1, 1, 2, 4))):
            symbol = f"S{chance.randrange(12)}"
            made = (quote(at, symbol), trade(at, symbol), news(at, "§TW\x01" + "y" * chance.randrange(60)))
            ticks.append(chance.choice((*made[:2], *made)))
        tape.publish("", ticks, position(first) if chance.random() < 0.6 else None, NOW_NS)
        if number % sync_every == 0:
            tape.flush()


def build(
    folder: Path, seed: int, *, archived: bool = False, segment_bytes: int = 7_000
) -> tuple[TapeSettings, Ledger]:
    """A dead tape in `folder/base`, with everything synced."""
    settings = boot(folder, "boot-1", structs.replace(SETTINGS, segment_bytes=segment_bytes))
    ledger = Ledger()
    tape = Tape(settings, folder / "base", NOW_NS, ledger.take, Quick())
    publish(tape, 120, seed)
    tape.flush()
    if archived:
        files = segment.list_files(folder / "base")
        archive_sealed(folder / "base", files[len(files) // 2].first_m, settings, Quick())
    kill(tape)
    return settings, ledger


def copy(folder: Path) -> Path:
    """A fresh copy of the base to spoil."""
    shutil.rmtree(folder / "copy", ignore_errors=True)
    shutil.copytree(folder / "base", folder / "copy")
    return folder / "copy"


def go_on(folder: Path, settings: TapeSettings, ledger: Ledger) -> tuple[Tape, dict[int, Tick], list[Damage]]:
    """Open, publish a little, and read everything; the tape is closed."""
    tape = Tape(settings, folder, NOW_NS, ledger.take, Quick())
    publish(tape, 3, 1)
    tape.flush()
    ticks, holes = read_all(folder, tape.marks.durable)
    tape.close()
    return tape, ticks, holes


def torn_tails(folder: Path, seed: int, last_batches: int = 2) -> Counter[str]:
    """Cut the last segment at every byte of its last batches, and start again.

    In turn: after the death of the process while it wrote what it had not published yet; after
    one that took published ticks with it; and after a power cut.
    """
    settings, ledger = build(folder, seed, segment_bytes=1 << 20)
    path = segment.list_files(folder / "base")[-1].path
    whole = path.read_bytes()
    found = [item for item in scan(whole, segment.HEADER_BYTES) if isinstance(item, Frame)]
    batches = [item for item in found if item.kind == frames.BATCH and item.count]
    acted: Counter[str] = Counter()
    for size in range(batches[-last_batches].offset, len(whole)):
        how = ("unpublished", "published", "power cut")[(size + seed) % 3]
        spoilt = copy(folder)
        boot(folder, "boot-2" if how == "power cut" else "boot-1")
        torn = spoilt / path.relative_to(folder / "base")
        torn.write_bytes(whole[:size])
        last = [item for item in batches if item.end <= size][-1]
        last_m = last.first_m + last.count - 1
        lives = Ledger(ledger)
        if how == "unpublished":
            lives = Ledger(ledger, last_m)
            _say_accepted(spoilt, last_m)
        published_m = lives.last_m
        tape, ticks, holes = go_on(spoilt, settings, lives)
        acted["cuts"] += 1
        acted["torn tails"] += tape.recovered.torn_bytes > 0
        acted[tape.verdict] += 1
        known = [m for m in ticks if m <= published_m and lives.told[m] == ledger.told.get(m)]
        demand(known == list(range(1, last_m + 1)), "not exactly what is left", size, last_m, len(known))
        unread = lives.compare(ticks, holes)
        demand(unread == set(range(last_m + 1, published_m + 1)), "not exactly what was cut", size)
        goes_on = how != "power cut" and last_m == published_m
        demand(tape.verdict == ("continue" if goes_on else "restart"), "a wrong verdict", size, how)
        demand(bool(gaps(ticks)) == (tape.verdict == "restart"), "a loss was not declared", size)
        demand(not recover(spoilt).damage, "the start has left damage behind", size, how)
    return acted


def _say_accepted(folder: Path, m: int) -> None:
    marks = Marks(folder)
    marks.accepted = m
    marks.close()


def flipped_bits(folder: Path, seed: int, flips: int) -> Counter[str]:
    """Flip one bit anywhere in a tape's files, read, start again, go on."""
    chance = random.Random(seed)
    settings, ledger = build(folder, seed, archived=True)
    acted: Counter[str] = Counter()
    for _ in range(flips):
        spoilt = copy(folder)
        kind, path, at = _place(spoilt, chance)
        data = bytearray(path.read_bytes())
        data[at] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        acted["flipped"] += 1
        acted[f"flipped {kind}"] += 1
        ticks, holes = read_all(spoilt, ledger.last_m)
        unread = ledger.compare(ticks, holes)
        demand(not unread, "passed over without a word", kind, at, unread)
        hit = {m for hole in holes for m in range(hole.first_m, hole.last_m + 1)}
        acted["marks declared lost"] += len(hit)
        most = 4 if path.suffix == segment.SEGMENT_SUFFIX else SETTINGS.table_rows + 4
        demand(len(hit) <= most, "more is lost than what was hit", kind, at, hit)
        boots = chance.random() < 0.3
        boot(folder, "boot-2" if boots else "boot-1")
        lives = Ledger(ledger)
        tape, ticks, holes = go_on(spoilt, settings, lives)
        acted[tape.verdict] += 1
        # At the end of the tape the start cuts off what is broken, and begins an epoch.
        behind = tape.recovered.state.epochs[-1].kept_m if tape.verdict == "restart" else ledger.last_m
        unread = lives.compare(ticks, holes)
        demand(all(m > behind for m in unread), "passed over without a word after a start", kind, at, unread)
        demand(len(unread) <= most, "more is lost than what was hit, after a start", kind, at, unread)
    return acted


def _place(folder: Path, chance: random.Random) -> tuple[str, Path, int]:
    """(what is hit, file, byte): every class of bytes, in old and new segments, the archive and the marks."""
    files = segment.list_files(folder)
    archives = [file.path for file in files if file.archived]
    segments = [file.path for file in files if not file.archived]
    where = chance.choice(("last", "last", "old", "archive", "marks"))
    if where == "marks":
        return "marks", folder / FILE_NAME, chance.randrange(64)
    if where == "archive":
        path = chance.choice(archives)
        return "archive", path, chance.randrange(path.stat().st_size)
    path = segments[-1] if where == "last" else chance.choice(segments[:-1])
    kinds = {1: "row", 2: "names", 3: "counts", 4: "reservation", 5: "epochs", 6: "positions", 7: "close"}
    wanted = chance.choice(("header", "length", "crc", *kinds.values()))
    data = path.read_bytes()
    found = [item for item in scan(data, segment.HEADER_BYTES) if isinstance(item, Frame)]
    if path != segments[-1]:
        end_m = segments[segments.index(path) + 1].stem
        found = [item for item in found if item.first_m < int(end_m)]
    frame = chance.choice([item for item in found if kinds.get(item.kind) == wanted] or found)
    if wanted == "header":
        return f"{where} header", path, chance.randrange(108)
    if wanted in ("length", "crc"):
        return (
            f"{where} {wanted}",
            path,
            frame.offset + (8 if wanted == "length" else 4) + chance.randrange(4),
        )
    return f"{where} {kinds[frame.kind]}", path, chance.randrange(frame.offset, frame.end)


def full_disk(
    folder: Path, fill: Callable[[], None], free: Callable[[], None], choke: Callable[[], None] | None = None
) -> Counter[str]:
    """Publish while the disk is full, until it is not: a volatile epoch, then a declared gap.

    `choke` leaves no room for another file either.
    """
    settings = boot(folder.parent, "boot-1", structs.replace(SETTINGS, segment_bytes=1 << 20, retry_ms=1_000))
    ledger = Ledger()
    tape = Tape(settings, folder, NOW_NS, ledger.take)
    publish(tape, 100, 1, sync_every=20)
    tape.flush()
    safe_m, epoch = ledger.last_m, tape.epoch
    fill()
    publish(tape, 400, 2, sync_every=1 << 20)
    acted = Counter({"full disk": int(tape.volatile), "writes refused": tape.journal.failures})
    demand(tape.volatile, "the fault did not act")
    demand(tape.epoch > epoch, "volatile ticks in an epoch that is not")
    demand(ledger.last_m > safe_m + 400, "publishing did not go on")
    durable_m = tape.marks.durable
    demand(safe_m <= durable_m < ledger.last_m, "a wrong durable mark", safe_m, durable_m)
    if choke is not None:
        choke()
    tape.tend(NOW_NS + 2 * SECOND_NS)
    demand(tape.volatile, "recovered on a full disk")
    free()
    tape.tend(NOW_NS + 4 * SECOND_NS)
    demand(not tape.volatile, "not recovered on a free disk")
    publish(tape, 20, 3)
    tape.flush()
    ticks, holes = read_all(folder, tape.marks.durable)
    lost = ledger.compare(ticks, holes)
    declared = gaps(ticks)
    demand(not holes, "damage on a disk that was only full", holes)
    demand(set(range(1, safe_m + 1)) <= ticks.keys(), "a durable tick is gone")
    demand(len(declared) == 1 and declared[0].lost == len(lost), "a wrong gap", declared, len(lost))
    demand(lost == set(range(min(lost), max(lost) + 1)), "more than one stretch is lost")
    tape.close()
    demand(not segment.list_drafts(folder / "journal"), "a half-written file is left")
    tape = Tape(settings, folder, NOW_NS, ledger.take)
    demand(tape.verdict == "continue", "not continued after a clean end")
    tape.close()
    return acted


def full_disk_at_start(folder: Path, fill: Callable[[], None], free: Callable[[], None]) -> Counter[str]:
    """Start on a full disk: an error and nothing half-written; then start on a free one."""
    settings = boot(folder.parent, "boot-1", SETTINGS)
    fill()
    refused = 0
    for _ in range(3):
        try:
            Tape(settings, folder, NOW_NS)
        except (JournalFailed, OSError):
            refused += 1
    demand(refused == 3, "started on a full disk", refused)
    demand(not segment.list_drafts(folder / "journal"), "a half-written file is left")
    free()
    ledger = Ledger()
    tape = Tape(settings, folder, NOW_NS, ledger.take)
    publish(tape, 5, 1)
    tape.close()
    demand(read_all(folder, ledger.last_m)[0].keys() == ledger.told.keys(), "not everything was kept")
    return Counter({"starts refused": refused})


def limited_files(folder: Path, room_bytes: int) -> Counter[str]:
    """`full_disk`, by the system's limit on the size of files. Run it in a process of its own."""
    import resource

    folder.parent.mkdir(parents=True, exist_ok=True)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def fill() -> None:
        used = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        resource.setrlimit(resource.RLIMIT_FSIZE, (used + room_bytes, hard))

    def choke() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))

    def free() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    return full_disk(folder, fill, free, choke)


def changed_boots(folder: Path, seed: int, times: int) -> Counter[str]:
    """Start the machine anew after a death of the process, `times` times, with everything still there."""
    ledger = Ledger()
    acted: Counter[str] = Counter()
    epochs: list[int] = []
    first_ms: list[int] = []
    for life in range(times):
        settings = boot(folder, f"boot-{life}", SETTINGS)
        before_m = ledger.last_m
        tape = Tape(settings, folder / "data", NOW_NS, ledger.take, Quick())
        acted["boots changed"] += tape.verdict == "restart"
        demand(tape.verdict == ("restart" if life else "fresh"), "a wrong verdict", life, tape.verdict)
        demand(not epochs or tape.epoch > epochs[-1], "no new epoch")
        epochs.append(tape.epoch)
        first_ms.append(tape.recovered.state.epochs[-1].first_m)
        demand(not before_m or first_ms[-1] > before_m, "marks do not go on above the reserved ones")
        publish(tape, 10, seed + life)
        kill(tape)
    settings = boot(folder, "boot-last", SETTINGS)
    tape = Tape(settings, folder / "data", NOW_NS, ledger.take, Quick())
    tape.flush()
    ticks, holes = read_all(folder / "data", tape.marks.durable)
    demand(not holes and ticks.keys() == ledger.told.keys(), "something was lost", holes)
    demand(len(gaps(ticks)) == times, "a loss that may have been was not declared")
    tape.close()
    return acted


def failing_sync(folder: Path, flag: Path) -> Counter[str]:
    """Publish while every sync fails, which it does as long as `flag` exists (see `shim.c`)."""
    settings = boot(folder.parent, "boot-1", structs.replace(SETTINGS, sync_interval_ms=1, retry_ms=1))
    ledger = Ledger()
    acted: Counter[str] = Counter()
    tape = Tape(settings, folder, NOW_NS, ledger.take)
    now_ns = NOW_NS
    for turn in range(6):
        publish(tape, 10, turn, sync_every=1 << 20)
        tape.flush()
        durable_m = tape.marks.durable
        demand(durable_m == ledger.last_m, "flushed, yet not durable")
        flag.touch()
        publish(tape, 1, turn)
        tape.flush()
        demand(tape.volatile, "the fault did not act")
        acted["failed syncs"] += 1
        for _ in range(4):
            now_ns += SECOND_NS
            tape.tend(now_ns)
            publish(tape, 5, turn, sync_every=1 << 20)
            demand(tape.volatile, "recovered though no sync works")
            demand(tape.marks.durable == durable_m, "called durable though no sync works")
        flag.unlink()
        now_ns += SECOND_NS
        tape.tend(now_ns)
        demand(not tape.volatile, "not recovered though syncs work")
    tape.flush()
    ticks, holes = read_all(folder, tape.marks.durable)
    lost = ledger.compare(ticks, holes)
    demand(not holes, "damage", holes)
    demand(sum(gap.lost for gap in gaps(ticks)) == len(lost), "a wrong count of lost ticks")
    demand(len(gaps(ticks)) == 6, "gaps are missing")
    tape.close()
    return acted


def exactly_once(folder: Path, seed: int) -> World:
    """A source that goes on at its position, over power cuts that lose no page in the middle.

    However often the power fails, each of its batches is on the tape once, and in order.
    """
    chance = random.Random(seed)
    world = World(folder, holes=False)
    for _ in range(chance.randint(1, 50)):
        what = chance.random()
        if what < 0.6:
            # The same batch whenever it is sent, so that its absence can be told.
            world.publish((3, 1, 0, 2, 30)[world.parts % 5], seed + world.parts)
        elif what < 0.75:
            world.background_sync()
        elif what < 0.8:
            world.flush()
        elif what < 0.9:
            world.crash()
        else:
            world.cut_power(chance.getrandbits(32))
    world.flush()
    parts = [known.part for known in world.on_tape() if known.part >= 0]
    order = [part for at, part in enumerate(parts) if at == 0 or parts[at - 1] != part]
    wanted = [part for part in range(world.parts) if part % 5 != 2]
    demand(order == wanted, "batches are missing, doubled or out of order", order, wanted)
    world.finish()
    return world


def cut_after_clean_end(folder: Path, seed: int) -> World:
    """The power fails right after a tape went on behind a clean end: that must not count as one again."""
    world = World(folder)
    world.publish(5, seed)
    world.close()
    world.publish(5, seed + 1)
    world.cut_power(seed)
    demand(world.tape.verdict == "restart", "what followed a clean end was forgotten")
    world.finish()
    return world


def cut_after_archive(folder: Path, seed: int) -> World:
    """The power fails right after segments went into the archive: every tick is in one or the other."""
    world = World(folder)
    while world.acted["archived"] < 3:
        world.publish(30, seed + world.parts)
        world.flush()
        world.archive(1.0)
    world.cut_power(seed)
    world.finish()
    return world


def synced_again(log: str) -> int:
    """Demand that no file in a log of `shim.c` was synced again after it had failed; how many failed."""
    failed: set[str] = set()
    for line in log.splitlines():
        file, result = line.split()
        if file.startswith("f"):
            demand(file not in failed, "synced again after it had failed", file)
            failed |= {file} if result == "-1" else set()
    return len(failed)


def parsed(output: str) -> dict[str, int]:
    """What a scene in a process of its own has counted."""
    counted: dict[str, int] = json.loads(output)
    return counted


if __name__ == "__main__":
    # A scene that must have a process of its own: what it does is for the whole process.
    name, place, argument = sys.argv[1:]
    if name == "limited_files":
        outcome = limited_files(Path(place), int(argument))
    else:
        outcome = failing_sync(Path(place), Path(argument))
    print(json.dumps(outcome))
    sys.stdout.flush()
    os._exit(0)
