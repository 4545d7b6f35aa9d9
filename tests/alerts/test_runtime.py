"""Alerts while the system runs: from a put to a ring on the disk, through crashes and full disks."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest

from alerts.errors import AlreadyTrue, Conflict, NotFound, NotReady, StoreUnavailable
from alerts.model import StoredFire
from alerts.runtime import AlertRuntime
from config.settings import AlertSettings
from tape.tape import Tape
from tests.alerts.making import (
    ANN,
    BOB,
    NOON_NS,
    UNIT,
    condition,
    quote,
    random_batches,
    random_rule,
    rule,
    trade,
)
from tests.tape.making import SETTINGS, kill
from ticks.model import Tick

QUIET: Final = AlertSettings(commit_ms=60_000)
"""Marks are noted with rings only: the harder case after a crash."""


class System:
    """A tape and its alerts, as the wiring would put them together."""

    def __init__(
        self, folder: Path, settings: AlertSettings = QUIET, new_id: Callable[[], str] | None = None
    ) -> None:
        self.tape = Tape(SETTINGS, folder, NOON_NS)
        make_id = new_id or (lambda: str(uuid4()))
        self.alerts = AlertRuntime(self.tape, settings, folder, lambda: NOON_NS, make_id)
        self.tape.on_batch = self.alerts.on_batch
        self.told: list[StoredFire] = []
        self.alerts.on_fires.append(self.told.extend)
        self.published = 0
        self.task = asyncio.create_task(self.alerts.run())

    async def ready(self) -> None:
        """Wait until the engine is at the present."""
        await until(lambda: self.alerts.following)

    def publish(self, *ticks: Tick) -> None:
        """Publish ticks; receive times never fall along a tape."""
        assert self.tape.publish("", list(ticks), None, NOON_NS) is not None

    async def end(self) -> None:
        """An ordinary end."""
        await self._cancel()
        self.alerts.close()
        self.tape.close()

    async def die(self) -> None:
        """What SIGKILL leaves: nothing more is written. The thread's work is cut off at a transaction."""
        await self._cancel()
        self.alerts._store.connection.set_progress_handler(lambda: 1, 1)  # every statement is interrupted
        self.alerts.close()
        kill(self.tape)

    async def _cancel(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is true, at most twenty seconds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another thread changes it
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(folder: Path, settings: AlertSettings = QUIET) -> AsyncIterator[System]:
    """A system that is at the present."""
    system = System(folder, settings)
    try:
        await system.ready()
        yield system
    finally:
        await system.end()


async def test_a_rule_that_was_put_rings_and_the_ring_is_on_the_disk_when_told(tmp_path: Path) -> None:
    """From the put to the listener, with offset and proof."""
    async with running(tmp_path) as system:
        system.publish(trade(99))
        view = await system.alerts.put(ANN, rule())
        assert (view.state.phase, view.value) == ("armed", 99 * UNIT)
        system.publish(trade(100.5))
        await until(lambda: system.told)
        (stored,) = system.told
        assert (stored.offset, stored.fire.m, stored.fire.alert_id) == (1, 2, view.alert.id)
        assert await system.alerts.fires(ANN) == [stored]
        assert await system.alerts.fire(ANN, stored.fire.event_id) == stored
        assert await system.alerts.last_offset(ANN) == 1
        assert system.alerts.get(ANN, view.alert.id).state.phase == "fired"
        assert system.alerts.counts()["evaluated_m"] == 2


async def test_a_put_alert_outlives_an_ordinary_end_and_a_crash(tmp_path: Path) -> None:
    """It is on the disk when `put` returns."""
    async with running(tmp_path) as system:
        first = await system.alerts.put(ANN, rule(client_id="a"))
    system = System(tmp_path)
    await system.ready()
    assert system.alerts.named(ANN, "a") == first
    await system.alerts.put(BOB, rule(client_id="b"))
    await system.die()
    async with running(tmp_path) as again:
        assert [one.alert.rule.client_id for one in again.alerts.list(BOB)] == ["b"]
        await again.alerts.delete(ANN, first.alert.id)
    async with running(tmp_path) as last:
        assert last.alerts.list(ANN) == []


async def test_objects_of_others_do_not_exist(tmp_path: Path) -> None:
    """Every verb on an alert, a ring or a list of somebody else finds nothing."""
    async with running(tmp_path) as system:
        alerts = system.alerts
        system.publish(trade(99))
        alert_id = (await alerts.put(ANN, rule(client_id="a"))).alert.id
        await alerts.put_watchlist(ANN, "tech", ["AAPL"])
        system.publish(trade(100))
        await until(lambda: system.told)
        event_id = system.told[0].fire.event_id
        for find in (
            lambda: alerts.get(BOB, alert_id),
            lambda: alerts.named(BOB, "a"),
            lambda: alerts.delete_nowait(BOB, alert_id),
            lambda: alerts.put_nowait(BOB, rule(), alert_id=alert_id),
            lambda: alerts.watchlist(BOB, "tech"),
        ):
            with pytest.raises(NotFound):
                find()
        for ask in (
            alerts.fire(BOB, event_id),
            alerts.delete(BOB, alert_id),
            alerts.delete_watchlist(BOB, "tech"),
        ):
            with pytest.raises(NotFound):
                await ask
        assert (alerts.list(BOB), await alerts.fires(BOB), alerts.watchlists(BOB)) == ([], [], [])
        assert await alerts.in_store(lambda _, outbox: outbox.acknowledge(BOB, 1, NOON_NS)) == 0
        assert len(alerts.list(ANN)) == 1


async def test_refused_rules_leave_nothing_behind(tmp_path: Path) -> None:
    """True already, a name that is taken, an old revision."""
    async with running(tmp_path) as system:
        system.publish(trade(101))
        with pytest.raises(AlreadyTrue):
            await system.alerts.put(ANN, rule(on_true_at_creation="reject"))
        view = await system.alerts.put(ANN, rule(client_id="a"))
        with pytest.raises(Conflict):
            await system.alerts.put(ANN, rule(client_id="a"))
        with pytest.raises(Conflict):
            await system.alerts.put(ANN, rule(condition(level=5)), alert_id=view.alert.id, if_rev=9)
        assert system.alerts.list(ANN) == [view]


async def test_watchlists_are_kept_in_their_order(tmp_path: Path) -> None:
    """Over a restart, with their revisions."""
    async with running(tmp_path) as system:
        await system.alerts.put_watchlist(ANN, "tech", ["MSFT", "AAPL"])
        await system.alerts.put_watchlist(ANN, "old", [])
        await system.alerts.delete_watchlist(ANN, "old")
    async with running(tmp_path) as again:
        assert [one.symbols for one in again.alerts.watchlists(ANN)] == [("MSFT", "AAPL")]
        assert again.alerts.watchlist(ANN, "tech").rev == 1


async def test_before_the_present_is_reached_nothing_is_put(tmp_path: Path) -> None:
    """Ticks of the past would ring a rule of today."""
    system = System(tmp_path)
    with pytest.raises(NotReady):
        system.alerts.put_nowait(ANN, rule())
    view = await system.alerts.put(ANN, rule())
    assert view.state.phase == "blind"
    await system.end()


async def test_nothing_to_commit_is_committed_at_once(tmp_path: Path) -> None:
    """Whoever asks for the same twice does not wait for something else to happen."""
    async with running(tmp_path) as system:
        first = await system.alerts.put(ANN, rule(client_id="a"))
        assert await system.alerts.put(ANN, rule(client_id="a"), replace_named=True) == first
        await system.alerts.committed()


async def test_rings_wait_for_a_disk_that_refuses_and_come_late(tmp_path: Path) -> None:
    """Evaluation pauses when too many wait, catches up afterwards, and nothing is lost or doubled."""
    async with running(tmp_path, AlertSettings(queue_fires=3)) as system:
        system.publish(trade(99))
        await system.alerts.put(ANN, rule(condition("cross"), repeat="every"))
        connection = system.alerts._store.connection
        await system.alerts.in_store(lambda *_: connection.execute("pragma query_only = on"))
        for turn in range(20):
            system.publish(trade(101 - 2 * (turn % 2)))
        await until(lambda: system.alerts.counts()["commit_failures"])
        assert system.alerts.counts()["pauses"] == 1
        assert system.told == []
        await system.alerts.in_store(lambda *_: connection.execute("pragma query_only = off"))
        await until(lambda: len(system.told) == 20)
        assert [one.offset for one in system.told] == list(range(1, 21))
        assert [one.fire.m for one in system.told] == list(range(2, 22))
        assert system.alerts.following


async def test_a_put_that_does_not_reach_the_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller may repeat it; nobody is told that it is kept."""
    monkeypatch.setattr("alerts.runtime.WAIT_SECONDS", 0.05)
    async with running(tmp_path) as system:
        connection = system.alerts._store.connection
        await system.alerts.in_store(lambda *_: connection.execute("pragma query_only = on"))
        with pytest.raises(StoreUnavailable):
            await system.alerts.put(ANN, rule(client_id="a"))
        await system.alerts.in_store(lambda *_: connection.execute("pragma query_only = off"))
        monkeypatch.setattr("alerts.runtime.WAIT_SECONDS", 20)
        await system.alerts.put(ANN, rule(client_id="a"), replace_named=True)
    async with running(tmp_path) as again:
        assert len(again.alerts.list(ANN)) == 1


async def test_a_thread_that_broke_ends_the_run(tmp_path: Path) -> None:
    """The supervisor hears of it; ticks go on without alerts."""
    system = System(tmp_path)
    await system.ready()
    system.publish(trade(99))
    await system.alerts.put(ANN, rule())
    await system.alerts.in_store(lambda store, _: store.connection.execute("drop table fires"))
    system.publish(trade(100))
    await until(lambda: system.alerts._committer.broken)
    system.publish(trade(101))
    with pytest.raises(StoreUnavailable):
        await system.task
    system.alerts.close()
    system.tape.close()


async def test_a_tape_that_was_begun_anew_is_followed_from_its_beginning(tmp_path: Path) -> None:
    """Marks of the file that are beyond the tape are not waited for."""
    async with running(tmp_path / "old") as system:
        system.publish(*[trade(99) for _ in range(50)])
        await system.alerts.put(ANN, rule())
    (tmp_path / "new").mkdir()
    for path in (tmp_path / "old").glob("alerts.sqlite*"):
        path.rename(tmp_path / "new" / path.name)
    async with running(tmp_path / "new") as system:
        system.publish(trade(99), trade(100))
        await until(lambda: system.told)
        assert system.told[0].fire.m == 2


@pytest.mark.parametrize("seed", range(6))
async def test_crashes_anywhere_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """Killed again and again: the same rings, ids and places as a life without an end."""
    chance = random.Random(seed)
    symbols, levels = ("A", "B"), (99.95, 100, 100.01, 100.05)
    rules = [random_rule(chance, symbols, levels) for _ in range(20)]
    batches = random_batches(chance, symbols, levels, 1_200)
    deaths = {place for place in range(len(batches)) if chance.random() < 0.06}
    rings: list[list[tuple[str, int, int]]] = []
    for dying in (False, True):
        folder = tmp_path / str(dying)
        folder.mkdir()
        ids = iter(range(1, 100))
        system = System(folder, new_id=lambda ids=ids: str(UUID(int=next(ids))))  # type: ignore[misc]  # bound now
        for one in rules:
            await system.alerts.put(ANN, one)
        for place, batch in enumerate(batches):
            system.publish(*batch.ticks)
            if chance.random() < 0.2:
                await asyncio.sleep(0.001)
            if dying and place in deaths:
                await system.die()
                system = System(folder)
                await system.ready()
        await system.alerts.committed()
        stored = await system.alerts.fires(ANN, limit=10**6)
        rings.append([(one.fire.event_id, one.fire.m, one.offset) for one in stored])
        await system.end()
    assert rings[0] == rings[1]
    assert len(rings[0]) > 20
    assert len({event_id for event_id, _, _ in rings[0]}) == len(rings[0])


@pytest.mark.parametrize("crash", [False, True])
async def test_a_life_without_ticks_takes_no_mark_back(tmp_path: Path, crash: bool) -> None:
    """What it writes, such as notes of deliveries, leaves the mark where it is: nothing rings twice."""
    async with running(tmp_path) as first:
        await first.alerts.put(ANN, rule(repeat="every"))
        first.publish(trade(99), trade(100), trade(99), trade(100), trade(99))
        await until(lambda: len(first.told) == 2)
    quiet = System(tmp_path)
    # The deliverer asks before anything is evaluated.
    assert await quiet.alerts.in_store(lambda store, _: store.last_offset(ANN)) == 2
    await quiet.ready()
    await (quiet.die() if crash else quiet.end())
    async with running(tmp_path) as last:
        assert len(await last.alerts.fires(ANN)) == 2


async def test_a_proof_after_a_crash_names_what_was_before(tmp_path: Path) -> None:
    """The ring of a tick that was evaluated twice has the same proof."""
    system = System(tmp_path)
    await system.alerts.put(ANN, rule())
    system.publish(trade(99), quote(98, 99.5))
    await system.die()
    async with running(tmp_path) as again:
        again.publish(trade(100))
        await until(lambda: again.told)
        proof = bytes(again.told[0].fire.proof)
        assert b'"m":1' in proof
        assert b'"m":2' in proof
