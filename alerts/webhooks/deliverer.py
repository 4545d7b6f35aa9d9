"""Takes rings from the outbox to their receivers, until it is cancelled.

    claim ─▶ lanes ─▶ attempts (tasks, bounded) ─▶ plan ─▶ outbox: delivered, again, dead

A claim is a lease: if the process dies, what was under way is sent again, under the same id.
What finds no room in memory goes back to the outbox for a moment; so does everything when the
file cannot be written, because then nothing is marked and the lease runs out.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar

import structlog

from alerts.errors import NotFound, StoreUnavailable
from alerts.model import Delivery, StoredFire
from alerts.outbox import Outbox
from alerts.store import AlertStore
from alerts.webhooks.endpoints import Endpoints
from alerts.webhooks.lanes import Lanes
from alerts.webhooks.plan import NS, Again, Dead, Done, Outcome, Verdict, delivery_plan
from alerts.webhooks.sender import Sender
from config.settings import WebhookSettings

KIND: Final = "webhook"
CLAIM: Final = 256
"""Deliveries taken from the outbox at a time."""
LEASE_NS: Final = 120 * NS
"""Longer than an attempt takes; a delivery that still waits in memory then is noticed when it comes again."""
NO_ROOM_NS: Final = 2 * NS
"""After this time a delivery that found no room is looked at again."""
LOOK_SECONDS: Final = 5.0
"""The outbox is looked at this often, even when nothing is said to be due."""
FORGET_NS: Final = 3_600 * NS
WAITED: Final = "it waited for its turn until it was of no use"

T = TypeVar("T")
log = structlog.get_logger()


class Outboxes(Protocol):
    """Who has the outbox: `alerts.runtime.AlertRuntime`."""

    def in_store(self, job: Callable[[AlertStore, Outbox], T]) -> Coroutine[Any, Any, T]:
        """Do something with the outbox in the thread that owns it."""
        ...


class Deliverer:
    """Delivers what is due on channels `webhook:…`."""

    def __init__(
        self,
        outboxes: Outboxes,
        endpoints: Endpoints,
        settings: WebhookSettings,
        clock_ns: Callable[[], int],
        sender: Sender | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outboxes = outboxes
        self._endpoints = endpoints
        self._clock_ns = clock_ns
        self._sender = sender or Sender(settings)
        self._chance = chance
        self._lanes = Lanes(settings.in_flight)
        self._wake = asyncio.Event()
        self.counters = dict.fromkeys(("delivered", "again", "dead", "expired", "no_room", "not_marked"), 0)

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return self._lanes.in_flight

    def on_fires(self, stored: Sequence[StoredFire]) -> None:
        """Rings were committed: look at the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; attempts under way are given up then, and made again later."""
        try:
            async with asyncio.TaskGroup() as attempts:
                while True:
                    self._wake.clear()
                    wait_s = await self._round(attempts)
                    try:
                        async with asyncio.timeout(wait_s):
                            await self._wake.wait()
                    except TimeoutError:
                        pass
        finally:
            await self._sender.close()

    async def _round(self, attempts: asyncio.TaskGroup) -> float:
        """Claim, start what may start; returns how long nothing will be to do, s."""
        now_ns = self._clock_ns()
        claimed = await self._in_outbox(lambda outbox: outbox.claim(KIND, now_ns, LEASE_NS, CLAIM)) or []
        turned_away = [delivery for delivery in claimed if not self._lanes.offer(delivery)]
        if turned_away:
            self.counters["no_room"] += len(turned_away)
            await self._in_outbox(lambda outbox: _postpone(outbox, turned_away, now_ns))
        for delivery in self._lanes.start(self._clock_ns()):
            attempts.create_task(self._attempt(delivery))
        self._lanes.forget(now_ns - FORGET_NS)
        if len(claimed) == CLAIM:
            return 0.0
        return await self._quiet_seconds()

    async def _quiet_seconds(self) -> float:
        due_ns = await self._in_outbox(lambda outbox: outbox.next_due_ns(KIND))
        times = [time_ns for time_ns in (due_ns, self._lanes.next_ns()) if time_ns]
        now_ns = self._clock_ns()
        # A lane that has its turn and is full is woken by the end of an attempt.
        waits = [(time_ns - now_ns) / NS for time_ns in times if time_ns > now_ns or time_ns == due_ns]
        return min([LOOK_SECONDS, *(max(wait, 0.001) for wait in waits)])

    async def _attempt(self, delivery: Delivery) -> None:
        """One attempt and what follows; its end lets others begin."""
        try:
            outcome = await self._send(delivery)
        except asyncio.CancelledError:
            raise
        except Exception:
            # One ring must not end the delivery of all others.
            log.exception("webhook attempt failed", event_id=delivery.stored.fire.event_id)
            outcome = Outcome(error="a mistake of this service")
        finally:
            self._wake.set()
        now_ns = self._clock_ns()
        if outcome is None:
            self._lanes.released(delivery)
            self.counters["expired"] += 1
            await self._in_outbox(lambda outbox: outbox.retry(delivery.id, now_ns, WAITED, now_ns))
            return
        verdict = delivery_plan(outcome, self._lanes.failures(delivery), now_ns, self._chance())
        if isinstance(verdict, Again):
            self._lanes.failed(delivery, verdict.due_ns)
        else:
            self._lanes.done(delivery)
        await self._note(delivery, verdict, now_ns)

    async def _send(self, delivery: Delivery) -> Outcome | None:
        """Send it; None when it is too late for that, which the outbox makes an expired letter."""
        now_ns, stored = self._clock_ns(), delivery.stored
        if now_ns > delivery.use_by_ns:
            return None
        try:
            endpoint = self._endpoints.find(stored.fire.owner, delivery.channel)
        except NotFound:
            return Outcome(error="the endpoint was deleted", refused=True)
        if endpoint.disabled:
            return Outcome(error=f"the endpoint is switched off: {endpoint.disabled}", refused=True)
        return await self._sender.send(endpoint, stored, now_ns)

    async def _note(self, delivery: Delivery, verdict: Verdict, now_ns: int) -> None:
        """Write down what became of it."""
        match verdict:
            case Done():
                self.counters["delivered"] += 1
                await self._in_outbox(lambda outbox: outbox.delivered(delivery.id, now_ns))
            case Again(due_ns, error):
                self.counters["again"] += 1
                await self._in_outbox(lambda outbox: outbox.retry(delivery.id, due_ns, error, now_ns))
            case Dead(error, switch_off):
                self.counters["dead"] += 1
                await self._in_outbox(lambda outbox: outbox.dead(delivery.id, error, now_ns))
                if switch_off:
                    await self._switch_off(delivery)

    async def _switch_off(self, delivery: Delivery) -> None:
        owner = delivery.stored.fire.owner
        try:
            endpoint = self._endpoints.find(owner, delivery.channel)
            await asyncio.to_thread(self._endpoints.switch, owner, endpoint.id, "it answered 410 Gone")
        except (NotFound, StoreUnavailable):
            pass  # deleted meanwhile; or the next attempt will be told the same

    async def _in_outbox(self, job: Callable[[Outbox], T]) -> T | None:
        """Do something with the outbox; None when the file cannot be used now: the lease will run out."""
        try:
            return await self._outboxes.in_store(lambda _, outbox: job(outbox))
        except StoreUnavailable:
            self.counters["not_marked"] += 1
            return None


def _postpone(outbox: Outbox, deliveries: Sequence[Delivery], now_ns: int) -> None:
    for delivery in deliveries:
        outbox.retry(delivery.id, now_ns + NO_ROOM_NS, "waits for its turn", now_ns)
