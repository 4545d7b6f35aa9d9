"""Alerts on WebSockets: rings go to every connection of their owner, again and again until one confirms them.

What is asked over a WebSocket is answered by the same desk as over HTTP. Rings that were not
confirmed are sent when a client connects, and every `RESEND_SECONDS`, while they are of use.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from alerts.errors import AlertsError, Conflict, Invalid, LimitReached, NotFound
from alerts.form import fire_form, symbol_of, view_form
from alerts.model import WS, Owner, StoredFire
from config.settings import AlertSettings
from hub import codes
from hub.callers import Caller
from hub.desk import DeskMessage, Visit
from hub.effects import error_message
from hub.errors import MessageError
from hub.messages import AlertAck, AlertDel, AlertList, AlertPut
from tapewire.alert_desk import AlertDesk, NotEntitled
from tapewire.fanout import KnownCaller

RESEND_SECONDS: Final = 30.0
RINGS_AT_ONCE: Final = 100
"""Rings sent at a time to one client that has not confirmed any; the next ones follow its `alert.ack`."""
LIST_MAX: Final = 1_000
"""Alerts in one answer; whoever has more asks over HTTP."""
TASKS_MAX: Final = 1_000
"""Questions that are being answered at a time, of all clients."""

log = structlog.get_logger()


class AlertStream:
    """The hub's desk. Every method is for the loop's thread."""

    def __init__(self, desk: AlertDesk, settings: AlertSettings, clock_ns: Callable[[], int]) -> None:
        self._desk = desk
        self._use_by_s = settings.use_by_s
        self._clock_ns = clock_ns
        self._visits: dict[Owner, dict[Visit, int]] = {}
        """Connections, and up to which offset each was sent what had not been confirmed."""
        self._unconfirmed: set[Owner] = set()
        self._group: asyncio.TaskGroup | None = None
        self._tasks = 0

    async def run(self) -> None:
        """Answer, and send again what nobody has confirmed, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                while True:
                    await asyncio.sleep(RESEND_SECONDS)
                    for owner in [owner for owner in self._unconfirmed if owner in self._visits]:
                        self._spawn(self._send_pending(owner, list(self._visits[owner])))
        finally:
            self._group = None

    # -- the hub's side ----------------------------------------------------------------------

    def opened(self, visit: Visit) -> None:
        """Send what was rung meanwhile."""
        owner = _owner(visit.caller)
        self._visits.setdefault(owner, {})[visit] = 0
        if not self._spawn(self._send_pending(owner, [visit])):
            self._unconfirmed.add(owner)

    def closed(self, visit: Visit) -> None:
        """Forget a connection."""
        owner = _owner(visit.caller)
        visits = self._visits.get(owner, {})
        visits.pop(visit, None)
        if not visits:
            self._visits.pop(owner, None)
            self._unconfirmed.discard(owner)

    def ask(self, visit: Visit, message: DeskMessage) -> None:
        """Answer in a task of its own."""
        if not self._spawn(self._answer(visit, message)):
            visit.answer(error_message(codes.BUSY, "", getattr(message, "id", None)))

    def watchlist(self, caller: Caller, name: str) -> Sequence[str]:
        """The symbols of a caller's list.

        Raises:
            MessageError: the caller has none of this name.
        """
        try:
            return self._desk.alerts.watchlist(_owner(caller), name).symbols
        except NotFound as error:
            raise MessageError(codes.NOT_FOUND, str(error)) from None

    # -- rings -------------------------------------------------------------------------------

    def on_fires(self, stored: Sequence[StoredFire]) -> None:
        """Rings were committed: send them to all connections of their owners."""
        for one in stored:
            owner = one.fire.owner
            if WS in one.fire.channels and owner in self._visits:
                self._unconfirmed.add(owner)
                _push(list(self._visits[owner]), one)

    async def _send_pending(self, owner: Owner, visits: Sequence[Visit]) -> None:
        """Send what was not confirmed and is still of use."""
        now_ns = self._clock_ns()
        try:
            offset = await self._desk.alerts.in_store(lambda _, outbox: outbox.acknowledged(owner))
            pending: list[StoredFire] = []
            while len(pending) < RINGS_AT_ONCE:
                fires = await self._desk.alerts.fires(owner, offset, RINGS_AT_ONCE)
                pending += [
                    one for one in fires if WS in one.fire.channels and now_ns <= self._use_by_ns(one)
                ]
                if len(fires) < RINGS_AT_ONCE:
                    break
                offset = fires[-1].offset
        except AlertsError:
            self._unconfirmed.add(owner)
            return
        there = self._visits.get(owner, {})
        if pending and there:
            self._unconfirmed.add(owner)
        elif not pending:
            self._unconfirmed.discard(owner)
        for one in pending[:RINGS_AT_ONCE]:
            _push(visits, one)
            for visit in visits:
                if visit in there:
                    there[visit] = one.offset

    def _use_by_ns(self, stored: StoredFire) -> int:
        return stored.committed_ns + (stored.fire.use_by_s or self._use_by_s) * 1_000_000_000

    # -- questions ---------------------------------------------------------------------------

    async def _answer(self, visit: Visit, message: DeskMessage) -> None:
        try:
            answer = await self._work(visit, message)
        except (AlertsError, NotEntitled) as error:
            answer = _told(error, getattr(message, "id", None))
        except Exception:
            # One client's question must not end the alerts of all.
            log.exception("an alert message could not be handled")
            answer = error_message(codes.HUB, "", getattr(message, "id", None))
        if answer is not None:
            visit.answer(_for(visit, answer))

    async def _work(self, visit: Visit, message: DeskMessage) -> dict[str, Any] | None:
        caller = visit.caller
        assert isinstance(caller, KnownCaller)
        principal = caller.principal
        match message:
            case AlertPut():
                view = await self._desk.put(
                    principal, message.rule, alert_id=message.alert, replace_named=True, if_rev=message.rev
                )
                return {"op": "ok", "id": message.id, "alert": view_form(view)}
            case AlertList():
                symbol = None if message.symbol is None else symbol_of(message.symbol, "/symbol")
                views = self._desk.alerts.list(_owner(caller), symbol)[:LIST_MAX]
                return {"op": "ok", "id": message.id, "alerts": [view_form(view) for view in views]}
            case AlertDel():
                await self._desk.delete(principal, message.alert)
                return {"op": "ok", "id": message.id, "del": True}
            case AlertAck():
                confirmed = await self._desk.acknowledge(principal, message.off)
                await self._send_next(_owner(caller), confirmed, visit)
                return None

    async def _send_next(self, owner: Owner, confirmed: int, visit: Visit) -> None:
        """When a whole page was confirmed, send the next one; forget the owner when nothing is left."""
        last = await self._desk.alerts.last_offset(owner)
        if last <= confirmed:
            self._unconfirmed.discard(owner)
        elif confirmed >= self._visits.get(owner, {}).get(visit, confirmed + 1) > 0:
            await self._send_pending(owner, [visit])

    def _spawn(self, work: Any) -> bool:
        if self._group is None or self._tasks >= TASKS_MAX:
            work.close()
            return False
        self._tasks += 1
        self._group.create_task(work).add_done_callback(self._ended)
        return True

    def _ended(self, _: object) -> None:
        self._tasks -= 1


def _owner(caller: Caller) -> Owner:
    return Owner(caller.tenant, caller.user)


def _push(visits: Sequence[Visit], stored: StoredFire) -> None:
    """Send a ring; who cannot take it now gets it later, because nobody confirms it."""
    message = {"op": "alert", **fire_form(stored)}
    for visit in visits:
        visit.push(_for(visit, message))


def _for(visit: Visit, message: dict[str, Any]) -> dict[str, Any]:
    """A message as this client's codec can hold it: in MessagePack its prices are doubles."""
    if not visit.packed:
        return message
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return plain


def _told(error: AlertsError | NotEntitled, message_id: int | None) -> dict[str, Any]:
    match error:
        case NotEntitled():
            return error_message(codes.ENT_NONE, str(error), message_id)
        case Invalid():
            return {**error_message(codes.BAD_MSG, str(error), message_id), "pointer": error.pointer}
        case NotFound():
            return error_message(codes.NOT_FOUND, str(error), message_id)
        case Conflict():
            return error_message(codes.CONFLICT, str(error), message_id)
        case LimitReached():
            return error_message(codes.ALERT_LIMIT, str(error), message_id)
    return error_message(codes.BUSY, "", message_id)
