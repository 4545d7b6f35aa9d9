"""Attackers on a real door with a real hub behind it: each is told, or closed, as it should be."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest

from proofs import attacks
from proofs.attacks import ATTACKS, Line
from tapewire import frontdoor
from tests.hub.rig import User
from tests.tapewire.test_frontdoor import Street, on_street

LIMITS = {"ping_s": 1, "connections_max": 30, "connections_per_user_max": 10}


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_ends_as_promised(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the hub has no fault of its own, and nobody is connected in the end."""
    monkeypatch.setattr(frontdoor, "HEAD_SECONDS_MAX", 0.3)

    async def scenario(street: Street) -> None:
        street.house.users["demo"] = User()
        ends = await attacks.run(name, street.port, 0.0, 1)
        assert ends
        assert ends.keys() <= ATTACKS[name].ends
        assert street.house.hub.counters["failed"] == 0

    # Whoever is heard a share at a time must not seem silent meanwhile.
    limits = {**LIMITS, "ping_s": 10} if name == "subscribe-flood" else LIMITS
    on_street("asyncio", tmp_path, scenario, hello_s=1 if name == "silence" else 10, **limits)


async def test_an_end_without_the_word_that_is_due_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is an attacker that nothing happens to, and one that is cut."""
    monkeypatch.setattr(attacks, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(attacks, "ATTACKS", {})
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = await reader.readexactly(1)
        if kind == b"c":
            writer.write(b"\x88\x02" + (4502).to_bytes(2))
        if kind != b"n":
            writer.close()
        held.append(writer)

    async def closed(line: Line, draw: random.Random) -> str:
        await line.send(b"c")
        return await line.close()

    async def nothing(line: Line, draw: random.Random) -> str:
        await line.send(b"n")
        return await line.close()

    async def cut(line: Line, draw: random.Random) -> str:
        await line.send(b"x")
        return await line.head()

    attacks.attack("close 4502", words=["BAD_MSG"], attackers=1)(closed)
    attacks.attack("close 4502", attackers=1)(nothing)
    attacks.attack("close 4502", attackers=1)(cut)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen = [await attacks.run(name, port, 0.21, 1) for name in ("closed", "nothing", "cut")]
    for writer in held:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    server.close()
    assert [list(ends) for ends in seen] == [["close 4502 without a word"], ["nothing"], ["cut"]]
