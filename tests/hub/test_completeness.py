"""The promise as a whole: whatever happens, every tick is received, stood for, or declared to be missing.

Random histories of a tape, a hub and several phones: publishing, stalling, breaking connections,
resuming, other subscriptions, a disk that fails, power cuts, damage, retention. After each, and at
each mark and certificate on the way, the phones' books are compared with the list of all ticks.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.switchboard import Switchboard
from tests.hub.phone import Phone
from tests.hub.rig import SYMBOLS, MemoryTape, Rig, cancel, feed_event, quote, trade
from ticks.model import Tick

ROOM = 600
"""So little that a client stalls after a few frames."""


class Sub:
    """One subscription as its client keeps it."""

    def __init__(self, symbols: Any, fields: dict[str, Any]) -> None:
        self.symbols = symbols
        self.fields = fields
        self.since_m: int | None = None
        """Everything behind this mark is owed; None until the first answer."""
        self.confirmed = False
        self.epoch = 0
        self.fresh = True
        """It has not been answered yet: what came of these channels before belongs to another."""
        self.conts: list[dict[str, Any]] = []
        """A certificate that goes on in the next message."""

    def takes(self, name: str) -> bool:
        """Whether a channel belongs to it."""
        kind, _, symbol = name.partition(":")
        return kind in self.fields["kinds"] and (self.symbols == "*" or symbol in self.symbols)


class Ledger(Phone):
    """A phone that checks every mark and every certificate against the tape when it comes."""

    def __init__(self, rig: Rig, **options: Any) -> None:
        super().__init__(rig, **options)
        self.mine: dict[int, Sub] = {}
        self.subs = 0
        self.leaving: dict[int, Sub] = {}
        """Given up; what was under way still comes until the answer."""
        self.sub_marks: dict[int, int] = {}
        """What each would be resumed from."""

    def begin(self, symbols: Any, **fields: Any) -> None:
        """Ask for channels of one kind, in place of those of that kind it had; ids are not used again."""
        self.give_up(fields["kinds"])
        self.subs += 1
        self.mine[self.subs] = Sub(symbols, fields)
        self.ask(self.subs)

    def ask(self, sub_id: int) -> None:
        """Send it, from where it had got to."""
        sub = self.mine[sub_id]
        mark = self.sub_marks.get(sub_id)
        start = sub.fields.get("start", "snapshot") if mark is None else {"m": mark}
        sub.confirmed = False
        if mark is None:
            sub.fresh, sub.since_m = True, None
        symbols = sub.symbols if sub.symbols == "*" else list(sub.symbols)
        sent = {name: value for name, value in sub.fields.items() if name != "start"}
        self.send({"op": "sub", "id": sub_id, "symbols": symbols, "from": start, **sent})

    def give_up(self, kinds: list[str]) -> None:
        """Unsubscribe from channels of a kind."""
        for sub_id, sub in list(self.mine.items()):
            if sub.fields["kinds"] == kinds:
                self.leaving[sub_id] = self.mine.pop(sub_id)
                self.send({"op": "unsub", "id": sub_id})

    def come_back(self) -> None:
        """Connect again, and go on where it was."""
        for sub in self.mine.values():
            sub.confirmed = False
        self.leaving.clear()
        self.hello()
        for sub_id in list(self.mine):
            self.ask(sub_id)

    def epoch_of(self, name: str) -> int:
        """Each subscription is told by itself when its numbers begin anew."""
        subs = (*self.leaving.values(), *self.mine.values())
        return next((sub.epoch for sub in subs if sub.takes(name)), self.epoch)

    def forget(self, sub: Sub) -> None:
        """Its numbers say nothing any more."""
        self.last = {name: n for name, n in self.last.items() if not sub.takes(name)}

    def _take_in(self, message: dict[str, Any]) -> None:
        op = message["op"]
        sub_id = message.get("id", -1)
        sub = self.mine.get(sub_id) or self.leaving.get(sub_id)
        if message.get("unsub"):
            self.leaving.pop(sub_id, None)
        if op in ("epoch", "gap"):
            self.messages.append(message)
            if op == "gap":
                self.gaps.append(message)
            if sub is not None:
                self.forget(sub)
                sub.epoch = message.get("e", sub.epoch)
            return
        if op == "ok" and "e" in message and sub is not None:
            if sub.fresh or sub.epoch != message["e"]:
                self.forget(sub)
            sub.confirmed, sub.fresh, sub.epoch = True, False, message["e"]
            if sub.since_m is None:
                sub.since_m = message["m"]
        super()._take_in(message)
        if op == "mark":
            self._check_mark(message["m"])
        elif op == "cont":
            self._check_certificate(message)

    def _check_mark(self, m: int) -> None:
        for sub_id, sub in self.mine.items():
            if sub.confirmed:
                lacking = self.lacking(sub, m)
                assert not lacking, f"mark {m} promises too much: {sorted(lacking)[:5]}"
                self.sub_marks[sub_id] = m

    def lacking(self, sub: Sub, up_to_m: int) -> set[tuple[str, int, int]]:
        """Ticks up to a mark that it has neither got nor been told of."""
        if sub.since_m is None:
            return set()
        return {
            (name, epoch, n)
            for m, epoch, name, n, _ in self.rig.tape.log
            if sub.since_m < m <= up_to_m
            and sub.takes(name)
            and (name, epoch, n) not in self.covered
            and n > self.floors.get((name, epoch), 0)
            and not any(gap["from"] < m <= gap["to"] for gap in self.gaps)
        }

    def _check_certificate(self, cont: dict[str, Any]) -> None:
        sub = self.mine.get(cont["id"])
        if sub is None:
            return
        sub.conts.append(cont)
        if cont["more"]:
            return
        conts, sub.conts = sub.conts, []
        entries = {name: entry for part in conts for name, entry in part["chans"].items()}
        for name, entry in entries.items():
            numbers = range(entry["from"] + 1, entry["to"] + 1)
            assert entry["sent"] + entry["folded"] + entry["skipped"] == len(numbers)
            if entry["complete"]:
                lacking = [n for n in numbers if (name, cont["e"], n) not in self.covered]
                assert not lacking, f"{name} is certified, but lacks {lacking}"
        if conts[0].get("holes"):
            assert not any(entry["complete"] for entry in entries.values())
            return
        for m, epoch, name, n, _ in self.rig.tape.log:
            if cont["since"] < m <= cont["m"] and epoch == cont["e"] and sub.takes(name):
                assert name in entries, f"{name} had {n} at {m}, of which {cont} says nothing"
                assert entries[name]["from"] < n <= entries[name]["to"]


class World:
    """A rig and its phones."""

    def __init__(self, phones: list[tuple[bool, bool]], ring_ticks: int, **options: int) -> None:
        self.rig = Rig(MemoryTape(ring_ticks), **options)
        self.phones = [
            Ledger(self.rig, packed=packed, room=ROOM if small else 1 << 40) for packed, small in phones
        ]
        for phone in self.phones:
            phone.hello()

    def do(self, action: str, which: int, size: int, what: Any) -> None:
        """One thing happens."""
        phone = self.phones[which % len(self.phones)]
        tape = self.rig.tape
        if action == "publish":
            self.rig.publish(*(tick_of(number) for number in what))
        elif action == "flush":
            self.rig.flush()
        elif action == "turn":
            self.rig.turn(size)
        elif action == "sync" and not tape.volatile:
            tape.sync()
        elif action == "feed":
            for _ in range(size):
                self.rig.step()
        elif action == "journal":
            self.rig.read_journal()
        elif action == "retry":
            self.rig.sweep()
        elif action == "disk":
            self.fail_or_recover()
        elif action == "power cut" and not tape.volatile:
            self.power_cut()
        elif action == "damage" and tape.durable > 1:
            first = 1 + size % tape.durable
            tape.damage(first, min(first + 2, tape.durable))
        elif action == "stall":
            phone.reading = False
        elif action == "read":
            phone.reading = True
            phone.read()
        elif action == "cut" and phone.connection is not None:
            phone.cut(size * 50)
        elif phone.connection is None or phone.connection.closed:
            phone.cut()
            phone.come_back()
        elif action == "sub":
            symbols, fields = wish(size % 2, what)
            phone.begin(symbols, **fields)
        elif action == "unsub":
            phone.give_up(["tq"[size % 2]])

    def fail_or_recover(self) -> None:
        """The journal cannot be written, or can be again."""
        tape = self.rig.tape
        if tape.volatile:
            tape.recover()
        else:
            tape.go_volatile()
        # An epoch begins with a tick: the one that could not be written, or the gap that is declared.
        self.rig.publish(feed_event("gap_open"), feed_event("gap_close"))

    def power_cut(self) -> None:
        """What was not on the disk is gone, and the hub begins anew."""
        for phone in self.phones:
            phone.cut(0)
        tape = self.rig.tape
        tape.lose_tail(reserve=5_000)
        tape.publish([feed_event("gap_open"), feed_event("gap_close")])
        self.rig.board = Switchboard(self.rig.settings, tape.view(), self.rig.authenticate)

    def finish(self) -> None:
        """Everybody reads, comes back and catches up."""
        tape = self.rig.tape
        if not tape.volatile:
            tape.sync()
        idle = 0
        for _ in range(2_000):
            self.rig.sweep()
            busy = self.rig.step() or self.rig.read_journal()
            self.rig.flush()
            self.rig.turn(64)
            for phone in self.phones:
                phone.reading = True
                if phone.connection is None or phone.connection.closed:
                    phone.cut()
                    phone.come_back()
                    busy = True
                if phone.connection is not None:
                    self.rig.board.heard(phone.connection, self.rig.now)  # its pong
                busy |= any(message["op"] != "mark" for message in phone.read())
            idle = 0 if busy else idle + 1
            if idle > 3:
                return
        raise AssertionError("somebody never catches up")

    def check(self) -> None:
        """Nobody lacks anything."""
        for phone in self.phones:
            assert not phone.holes, f"unannounced: {phone.holes[:3]}"
            for sub in phone.mine.values():
                lacking = phone.lacking(sub, self.rig.board.router.head_m)
                assert not lacking, f"never received: {sorted(lacking)[:5]}"


def tick_of(number: int) -> Tick:
    """One of nine ticks, a cancel among them."""
    symbol = SYMBOLS[number % 3]
    return (trade(symbol, 1 + number), quote(symbol), cancel(symbol))[number // 3]


def wish(half: int, what: Iterable[int]) -> tuple[Any, dict[str, Any]]:
    """What one of a phone's two subscriptions asks for: trades the one, quotes the other."""
    numbers = [*what, 0, 0, 0][:3]
    symbols = "*" if numbers[0] == 8 else SYMBOLS[: 1 + numbers[0] % 3]
    fields: dict[str, Any] = {"kinds": ["tq"[half]]}
    modes: list[dict[str, Any]] = [{"mode": "raw"}, {"mode": "interval", "hz": 4}, {"mode": "conflated"}]
    fields |= modes[numbers[1] % 3]
    fields["start"] = ["snapshot", "live", {"m": 0}][numbers[2] % 3]
    return symbols, fields


ACTIONS = (
    "publish", "publish", "publish", "flush", "turn", "sync", "feed", "journal", "retry",
    "stall", "read", "cut", "sub", "sub", "unsub", "disk", "power cut", "damage",
)  # fmt: skip
things = st.tuples(
    st.sampled_from(ACTIONS),
    st.integers(0, 2),
    st.integers(0, 40),
    st.lists(st.integers(0, 8), min_size=1, max_size=12),
)
phones = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    phones=phones,
    ring_ticks=st.sampled_from((4, 16, 64)),
    budget=st.sampled_from((10, 10_000)),
    history=st.lists(things, min_size=20, max_size=80),
)
def test_every_tick_is_received_stood_for_or_declared_missing(
    phones: list[tuple[bool, bool]], ring_ticks: int, budget: int, history: list[Any]
) -> None:
    """In any history, for raw and interval, JSON and MessagePack, lists and stars."""
    world = World(phones, ring_ticks, resume_ticks_max=budget, commands_burst=10_000)
    for thing in history:
        world.do(*thing)
    world.finish()
    world.check()
