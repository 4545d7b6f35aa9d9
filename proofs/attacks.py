"""Clients that mean harm, and what the hub does to them.

    python -m proofs.attacks NAME PORT SECONDS SEED

So many attackers at a time do the same thing, each again and again on new connections, until the time is
up. Each end is written down by what the attacker was told: `close 4502`, `http 403`, `cut` when the
connection ended without a word, `nothing` when it did not end. Prints `begun`, and in the end the counts as
JSON. Which ends are right is said in `ATTACKS`.
"""

import asyncio
import itertools
import json
import random
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from msgspec import Struct

from proofs.crowd import CLOSE, KINDS, TEXT, UPGRADE, masked

ATTACKERS: Final = 4
PAUSE_SECONDS: Final = 0.2
"""An attacker that was thrown out comes back after so long."""
PATIENCE_SECONDS: Final = 20.0
"""An attacker that nothing has happened to for so long gives up."""
FLOOD: Final = 20_000
"""Frames, or bytes, of one flood."""
BEGIN_TEXT, CONTINUATION, PING = 0x01, 0x00, 0x09
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ENDINGS: Final = ["".join(letters) for letters in itertools.product(LETTERS, repeat=3)]
HELLO: Final = {"op": "hello", "token": "demo"}


class Line:
    """One attacker's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.words: Counter[str] = Counter()
        """Errors that the hub has told, by their code."""
        self.ended = False

    async def send(self, *frames: bytes) -> None:
        """Send bytes, as far as the hub takes them; all that comes after the end is lost."""
        with suppress(ConnectionError):
            for data in frames:
                self._writer.write(data)
                await self._writer.drain()
                await asyncio.sleep(0)  # the other attackers want their turn, too

    async def say(self, *messages: Any) -> None:
        """One text frame of JSON."""
        await self.send(masked(TEXT, json.dumps(messages).encode()))

    async def shut(self) -> None:
        """Send nothing more, but listen."""
        with suppress(OSError):
            self._writer.write_eof()

    async def head(self) -> str:
        """The status of an HTTP answer: `http 101`, say; `cut` when none came."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return "cut"
        return f"http {head.split(b' ')[1].decode()}"

    async def close(self) -> str:
        """Listen until the end: `close 4502`, say; `cut` when the connection ended without a close frame."""
        while True:
            try:
                opcode, payload = await self._frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                return "cut"
            if opcode == CLOSE:
                # The reason is a word too: who floods may not get to read the error before it.
                self.words[payload[2:].decode()] += 1
                return f"close {int.from_bytes(payload[:2])}"
            if opcode == TEXT:
                for message in json.loads(payload):
                    self.words[message.get("code", message["op"])] += 1

    async def _frame(self) -> tuple[int, bytes]:
        opcode, size = await self._reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return opcode, await self._reader.readexactly(size)


Deed = Callable[[Line, random.Random], Awaitable[str]]


class Attack(Struct, frozen=True):
    """What an attacker does on a new connection, and how it may end."""

    deed: Deed
    ends: frozenset[str]
    words: frozenset[str] = frozenset()
    """Of these errors at least one has to be told."""
    attackers: int = ATTACKERS


ATTACKS: Final[dict[str, Attack]] = {}


def attack(*ends: str, words: Sequence[str] = (), attackers: int = ATTACKERS) -> Callable[[Deed], Deed]:
    """Register a deed that has to end in one of these ways."""

    def register(deed: Deed) -> Deed:
        name = deed.__name__.replace("_", "-")
        ATTACKS[name] = Attack(deed, frozenset(ends), frozenset(words), attackers)
        return deed

    return register


async def enter(line: Line) -> None:
    """Open the WebSocket and say hello."""
    await line.send(UPGRADE)
    await line.head()
    await line.say(HELLO)


@attack("close 4502", words=["BAD_MSG"])
async def malformed_json(line: Line, draw: random.Random) -> str:
    """Text that is not of the protocol: broken, of another form, nested without end."""
    await enter(line)
    garbage = (
        b"{", b"[", b"", b"null", b"[1,2]", b'{"op":"ping"}', b"[" * 9_000, b'[{"op":1}]', b'[{}]', b"\x00",
        b'[{"op":"sub"}]', b'[{"op":"ping","id":1e999}]', b'[{"op":"ping","id":' + b"9" * 5_000 + b"}]",
    )  # fmt: skip
    await line.send(*(masked(TEXT, text) for text in draw.choices(garbage, k=20)))
    return await line.close()


@attack("close 4509", words=["BAD_MSG"])
async def unknown_ops(line: Line, draw: random.Random) -> str:
    """Messages that nobody has ever heard of, without end."""
    await enter(line)
    for _ in range(FLOOD // 20):
        await line.say({"op": "".join(draw.choices(LETTERS, k=draw.randrange(1, 100)))})
    return await line.close()


@attack("close 4509", words=["RATE"])
async def command_flood(line: Line, draw: random.Random) -> str:
    """As many commands as the connection takes."""
    await enter(line)
    for _ in range(FLOOD // 100):
        await line.send(b"".join(masked(TEXT, b'[{"op":"ping","id":1}]') for _ in range(100)))
    return await line.close()


@attack("close 4509")
async def ping_flood(line: Line, draw: random.Random) -> str:
    """As many control frames as the connection takes."""
    await enter(line)
    for _ in range(FLOOD // 100):
        await line.send(masked(PING, bytes(draw.randrange(126))) * 100)
    return await line.close()


@attack("close 1009")
async def giant_frame(line: Line, draw: random.Random) -> str:
    """A frame that is announced as larger than anything, and begun."""
    await enter(line)
    size = draw.choice((1 << 20, 1 << 40, (1 << 63) - 1))
    await line.send(struct.pack(">BBQI", TEXT, 0xFF, size, 0), bytes(300_000))
    return await line.close()


@attack("close 1009")
async def giant_message(line: Line, draw: random.Random) -> str:
    """Fragments that add up to more than a message may have."""
    await enter(line)
    await line.send(masked(BEGIN_TEXT, b"[", final=False))
    for _ in range(100):
        await line.send(masked(CONTINUATION, b" " * 10_000, final=False))
    return await line.close()


@attack("close 1009")
async def tiny_fragments(line: Line, draw: random.Random) -> str:
    """Thousands of fragments of one byte, or of none."""
    await enter(line)
    await line.send(masked(BEGIN_TEXT, b"[", final=False))
    piece = masked(CONTINUATION, b" " * draw.randrange(2), final=False)
    for _ in range(FLOOD // 100):
        await line.send(piece * 100)
    return await line.close()


@attack("close 1007")
async def bad_utf8(line: Line, draw: random.Random) -> str:
    """Text that is none, at once or in fragments."""
    await enter(line)
    bad = draw.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"))
    if draw.random() < 0.5:
        await line.send(masked(TEXT, b'["' + bad + b'"]'))
    else:
        await line.send(
            masked(BEGIN_TEXT, b'["' + bad[:1], final=False), masked(CONTINUATION, bad[1:] + b'"]')
        )
    return await line.close()


@attack("close 1002")
async def bad_frames(line: Line, draw: random.Random) -> str:
    """Frames that no client may send: not masked, of a reserved kind, out of order."""
    await enter(line)
    frames = (
        b"\x81\x02[]", masked(0x03, b"x"), masked(0x0B, b""), masked(CONTINUATION, b"x"), b"\xf1\x80\0\0\0\0",
        masked(PING, b"", final=False), masked(PING, bytes(126)),
    )  # fmt: skip
    await line.send(draw.choice(frames))
    return await line.close()


@attack("close 4501", words=["AUTH_TIMEOUT"])
async def silence(line: Line, draw: random.Random) -> str:
    """No hello."""
    await line.send(UPGRADE)
    await line.head()
    return await line.close()


@attack("close 4008")
async def half_open(line: Line, draw: random.Random) -> str:
    """A subscriber that shows no sign of life any more."""
    await enter(line)
    await line.say({"op": "sub", "id": 1, "symbols": ["AAPL"], "mode": "interval", "hz": 1})
    return await line.close()


@attack("cut")
async def half_closed(line: Line, draw: random.Random) -> str:
    """A client that ends its side, and would listen on."""
    await enter(line)
    await line.say({"op": "sub", "id": 1, "symbols": "*", "mode": "raw"})
    await line.shut()
    return await line.close()


@attack("close 4501", words=["AUTH_FAILED", "AUTH_MISSING"])
async def wrong_tokens(line: Line, draw: random.Random) -> str:
    """Guessing."""
    await line.send(UPGRADE)
    await line.head()
    await line.say({"op": "hello", "token": "x" * draw.randrange(5_000)})
    return await line.close()


@attack("close 4509", words=["RATE", "SYMBOL_LIMIT"])
async def subscribe_flood(line: Line, draw: random.Random) -> str:
    """Thousands of symbols, again and again: made up, repeated, too long, more than the limit."""
    await enter(line)
    for sub_id in range(800):
        first, place = draw.choice(LETTERS), draw.randrange(len(ENDINGS) - 1_000)
        symbols = [first + ending for ending in ENDINGS[place : place + draw.choice((1, 100, 1_000))]]
        await line.say({"op": "sub", "id": sub_id, "symbols": symbols, "kinds": draw.sample(KINDS, 3)})
    return await line.close()


@attack("http 503", "close 4101", "close 4506", "close 1000", attackers=64)
async def connection_flood(line: Line, draw: random.Random) -> str:
    """More connections than there may be."""
    await line.send(UPGRADE)
    status = await line.head()
    if status != "http 101":
        return status
    if draw.random() < 0.5:
        await line.say(HELLO)
    await asyncio.sleep(0.5)
    await line.say({"op": "bye"})
    return await line.close()


@attack("http 400", "http 404", "http 405", "http 413", "http 414", "http 426", "http 431")
async def bad_requests(line: Line, draw: random.Random) -> str:
    """Requests and upgrades that are none."""
    requests = (
        b"\x16\x03\x01\x02\x00\x01\x00", b"GARBAGE\r\n\r\n", b"GET /" + b"a" * 70_000, b"GET / HTTP/1.1\n\n",
        UPGRADE.replace(b"Version: 13", b"Version: 8"), UPGRADE.replace(b"v1.json", b"v9"),
        UPGRADE.replace(b"GET", b"POST"), UPGRADE.replace(b"/stream", b"/streams"),
        UPGRADE.replace(b"Host", b"Content-Length: 5\r\nHost"), UPGRADE[:-2] + b"X: " + b"a" * 70_000,
    )  # fmt: skip
    await line.send(draw.choice(requests))
    return await line.head()


@attack("http 408", "cut", attackers=200)
async def slow_heads(line: Line, draw: random.Random) -> str:
    """Heads that come byte by byte, and never end."""
    answer = asyncio.ensure_future(line.head())
    for place in range(len(UPGRADE) - 1):
        await line.send(UPGRADE[place : place + 1])
        await asyncio.wait([answer], timeout=0.3)
        if answer.done():
            break
    return await answer


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Line]:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def attacker(name: str, port: int, seconds: float, seed: int, ends: Counter[str]) -> None:
    """Do it once at least, and again and again."""
    one, draw = ATTACKS[name], random.Random(seed)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    await asyncio.sleep(draw.uniform(0, PAUSE_SECONDS))
    while not ends or loop.time() < until:
        try:
            async with connected(port) as line, asyncio.timeout(PATIENCE_SECONDS):
                end = await one.deed(line, draw)
                if one.words and not one.words & line.words.keys():
                    end += " without a word"
        except TimeoutError:
            end = "nothing"
        except ConnectionError:
            end = "cut"
        ends[end] += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def run(name: str, port: int, seconds: float, seed: int) -> Counter[str]:
    """All attackers of one kind."""
    ends: Counter[str] = Counter()
    async with asyncio.TaskGroup() as group:
        for place in range(ATTACKS[name].attackers):
            group.create_task(attacker(name, port, seconds, seed + place, ends))
    return ends


def main(arguments: Sequence[str]) -> None:
    """Run from the command line."""
    name, port, seconds, seed = arguments
    print("begun", flush=True)
    print(json.dumps(asyncio.run(run(name, int(port), float(seconds), int(seed)))))


if __name__ == "__main__":
    main(sys.argv[1:])
