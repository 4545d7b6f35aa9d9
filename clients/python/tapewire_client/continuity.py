"""Is the stream complete? The client's rule, per channel and epoch.

Drop `n <= last`; accept `n - k <= last`; anything else is a hole. Numbers of an epoch say
nothing about those of another. What the hub declares (`gap`, `epoch`, a snapshot) is no hole.
Pure: messages in, verdicts out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

DATA_OPS: Final = frozenset(("t", "x", "c", "q", "o", "b", "u", "d", "s", "l", "i", "n", "f"))
"""The `op` of messages that carry a tick."""
HOLES_KEPT: Final = 1_000
"""Holes remembered one by one; further ones are counted."""
Start = Literal["snapshot", "live"]


@dataclass(frozen=True)
class Hole:
    """Ticks that were neither received nor declared: the numbers between `after` and `before`."""

    channel: str
    after: int
    before: int


class Subscription:
    """One `sub`: what it takes, and how far it has come."""

    __slots__ = (
        "_kinds", "_lineup", "channels", "confirmed", "epoch", "former", "mark", "mark_epoch", "resumed",
        "start",
    )  # fmt: skip

    def __init__(self, kinds: Iterable[str], lineup: str, start: Start, mark: int | None) -> None:
        self._kinds = frozenset(kinds)
        self._lineup = lineup
        self.start = start
        self.mark = mark
        """Everything up to here was received or accounted for; None while nothing is known."""
        self.mark_epoch: int | None = None
        """The epoch in which the mark was given; None when it was stored earlier."""
        self.former: dict[int, dict[str, int]] = {}
        """Epochs left since the mark, with their last numbers: a resume comes through them again."""
        self.epoch: int | None = None
        """The epoch of the numbers received last."""
        self.channels: set[str] | None = None
        """As the hub named them; None = all of its kinds, or too many to be named."""
        self.confirmed = False
        """The hub has said `ok` on this connection, so its marks speak for this subscription too."""
        self.resumed = False
        """It was asked for from a mark on."""

    def takes(self, channel: str) -> bool:
        """Whether a channel belongs to it (or may, when the hub did not name its channels)."""
        if self.channels is not None:
            return channel in self.channels
        kind, _, rest = channel.partition(":")
        name = rest.removesuffix("!b")
        if name != rest:
            kind += "!b"
        return kind in self._kinds and name.partition("@")[2] == self._lineup


class Continuity:
    """Checks the messages of one client, over all its connections.

    A channel must not be in two subscriptions: a tick does not say for which it was sent.
    Memory: one entry per channel received.
    """

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        """Channel → the last number received."""
        self.epoch = 0
        """The newest epoch heard of; 0 before the first."""
        self.ticks = 0
        """Ticks received, or folded into what was received."""
        self.repeats = 0
        """Messages dropped because they told nothing new."""
        self.gaps = 0
        """Delivery gaps that the hub declared."""
        self.skipped = 0
        """Ticks in them, and in front of snapshots, as far as their number is known."""
        self.holes: list[Hole] = []
        """What is missing without a word from the hub: the first `HOLES_KEPT`."""
        self.hole_count = 0
        self.subscriptions: dict[int, Subscription] = {}
        self._ending: dict[int, Subscription] = {}
        self._told: int | None = None
        # Channels whose next tick may have any number, and the number in front of the first tick of
        # channels of which nothing was known before.
        self._loose: set[str] = set()
        self._begun: dict[str, int] = {}

    # -- what the client does ------------------------------------------------------------------

    @property
    def mark(self) -> int | None:
        """The one integer to store: everything up to it was received or accounted for.

        None while there is nothing to store. It falls when a subscription is added that begins
        further back.
        """
        marks = [entry.mark for entry in self.subscriptions.values() if entry.mark is not None]
        return min(marks, default=self._told)

    def subscribe(
        self,
        sub_id: int,
        kinds: Iterable[str],
        *,
        lineup: str = "",
        start: Start = "snapshot",
        since: int | None,
    ) -> None:
        """A subscription is about to be asked for, from the mark `since` on or else from `start`."""
        self.subscriptions[sub_id] = Subscription(kinds, lineup, start, since)

    def unsubscribe(self, sub_id: int) -> None:
        """A subscription is about to be given up."""
        entry = self.subscriptions.pop(sub_id, None)
        if entry is not None:
            self._ending[sub_id] = entry

    def connected(self) -> None:
        """A new connection begins; nothing has been asked for on it yet."""
        for entry in self._ending.values():
            self._forget(entry)
        self._ending.clear()
        for entry in self.subscriptions.values():
            entry.confirmed = False

    def start_of(self, sub_id: int) -> dict[str, int] | str:
        """The `from` with which to ask for a subscription on this connection."""
        entry = self.subscriptions[sub_id]
        entry.resumed = entry.mark is not None
        if entry.mark is None:
            return entry.start
        # Mark 0 is in front of every epoch, also of one that began since.
        if entry.mark_epoch is None or not entry.mark:
            return {"m": entry.mark}
        return {"m": entry.mark, "e": entry.mark_epoch}

    def restart(self, sub_id: int) -> None:
        """The hub cannot go on from the mark: what was received says nothing about what will come."""
        entry = self.subscriptions[sub_id]
        self._forget(entry)
        entry.former.clear()
        entry.mark = entry.mark_epoch = entry.epoch = self._told = None
        self.epoch = 0
        self.gaps += 1

    # -- what the hub says ---------------------------------------------------------------------

    def accept(self, message: Mapping[str, Any]) -> bool:
        """Take one message; False when it is a repeat to be dropped."""
        op = message["op"]
        if op in DATA_OPS:
            return self._data(message["c"], message["n"], message.get("k", 1))
        handler = _HANDLERS.get(op)
        if handler is not None:
            handler(self, message)
        elif "c" in message and "n" in message:  # a kind of tick that is newer than this client
            return self._data(message["c"], message["n"], message.get("k", 1))
        return True

    def _data(self, channel: str, n: int, k: int) -> bool:
        last = self.last.get(channel)
        if last is None:
            self._begun[channel] = n - k
            self.ticks += k
        elif n <= last:
            self.repeats += 1
            return False
        else:
            new = n - last
            if new > k:
                self._jump(channel, last, n - k + 1)
                new = k
            self.ticks += new
        if self._loose:
            self._loose.discard(channel)
        self.last[channel] = n
        return True

    def _jump(self, channel: str, after: int, before: int) -> None:
        """Numbers are missing: a hole, unless the hub has said so."""
        if channel in self._loose:
            self.skipped += before - after - 1
        else:
            self._hole(channel, after, before)

    def _hole(self, channel: str, after: int, before: int) -> None:
        self.hole_count += 1
        if len(self.holes) < HOLES_KEPT:
            self.holes.append(Hole(channel, after, before))

    def _welcome(self, message: Mapping[str, Any]) -> None:
        self.epoch = max(self.epoch, message.get("e", 0))

    def _ok(self, message: Mapping[str, Any]) -> None:
        sub_id = message.get("id", -1)
        if message.get("unsub"):
            entry = self._ending.pop(sub_id, None)
            if entry is not None:
                self._forget(entry)
            return
        entry = self.subscriptions.get(sub_id)
        if entry is None or "e" not in message:
            return
        names = message.get("chans")
        entry.confirmed = True
        entry.channels = None if names is None else set(names)
        self._enter(entry, message["e"])
        # What is known already is held together by its numbers; certificates are about what comes now.
        for channel in [channel for channel in self._begun if entry.takes(channel)]:
            del self._begun[channel]
        if entry.resumed:
            return
        entry.former.clear()
        if entry.start == "live":
            entry.mark, entry.mark_epoch = message["m"], entry.epoch
        else:
            entry.mark = entry.mark_epoch = None
        self._loosen(entry)
        for name, state in (names or {}).items():
            self._place(name, state["n"])

    def _snap(self, message: Mapping[str, Any]) -> None:
        """A snapshot stands for everything in front of it."""
        channel = message["c"]
        self._place(channel, message["n"])
        owner = next((entry for entry in self.subscriptions.values() if entry.takes(channel)), None)
        if owner is not None and owner.epoch != message["e"]:
            # Its number is of an epoch that the subscription has left, or has not come to.
            self._loose.add(channel)

    def _place(self, channel: str, n: int) -> None:
        """The channel goes on behind number `n`."""
        last = self.last.get(channel)
        if last is None:
            self._begun[channel] = n
        elif n > last:
            self.skipped += n - last
        self.last[channel] = n if last is None else max(n, last)
        self._loose.discard(channel)

    def _mark(self, message: Mapping[str, Any]) -> None:
        m = message["m"]
        self._told = m if self._told is None else max(m, self._told)
        for entry in self.subscriptions.values():
            if entry.confirmed and (entry.mark is None or entry.mark < m):
                entry.mark, entry.mark_epoch = m, entry.epoch
                entry.former.clear()

    def _gap(self, message: Mapping[str, Any]) -> None:
        """A declared hole: the next tick of each channel concerned may have any number."""
        self.gaps += 1
        if message["c"] == "*":
            for entry in self._concerned(message):
                self._loosen(entry)
        else:
            self._loose.add(message["c"])

    def _epoch(self, message: Mapping[str, Any]) -> None:
        """Numbers begin anew. It is no mark: a gap and snapshots that belong to it are still on their way."""
        for entry in self._concerned(message):
            self._enter(entry, message["e"])
        self.epoch = max(self.epoch, message["e"])

    def _enter(self, entry: Subscription, epoch: int) -> None:
        """What follows is of this epoch. A resume may go back to an earlier one, and come to this again."""
        if epoch != entry.epoch:
            if entry.epoch is not None:
                entry.former[entry.epoch] = {name: n for name, n in self.last.items() if entry.takes(name)}
                self._forget(entry)
            self.last.update(entry.former.pop(epoch, {}))
            entry.epoch = epoch
        self.epoch = max(self.epoch, epoch)

    def _cont(self, message: Mapping[str, Any]) -> None:
        """A certificate: what it says was sent must have arrived.

        It is no mark: an epoch or snapshots that belong to it may still be on their way.
        """
        for channel, account in message.get("chans", {}).items():
            begun = self._begun.pop(channel, account["from"])
            if account["complete"]:
                self._compare(channel, begun, account["from"], account["to"])

    def _compare(self, channel: str, begun: int, begin: int, end: int) -> None:
        """Everything in (begin, end] was sent; what has arrived began behind `begun`."""
        last = self.last.get(channel, begin)
        if begun > begin:
            self._hole(channel, begin, begun + 1)
        if last < end:
            self._hole(channel, last, end + 1)
            self.last[channel] = end

    def _err(self, message: Mapping[str, Any]) -> None:
        """Channels may be withdrawn, or a whole subscription, when rights have become narrower."""
        for channel in message.get("chans", ()):
            self._drop(channel)
        if message.get("ended"):
            entry = self.subscriptions.pop(message.get("id", -1), None)
            if entry is not None:
                self._forget(entry)

    # -- inside --------------------------------------------------------------------------------

    def _concerned(self, message: Mapping[str, Any]) -> list[Subscription]:
        """The subscription that a message names, or all of them; those that are ending still count."""
        entries = self._ending | self.subscriptions
        if "id" not in message:
            return list(entries.values())
        return [entries[message["id"]]] if message["id"] in entries else []

    def _loosen(self, entry: Subscription) -> None:
        self._loose.update(channel for channel in self.last if entry.takes(channel))

    def _forget(self, entry: Subscription) -> None:
        for channel in [channel for channel in self.last if entry.takes(channel)]:
            self._drop(channel)

    def _drop(self, channel: str) -> None:
        self.last.pop(channel, None)
        self._begun.pop(channel, None)
        self._loose.discard(channel)


_HANDLERS: Final[dict[str, Callable[[Continuity, Mapping[str, Any]], None]]] = {
    "welcome": Continuity._welcome,
    "ok": Continuity._ok,
    "snap": Continuity._snap,
    "mark": Continuity._mark,
    "gap": Continuity._gap,
    "epoch": Continuity._epoch,
    "cont": Continuity._cont,
    "err": Continuity._err,
}
