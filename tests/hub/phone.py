"""Clients without sockets that keep the rule of the protocol, and note everything that breaks it."""

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hub.connection import Connection
from tests.hub import conformance
from tests.hub.rig import SYMBOLS, Rig, Wire

DATA_OPS: Final = frozenset(("t", "q", "x", "c", "o", "b", "u", "d", "s", "l", "i", "n", "f"))


class Phone:
    """A client, with what it remembers over its connections. `packed`: MessagePack."""

    def __init__(self, rig: Rig, *, packed: bool = False, room: int = 1 << 40, reading: bool = True) -> None:
        self.rig = rig
        self.packed = packed
        self.room = room
        self.reading = reading
        """Whether it takes what it is sent at once."""
        self.messages: list[dict[str, Any]] = []
        """Everything received on this connection."""
        self.marks: list[int] = []
        """Marks received on this connection."""
        self.stored_m: int | None = None
        """The last mark of all: what it would resume from. Before the first, it asks again as it did."""
        self.epoch = 0
        self.last: dict[str, int] = {}
        self.covered: set[tuple[str, int, int]] = set()
        """(channel, epoch, number) of every tick it was sent or told of by `k`."""
        self.floors: dict[tuple[str, int], int] = {}
        """(channel, epoch) → the number of its last snapshot: it stands for all before."""
        self.gaps: list[dict[str, Any]] = []
        self.states: dict[str, dict[str, Any]] = {}
        """The newest message of each channel."""
        self.holes: list[dict[str, Any]] = []
        """Messages that break the rule: something is missing in front of them."""
        self.doubles: list[dict[str, Any]] = []
        """Messages that told nothing new."""
        self.wire = Wire(room)
        self.connection: Connection | None = None

    def connect(self) -> "Phone":
        """Open a new connection."""
        self.wire = Wire(self.room)
        self.messages = []
        self.marks = []
        self.connection = self.rig.board.connect(self.wire, self.rig.now, packed=self.packed)
        connection = self.connection
        if connection is not None:
            self.wire.on_stall = lambda: self.rig.board.stall(connection, self.rig.now)
        return self

    def hello(self, token: str | None = "token", **fields: Any) -> "Phone":
        """Connect and say hello."""
        self.connect()
        self.send({"op": "hello", "token": token, **fields})
        return self

    def send(self, *messages: Any) -> None:
        """Send one frame of messages."""
        encode = msgspec.msgpack.encode if self.packed else msgspec.json.encode
        self.send_raw(encode(list(messages)))

    def send_raw(self, payload: bytes) -> None:
        """Send one frame."""
        assert self.connection is not None
        self.rig.board.receive(self.connection, payload, self.rig.now)
        self.read()

    def sub(self, sub_id: int = 1, symbols: Any = SYMBOLS, start: Any = None, **fields: Any) -> None:
        """Send a `sub`."""
        message = {"op": "sub", "id": sub_id, "symbols": symbols if symbols == "*" else list(symbols)}
        if start is not None:
            message["from"] = start
        self.send({**message, **fields})

    def read(self) -> list[dict[str, Any]]:
        """Take what was sent, if it is one that reads; the messages among it."""
        return self.take() if self.reading else []

    def take(self, size: int | None = None) -> list[dict[str, Any]]:
        """Take `size` bytes of what was sent, or all of it; whoever stalled the wire may go on."""
        new: list[dict[str, Any]] = []
        while True:
            data = bytes(self.wire.buffer)
            whole = 0
            for message, end in frames(data, packed=self.packed):
                if size is not None and end > size:
                    break
                self._take_in(message)
                new.append(message)
                whole = end
            del self.wire.buffer[:whole]
            if not (self.wire.full and len(self.wire.buffer) <= self.wire.room // 4):
                return new
            self.wire.full = False
            if self.connection is not None and not self.connection.closed:
                self.rig.board.drain(self.connection, self.rig.now)
            if size is not None:
                return new

    def cut(self, size: int | None = None) -> None:
        """The connection breaks after `size` more bytes have arrived; the rest never does."""
        for message, end in frames(bytes(self.wire.buffer), packed=self.packed):
            if size is not None and end > size:
                break
            self._take_in(message)
        self.wire.buffer.clear()
        if self.connection is not None:
            self.rig.board.lost(self.connection)
            self.connection = None

    def of(self, *ops: str) -> list[dict[str, Any]]:
        """The messages with these ops received on this connection."""
        return [message for message in self.messages if message["op"] in ops]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The messages with ticks received on this connection."""
        return [message for message in self.messages if message["op"] in DATA_OPS]

    def _take_in(self, message: dict[str, Any]) -> None:
        if self.rig.described:
            conformance.check(message)
        self.messages.append(message)
        op = message["op"]
        if op in DATA_OPS:
            self._take_data(message)
        elif op == "ok" and "e" in message:
            self._begin(message)
        elif op == "snap":
            if message["e"] == self.epoch_of(message["c"]):
                self.last[message["c"]] = max(message["n"], self.last.get(message["c"], 0))
            self.states[message["c"]] = message["tick"]
            self.floors[message["c"], message["e"]] = message["n"]
        elif op == "epoch":
            self.epoch = message["e"]
            self.last.clear()
        elif op == "gap":
            self.gaps.append(message)
            self.last.clear()
        elif op == "mark":
            self.marks.append(message["m"])
            self.stored_m = message["m"]

    def _begin(self, ok: dict[str, Any]) -> None:
        if ok["e"] != self.epoch:
            self.epoch = ok["e"]
            self.last.clear()
        for name, state in ok.get("chans", {}).items():
            if "n" in state:
                self.last[name] = state["n"]

    def _take_data(self, message: dict[str, Any]) -> None:
        name, n, k = message["c"], message["n"], message.get("k", 1)
        last, epoch = self.last.get(name), self.epoch_of(name)
        self.covered.update((name, epoch, number) for number in range(n - k + 1, n + 1))
        if last is not None and n <= last:
            self.doubles.append(message)
            return
        if last is not None and n - k > last:
            self.holes.append(message)
        self.last[name] = n
        self.states[name] = message

    def epoch_of(self, name: str) -> int:
        """The epoch of a channel's numbers."""
        return self.epoch


def frames(data: bytes, *, packed: bool) -> Iterable[tuple[dict[str, Any], int]]:
    """The messages in whole WebSocket frames, each with the place where its frame ends."""
    at = 0
    while at + 2 <= len(data):
        assert data[at] == (0x82 if packed else 0x81)
        size, begin = data[at + 1], at + 2
        if size == 126:
            size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        at = begin + size
        if at > len(data):
            return
        payload = data[begin:at]
        messages = msgspec.msgpack.decode(payload) if packed else json.loads(payload)
        for message in messages:
            yield message, at


def missing(phone: Phone, names: Iterable[str], after_m: int) -> set[tuple[str, int, int]]:
    """Ticks of these channels behind a mark that the phone has neither been sent nor told to be lost."""
    wanted = set(names)
    return {
        (name, epoch, n)
        for m, epoch, name, n, _ in phone.rig.tape.log
        if name in wanted
        and m > after_m
        and (name, epoch, n) not in phone.covered
        and n > phone.floors.get((name, epoch), 0)
        and not any(gap["from"] < m <= gap["to"] for gap in phone.gaps)
    }
