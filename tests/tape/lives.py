"""Random lives of a tape: lists of steps that a `World` takes, and the settings it takes them with."""

import random
import threading
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from config.settings import TapeSettings
from tests.tape.faulty_disk import Died, FaultyDisk
from tests.tape.world import SETTINGS, World

Step = tuple[Any, ...]

LONGEST: Final = 60


def live(world: World, steps: list[Step]) -> None:
    """Take the steps, let the disk recover, and check everything."""
    for step in steps:
        try:
            _take(world, step)
        except Died:
            world.recover_from_death()
    world.disk.calls_left = None
    world.heal()
    world.finish()


def _take(world: World, step: Step) -> None:
    name, *details = step
    match name:
        case "publish":
            count, seed, position, lineup = details
            world.publish(count, seed, position=position, lineup=lineup)
        case "sync_failures" | "room_bytes" | "refuse_files":
            setattr(world.disk, name, details[0])
        case "close":
            world.close(reboot=details[0])
        case _:
            getattr(world, name)(*details)


class Uneven(FaultyDisk):
    """A disk whose calls take up to half a millisecond, so that its two users meet in every way."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._delays = random.Random(seed)

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._take_time()
        return descriptor

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._take_time()

    def sync(self, descriptor: int) -> None:
        self._take_time()
        super().sync(descriptor)

    def _take_time(self) -> None:
        threading.Event().wait(self._delays.random() * 0.0005)


def threaded_life(folder: Path, seed: int) -> World:
    """A random life in which the sync thread really runs beside it."""
    chance = random.Random(seed)
    # A death inside a call belongs to the thread that makes it: left to lives with one thread.
    steps = [step for step in random_steps(chance) if step[0] != "die_in"]
    settings = structs.replace(random_settings(chance), sync_interval_ms=chance.choice((0, 1)))
    world = World(folder, settings, disk=Uneven(seed))
    live(world, steps)
    return world


def random_steps(chance: random.Random) -> list[Step]:
    """One life."""
    return [_step(chance) for _ in range(chance.randint(1, LONGEST))]


def random_settings(chance: random.Random) -> TapeSettings:
    """The usual small sizes, or other ones."""
    if chance.random() < 0.5:
        return SETTINGS
    return structs.replace(
        SETTINGS,
        segment_bytes=chance.choice((3_000, 6_000, 20_000)),
        table_rows=chance.choice((8, 24, 200)),
        reserve_marks=chance.choice((16, 64, 1_000)),
        unsynced_bytes=chance.choice((1_500, 2_500, 1 << 26)),
    )


def _step(chance: random.Random) -> Step:
    name = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    match name:
        case "publish":
            count = chance.choice((0, 1, 2, 5, chance.randint(0, 40)))
            return name, count, chance.getrandbits(32), chance.random() < 0.7, chance.choice(("", "", "iex"))
        case "tend":
            return name, chance.choice((0.0, 0.5, 2.0, -3600.0))
        case "tail":
            return name, chance.choice((1, 7, 1000))
        case "read":
            return name, chance.random(), chance.random()
        case "close":
            return name, chance.random() < 0.5
        case "cut_power":
            return name, chance.getrandbits(32)
        case "sync_failures":
            return name, chance.randint(1, 4)
        case "room_bytes":
            return name, chance.randint(0, 3_000)
        case "refuse_files":
            return name, chance.randint(1, 3)
        case "die_in":
            return name, chance.randint(0, 12)
        case "short_writes":
            return name, chance.getrandbits(32) if chance.random() < 0.7 else 0
        case "archive":
            return name, chance.random()
        case "retire":
            return name, chance.random(), chance.randint(1, 60_000)
        case _:
            return (name,)


WEIGHTS: Final = {
    "publish": 45, "flush": 7, "background_sync": 8, "tend": 6, "tail": 4, "read": 3,
    "close": 3, "crash": 4, "cut_power": 5, "die_in": 4, "short_writes": 1,
    "sync_failures": 3, "room_bytes": 3, "refuse_files": 2, "heal": 4,
    "archive": 2, "retire": 2,
}  # fmt: skip
"""Step → how often."""
