"""Many readers of the stream in one process, cheap enough to stand beside a hub on a small machine.

    python -m proofs.crowd live PORT COUNT SEED FILE SYMBOL…    raw readers; the first reads everything
    python -m proofs.crowd stalled PORT COUNT                   who ask for everything and read nothing

Both print a line when all are connected, and stop on SIGTERM. `live` then checks that nothing is missing
at the end, writes its samples to FILE and prints what was wrong (see `Readers.report`). Samples are pairs
of int64: when a tick came, and how long after its own time that was, both in ns.
"""

import array
import base64
import json
import random
import select
import signal
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from proofs.aims import ProofError

KINDS: Final = ["t", "q", "o", "b1m", "b1d", "s", "n", "f"]
OPS: Final = frozenset("txcqobudslinf")
"""Ops of data messages."""
FAULTS: Final = ("n_breaks", "miscounted", "cut_short", "unanswered", "lost", "closed", "err", "gap")
SAMPLED: Final = frozenset(("t", "q"))
"""Ops whose time is the moment at which a live source gave the tick."""
SYMBOLS_EACH: Final = 10
STALLED_BUFFER_BYTES: Final = 4_096
READ_BYTES: Final = 262_144
ANSWER_SECONDS: Final = 30
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
LIVE_SUB, LAST_SUB = 1, 2
UPGRADE: Final = (
    b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: tapewire.v1.json\r\n\r\n"
)


class Place(Struct):
    """What `ok` says of a channel."""

    n: int = 0


class Message(Struct):
    """Any message of the hub: what matters here of it."""

    op: str
    c: str = ""
    n: int = 0
    k: int = 1
    m: int = 0
    id: int = 0
    ts: int = 0
    tn: int = 0
    chans: dict[str, Place] = field(default_factory=dict)


_decode: Final = msgspec.json.Decoder(list[Message]).decode


class Reader:
    """One connection: takes bytes, keeps the client's rule, and notes what breaks it."""

    def __init__(
        self, sock: socket.socket, wanted: Sequence[str], faults: Counter[str], samples: "array.array[int]"
    ) -> None:
        self.socket = sock
        self.wanted = wanted
        """Symbols, or `*`."""
        self.ticks = 0
        self.begun = False
        self.finished = False
        """Whether the hub has said where the channels stood at the end."""
        self._faults = faults
        self._samples = samples
        self._buffer = bytearray()
        self._last: dict[str, int] = {}
        self._since_m: int | None = None
        """The mark at which a subscription to everything began."""

    def feed(self, data: bytes, now_ns: int) -> None:
        """Take what has come."""
        buffer = self._buffer
        buffer += data
        place = 0
        while len(buffer) >= place + 2:
            size, begin = buffer[place + 1], place + 2
            if size >= 126:
                begin += 2 if size == 126 else 8
                size = int.from_bytes(buffer[place + 2 : begin])
            if len(buffer) < begin + size:
                break
            self._frame(buffer[place], bytes(buffer[begin : begin + size]), now_ns)
            place = begin + size
        del buffer[:place]

    def _frame(self, opcode: int, payload: bytes, now_ns: int) -> None:
        if opcode == TEXT:
            for message in _decode(payload):
                self._message(message, now_ns)
        elif opcode == PING:
            self.socket.sendall(masked(PONG, payload))
        elif opcode == CLOSE:
            self._faults["closed"] += 1
            self.socket.sendall(masked(CLOSE, payload))
        else:
            self._faults["strange"] += 1

    def _message(self, message: Message, now_ns: int) -> None:
        if self.finished:
            return
        if message.op in OPS:
            self._tick(message, now_ns)
        elif message.op == "mark" and self._since_m is not None:
            self._faults["miscounted"] += self.ticks != message.m - self._since_m
        elif message.op == "ok" and message.id == LIVE_SUB:
            self.begun = True
            self._last = {name: place.n for name, place in message.chans.items()}
            if self.wanted == "*":
                self._since_m = message.m
        elif message.op == "ok":
            self.finished = True
            if self._since_m is not None:
                self._faults["cut_short"] += self.ticks != message.m - self._since_m
            self._faults["cut_short"] += sum(
                self._last[name] != place.n for name, place in message.chans.items()
            )
        elif message.op not in ("mark", "welcome", "pong"):
            self._faults[message.op] += 1

    def _tick(self, message: Message, now_ns: int) -> None:
        last = self._last.get(message.c)
        self._faults["n_breaks"] += last is not None and message.n != last + 1
        self._last[message.c] = message.n
        self.ticks += 1
        if message.op in SAMPLED:
            self._samples.append(now_ns)
            self._samples.append(now_ns - message.ts * 1_000 - message.tn)


class Readers:
    """All readers, on one epoll. The first takes every channel, the others some symbols each."""

    def __init__(self, port: int, count: int, seed: int, symbols: Sequence[str]) -> None:
        self.faults: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
        self.samples = array.array("q")
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}
        draw = random.Random(seed)
        for place in range(count):
            wanted = draw.sample(symbols, min(SYMBOLS_EACH, len(symbols))) if place else "*"
            reader = Reader(connect(port), wanted, self.faults, self.samples)
            say(reader.socket, {"op": "hello", "token": "demo"}, subscribe(LIVE_SUB, wanted, "raw"))
            self._readers[reader.socket.fileno()] = reader
            self._epoll.register(reader.socket, select.EPOLLIN)
        self._all = list(self._readers.values())

    def read(self, seconds: float) -> None:
        """Take whatever comes, and wait at most so long for the first of it."""
        for handle, _ in self._epoll.poll(seconds):
            reader = self._readers[handle]
            try:
                data = reader.socket.recv(READ_BYTES)
            except OSError:
                data = b""
            if data:
                reader.feed(data, time.time_ns())
            else:
                self.faults["lost"] += 1
                self._epoll.unregister(handle)
                del self._readers[handle]

    def begun(self) -> bool:
        """Whether all have been told that they are subscribed."""
        return all(reader.begun for reader in self._all)

    def finish(self) -> None:
        """Ask where the channels stand now: what has not come by the answer is missing."""
        for reader in self._readers.values():
            say(reader.socket, subscribe(LAST_SUB, reader.wanted, "raw"))
        self.wait(lambda: all(reader.finished for reader in self._readers.values()))
        self.faults["unanswered"] += sum(not reader.finished for reader in self._readers.values())

    def wait(self, condition: Callable[[], bool]) -> None:
        """Read until a condition holds, or for a while."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not condition() and time.monotonic() < deadline:
            self.read(0.1)

    def close(self) -> None:
        """Leave."""
        self._epoll.close()
        for reader in self._all:
            reader.socket.close()

    def report(self) -> dict[str, int]:
        """Faults by name, all of which should be 0, and how many `ticks` came."""
        return {**self.faults, "ticks": sum(reader.ticks for reader in self._all)}


def connect(port: int, buffer_bytes: int = 0) -> socket.socket:
    """A WebSocket to the stream on loopback; with a receive buffer of that size, if given.

    Raises:
        OSError: nobody listens there.
        ProofError: the answer is another than 101.
    """
    sock = socket.socket()
    if buffer_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.settimeout(ANSWER_SECONDS)
    sock.connect(("127.0.0.1", port))
    sock.sendall(UPGRADE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = sock.recv(1)  # nothing of what follows
        if not data:
            raise ProofError(f"no WebSocket: {head[:100]!r}")
        head += data
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ProofError(f"no WebSocket: {head[:100]!r}")
    return sock


def masked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A frame as clients send it; the mask is all zeros, which is one like any other."""
    first = (0x80 if final else 0) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, 0x80 | size, 0, 0, 0, 0)) + payload
    if size < 65_536:
        return struct.pack(">BBHI", first, 0x80 | 126, size, 0) + payload
    return struct.pack(">BBQI", first, 0x80 | 127, size, 0) + payload


def say(sock: socket.socket, *messages: dict[str, Any]) -> None:
    """Send one frame of messages."""
    sock.sendall(masked(TEXT, json.dumps(messages).encode()))


def subscribe(sub_id: int, symbols: Sequence[str] | str, mode: str) -> dict[str, Any]:
    """A subscription to all kinds, from now on."""
    wanted = symbols if isinstance(symbols, str) else list(symbols)
    return {
        "op": "sub",
        "id": sub_id,
        "symbols": wanted,
        "kinds": KINDS,
        "mode": mode,
        "hz": 16,
        "from": "live",
    }


def live(port: int, count: int, seed: int, path: Path, symbols: Sequence[str]) -> None:
    """Read until SIGTERM, then check, write and tell."""
    readers = Readers(port, count, seed, symbols)
    readers.wait(readers.begun)
    ended = _ended()
    print(json.dumps({"connected": count}), flush=True)
    while not ended:
        readers.read(0.1)
    readers.finish()
    path.write_bytes(readers.samples.tobytes())
    print(json.dumps(readers.report()), flush=True)


def stalled(port: int, count: int) -> None:
    """Ask for everything, raw and at an interval, and read none of it until SIGTERM."""
    ended = _ended()
    held = hold(port, count)
    print(json.dumps({"connected": len(held)}), flush=True)
    while not ended:
        time.sleep(0.05)


def hold(port: int, count: int) -> list[socket.socket]:
    """Connections that have asked for everything; whoever keeps them does not read."""
    held = []
    for _ in range(count):
        sock = connect(port, STALLED_BUFFER_BYTES)
        say(sock, {"op": "hello", "token": "demo"}, subscribe(1, "*", "raw"), subscribe(2, "*", "interval"))
        held.append(sock)
    return held


def _ended() -> list[int]:
    """A list that SIGTERM puts something into."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    return ended


def main(arguments: Sequence[str]) -> None:
    """Run from the command line."""
    mode, port, count, *rest = arguments
    if mode == "live":
        seed, path, *symbols = rest
        live(int(port), int(count), int(seed), Path(path), symbols)
    else:
        stalled(int(port), int(count))


if __name__ == "__main__":
    main(sys.argv[1:])
