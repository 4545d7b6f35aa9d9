"""Everything the hub decides: connections on one side, the tape on the other.

A batch comes in by `publish` and goes through the router without waiting; `flush`, `turn` and
`step` write what is due at their moments. A subscription that is behind is served by the feeder
until it has caught up, then by the router. Pure: time is an argument, bytes go to a `Wire`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from config.settings import HubSettings
from hub import codes
from hub.callers import Caller
from hub.catchup import CatchUp, epoch_message
from hub.connection import Connection, Wire
from hub.desk import Desk, DeskMessage, Visit
from hub.effects import Answer, Ask, Effect, Subscribe, Unsubscribe, Withdraw, error_message
from hub.errors import MessageError
from hub.feeder import Feeder
from hub.messages import FromMark, parse_frame
from hub.moment import Moment
from hub.pieces import NativeEncoder
from hub.reception import Reception
from hub.router import RATES, Router, grant
from hub.sender import Sender
from hub.session import Session
from hub.subscription import Outlet, Subscription
from hub.tape_view import TapeView
from hub.wire import control
from tape.batch import Batch, Damage

SWEEP_STEPS: Final = 16
"""Each connection is looked after once in so many steps of the wheel, that is once a second."""
_SECOND_NS: Final = 1_000_000_000


class Switchboard:
    """Serves the native protocol.

    Bounds: `connections_max` connections, each with `channels_max` channels; what a stalled client
    was not sent is not kept, it is read from the tape again.
    """

    def __init__(
        self,
        settings: HubSettings,
        view: TapeView,
        authenticate: Callable[[str | None, int], Caller],
        desk: Desk | None = None,
    ) -> None:
        view.begin()
        self.encoder = NativeEncoder()
        self.router = Router(view.table, self.encoder, view.head_m())
        self.connections: dict[Connection, None] = {}
        self.epoch = view.epoch_at(self.router.head_m)
        """The epoch of the newest tick."""
        self.counters = dict.fromkeys(
            (
                "accepted", "refused", "writes", "resumes", "stalls", "fell_behind", "missed", "unreadable",
                "failed", "closed_slow", "closed_silent", "closed_limit",
            ), 0,
        )  # fmt: skip
        self._sender = Sender(self.router, self.counters)
        self.feeder = Feeder(settings, view, self.router, self._sender.serve_behind)
        self._settings = settings
        self._view = view
        self._reception = Reception(settings, view, self.router, authenticate, desk)
        self._desk = desk
        self._swept: list[Connection] = []
        self._strangers: dict[Connection, None] = {}

    # -- the tape's side -------------------------------------------------------------------

    def publish(self, batch: Batch, now: Moment) -> None:
        """Take a batch that has just been journalled."""
        if not batch.ticks:
            return
        self._sender.now = now
        if batch.epoch != self.epoch:
            self._begin_epoch(batch.epoch)
        elif batch.first_m > self.router.head_m + 1:
            # Something was published before we were listening; it is on the tape.
            self.counters["missed"] += 1
            self._flush_all()
            self._all_fall_behind(self.epoch)
        self._view.note(batch)
        self.router.publish(batch)

    def backlog(self) -> int:
        """How many marks the raw subscription that is furthest behind lacks; 0 when none is."""
        return self.feeder.backlog()

    def flush(self, now: Moment) -> None:
        """Write what is due to raw subscriptions."""
        self._sender.now = now
        self._write_due(self.router.take_raw(), (0.0,))

    def turn(self, rates: Sequence[float], now: Moment) -> None:
        """Write what is due to interval subscriptions of these rates."""
        self._sender.now = now
        self.feeder.part(rates)
        self._write_due(self.router.take_rates(rates), rates)

    def step(self, now: Moment) -> bool:
        """Serve one slice from memory to somebody who is behind; False when nobody can be served."""
        self._sender.now = now
        return self.feeder.step()

    def feed(self, catch_up: CatchUp, items: deque[Batch | Damage], now: Moment) -> bool:
        """Serve one slice of what was read from the journal; False when there is no more to serve."""
        self._sender.now = now
        return self.feeder.feed(catch_up, items)

    def sweep(self, now: Moment) -> None:
        """Look after the next sixteenth of all connections: time-outs, signs of life, marks for idle ones."""
        self._sender.now = now
        self.feeder.retry()
        if not self._swept:
            self._swept = list(self.connections)
        share = len(self.connections) // SWEEP_STEPS + 1
        for connection in self._swept[:share]:
            if not connection.closed:
                self._look_after(connection)
        del self._swept[:share]

    # -- the clients' side -----------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether there is no room for another connection.

        Those who have not said who they are make room: they must not keep out those who will.
        """
        return len(self.connections) - len(self._strangers) >= self._settings.connections_max

    def connect(self, wire: Wire, now: Moment, *, packed: bool) -> Connection | None:
        """A client has connected; None when there is no room (the wire was closed)."""
        if self.full:
            self.counters["refused"] += 1
            wire.close(codes.CLOSE_OVERLOAD.number, f"{codes.CLOSE_OVERLOAD.word}, retry in 5 s")
            return None
        if len(self.connections) >= self._settings.connections_max:
            self.counters["refused"] += 1
            self._close(next(iter(self._strangers)), codes.CLOSE_OVERLOAD)
        connection = Connection(wire, Session(self._settings, self._reception, now), packed=packed, now=now)
        self.connections[connection] = self._strangers[connection] = None
        self.counters["accepted"] += 1
        return connection

    def receive(self, connection: Connection, payload: bytes, now: Moment) -> None:
        """A client has sent one message of the WebSocket."""
        self._sender.now = now
        self.heard(connection, now)
        try:
            messages = parse_frame(payload, packed=connection.packed)
        except MessageError as error:
            effects = connection.session.bad_frame(error)
        else:
            effects = connection.session.receive(messages, now)
        caller = connection.session.caller
        if connection.user is None and caller is not None and not self._admit(connection, caller):
            return
        if self._desk is not None and connection.visit is None and connection.user is not None:
            connection.visit = Visit(connection, self._sender)
            self._desk.opened(connection.visit)
        self._perform(connection, effects)

    def fail(self, connection: Connection, now: Moment) -> None:
        """What a client sent could not be handled, by our fault: tell it and let it come again."""
        self._sender.now = now
        self.counters["failed"] += 1
        self._sender.say(connection, error_message(codes.HUB, ""))
        self._close(connection, codes.CLOSE_HUB)

    def fail_serving(self, now: Moment) -> None:
        """Serving somebody from the tape failed, by our fault."""
        subscription = self.feeder.serving
        if subscription is not None:
            connection: Connection = subscription.connection  # type: ignore[assignment]  # likewise
            if not connection.closed:
                self.fail(connection, now)

    def heard(self, connection: Connection, now: Moment) -> None:
        """A client has shown that it lives."""
        connection.heard_ns = now.awake_ns
        connection.pinged = False

    def stall(self, connection: Connection, now: Moment) -> None:
        """The client does not take what was written: nothing more until it does.

        It may take it before anything else is due. If not, its subscriptions fall behind.
        """
        if connection.stalled or connection.closed:
            return
        connection.stalled = True
        connection.stalled_ns = now.awake_ns
        self.counters["stalls"] += 1

    def drain(self, connection: Connection, now: Moment) -> None:
        """The client takes bytes again."""
        self._sender.now = now
        connection.stalled = False
        connection.heard_ns = connection.wrote_ns = now.awake_ns
        connection.write_rest()
        if not connection.stalled:
            for subscription in connection.subs.values():
                self.feeder.wake(subscription)

    def lost(self, connection: Connection) -> None:
        """The connection has ended."""
        connection.closed = True
        self.connections.pop(connection, None)
        self._strangers.pop(connection, None)
        for subscription in connection.subs.values():
            self._end(subscription)
        connection.subs.clear()
        if self._desk is not None and isinstance(connection.visit, Visit):
            self._desk.closed(connection.visit)
            connection.visit = None
        self._reception.leave(connection)

    def shut(self, now: Moment) -> None:
        """The hub is going down: tell everybody."""
        self._sender.now = now
        self._flush_all()
        for connection in list(self.connections):
            mark = self._sender.mark(connection)
            told = {"op": "drain", "deadline_ms": 0, "after": [0, 5_000]}
            self._sender.say(connection, told if mark is None else {**told, "m": mark})
            self._close(connection, codes.CLOSE_DRAIN)

    # -- effects ---------------------------------------------------------------------------

    def _admit(self, connection: Connection, caller: Caller) -> bool:
        """Let a user's connection in, in place of a dead one if need be; else refuse it."""
        try:
            dead = self._reception.admit(connection, caller, self._sender.now)
        except MessageError as error:
            self.counters["closed_limit"] += 1
            self._sender.say(connection, error_message(error.code, error.hint))
            self._close(connection, codes.CLOSE_CONN_LIMIT)
            return False
        self._strangers.pop(connection, None)
        if dead is not None:
            self._close(dead, codes.CLOSE_SILENT)
        return True

    def _ask(self, connection: Connection, message: DeskMessage) -> None:
        """Let the desk answer; where there is none, say so."""
        if self._desk is not None and isinstance(connection.visit, Visit):
            self._desk.ask(connection.visit, message)
            return
        told = error_message(codes.BUSY, "there are no alerts here", getattr(message, "id", None))
        self._sender.say(connection, told)

    def _perform(self, connection: Connection, effects: Iterable[Effect]) -> None:
        answers: list[dict[str, Any]] = []
        for effect in effects:
            if isinstance(effect, Answer):
                answers.append(effect.message)
                continue
            self._answer(connection, answers)
            if connection.outbox:  # what came before a change leaves before it is confirmed
                self._write_or_fall_behind(connection)
            if isinstance(effect, Subscribe):
                self._subscribe(connection, effect)
            elif isinstance(effect, Unsubscribe):
                self._unsubscribe(connection, effect.sub_id)
            elif isinstance(effect, Withdraw):
                self._withdraw(connection, effect)
            elif isinstance(effect, Ask):
                self._ask(connection, effect.message)
            else:
                self._close(connection, effect.code, effect.reason)
        self._answer(connection, answers)

    def _answer(self, connection: Connection, answers: list[dict[str, Any]]) -> None:
        if answers:
            self._sender.write(connection, [control(answers, packed=connection.packed)])
            answers.clear()

    def _subscribe(self, connection: Connection, wish: Subscribe) -> None:
        self._unsubscribe(connection, wish.sub_id)
        rate = grant(wish.rate_hz) if wish.rate_hz is not None else 0.0
        subscription = Subscription(
            connection, wish.sub_id, wish.lineup, rate=rate, packed=connection.packed
        )  # fmt: skip
        subscription.channels = dict.fromkeys(wish.channels)
        if wish.star:
            subscription.keys = frozenset((kind, wish.lineup) for kind in wish.kinds)
        start = wish.start
        resumed = isinstance(start, FromMark)
        if isinstance(start, FromMark):
            self.counters["resumes"] += 1
            subscription.cursor_m, subscription.settled = start.m, True
            epoch = self._view.epoch_at(start.m)
        else:
            subscription.cursor_m = self.router.head_m
            epoch = self._view.epoch()  # that of the counts, which may have begun without a tick
        connection.subs[wish.sub_id] = subscription
        self._sender.say(connection, self._reception.confirm(wish, subscription, epoch, resumed=resumed))
        self.feeder.add(
            CatchUp(
                subscription, self._view, self.encoder, after_m=subscription.cursor_m, epoch=epoch,
                certify=resumed, snapshots=start == "snapshot",
            )
        )  # fmt: skip
        self.feeder.serve_now(subscription)

    def _unsubscribe(self, connection: Connection, sub_id: int) -> None:
        subscription = connection.subs.pop(sub_id, None)
        if subscription is not None:
            self._end(subscription)

    def _withdraw(self, connection: Connection, withdraw: Withdraw) -> None:
        subscription = connection.subs.get(withdraw.sub_id)
        if subscription is None:
            return
        names = list(withdraw.channels)
        if subscription.live:
            self.router.detach_channels(subscription, names)
        self.feeder.drop(subscription, names)
        subscription.drop(names)

    def _end(self, subscription: Subscription) -> None:
        self.feeder.forget(subscription)
        if subscription.live:
            self.router.detach(subscription)

    # -- live and behind -------------------------------------------------------------------

    def _write_due(self, due: Iterable[Outlet], rates: Iterable[float]) -> None:
        """Write to connections with something due, everything at these rates up to the newest tick."""
        reading: list[Connection] = []
        for connection in due:
            assert isinstance(connection, Connection)
            if connection.stalled:
                self._fall_behind(connection, self.epoch)  # from the flush before this one on
            else:
                reading.append(connection)
        for rate in rates:
            self._sender.flushed[rate] = self.router.head_m
        for connection in reading:
            self._sender.serve(connection)

    def _write_or_fall_behind(self, connection: Connection) -> None:
        if connection.stalled:
            self._fall_behind(connection, self.epoch)
        else:
            self._sender.serve(connection)

    def _fall_behind(self, connection: Connection, epoch: int) -> None:
        """From here on it is served from the tape again, from the last flush on.

        `epoch` is the one whose numbers the client had.
        """
        behind = [subscription for subscription in connection.subs.values() if subscription.live]
        self.counters["fell_behind"] += bool(behind)
        for subscription in behind:
            subscription.live = False
            subscription.cursor_m = max(subscription.cursor_m, self._sender.flushed[subscription.rate])
            self.router.detach(subscription)
        connection.outbox.clear()
        for subscription in behind:
            self.feeder.add(
                CatchUp(
                    subscription, self._view, self.encoder, after_m=subscription.cursor_m, epoch=epoch,
                    late_why="slow",
                )
            )  # fmt: skip

    def _all_fall_behind(self, epoch: int) -> None:
        for connection in self.connections:
            self._fall_behind(connection, epoch)

    def _begin_epoch(self, epoch: int) -> None:
        """Numbers begin anew: what is of the old epoch leaves first, then everybody is told.

        Who has subscriptions is told on the way from the old epoch's end to the present, with a gap and
        a snapshot for each of its channels.
        """
        self._flush_all()
        before, self.epoch = self.epoch, epoch
        for connection in list(self.connections):
            if connection.session.caller is not None and not connection.subs:
                self._sender.say(connection, epoch_message(self._view.start(epoch)))
        self._all_fall_behind(before)

    # -- bytes -----------------------------------------------------------------------------

    def _flush_all(self) -> None:
        self.flush(self._sender.now)
        self.turn(RATES, self._sender.now)

    def _look_after(self, connection: Connection) -> None:
        self._perform(connection, connection.session.tick(self._sender.now))
        if connection.closed:
            return
        now_ns = self._sender.now.awake_ns
        ping_ns = self._settings.ping_s * _SECOND_NS
        if connection.stalled:
            if now_ns - connection.stalled_ns > self._settings.stall_s * _SECOND_NS:
                self.counters["closed_slow"] += 1
                self._close(connection, codes.CLOSE_SLOW)
            return
        if now_ns - connection.heard_ns >= 2 * ping_ns:
            self.counters["closed_silent"] += 1
            self._close(connection, codes.CLOSE_SILENT)
            return
        if now_ns - connection.heard_ns >= ping_ns and not connection.pinged:
            connection.pinged = True
            connection.wire.ping()
        if now_ns - connection.wrote_ns >= ping_ns and connection.user is not None:
            self._sender.tell_mark(connection)

    def _close(self, connection: Connection, code: codes.CloseCode, reason: str = "") -> None:
        connection.wire.close(code.number, reason or code.word)
        self.lost(connection)
