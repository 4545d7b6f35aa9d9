"""The audit trail."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from accounts import Accounts
from config.settings import AccountsSettings, LogSettings, TokenSettings
from tapewire.audit import AuditTrail
from tapewire.logs import configure
from tests.tapewire.logging_state import kept_logging


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Other tests find logging as it was."""
    with kept_logging():
        yield


BOB = AccountsSettings(tokens=(TokenSettings(user="bob", token="canary", live=("t:*", "q:AAPL")),))


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    assert "canary" not in stream.getvalue()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_new_decision_is_told_at_once_without_a_loop() -> None:
    """Who, what, when and how much; a repetition is none."""
    stream = io.StringIO()
    configure(LogSettings(format="json"), stream)
    accounts = Accounts(BOB, AuditTrail().note)
    bob = accounts.authenticate("canary", 5)
    for kind in ("t", "t", "q"):
        accounts.may(bob, "iex" if kind == "q" else "", kind, "AAPL", 1_000_000_000)
    first, second = lines_of(stream)
    assert first["decided"] == "1970-01-01T00:00:01.000000000Z"
    assert (first["tenant"], first["user"], first["channels"]) == ("default", "bob", "t:AAPL")
    assert first["access"] == "live"
    assert (second["channels"], second["access"]) == ("q:AAPL@iex", "none")
    assert structlog.is_configured()


async def test_decisions_of_one_turn_share_lines_of_bounded_length() -> None:
    """Thousands of channels asked for at once are a few lines, each decision in just one of them."""
    stream = io.StringIO()
    configure(LogSettings(format="json"), stream)
    accounts = Accounts(BOB, AuditTrail().note)
    bob = accounts.authenticate("canary", 5)
    symbols = [f"A{place}" for place in range(1_000)]
    for symbol in symbols:
        accounts.may(bob, "", "t", symbol, 1)
        accounts.may(bob, "", "q", symbol, 1)
    assert stream.getvalue() == ""
    await asyncio.sleep(0)
    told = lines_of(stream)
    assert 4 <= len(told) <= 20
    for access, kind in (("live", "t"), ("none", "q")):
        channels = [
            channel for line in told if line["access"] == access for channel in line["channels"].split()
        ]
        assert channels == [f"{kind}:{symbol}" for symbol in symbols]
    accounts.may(bob, "", "q", "AAPL", 1)
    await asyncio.sleep(0)
    assert lines_of(stream)[-1]["channels"] == "q:AAPL"
