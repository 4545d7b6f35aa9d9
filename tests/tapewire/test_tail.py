"""Following a hub that does what the test says, in this process."""

import asyncio
import io
import json
import os
import re
import signal
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any

import pytest

from tapewire.tail import Tail
from tapewire.tail_lines import OTHER_TAPE
from tapewire.tail_options import TailOptions
from tests.tapewire_client.scripted import SECONDS_MAX, Visit, scripted_hub
from tests.tapewire_client.wire import cont, gap, mark, ok, resumed_ok, snap
from tests.tapewire_client.wire import trade as bare_trade


def trade(n: int, **more: Any) -> dict[str, Any]:
    """A trade of `A` with everything that a line needs."""
    return bare_trade(n) | {"px": 5.5, "sz": 100, "ts": 1_000_000 + n, "src": "sim"} | more


class Paper(io.StringIO):
    """A stream that can be waited for; perhaps a terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal
        self._written = asyncio.Event()

    def isatty(self) -> bool:
        """Whether it takes itself for a terminal."""
        return self._terminal

    def write(self, text: str) -> int:
        """Take text."""
        self._written.set()
        return super().write(text)

    async def until(self, *texts: str) -> None:
        """Wait until all of these were written, in any order."""
        async with asyncio.timeout(SECONDS_MAX):
            while not all(text in self.getvalue() for text in texts):
                self._written.clear()
                await self._written.wait()


class Following:
    """A tail that runs while the block does, against a hub that has granted its subscription."""

    def __init__(
        self, *symbols: str, granted: dict[str, Any] | None = None, terminal: bool = False, **more: Any
    ) -> None:
        self.out = Paper(terminal=terminal)
        self.err = Paper(terminal=terminal)
        self._symbols = symbols or ("A",)
        self._granted = granted or ok({"t:A": 4})
        self._more = more

    async def __aenter__(self) -> "Following":
        self._stack = AsyncExitStack()
        self.hub = await self._stack.enter_async_context(scripted_hub())
        options = TailOptions(self._symbols, ("t",), self.hub.url, **self._more)
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self.running = self._group.create_task(Tail(options, self.out, self.err).run())
        self.visit = await self.hub.greeted()
        self.sub = await self.visit.receive()
        await self.visit.send(self._granted)
        return self

    async def __aexit__(self, *error: Any) -> None:
        if not self.running.done():
            self.running.cancel()
        await self._stack.aclose()

    async def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does; its exit code."""
        os.kill(os.getpid(), number)
        async with asyncio.timeout(SECONDS_MAX):
            return await self.running

    @property
    def told(self) -> list[str]:
        """The lines of stderr, without our name."""
        return [line.removeprefix("tapewire: ") for line in self.err.getvalue().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ticks_are_lines_until_a_signal_ends_it(number: int) -> None:
    """Exit code 0; stdout has the ticks alone, stderr how it went and from where to go on."""
    async with Following() as tail:
        await tail.visit.send(snap(4), trade(5), mark(101), trade(6))
        await tail.out.until("1970-01-01T00:00:01.000006000Z A trade 5.50 x 100\n")
        assert await tail.stop(number) == 0
    assert tail.out.getvalue().count("\n") == 2
    assert tail.told == ["2 ticks, nothing missing, --since 101 goes on from here"]


async def test_what_is_asked_for_is_what_the_options_say() -> None:
    """All symbols, at a rate, behind a mark."""
    async with Following("*", max_hz=2.0, since=7, granted=resumed_ok("t:A")) as tail:
        assert tail.sub == {
            "op": "sub", "id": 1, "symbols": "*", "kinds": ["t"], "mode": "interval", "hz": 2.0, "lineup": "",
            "from": {"m": 7},
        }  # fmt: skip


async def test_json_lines_are_the_messages_as_the_hub_wrote_them() -> None:
    """Ticks and what says whether they are complete; prices digit for digit, talk only on stderr."""
    async with Following(as_json=True) as tail:
        await tail.visit.socket.send('[{"op":"t","c":"t:A","n":5,"px":0.10,"sz":1}]')
        await tail.visit.send(snap(5), mark(101), gap(), {"op": "pong", "id": 1, "ct": 0, "st": 0}, trade(9))
        await tail.out.until('"n":9')
        assert await tail.stop() == 0
    lines = tail.out.getvalue().splitlines()
    assert lines[0] == '{"op":"t","c":"t:A","n":5,"px":0.10,"sz":1}'
    assert [json.loads(line)["op"] for line in lines] == ["t", "snap", "mark", "gap", "t"]
    assert tail.told[0] == "gap: marks 2 to 50 of everything are not delivered (budget)"


async def test_a_loss_and_the_return_are_told() -> None:
    """With what the certificate says; the exit code is still 0."""
    async with Following() as tail:
        await tail.visit.send(trade(5), mark(101))
        await tail.out.until("A trade")
        tail.visit.cut()
        visit = await tail.hub.greeted()
        assert (await visit.receive())["from"] == {"m": 101, "e": 1}
        await visit.send(resumed_ok("t:A", m=101), trade(6), cont(5, 6), mark(102))
        await tail.err.until("channels whole")
        assert await tail.stop() == 0
    lost, again, certified, summary = tail.told
    assert re.fullmatch(r"connection lost \(closed: 1006\); coming back in 0\.\d s", lost)
    assert (again, certified) == ("connected again", "went on behind mark 0 up to 200: 1 channels whole")
    assert summary == "2 ticks, nothing missing, 1 reconnects, --since 102 goes on from here"


async def test_another_tape_is_told() -> None:
    """That of a hub whose data folder was emptied; the mark means nothing on it."""
    async with Following() as tail:
        await tail.visit.send(trade(5), mark(101))
        await tail.out.until("A trade")
        tail.visit.cut()
        visit = await tail.hub.greeted(tape="another")
        assert (await visit.receive())["from"] == {"m": 101, "e": 1}
        visit.cut()
        visit = await tail.hub.greeted(tape="yet another")
        assert (await visit.receive())["from"] == "snapshot"
        await visit.send(ok({"t:A": 1}), trade(2), mark(7))
        await tail.out.until("1.000002")
        assert await tail.stop() == 0
    told = [line for line in tail.told if "lost" not in line]
    assert told[:3] == ["connected again", "connected again", OTHER_TAPE]


async def test_a_hole_is_told_and_makes_it_fail() -> None:
    """Exit code 1: what the hub delivered was not complete."""
    async with Following() as tail:
        await tail.visit.send(trade(5), trade(8))
        await tail.err.until("missing")
        assert await tail.stop() == 1
    assert tail.told[0] == "missing: t:A from 6 to 7, and the hub has not said so"


async def test_it_ends_when_nothing_of_it_may_be_had() -> None:
    """One line for each reason, exit code 1."""
    denied = [{"symbol": "$$", "code": "UNKNOWN_SYMBOL"}]
    async with Following("$$", granted=ok({}) | {"denied": denied}) as tail, asyncio.timeout(SECONDS_MAX):
        assert await tail.running == 1
    assert tail.told == ["$$: no such symbol"]
    assert tail.out.getvalue() == ""


async def test_what_may_be_had_is_followed_although_some_may_not() -> None:
    """What may not is told."""
    denied = [{"symbol": "$$", "code": "UNKNOWN_SYMBOL"}]
    async with Following("A", "$$", granted=ok({"t:A": 4}) | {"denied": denied}) as tail:
        await tail.visit.send(trade(5))
        await tail.out.until("A trade")
        assert await tail.stop() == 0
    assert tail.told[0] == "$$: no such symbol"


async def test_what_a_hub_sends_cannot_move_the_cursor() -> None:
    """Control characters are written out, on stdout and on stderr."""
    async with Following() as tail:
        await tail.visit.send(trade(5, c="t:\x1b[2JA"), gap(1, "t:\x1b[2JA"))
        await tail.err.until("gap")
        assert await tail.stop() == 0
    assert "\x1b" not in tail.out.getvalue() + tail.err.getvalue()


async def failing(hub_url: str, **more: Any) -> tuple[int, str]:
    """Exit code and stderr of a tail that ends by itself."""
    out, err = Paper(), Paper()
    async with asyncio.timeout(SECONDS_MAX):
        code = await Tail(TailOptions(("A",), ("t",), hub_url, **more), out, err).run()
    assert out.getvalue() == ""
    return code, err.getvalue()


async def test_a_hub_that_is_not_there_is_one_line() -> None:
    """With the command that starts one."""
    async with scripted_hub() as hub:
        url = hub.url
    code, told = await failing(url)
    assert code == 1
    assert (
        told == f"tapewire: {url}: connection refused; is a hub running there? `tapewire demo` starts one\n"
    )


async def test_a_wrong_token_is_one_line() -> None:
    """With the option that names another."""
    async with scripted_hub() as hub:

        async def refuse(visit: Visit) -> None:
            await visit.receive()
            message = {"op": "err", "code": "AUTH_FAILED", "class": "auth", "msg": "the token is not valid"}
            await visit.send(message)

        hub.script = refuse
        code, told = await failing(hub.url, token="wrong")
    assert code == 1
    assert told.endswith("AUTH_FAILED: the token is not valid; name one with --token or TAPEWIRE_TOKEN\n")
    assert told.count("\n") == 1


async def test_a_server_that_is_no_hub_is_one_line() -> None:
    """With what it answered."""
    async with scripted_hub() as hub:
        hub.answer = (HTTPStatus.NOT_FOUND, {})
        code, told = await failing(hub.url)
    assert (code, told) == (1, f"tapewire: {hub.url}: refused by the hub: 404 Not Found\n")


async def test_a_hub_that_sends_it_away_for_good_ends_it() -> None:
    """Error and summary, so that nothing that came is in doubt."""
    async with Following() as tail:
        await tail.visit.send(trade(5), mark(101))
        await tail.out.until("A trade")
        await tail.visit.close(4501, "TOKEN_EXPIRED")
        async with asyncio.timeout(SECONDS_MAX):
            assert await tail.running == 1
    assert tail.told == [
        f"{tail.hub.url}: refused by the hub: 4501 TOKEN_EXPIRED",
        "1 ticks, nothing missing, --since 101 goes on from here",
    ]


async def test_in_a_terminal_it_is_a_table_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn anew as ticks come; talk stands above it; it is drawn a last time in the end."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    async with Following(
        terminal=True, granted=ok({"t:A": 4}) | {"denied": [{"symbol": "B", "code": "ENT_NONE"}]}
    ) as tail:
        await tail.visit.send(trade(5), mark(101))
        await tail.out.until("5.50", "tapewire: B: the token does not allow it", "--since 101")
        tail.visit.cut()
        await tail.out.until("connection lost (closed: 1006), coming back")
        visit = await tail.hub.greeted()
        await visit.receive()
        await visit.send(resumed_ok("t:A"), trade(6, px=7.25), mark(102))
        await tail.out.until("7.25")
        assert await tail.stop() == 0
    last = tail.out.getvalue().rpartition("symbol")[2]
    assert "▲" in last
    assert "2 ticks, nothing missing, 1 reconnects" in last
    assert tail.told == ["2 ticks, nothing missing, 1 reconnects, --since 102 goes on from here"]


async def test_a_terminal_that_cannot_draw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an editor's does."""
    monkeypatch.setenv("TERM", "dumb")
    async with Following(terminal=True) as tail:
        await tail.visit.send(trade(5))
        await tail.out.until("1970-01-01T00:00:01.000005000Z A trade 5.50 x 100\n")
        assert await tail.stop() == 0


async def test_a_pipe_gets_lines_although_colour_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in a file would be of no use."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    async with Following() as tail:
        await tail.visit.send(trade(5))
        await tail.out.until("A trade")
        assert await tail.stop() == 0
    assert "\x1b" not in tail.out.getvalue()


async def test_somebody_impatient_may_interrupt_twice() -> None:
    """While the connection is being closed; it ends without a traceback."""
    async with Following() as tail:
        await tail.visit.send(trade(5))
        await tail.out.until("A trade")
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(SECONDS_MAX):
            assert await tail.running == 0


async def test_a_cancelled_tail_is_cancelled() -> None:
    """Not every cancellation is a signal."""
    async with Following() as tail:
        tail.running.cancel()
        await asyncio.wait({tail.running})
    assert tail.running.cancelled()
