"""The audit trail."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from accounts import Accounts
from config.settings import AccountsSettings, LogSettings, TokenSettings
from tapewire.audit import log_decision
from tapewire.logs import configure
from tests.tapewire.logging_state import kept_logging


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Other tests find logging as it was."""
    with kept_logging():
        yield


def test_each_new_decision_is_one_line() -> None:
    """Who, what, when and how much; a repetition is none."""
    stream = io.StringIO()
    configure(LogSettings(format="json"), stream)
    settings = AccountsSettings(tokens=(TokenSettings(user="bob", token="canary", live=("t:AAPL",)),))
    accounts = Accounts(settings, log_decision)
    bob = accounts.authenticate("canary", 5)
    for kind in ("t", "t", "q"):
        accounts.may(bob, "iex" if kind == "q" else "", kind, "AAPL", 1_000_000_000)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["decided"] == "1970-01-01T00:00:01.000000000Z"
    assert (first["tenant"], first["user"], first["channel"], first["access"]) == (
        "default",
        "bob",
        "t:AAPL",
        "live",
    )
    assert (second["channel"], second["access"]) == ("q:AAPL@iex", "none")
    assert "canary" not in stream.getvalue()
    assert structlog.is_configured()
