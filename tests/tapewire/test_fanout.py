"""The hub over a real tape and real accounts."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from accounts import Accounts
from config.settings import AccountsSettings, HubSettings, TapeSettings, TokenSettings
from hub import codes
from hub.callers import Access
from hub.errors import MessageError
from tape.batch import Batch
from tape.tape import Tape
from tapewire.fanout import Streams, TapeHistory, authenticator, make_hub
from tests.storage.making import NOON, trade

TOKENS = AccountsSettings(
    tokens=(
        TokenSettings(user="all", token="everything"),
        TokenSettings(user="some", token="little", live=("t:AAPL",), delayed=("t:*",)),
        TokenSettings(user="past", token="ended", expires="2020-01-01"),
    )
)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """An empty tape with little memory."""
    tape = Tape(TapeSettings(ring_ticks=1_024, sync_interval_ms=1), tmp_path, NOON)
    yield tape
    tape.close()


@pytest.fixture
def history(tape: Tape, tmp_path: Path) -> Iterator[TapeHistory]:
    """It, as the hub reads it back."""
    with closing(TapeHistory(tape, tmp_path)) as history:
        yield history


def publish(tape: Tape, first: int, count: int) -> Batch:
    """One batch of trades."""
    ticks = [trade("AAPL", NOON + number, number) for number in range(first, first + count)]
    batch = tape.publish("", list(ticks), None, NOON)
    assert batch is not None
    return batch


def test_memory_gives_what_it_has_and_files_the_rest(tape: Tape, history: TapeHistory) -> None:
    """The same batches, whoever gives them; None from memory that has forgotten."""
    batches = [publish(tape, number * 100 + 1, 100) for number in range(30)]
    tape.flush()
    last_m = batches[-1].last_m
    assert history.durable_m() == last_m
    assert history.ring(0, last_m) is None
    first_m = history.ring_first_m()
    assert first_m > 1
    kept = history.ring(first_m - 1, last_m)
    assert kept == [batch for batch in batches if batch.first_m >= first_m]
    assert history.executor.submit(history.read, 0, last_m).result() == batches


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, codes.AUTH_MISSING),
        ("", codes.AUTH_MISSING),
        ("unknown", codes.AUTH_FAILED),
        ("ended", codes.TOKEN_EXPIRED),
    ],
)
def test_a_token_that_is_not_accepted_says_why(token: str | None, code: codes.ErrorCode) -> None:
    """In the protocol's words, and without repeating it."""
    with pytest.raises(MessageError) as caught:
        authenticator(Accounts(TOKENS))(token, NOON)
    assert caught.value.code is code
    assert not token or token not in caught.value.hint


def test_a_caller_may_what_accounts_say() -> None:
    """Every decision is that of `Accounts.may`, and is noted there."""
    noted: list[object] = []
    accounts = Accounts(TOKENS, lambda *decision: noted.append(decision))
    caller = authenticator(accounts)("little", NOON)
    assert (caller.tenant, caller.user, caller.expires_ns) == ("default", "some", 0)
    assert caller.access("", "t", "AAPL") is Access.LIVE
    assert caller.access("", "t", "MSFT") is Access.DELAYED
    assert caller.access("", "q", "MSFT") is Access.NONE
    assert caller.access("iex", "t", "AAPL") is Access.NONE
    assert noted


def test_the_hub_begins_at_the_end_of_the_tape(tmp_path: Path) -> None:
    """A tape that was there before is known: its head, its channels, their numbers."""
    with closing(Tape(TapeSettings(), tmp_path, NOON)) as before:
        publish(before, 1, 250)
    with (
        closing(Tape(TapeSettings(), tmp_path, NOON)) as tape,
        closing(TapeHistory(tape, tmp_path)) as history,
    ):
        hub = make_hub(HubSettings(), tape, Accounts(TOKENS), history)
        assert hub.router.head_m == tape.marks.accepted
        assert hub.router.head_m >= 250


async def test_streams_are_counted_until_the_last_has_gone(tape: Tape, history: TapeHistory) -> None:
    """Who stops waits for that, and no longer."""
    streams = Streams(make_hub(HubSettings(), tape, Accounts(TOKENS), history), HubSettings())
    await streams.gone()
    protocols = [streams(), streams()]
    assert streams.open == 2
    gone = asyncio.create_task(streams.gone())
    protocols[0].connection_lost(None)
    await asyncio.sleep(0)
    assert not gone.done()
    protocols[1].connection_lost(None)
    await asyncio.wait_for(gone, 20)
    assert streams.open == 0
