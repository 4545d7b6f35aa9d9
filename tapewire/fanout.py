"""The hub, brought together with the tape it reads and the accounts that decide.

Tape ─▶ Pipeline.on_batch ─▶ Hub.on_batch        ring, then journal and archive ─▶ Hub (resume)
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from accounts import Accounts, AuthError, AuthFailed, AuthMissing, Principal, TokenExpired
from config.settings import HubSettings
from hub import codes
from hub.callers import Access, Caller
from hub.desk import Desk
from hub.errors import MessageError
from hub.hub import Hub
from hub.stream import StreamProtocol
from tape.batch import Batch, Damage
from tape.reader import TapeReader
from tape.tape import Tape

POLL_S: Final = 0.005

_REFUSALS: Final = {
    AuthMissing: codes.AUTH_MISSING,
    AuthFailed: codes.AUTH_FAILED,
    TokenExpired: codes.TOKEN_EXPIRED,
}


class TapeHistory:
    """The tape as the hub reads it back: memory on the loop, files in a thread of their own."""

    def __init__(self, tape: Tape, directory: Path) -> None:
        self.executor: Executor = ThreadPoolExecutor(1, "hub-journal")
        self._tape = tape
        self._reader = TapeReader(directory)

    def ring(self, after_m: int, up_to_m: int) -> list[Batch] | None:
        """Batches from memory; None when memory no longer holds everything after `after_m`."""
        ring = self._tape.ring
        return ring.read(after_m, up_to_m) if ring.covers(after_m) else None

    def ring_first_m(self) -> int:
        """The oldest mark that memory holds; 0 when it holds nothing."""
        return self._tape.ring.first_m

    def durable_m(self) -> int:
        """Up to where the journal may be read."""
        return self._tape.marks.durable

    def read(self, after_m: int, up_to_m: int) -> list[Batch | Damage]:
        """Batches and holes from journal and archive; called in the executor, one call at a time."""
        return list(self._reader.read(after_m, up_to_m))

    def close(self) -> None:
        """Wait for the read that is under way, and close the files."""
        self.executor.shutdown()
        self._reader.close()


class KnownCaller:
    """A principal, as the hub asks about it: every decision is made by `Accounts.may`, when it is asked."""

    def __init__(self, accounts: Accounts, principal: Principal) -> None:
        self.tenant = principal.tenant
        self.user = principal.user
        self.expires_ns = principal.expires_ns
        self._accounts = accounts
        self.principal = principal

    def access(self, lineup: str, kind: str, symbol: str) -> Access:
        """What this caller may have of a channel, now."""
        return Access(self._accounts.may(self.principal, lineup, kind, symbol, time.time_ns()))


class Streams:
    """Makes the protocol of each WebSocket, and knows how many are open."""

    def __init__(self, hub: Hub, settings: HubSettings) -> None:
        self.open = 0
        self._hub = hub
        self._settings = settings

    def __call__(self) -> StreamProtocol:
        """The protocol of a new connection."""
        self.open += 1
        return StreamProtocol(self._hub, self._settings, self._ended)

    async def gone(self) -> None:
        """Return when the last one is closed; whoever waits for that says how long at most."""
        while self.open:  # noqa: ASYNC110 - clients close them
            await asyncio.sleep(POLL_S)

    def _ended(self) -> None:
        self.open -= 1


def authenticator(accounts: Accounts) -> Callable[[str | None, int], Caller]:
    """What the hub calls with (token, ns UTC): gives the caller, or raises `MessageError`."""

    def authenticate(token: str | None, now_ns: int) -> Caller:
        try:
            return KnownCaller(accounts, accounts.authenticate(token, now_ns))
        except AuthError as error:
            raise MessageError(_REFUSALS[type(error)], str(error)) from error

    return authenticate


def make_hub(
    settings: HubSettings, tape: Tape, accounts: Accounts, history: TapeHistory, desk: Desk | None = None
) -> Hub:
    """A hub that serves this tape; it is given its batches by `Hub.on_batch`."""
    state = tape.sequencer.state
    return Hub(
        settings, history, state.channels, tape.sequencer.channel_id, tape.latest,
        lambda: state.ns, lambda: state.epochs, authenticator(accounts), time.time_ns, desk,
    )  # fmt: skip
