"""A tape in memory, and a hub on it without sockets.

`Rig` owns time: nothing happens but what a test makes happen.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from config.settings import HubSettings
from hub.callers import Access, Caller
from hub.codes import AUTH_FAILED
from hub.desk import Desk
from hub.errors import MessageError
from hub.moment import Moment
from hub.router import RATES, due_rates
from hub.switchboard import Switchboard
from hub.tape_view import TapeView
from tape.batch import Batch, Damage
from tape.latest import Latest, LatestTable
from tape.ring import Ring, cut_batch
from tape.sequencer import Sequencer
from tape.state import TapeState
from ticks.conditions import MIN_HL
from ticks.model import FeedEvent, Quote, Tick, Trade, TradeCancel

SECOND_NS: Final = 1_000_000_000
BEGIN_NS: Final = 1_790_000_000 * SECOND_NS
SYMBOLS: Final = ("AAPL", "MSFT", "SPY")


def trade(symbol: str, price: int = 1, eligible: bool = True) -> Trade:
    """A trade at `price` dollars."""
    head = (5, 86, symbol, BEGIN_NS, 0, BEGIN_NS, 0, 0)
    return Trade(*head, price * 10**9, 10**8, price, 0, "", MIN_HL if eligible else 0)


def cancel(symbol: str, price: int = 1) -> TradeCancel:
    """The cancel of such a trade."""
    return TradeCancel(5, 86, symbol, BEGIN_NS, 0, BEGIN_NS, 0, 0, price * 10**9, 10**8, price, 0, "C")


def quote(symbol: str, price: int = 1) -> Quote:
    """A quote around `price` dollars."""
    head = (5, 86, symbol, BEGIN_NS, 0, BEGIN_NS, 0, 0)
    return Quote(*head, price * 10**9, 10**8, (price + 1) * 10**9, 10**8, 86, 86, "", 0)


def feed_event(what: str, scope: str = "*", why: str = "outage") -> FeedEvent:
    """A market gap that opens or closes, as feeds declare it."""
    return FeedEvent(5, 0, "*", BEGIN_NS, 0, BEGIN_NS, 0, 0, what, why, scope, 0, 0, 0, "")


class MemoryTape:
    """Numbers ticks with the real sequencer; the journal is a list, and the disk is when a test says so."""

    def __init__(self, ring_ticks: int = 64) -> None:
        self.state = TapeState()
        self.state.reserved_m = 1 << 50
        self.sequencer = Sequencer(self.state)
        self.sequencer.begin_epoch(1, 1, "start", 0)
        self.log: list[tuple[int, int, str, int, Tick]] = []
        """(mark, epoch, channel, number, tick) of everything published."""
        self.durable = 0
        self.volatile = False
        self.damages: list[Damage] = []
        self._ring = Ring(ring_ticks)
        self._journal: list[Batch] = []
        self._latest = LatestTable()
        self._journalled_ns: list[int] = []

    def publish(self, ticks: list[Tick], lineup: str = "") -> Batch:
        """Number, journal, remember."""
        batch = self.sequencer.number(lineup, ticks, BEGIN_NS)
        if not self.volatile:
            self._journal.append(batch)
        self._latest.update(batch)
        self._ring.append(batch)
        names = self.state.channels
        for place, (channel_id, n, tick) in enumerate(
            zip(batch.channel_ids, batch.ns, batch.ticks, strict=True)
        ):
            self.log.append((batch.first_m + place, batch.epoch, names[channel_id] or "", n, tick))
        return batch

    def view(self) -> TapeView:
        """The tape as a hub sees it."""
        state, table = self.state, self.sequencer
        return TapeView(
            state.channels, table.channel_id, self.latest, lambda: self.state.ns, lambda: state.epochs, self
        )

    def latest(self, name: str) -> Latest | None:
        """The newest tick of a channel."""
        channel_id = self.sequencer.channel_id(name)
        return None if channel_id is None else self._latest.get(channel_id)

    def sync(self) -> None:
        """The disk has everything that was journalled."""
        self.durable = self._journal[-1].last_m if self._journal else 0

    def go_volatile(self) -> None:
        """The journal cannot be written any more."""
        self.sync()
        self._journalled_ns = list(self.state.ns)
        self.volatile = True
        self._begin("volatile", self.state.next_m)

    def recover(self) -> None:
        """It can be again: numbers go on from the last journalled ones."""
        kept = self._journalled_ns
        self.state.ns = [*kept, *[0] * (len(self.state.ns) - len(kept))]
        self.volatile = False
        self._begin("recovered", self.state.next_m)

    def lose_tail(self, reserve: int = 1_000) -> None:
        """A power cut: what was not durable is gone, and its marks with it."""
        self._journal = [batch for batch in self._journal if batch.last_m <= self.durable]
        self._ring = Ring(64)
        ns = [0] * len(self.state.ns)
        for batch in self._journal:
            self._ring.append(batch)
            for channel_id, n in zip(batch.channel_ids, batch.ns, strict=True):
                ns[channel_id] = n
        self.state.ns = ns
        self.log = [row for row in self.log if row[0] <= self.durable]
        self._begin("restart", self.state.next_m + reserve)

    def retire(self, up_to_m: int) -> None:
        """Nothing up to this mark is kept any longer."""
        self.damages.append(Damage(1, up_to_m, "retention"))

    def damage(self, first_m: int, last_m: int) -> None:
        """These marks cannot be read any more."""
        self.damages.append(Damage(first_m, last_m, "disk"))

    # -- what the hub reads ----------------------------------------------------------------

    def ring(self, after_m: int, up_to_m: int) -> list[Batch] | None:
        """From memory."""
        return self._ring.read(after_m, up_to_m) if self._ring.covers(after_m) else None

    def ring_first_m(self) -> int:
        """The oldest mark in memory."""
        return self._ring.first_m

    def durable_m(self) -> int:
        """What the journal may be read up to."""
        return self.durable

    def read(self, after_m: int, up_to_m: int) -> list[Batch | Damage]:
        """From the journal, with holes where it was damaged."""
        assert up_to_m <= self.durable, "read beyond the durable mark"
        items: list[Batch | Damage] = []
        for batch in self._journal:
            cut = cut_batch(batch, after_m, up_to_m)
            if cut is not None:
                items.extend(self._with_holes(cut))
        return items

    def _with_holes(self, batch: Batch) -> Iterable[Batch | Damage]:
        for damage in self.damages:
            if damage.first_m <= batch.last_m and batch.first_m <= damage.last_m:
                before = cut_batch(batch, 0, damage.first_m - 1)
                if before is not None:
                    yield before
                first, last = max(batch.first_m, damage.first_m), min(batch.last_m, damage.last_m)
                yield Damage(first, last, damage.reason)
                behind = cut_batch(batch, damage.last_m, 1 << 60)
                if behind is not None:
                    yield from self._with_holes(behind)
                return
        yield batch

    def _begin(self, why: str, first_m: int) -> None:
        kept_m = self._journal[-1].last_m if self._journal else 0
        self.sequencer.begin_epoch(self.state.epoch + 1, first_m, why, kept_m)


class Wire:
    """What a client is sent: like a socket, with room for `room` bytes that the client has not read."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.buffer = bytearray()
        self.written = 0
        self.longest = 0
        """The most that was ever buffered."""
        self.full = False
        self.pings = 0
        self.closed: tuple[int, str] | None = None
        self.on_stall: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Take bytes; say so when they are more than there is room for."""
        assert data
        assert self.closed is None, "written after the close"
        self.buffer += data
        self.written += len(data)
        self.longest = max(self.longest, len(self.buffer))
        if len(self.buffer) > self.room and not self.full:
            self.full = True
            self.on_stall()

    def ping(self) -> None:
        """Count."""
        self.pings += 1

    def close(self, code: int, reason: str) -> None:
        """Remember."""
        self.closed = self.closed or (code, reason)


class User:
    """A caller who may have everything, or what `grants` says."""

    def __init__(
        self, user: str = "u", grants: Callable[[str, str, str], Access] | None = None, expires_ns: int = 0
    ) -> None:
        self.tenant = "tenant"
        self.user = user
        self.expires_ns = expires_ns
        self._grants = grants

    def access(self, lineup: str, kind: str, symbol: str) -> Access:
        """What may be had."""
        return Access.LIVE if self._grants is None else self._grants(lineup, kind, symbol)


class Rig:
    """A hub without sockets or clocks. Known tokens are in `users`; `desk=` is the desk behind it."""

    def __init__(self, tape: MemoryTape | None = None, **settings: Any) -> None:
        desk: Desk | None = settings.pop("desk", None)
        self.described: bool = settings.pop("described", True)
        """Whether what clients are told is compared with the AsyncAPI document; a made-up desk's is not."""
        self.tape = tape or MemoryTape()
        self.users: dict[str | None, Caller] = {"token": User()}
        self.awake_ns = 10 * SECOND_NS
        self.utc_ns = BEGIN_NS
        self.settings = HubSettings(**settings)
        self.board = Switchboard(self.settings, self.tape.view(), self.authenticate, desk)
        self._step = 0

    @property
    def now(self) -> Moment:
        """The moment it is."""
        return Moment(self.utc_ns, self.awake_ns)

    def authenticate(self, token: str | None, utc_ns: int) -> Caller:
        """Who shows a token."""
        if token not in self.users:
            raise MessageError(AUTH_FAILED, "not a token of ours")
        return self.users[token]

    def publish(self, *ticks: Tick, lineup: str = "") -> Batch:
        """Publish ticks in one batch."""
        batch = self.tape.publish(list(ticks), lineup)
        self.board.publish(batch, self.now)
        return batch

    def flush(self) -> None:
        """The end of a loop turn."""
        self.board.flush(self.now)

    def turn(self, steps: int = 1) -> None:
        """Time passes by sixteenths of a second."""
        before = self._step
        self._step += steps
        self.pass_seconds(steps / 16)
        self.board.turn(due_rates(before, self._step), self.now)

    def pass_seconds(self, seconds: float) -> None:
        """Time passes, and nothing else happens."""
        self.awake_ns += int(seconds * SECOND_NS)
        self.utc_ns += int(seconds * SECOND_NS)

    def sweep(self) -> None:
        """Look after every connection once."""
        for _ in range(17):
            self.board.sweep(self.now)

    def step(self) -> bool:
        """One slice from memory."""
        return self.board.step(self.now)

    def read_journal(self) -> bool:
        """One slice from the journal."""
        wish = self.board.feeder.journal_wish()
        if wish is None:
            return False
        catch_up, after_m, up_to_m = wish
        items = deque(self.tape.read(after_m, up_to_m))
        empty = not items
        while self.board.feed(catch_up, items, self.now):
            pass
        self.board.feeder.fed(catch_up, after_m, up_to_m, whole=not items, empty=empty)
        return True

    def settle(self) -> None:
        """Let everybody catch up who can, and flush everything."""
        for _ in range(10_000):
            if not (self.step() or self.read_journal()):
                break
        else:
            raise AssertionError("nobody ever catches up")
        self.flush()
        self.board.turn(RATES, self.now)
