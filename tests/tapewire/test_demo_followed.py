"""The demo and whoever follows it, as the processes that people start: killed, started again, drained."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tapewire_client import DATA_OPS, Backoff, Client, connect
from tests.tapewire.test_app import SECONDS_MAX, Hub

MARKET = ("--symbols", "6", "--rate", "1000", "--no-browser")


class Tail:
    """A running `tapewire tail`, its output in files."""

    def __init__(self, folder: Path, hub: Hub, *arguments: str) -> None:
        self.out, self.err = folder / "tail.out", folder / "tail.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "tapewire",
                    "tail",
                    *arguments,
                    "--url",
                    f"127.0.0.1:{hub.port}",
                ],
                stdout=out,
                stderr=err,
            )

    def messages(self) -> list[dict[str, Any]]:
        """The whole lines of its output so far."""
        return [json.loads(line) for line in self.out.read_text().split("\n")[:-1]]

    def ticks(self) -> int:
        """How many ticks it has written."""
        return sum(message["op"] in DATA_OPS for message in self.messages())

    def certificates(self) -> int:
        """How many certificates it has written: one for each time that it has caught up."""
        return sum(message["op"] == "cont" for message in self.messages())

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be so."""
        deadline = time.monotonic() + SECONDS_MAX
        while not condition():
            assert self.process.poll() is None, self.err.read_text()
            assert time.monotonic() < deadline, self.err.read_text()
            time.sleep(0.02)

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS_MAX)


@pytest.fixture
def started() -> Iterator[list[Hub | Tail]]:
    """What the test starts; whatever is left is killed."""
    processes: list[Hub | Tail] = []
    yield processes
    for one in processes:
        one.process.kill()
        one.process.communicate()


async def follow(client: Client, past_m: Callable[[], int | None]) -> None:
    """Take messages until the mark has come past a place that is known later."""
    async for message in client:
        end_m = past_m()
        if message["op"] == "mark" and end_m is not None and message["m"] >= end_m:
            return


async def test_whoever_follows_a_demo_survives_its_death(tmp_path: Path, started: list[Hub | Tail]) -> None:
    """Killed and started again on its folder: tail and a client come back, and nothing is missing."""
    arguments = ("demo", *MARKET, "--data", str(tmp_path / "data"))
    first = Hub(*arguments)
    started.append(first)
    first.until_stored(100, everything=False)
    tail = Tail(tmp_path, first, "*", "--json", "--since", "0")
    started.append(tail)
    end_m: int | None = None
    url = f"ws://127.0.0.1:{first.port}/v1/stream"
    async with (
        asyncio.timeout(3 * SECONDS_MAX),
        connect(url, token="demo", since=0, backoff=Backoff(0.01, 0.1)) as client,
        asyncio.TaskGroup() as group,
    ):
        await client.subscribe("*", kinds=["t", "q"], mode="interval", hz=16)
        group.create_task(follow(client, lambda: end_m))
        await asyncio.to_thread(tail.until, lambda: tail.ticks() > 1_000 and tail.certificates() > 0)
        first.process.kill()
        first.process.communicate()
        before, certified = tail.ticks(), tail.certificates()
        second = Hub(*arguments, port=first.port)
        started.append(second)
        await asyncio.to_thread(
            tail.until, lambda: tail.ticks() > before + 1_000 and tail.certificates() > certified
        )
        end_m = second.get("/v1/marks")["accepted"]
    assert client.connects == 2
    assert (client.continuity.holes, client.continuity.gaps) == ([], 0)
    assert client.continuity.epoch == 1

    code, _, errors = second.stop(signal.SIGTERM)
    assert (code, "Traceback" in errors) == (0, False)
    tail.until(lambda: "closed: 4100 drain" in tail.err.read_text())
    assert tail.stop() == 0
    talk = tail.err.read_text()
    assert "connected again" in talk
    assert "the hub is going down" in talk
    assert "nothing missing" in talk.splitlines()[-1]
    check(tail.messages())


def check(messages: list[dict[str, Any]]) -> None:
    """Every tick of every channel since the beginning of the tape is there once, in order, and certified."""
    numbers: dict[str, list[int]] = {}
    for message in messages:
        assert message["op"] not in ("gap", "epoch", "snap"), message
        if message["op"] == "cont":
            assert all(account["complete"] for account in message["chans"].values())
        elif message["op"] in DATA_OPS:
            numbers.setdefault(message["c"], []).append(message["n"])
    assert {name.partition(":")[0] for name in numbers} == {"t", "q"}
    assert all(row == list(range(1, len(row) + 1)) for row in numbers.values())


def test_a_demo_that_forgets_is_noticed(tmp_path: Path, started: list[Hub | Tail]) -> None:
    """Started again on another folder, the tape is another one: tail says so, and begins anew."""
    first = Hub("demo", *MARKET, "--data", str(tmp_path / "first"))
    started.append(first)
    first.until_stored(3_000, everything=False)
    tail = Tail(tmp_path, first, "AAPL", "--json")
    started.append(tail)
    tail.until(lambda: any(message["op"] == "mark" for message in tail.messages()))
    first.process.kill()
    first.process.communicate()
    slow = ("--rate", "50", "--no-browser")  # it does not come to mark 3,000
    second = Hub("demo", *slow, "--data", str(tmp_path / "second"), port=first.port)
    started.append(second)
    tail.until(lambda: "connected again" in tail.err.read_text())
    before = tail.ticks()
    tail.until(lambda: tail.ticks() > before + 5)
    assert tail.stop() == 0
    talk = tail.err.read_text()
    assert "this hub's tape is not the one that gave the mark: beginning anew" in talk
    assert "nothing missing" in talk.splitlines()[-1]
