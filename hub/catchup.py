"""Serving a subscription from the tape until it has caught up with the present.

Pure: batches and holes go in, frames pile up in the connection's outbox, and `read_m` says how
far it has got. Where the batches come from (ring, journal, archive) is the feeder's business.
Raw subscriptions get every tick; the others get each channel folded into one window when they
have caught up, and their client takes it. After a hole the newest state of every channel follows.

What is put into the outbox in one go is bounded by the caller (`room`, bytes); what waits to be
put there is kept as generators, not as bytes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from hub.certificates import Account, Hole, Statement
from hub.market_gaps import GapBook, MarketGap
from hub.pieces import Encoder
from hub.subscription import Subscription
from hub.tape_view import TapeView
from hub.windows import Window, fold, ticks_in
from hub.wire import control
from tape.batch import Batch, Damage
from tape.state import EpochStart
from ticks.channels import parse_channel
from ticks.kinds import FEED_EVENT
from ticks.model import MARKET, FeedEvent, Tick

SNAPSHOTS_PER_FRAME: Final = 50
PIECES_PER_WINDOW: Final = 64
"""A window of more pieces (a channel whose ticks do not fold) is sent early: it must not grow."""


class CatchUp:
    """One subscription's way from a mark to the present.

    Args:
        subscription: whose; its `cursor_m` follows as soon as nothing is owed any more.
        view: the tape.
        encoder: makes the frames.
        after_m: the mark behind which it begins.
        epoch: the epoch whose numbers the client last had.
        certify: whether a certificate is due at the end.
        snapshots: whether to begin with the newest state of every channel.
        late_why: what the gap is called when it is too far behind: `budget` or `slow`.
    """

    def __init__(
        self,
        subscription: Subscription,
        view: TapeView,
        encoder: Encoder,
        *,
        after_m: int,
        epoch: int,
        certify: bool = False,
        snapshots: bool = False,
        late_why: str = "budget",
    ) -> None:
        self.subscription = subscription
        self.epoch = epoch
        self.read_m = after_m
        """The tape has been read up to here."""
        self._taken_m = after_m
        """The last mark of which it is known what became of it: in front of an epoch, marks may be lost."""
        self.late_why = late_why
        self.slice_marks = 1_024
        """How much to read from the journal at once; the feeder adapts it to what the client takes."""
        self.busy = False
        """The journal is being read for it."""
        self._view = view
        self._encoder = encoder
        self._statement = Statement(subscription.id, epoch, after_m)
        self._certify = certify
        self._wants_snapshots = False
        self._broken = False
        self._windows: dict[str, Window] = {}
        self._gaps = GapBook()
        self._symbols: set[str] | None = None
        self._due: deque[Iterator[bytes]] = deque()
        if snapshots:
            self._due.append(self._snapshots())

    @property
    def owing(self) -> bool:
        """Whether something waits to be put out before more may be taken."""
        return bool(self._due)

    def emit(self, room: int) -> int:
        """Put what is due into the outbox until `room` bytes are used; returns what is left of them."""
        append = self.subscription.connection.outbox.append
        while self._due and room > 0:
            for data in self._due[0]:
                append(data)
                room -= len(data)
                if room <= 0:
                    break  # the generator waits where it is
            else:
                self._due.popleft()
        self._advance()
        return room

    def take(self, batch: Batch, room: int) -> int:
        """Serve what the subscription wants of a batch; returns what is left of `room`.

        Stops early, with `read_m` before the end of the batch, when the room is used up, or when
        something has to be put out first.
        """
        if batch.epoch != self.epoch:
            self._change_epoch(batch)
            return room
        subscription, table = self.subscription, self._view.table
        if subscription.resolved < len(table.names):
            table.learn()
            subscription.resolve(table)
        names, keys = table.names, table.keys
        own, star = subscription.ids, subscription.keys
        watched = self._certify and batch.lineup == subscription.lineup
        ids, ns, ticks, first_m = batch.channel_ids, batch.ns, batch.ticks, batch.first_m
        for place in range(max(0, self.read_m + 1 - first_m), len(ticks)):
            if room <= 0:
                self.read_m = self._taken_m = first_m + place - 1
                break
            tick = ticks[place]
            if watched and tick.kind == FEED_EVENT:
                self._note_market(tick, first_m + place)
            channel_id = ids[place]
            name = names[channel_id] if star and keys[channel_id] in star else own.get(channel_id)
            if name is not None:
                room -= self._serve(name, ns[place], tick)
        else:
            self.read_m = self._taken_m = max(self.read_m, batch.last_m)
        self._advance()
        return room

    def take_damage(self, damage: Damage) -> None:
        """Pass over marks that cannot be read, and say so."""
        self.skip(damage.last_m, "retention" if damage.reason == "retention" else "restart", "replay")

    def skip(self, to_m: int, why: str, then: str = "snap") -> None:
        """Go to a mark without serving what lies before it, and say so.

        What the client had last is of no use after that: snapshots follow in the end.
        """
        self._due.append(self._window_frames())
        gap = self._gap(to_m, why, then)
        self._statement.note_hole(Hole(self._taken_m + 1, to_m, why))
        self._broken = self._certify = self._wants_snapshots = True
        self.read_m = self._taken_m = to_m
        epoch = self._view.epoch_at(to_m)
        if epoch != self.epoch:
            self._enter(epoch, to_m)
        self._say(gap)

    def pass_to(self, m: int) -> None:
        """Everything up to `m` has been taken; what is left had no ticks, or such as went with an epoch."""
        self.read_m = max(self.read_m, m)

    def settle(self) -> bool:
        """The tape has been read to its end: make due what the client is owed; True when nothing is."""
        if self._windows:
            self._due.append(self._window_frames())
        elif self._wants_snapshots:
            self._wants_snapshots = False
            self._due.append(self._snapshots())
        elif self._certify:
            self._certify = False
            self._due.append(self._certificates(self._statement, self._taken_m))
        self._advance()
        return not self._due

    def drop(self, names: list[str]) -> None:
        """Forget some of its channels: their client may not have them any more."""
        for name in names:
            self._windows.pop(name, None)
            self._statement.accounts.pop(name, None)

    # -- inside ----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Let the mark of the subscription follow when everything that was read has been put out."""
        if not (self._due or self._windows or self._wants_snapshots):
            subscription = self.subscription
            subscription.cursor_m = max(subscription.cursor_m, self._taken_m)
            subscription.settled = True

    def _serve(self, name: str, n: int, tick: Tick) -> int:
        """Serve one tick; returns how many bytes that took."""
        accounts = self._statement.accounts
        account = accounts.get(name)
        if account is None:
            account = accounts[name] = Account(n - 1, n - 1, broken=self._broken)
        elif n <= account.last_n:
            return 0  # a snapshot has already told it
        account.skipped += n - account.last_n - 1
        account.last_n = n
        if self.subscription.rate:
            window = self._windows.setdefault(name, [])
            fold(window, n, tick)
            return 0 if len(window) < PIECES_PER_WINDOW else self._put(self._window_frame(name))
        account.sent += 1
        encode = self._encoder.pack if self.subscription.packed else self._encoder.json
        return self._put(encode(name, n, tick))

    def _put(self, data: bytes) -> int:
        self.subscription.connection.outbox.append(data)
        return len(data)

    def _window_frame(self, name: str) -> bytes:
        window = self._windows.pop(name)
        account = self._statement.accounts[name]
        account.sent += len(window)
        account.folded += ticks_in(window) - len(window)
        return self._encoder.window(name, window, packed=self.subscription.packed)

    def _window_frames(self) -> Iterator[bytes]:
        while self._windows:
            yield self._window_frame(next(iter(self._windows)))

    def _snapshots(self) -> Iterator[bytes]:
        """The newest state of each channel, as it is at the moment when it is put out."""
        part: list[dict[str, Any]] = []
        for name in self._names():
            latest, n = self._view.latest(name), self._view.number(name, self.epoch)
            if latest is None or n is None:
                continue  # of another epoch, of which the client has yet to be told: snapshots follow again
            self._note_snapshot(name, n)
            packed = self.subscription.packed
            part.append(self._encoder.snapshot(name, self.epoch, n, latest, packed=packed))
            if len(part) == SNAPSHOTS_PER_FRAME:
                yield self._control(part)
                part.clear()
        if part:
            yield self._control(part)

    def _names(self) -> Iterator[str]:
        subscription = self.subscription
        for name in tuple(subscription.channels):
            if name in subscription.channels:  # it may have been dropped meanwhile
                yield name
        for key in subscription.keys:
            yield from self._view.table.member_names(key)

    def _note_snapshot(self, name: str, n: int) -> None:
        accounts = self._statement.accounts
        account = accounts.get(name)
        if account is None:
            accounts[name] = Account(n, n, broken=self._broken)
        elif n > account.last_n:
            account.skipped += n - account.last_n
            account.last_n = n

    def _certificates(self, statement: Statement, to_m: int) -> Iterator[bytes]:
        for gap in self._unclosed(to_m):
            statement.note_gap(MarketGap(gap.from_m, None, gap.scope, gap.why))
        for message in statement.messages(to_m):
            yield self._control([message])

    def _change_epoch(self, batch: Batch) -> None:
        """Numbers begin anew with this batch, and what lay in front of it is unknown."""
        self._due.append(self._window_frames())
        gap = self._gap(batch.first_m - 1, "restart", "replay")
        self._enter(batch.epoch, batch.first_m - 1)
        self._say(gap)

    def _enter(self, epoch: int, read_m: int) -> None:
        """Certify what was before, then go on at a mark of a new epoch; snapshots follow in the end."""
        if self._certify:
            self._due.append(self._certificates(self._statement, self._taken_m))
        self._say({**epoch_message(self._view.start(epoch)), "id": self.subscription.id})
        self.epoch = epoch
        self.read_m = self._taken_m = read_m
        self._due.append(self._begin_statement(read_m))
        self._certify = self._wants_snapshots = True

    def _gap(self, to_m: int, why: str, then: str) -> dict[str, Any]:
        gap = {"op": "gap", "id": self.subscription.id, "c": "*", "from": self._taken_m, "to": to_m}
        return {**gap, "why": why, "next": then}

    def _begin_statement(self, since_m: int) -> Iterator[bytes]:
        """Begin a new account, once the old one has been put out; there is nothing to put out for it."""
        self._statement = Statement(self.subscription.id, self.epoch, since_m)
        self._broken = False
        yield from ()

    def _note_market(self, tick: Tick, m: int) -> None:
        """Remember a market gap for the certificate, by the marks that opened and closed it."""
        if isinstance(tick, FeedEvent) and self._concerns(tick.scope):
            gap = self._gaps.note(tick, m)
            if gap is None and tick.what == "gap_close":
                # It was opened before: told from where this account begins.
                gap = MarketGap(self._statement.since_m, m, tick.scope, tick.why)
            if gap is not None:
                self._statement.note_gap(gap)

    def _unclosed(self, m: int) -> Iterable[MarketGap]:
        """Market gaps that were not over at a mark: opened on the way, in front of it, or in a hole."""
        known = {gap.from_m: gap for gap in self._gaps.open_at(m)}
        for gap in self._view.market_gaps.open_at(self.subscription.lineup, m):
            if self._concerns(gap.scope):
                known.setdefault(gap.from_m, gap)
        return known.values()

    def _concerns(self, scope: str) -> bool:
        if scope == MARKET or self.subscription.keys:
            return True
        if self._symbols is None:
            self._symbols = {parse_channel(name).symbol for name in self.subscription.channels}
        return scope in self._symbols

    def _say(self, message: dict[str, Any]) -> None:
        self._due.append(iter((self._control([message]),)))

    def _control(self, messages: list[dict[str, Any]]) -> bytes:
        return control(messages, packed=self.subscription.packed)


def epoch_message(start: EpochStart) -> dict[str, Any]:
    """What a client is told when numbers begin anew."""
    why = start.why if start.why in ("volatile", "failover") else "restart"
    return {"op": "epoch", "e": start.epoch, "m": start.first_m, "why": why}
