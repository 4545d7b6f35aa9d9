"""A client without a socket: the client's core on one side, the hub's on the other, bytes in between.

It survives its connections as the real one does, and remembers independently of the core what it
was given and what was declared lost, so that tests can compare with the tape itself.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from hub.connection import Connection
from tapewire_client.continuity import DATA_OPS, Continuity, Start
from tests.hub.phone import frames
from tests.hub.rig import Rig, Wire


class Follower:
    """Follows a hub over as many connections as it takes. Each kind is in one subscription at most."""

    def __init__(self, rig: Rig, room: int = 1 << 40) -> None:
        self.rig = rig
        self.continuity = Continuity()
        self.taken: dict[tuple[str, int], list[tuple[int, int]]] = {}
        """(channel, epoch) → (after, n) of every message that was not dropped: numbers in (after, n]."""
        self.stands: dict[tuple[str, int], int] = {}
        """(channel, epoch) → the number of its last snapshot, which stands for everything before."""
        self.lost: list[tuple[int, int, int]] = []
        """(subscription, from, to): marks in (from, to] that were declared lost."""
        self.began_m: dict[int, int] = {}
        """Subscription → everything behind this mark is owed. A plain one begins where the hub says so."""
        self.lose: Callable[[dict[str, Any]], bool] = lambda message: False
        """Which messages never arrive although the connection goes on: what no honest hub does."""
        self.wire = Wire(room)
        self._subs: dict[int, dict[str, Any]] = {}
        self._connection: Connection | None = None

    def subscribe(self, sub: dict[str, Any], *, start: Start = "snapshot", since: int | None = None) -> None:
        """Ask for more, now or with the next connection."""
        sub_id = len(self._subs) + 1
        self._subs[sub_id] = {"op": "sub", "id": sub_id, **sub}
        self.continuity.subscribe(sub_id, sub["kinds"], start=start, since=since)
        if since is not None:
            self.began_m[sub_id] = since
        if self._connection is not None:
            self._ask(sub_id)

    def connect(self) -> None:
        """Open a connection, say hello and ask for everything behind the marks."""
        self.cut(0)
        self.wire = Wire(self.wire.room)
        self._connection = connection = self.rig.board.connect(self.wire, self.rig.now, packed=False)
        assert connection is not None
        self.wire.on_stall = lambda: self.rig.board.stall(connection, self.rig.now)
        self.continuity.connected()
        self._send({"op": "hello", "token": "token"})
        for sub_id in self._subs:
            self._ask(sub_id)

    def read(self, size: int | None = None) -> None:
        """Take what has arrived, or `size` bytes of it; a hub that waits for room goes on."""
        while True:
            self._take(size)
            if not self.wire.full or len(self.wire.buffer) > self.wire.room // 4:
                return
            self.wire.full = False
            if self._connection is not None:
                self.rig.board.drain(self._connection, self.rig.now)
            if size is not None:
                return

    def cut(self, size: int | None = None) -> None:
        """The connection breaks after `size` more bytes have arrived."""
        if self._connection is None:
            return
        self._take(size)
        self.rig.board.lost(self._connection)
        self._connection = None

    def waiting(self) -> list[dict[str, Any]]:
        """The messages that have arrived and were not read yet."""
        return [message for message, _ in frames(bytes(self.wire.buffer), packed=False)]

    # -- what came of it -----------------------------------------------------------------------

    def doubles(self) -> list[tuple[str, int]]:
        """Numbers that were given as the newest twice."""
        return [
            (channel, n)
            for (channel, _), spans in self.taken.items()
            for place, (_, n) in enumerate(spans)
            if place and n <= spans[place - 1][1]
        ]

    def missing(self) -> list[tuple[int, str, int]]:
        """What is on the tape, is owed, and was neither given nor declared lost: (m, channel, n)."""
        return [
            (m, channel, n)
            for m, epoch, channel, n, _ in self.rig.tape.log
            if self._owed(m, channel)
            and n > self.stands.get((channel, epoch), 0)
            and not any(after < n <= last for after, last in self.taken.get((channel, epoch), ()))
        ]

    # -- inside --------------------------------------------------------------------------------

    def _owed(self, m: int, channel: str) -> bool:
        sub_id = self._owner(channel)
        if sub_id is None or m <= self.began_m[sub_id]:
            return False
        return not any(sub == sub_id and first < m <= last for sub, first, last in self.lost)

    def _owner(self, channel: str) -> int | None:
        kind, _, symbol = channel.partition(":")
        for sub_id, sub in self._subs.items():
            if kind in sub["kinds"] and (sub["symbols"] == "*" or symbol in sub["symbols"]):
                return sub_id
        return None

    def _ask(self, sub_id: int) -> None:
        self._send({**self._subs[sub_id], "from": self.continuity.start_of(sub_id)})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._connection is not None
        self.rig.board.receive(self._connection, msgspec.json.encode([message]), self.rig.now)

    def _take(self, size: int | None) -> None:
        whole = 0
        for message, end in frames(bytes(self.wire.buffer), packed=False):
            if size is not None and end > size:
                break
            whole = end
            if not self.lose(message):
                self._one(message)
        del self.wire.buffer[:whole]

    def _one(self, message: dict[str, Any]) -> None:
        op = message["op"]
        accepted = self.continuity.accept(message)
        if op in DATA_OPS and accepted:
            owner = self._owner(message["c"])
            assert owner is not None
            epoch = self.continuity.subscriptions[owner].epoch
            assert epoch is not None
            spans = self.taken.setdefault((message["c"], epoch), [])
            spans.append((message["n"] - message.get("k", 1), message["n"]))
        elif op == "ok" and not self.continuity.subscriptions[message["id"]].resumed:
            self.began_m[message["id"]] = message["m"]
        elif op == "gap":
            self.lost.append((message["id"], message["from"], message["to"]))
        elif op == "snap":
            self.stands[message["c"], self.continuity.epoch] = message["n"]
        elif op == "err":
            raise AssertionError(message)
