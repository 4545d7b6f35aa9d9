"""The programs beside the hub: the C one writes its very bytes, the load generator misses nothing."""

import json
import shutil
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _fanout_build as build
from benchmarks._fanout_ticks import TickSource
from hub.pieces import NativeEncoder
from hub.wire import TEXT, frame

START_NS = 1_790_000_000_000_000_000
RATE, UNIVERSE = 3_000, 500
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def our_frames(count: int) -> list[bytes]:
    """The first ticks as our hub sends them."""
    numbers: Counter[str] = Counter()
    frames = []
    for tick in TickSource(RATE, UNIVERSE, START_NS).until(START_NS + count * 10**9 // RATE):
        numbers[tick.symbol] += 1
        frames.append(NativeEncoder().json(f"t:{tick.symbol}", numbers[tick.symbol], tick))
    return frames[:count]


def printed(program: Path, count: int, dash: str) -> bytes:
    """The first ticks as another program sends them."""
    options = {"print": count, "rate": RATE, "universe": UNIVERSE, "start-ns": START_NS}
    words = [word for name, value in options.items() for word in (dash + name, str(value))]
    return subprocess.run([program, *words], capture_output=True, check=True, timeout=60).stdout


@needs_compiler
def test_the_c_program_writes_the_bytes_that_the_hub_writes() -> None:
    """Prices with none, one and two decimals, times with and without nanoseconds, short and long frames."""
    assert printed(build.build_c("wall"), 20_000, "--") == b"".join(our_frames(20_000))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go")
def test_the_peer_publishes_the_messages_that_the_hub_sends() -> None:
    """What is inside our frames, without the array around it."""
    lines = printed(build.build_peer(), 2_000, "-").splitlines()
    assert [frame(b"[" + line + b"]", TEXT) for line in lines] == our_frames(2_000)


def test_a_program_is_not_built_without_its_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said which is missing."""
    monkeypatch.setattr(build, "OUTPUT", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.BuildError, match="cc is not installed"):
        build.build_c("wall")
    with pytest.raises(build.BuildError, match="go is not installed"):
        build.build_peer()


@needs_compiler
def test_a_program_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again when its source has changed; nothing else is left behind."""
    monkeypatch.setattr(build, "OUTPUT", tmp_path)
    first = build.build_c("wall").stat().st_mtime_ns
    assert build.build_c("wall").stat().st_mtime_ns == first
    source = tmp_path / "broken.c"
    source.write_text("no C at all")
    monkeypatch.setattr(build, "NATIVE", tmp_path)
    with pytest.raises(build.BuildError, match="broken"):
        build.build_c("broken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.c", "wall"]


# -- the load generator, against a server that says what a test wants ------------------------------


def tick(symbol: int, n: int, more: str = "") -> str:
    """One message."""
    return f'{{"op":"t","c":"t:S{symbol:04d}","n":{n}{more},"px":1,"sz":1,"ts":1790000000000000}}'


def text(*messages: str) -> bytes:
    """Messages in one frame."""
    return frame(f"[{','.join(messages)}]".encode(), TEXT)


class Script:
    """Accepts one connection, and sends it `pieces` one by one when it has subscribed."""

    def __init__(self, pieces: Callable[[list[int]], list[bytes]]) -> None:
        self._pieces = pieces
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._listener.settimeout(20)
        client, _ = self._listener.accept()
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(20)
            client.recv(4_096)
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
            self.heard = client.recv(65_536)[8:]
            begin = self.heard.index(b'"symbols":[') + 11
            names = self.heard[begin : self.heard.index(b"]", begin)].decode()
            for piece in self._pieces([int(name.strip('"')[1:]) for name in names.split(",")]):
                client.sendall(piece)
            while client.recv(65_536):
                pass  # until it has enough

    def load(self, *options: str) -> dict[str, Any]:
        """Run the load generator against it; its line."""
        ended = subprocess.run(
            [
                build.build_c("loadgen"), "--port", str(self.port), "--connections", "1", "--subscriptions",
                "4", "--universe", "40", "--seconds", "0.2", "--warm-seconds", "0", *options,
            ],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        self._thread.join()
        self._listener.close()
        line: dict[str, Any] = json.loads(ended.stdout)
        return line


def complaints(line: dict[str, Any]) -> dict[str, int]:
    """What the load generator found wrong."""
    names = ("lost", "holes", "repeats", "strangers", "errors")
    return {name: line[name] for name in names if line[name]}


@needs_compiler
def test_frames_may_be_cut_anywhere() -> None:
    """A byte at a time, nothing is missed and nothing is invented."""

    def pieces(symbols: list[int]) -> list[bytes]:
        whole = b"".join(text(tick(symbols[n % 4], n // 4 + 1, ',"k":1')) for n in range(40))
        return [whole[at : at + 1] for at in range(len(whole))]

    line = Script(pieces).load()
    assert line["upgraded"] == 1
    assert complaints(line) == {}


@needs_compiler
def test_what_is_missing_or_doubled_or_not_asked_for_is_counted() -> None:
    """Three ticks left out, one told twice, one of another symbol."""

    def pieces(symbols: list[int]) -> list[bytes]:
        one, two = symbols[:2]
        other = next(number for number in range(40) if number not in symbols)
        return [
            text(tick(one, 7), tick(two, 1)),
            text(tick(one, 11), tick(two, 2), tick(two, 2)),
            text(tick(other, 1)),
        ]

    assert complaints(Script(pieces).load()) == {"holes": 3, "repeats": 1, "strangers": 1}


@needs_compiler
def test_a_message_may_stand_for_several_ticks() -> None:
    """With `k` it is no hole, as long as it reaches back to the last one."""

    def pieces(symbols: list[int]) -> list[bytes]:
        one = symbols[0]
        return [text(tick(one, 3)), text(tick(one, 9, ',"k":6')), text(tick(one, 20, ',"k":9'))]

    assert complaints(Script(pieces).load("--hz", "4")) == {"holes": 2}


@needs_compiler
def test_errors_and_the_end_of_a_connection_are_counted() -> None:
    """A typed error, then a close frame."""
    line = Script(lambda _: [text('{"op":"err","code":"RATE"}'), bytes((0x88, 0))]).load()
    assert complaints(line) == {"lost": 1, "errors": 1}


@needs_compiler
def test_a_ping_is_answered_and_long_frames_are_read() -> None:
    """A frame with a 16-bit length, and one with a 64-bit length."""

    def pieces(symbols: list[int]) -> list[bytes]:
        short = text(*(tick(symbols[0], n) for n in range(1, 10)))
        long = text(*(tick(symbols[0], n) for n in range(10, 1_000)))
        assert (short[1], long[1]) == (126, 127)
        return [bytes((0x89, 2)) + b"hi", short, long]

    assert complaints(Script(pieces).load()) == {}


@needs_compiler
def test_it_refuses_what_is_beyond_its_bounds() -> None:
    """So no mistake in an option makes it a flood."""
    ended = subprocess.run(
        [build.build_c("loadgen"), "--connections", "20001"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert "over the bounds" in ended.stderr
