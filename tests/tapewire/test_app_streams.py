"""The system as a process, followed over its WebSocket while recordings play and it is stopped."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from feeds.iex.market_day import Day
from feeds.synthetic_file import write_recording
from tests.tapewire.test_app import SECONDS_MAX, Hub


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up recording."""
    path = tmp_path_factory.mktemp("recording") / "day.pcap.gz"
    write_recording(path, Day(seed=5, symbols=8, messages=20_000), packed=True)
    return path


@pytest.fixture
def started() -> Iterator[list[Hub]]:
    """Hubs that the test starts; whatever is left is killed."""
    hubs: list[Hub] = []
    yield hubs
    for hub in hubs:
        hub.process.kill()
        hub.process.communicate()


@contextmanager
def follow(hub: Hub, kinds: list[str], from_m: int) -> Iterator[ClientConnection]:
    """A raw subscriber of everything since a mark."""
    hello = {"op": "hello", "token": "demo"}
    wish = {"op": "sub", "id": 1, "symbols": "*", "kinds": kinds, "mode": "raw", "from": {"m": from_m}}
    with connect(
        f"ws://127.0.0.1:{hub.port}/v1/stream",
        subprotocols=[Subprotocol("tapewire.v1.json")],
        compression=None,
        max_size=None,
        open_timeout=SECONDS_MAX,
    ) as client:
        client.send(json.dumps([hello, wish]))
        yield client


def messages(client: ClientConnection) -> Iterator[dict[str, Any]]:
    """What comes, one message after the other, until the connection ends."""
    try:
        while True:
            yield from json.loads(client.recv(SECONDS_MAX))
    except ConnectionClosed:
        return


def test_a_subscriber_gets_what_history_has(recording: Path, started: list[Hub], tmp_path: Path) -> None:
    """Everything since mark 0, raw, while a recording plays as fast as it can: each trade, once, in order."""
    started.append(hub := Hub("replay", str(recording), "--speed", "max", "--data", str(tmp_path)))
    accepted = hub.until_stored(1)["accepted"]
    received: dict[str, list[int]] = {}
    with follow(hub, ["t"], 0) as client:
        for message in messages(client):
            assert message["op"] not in ("err", "gap"), message
            if message.get("c", "").startswith("t:"):
                received.setdefault(message["c"], []).append(message["n"])
            if message["op"] == "mark" and message["m"] >= accepted:
                break
    symbols = ",".join(name.removeprefix("t:") for name in received)
    rows = hub.get(f"/v1/trades?symbols={symbols}&limit=10000")["trades"]
    assert len(rows) > 1_000
    stored: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda row: row["m"]):
        stored.setdefault(row["channel"], []).append(row["n"])
    assert received == stored
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in received.values())


def test_a_stop_sends_everybody_away(recording: Path, started: list[Hub], tmp_path: Path) -> None:
    """They are told to come back, and get the close code that says so."""
    started.append(hub := Hub("replay", str(recording), "--speed", "max", "--data", str(tmp_path)))
    hub.until_stored(1)
    with follow(hub, ["t"], 0) as client:
        seen = messages(client)
        assert next(seen)["op"] == "welcome"
        hub.process.send_signal(signal.SIGTERM)
        assert [message["op"] for message in seen if message["op"] in ("drain", "err")] == ["drain"]
        assert client.close_code == 4100
    assert hub.process.wait(SECONDS_MAX) == 0
