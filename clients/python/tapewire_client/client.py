"""The connection: subscribe, iterate, and come back after a loss without a hole."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tapewire_client.backoff import Backoff
from tapewire_client.budget import Budget, cost_of
from tapewire_client.codec import Codec, Decode, Encode, decoder, encoder
from tapewire_client.continuity import Continuity, Start
from tapewire_client.errors import (
    ConnectionLost,
    ConnectionPostponed,
    ConnectionRefused,
    ProtocolError,
    RequestRefused,
)
from tapewire_client.messages import Message
from tapewire_client.opening import Opener, close_of
from tapewire_client.outcome import Outcome, of_close

Mode = Literal["raw", "interval", "conflated"]

SILENT_PINGS: Final = 2
"""A hub that says nothing for so many of its ping intervals is gone."""
PING_SECONDS: Final = 20.0
"""The hub's ping interval as long as it has not told it."""
RETRY_MS: Final = 1_000
"""When to ask again if the hub did not say when."""
FATAL_CLASSES: Final = frozenset(("fix", "auth", "plan"))
"""Refusals of the hello that do not pass by themselves."""
_HEEDED: Final = frozenset(("mark", "drain", "err"))
OnLoss = Callable[[str, float], None]


def connect(
    url: str,
    *,
    token: str | None = None,
    since: int | None = None,
    reconnect: bool = True,
    codec: Codec = "json",
    exact: bool = False,
    tls: ssl.SSLContext | None = None,
    backoff: Backoff | None = None,
    on_loss: OnLoss | None = None,
) -> "Client":
    """A client; use it as an async context manager.

    Args:
        url: `ws://HOST:PORT/v1/stream`, or `wss://…`.
        token: the bearer token.
        since: a mark stored earlier (`client.mark`). Subscriptions begin behind it, so nothing that
            happened in between is missed, days later too; 0 = from the beginning of the tape.
        reconnect: come back after a loss; otherwise `ConnectionLost` is raised.
        codec: `json`, or `msgpack` (needs msgspec), where prices are integers × 1e-9, sizes × 1e-6.
        exact: read decimals as `Decimal`; only for JSON.
        tls: for `wss://`, in place of the system's usual trust.
        backoff: the waits between two attempts; the default takes the hub's bounds.
        on_loss: called with the reason and the wait (s) when the connection was lost, and again after
            each attempt that failed. That it is back is told by `welcome` among the messages.

    Raises:
        ValueError: that is no address of a WebSocket.
    """
    if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
        raise ValueError(f"not the address of a stream (ws://HOST:PORT/v1/stream): {url!r}")
    encode, decode = encoder(codec), decoder(codec, exact=exact)
    opener = Opener(url, token, codec, encode, decode, tls)
    return Client(
        opener, encode, decode, since=since, reconnect=reconnect, backoff=backoff or Backoff(),
        on_loss=on_loss or _ignore,
    )  # fmt: skip


class Client:
    """One connection to a hub, over as many sockets as it takes.

    Iterating yields messages as dicts, in order, without repeats; `welcome`, `ok`, `snap`, `gap`,
    `epoch`, `cont` and `mark` are among them. A loop may be left and begun again. Either
    `continuity.hole_count` stays 0, or the hub is at fault. Not for use from several threads.
    """

    def __init__(
        self,
        opener: Opener,
        encode: Encode,
        decode: Decode,
        *,
        since: int | None,
        reconnect: bool,
        backoff: Backoff,
        on_loss: OnLoss,
    ) -> None:
        self.continuity = Continuity()
        """What was received, and whether all of it was."""
        self.connects = 0
        """How many connections were welcomed."""
        self.tape: str | None = None
        """The tape that gives the marks, as far as the hub says so; a mark means nothing on another one."""
        self._opener = opener
        self._encode = encode
        self._decode = decode
        self._since = since
        self._reconnect = reconnect
        self._backoff = backoff
        self._on_loss = on_loss
        self._budget = Budget()
        self._silence_s = SILENT_PINGS * PING_SECONDS
        self._socket: ClientConnection | None = None
        self._closed = asyncio.Event()
        self._opening: asyncio.Timeout | None = None
        self._sending = asyncio.Lock()
        self._subs: dict[int, dict[str, Any]] = {}
        self._asked: set[int] = set()
        self._ask_at_s: float | None = None
        self._last_id = 0
        self._pending: deque[Message] = deque()

    @property
    def mark(self) -> int | None:
        """The one integer to store: pass it as `since` later to go on without a hole.

        It speaks for the messages that were taken from the iterator. None while there is nothing to store.
        """
        mark = self.continuity.mark
        return self._since if mark is None else mark

    async def __aenter__(self) -> "Client":
        """Connect and say hello.

        Raises:
            RequestRefused: the token is not valid.
            ConnectionRefused: the hub (or something else at that address) does not let us in.
            ConnectionLost: nobody answers there.
        """
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; iteration ends, also while it is reconnecting."""
        self._closed.set()
        if self._opening is not None:
            self._opening.reschedule(asyncio.get_running_loop().time())
        if self._socket is not None:
            await self._socket.close()

    async def subscribe(
        self,
        symbols: Sequence[str] | Literal["*"],
        *,
        kinds: Sequence[str] = ("t", "q"),
        mode: Mode = "raw",
        hz: float | None = None,
        lineup: str = "",
        start: Start = "snapshot",
        since: int | None = None,
    ) -> int:
        """Ask for channels: every symbol in every kind. A channel must not be asked for twice.

        The answer comes among the messages: `ok`, with what may not be had in `denied`. When all of
        it is refused, iterating raises `RequestRefused`.

        Args:
            symbols: symbols, or `*` for all, those to come included.
            kinds: such as `t` trades, `q` quotes, `b1m` and `b1d` bars, `s` status.
            mode: `raw`: every tick; `interval`: the newest at most `hz` times a second, accounted for.
            hz: updates a second, rounded down to one of 0.25 0.5 1 2 4 8 16.
            lineup: name of the line-up; empty = the default one.
            start: `snapshot`: with the newest state of each channel; `live`: without.
            since: a mark to begin behind, in place of that of `connect`.

        Returns:
            the id, for `unsubscribe`.

        Raises:
            ValueError: one text in place of a list of symbols.
        """
        if isinstance(symbols, str) and symbols != "*":
            raise ValueError(f"symbols is a list of symbols, or '*'; not {symbols!r}")
        self._last_id += 1
        sub_id = self._last_id
        sub: dict[str, Any] = {"op": "sub", "id": sub_id, "symbols": "*" if symbols == "*" else list(symbols)}
        sub |= {"kinds": list(kinds), "mode": mode, "lineup": lineup}
        if hz is not None:
            sub["hz"] = hz
        first = self._since if since is None else since
        self.continuity.subscribe(sub_id, kinds, lineup=lineup, start=start, since=first)
        self._subs[sub_id] = sub
        await self._ask()
        return sub_id

    async def unsubscribe(self, sub_id: int) -> None:
        """Give up the channels of a subscription; ticks that are under way still come."""
        if self._subs.pop(sub_id, None) is None:
            return
        self.continuity.unsubscribe(sub_id)
        async with self._sending:
            if sub_id in self._asked:
                await self._pace(1)
                self._asked.discard(sub_id)
                await self._send({"op": "unsub", "id": sub_id})

    def __aiter__(self) -> "Client":
        """Iterate over messages until the client is closed."""
        return self

    async def __anext__(self) -> Message:
        """The next message.

        Raises:
            RequestRefused: a subscription was refused (iteration may go on), or after a reconnect the token.
            ConnectionRefused: the hub closed, and coming back unchanged is of no use.
            ConnectionLost: the connection broke, and `reconnect` is off.
            ProtocolError: what came is not of the protocol; the connection was given up.
        """
        while not self._closed.is_set():
            while self._pending:
                message = self._pending.popleft()
                if self._take(message):
                    return message
            await self._ask_again()
            await self._receive()
        raise StopAsyncIteration

    # -- receiving -----------------------------------------------------------------------------

    def _take(self, message: Message) -> bool:
        """Check a message and do what it asks of us; False when it is a repeat."""
        try:
            if not self.continuity.accept(message):
                return False
            if message["op"] in _HEEDED:
                self._heed(message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._abort()
            raise ProtocolError(f"a message that is not what it should be: {message!r:.200}") from error
        return True

    async def _receive(self) -> None:
        """Wait for one frame; come back when the connection is lost."""
        socket = self._socket
        if socket is None:
            raise ConnectionLost("not connected: use `async with connect(…)`")
        again_at_s = self._ask_at_s
        silent_at_s = asyncio.get_running_loop().time() + self._silence_s
        try:
            async with asyncio.timeout_at(
                silent_at_s if again_at_s is None else min(again_at_s, silent_at_s)
            ):
                frame = await socket.recv(decode=False)
        except TimeoutError:
            if again_at_s is not None:
                return
            self._abort()
            await self._come_back(Outcome(come_back=True), f"nothing heard for {self._silence_s:g} s")
        except ConnectionClosed as closed:
            code, reason = close_of(closed)
            outcome = of_close(code, reason)
            if not outcome.come_back and not self._closed.is_set():
                raise ConnectionRefused(code, reason) from None
            await self._come_back(outcome, f"closed: {code} {reason}".rstrip())
        else:
            try:
                self._pending.extend(self._decode(frame))
            except ProtocolError:
                self._abort()
                raise

    def _heed(self, message: Message) -> None:
        """Do what a message asks of us."""
        if message["op"] == "mark":
            self._backoff.reset()
        elif message["op"] == "drain":
            least_ms, most_ms = message["after"]
            self._backoff.hold(least_ms / 1000, most_ms / 1000)
        elif message["op"] == "err":
            self._refused(dict(message))

    def _refused(self, message: dict[str, Any]) -> None:
        """A subscription cannot be had, or not now, or not from this mark, or it has ended."""
        sub_id = message.get("id")
        if sub_id is None and message["class"] == "wait":
            self._ask_later(self._unanswered(), message)  # the hub does not say which message was too much
        if sub_id is None or sub_id not in self._subs or "chans" in message:
            return
        entry = self.continuity.subscriptions.get(sub_id)
        if message.get("ended") or entry is None:
            del self._subs[sub_id]
        elif message["class"] == "wait":
            self._ask_later({sub_id}, message)
        elif message["class"] == "gone" and entry.mark is not None:
            # The hub's tape is not the one that gave us the mark: begin anew. The message tells the caller.
            self._begin_anew([sub_id])
            self._asked.discard(sub_id)
            self._ask_at_s = 0.0
        elif not entry.confirmed:
            del self._subs[sub_id]
            self.continuity.subscriptions.pop(sub_id)
            raise RequestRefused(message)

    def _unanswered(self) -> set[int]:
        """What was asked for on this connection, and neither granted nor refused so far."""
        entries = self.continuity.subscriptions
        return {sub_id for sub_id in self._asked if sub_id in entries and not entries[sub_id].confirmed}

    def _ask_later(self, sub_ids: set[int], message: dict[str, Any]) -> None:
        """Ask again for these when the hub says that it may be done."""
        if sub_ids:
            self._asked -= sub_ids
            self._ask_at_s = asyncio.get_running_loop().time() + message.get("retry_ms", RETRY_MS) / 1000

    # -- sending -------------------------------------------------------------------------------

    async def _ask_again(self) -> None:
        """Ask again for what was refused for the moment."""
        if self._ask_at_s is not None and asyncio.get_running_loop().time() >= self._ask_at_s:
            await self._ask()
            self._ask_at_s = None

    async def _ask(self) -> None:
        """Send every subscription that this connection has not been asked for, no faster than allowed."""
        async with self._sending:
            for sub_id, sub in list(self._subs.items()):
                if sub_id in self._asked:
                    continue
                await self._pace(cost_of(len(sub["symbols"]), len(sub["kinds"])))
                if self._socket is None:
                    return  # the next connection begins with asking
                if sub_id in self._subs:
                    self._asked.add(sub_id)
                    await self._send({**sub, "from": self.continuity.start_of(sub_id)})

    async def _pace(self, cost: int) -> None:
        await asyncio.sleep(self._budget.wait_s(cost, asyncio.get_running_loop().time()))

    async def _send(self, message: dict[str, Any]) -> None:
        """Send one message. What is lost with a connection is asked for again on the next one."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(self._encode([message]))

    # -- connecting ----------------------------------------------------------------------------

    async def _open(self) -> None:
        """Open a socket, say hello, and ask for everything again."""
        socket, messages = await self._opener.open()
        try:
            self._heed_welcome(dict(messages[0]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            socket.transport.abort()
            raise ProtocolError(f"a welcome that is not what it should be: {messages[0]!r:.200}") from error
        self.connects += 1
        self.continuity.connected()
        self._asked.clear()
        self._pending.extend(messages)
        self._socket = socket
        await self._ask()

    def _abort(self) -> None:
        """Give the connection up, without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _come_back(self, outcome: Outcome, why: str) -> None:
        """Reconnect with full jitter, until it succeeds or the client is closed."""
        if self._closed.is_set():
            return
        if not self._reconnect:
            raise ConnectionLost(why)
        self._socket = None
        while True:
            wait_s = outcome.wait_s + self._backoff.next_s()
            self._on_loss(why, wait_s)
            await self._closed_within(wait_s)
            if self._closed.is_set():
                return
            try:
                await self._open_unless_closed()
            except RequestRefused as refused:
                if refused.error_class in FATAL_CLASSES:
                    raise
                outcome, why = Outcome(come_back=True), str(refused)
            except ConnectionPostponed as postponed:
                outcome, why = Outcome(come_back=True, wait_s=postponed.wait_s), str(postponed)
            except ConnectionLost as lost:
                outcome, why = Outcome(come_back=True), str(lost)
            else:
                return

    async def _open_unless_closed(self) -> None:
        """Open a connection; stop trying as soon as the client is closed."""
        try:
            async with asyncio.timeout(None) as self._opening:
                await self._open()
        except TimeoutError:
            self._abort()
        finally:
            self._opening = None
        if self._closed.is_set() and self._socket is not None:
            await self._socket.close()

    async def _closed_within(self, wait_s: float) -> None:
        """Wait, but no longer than until the client is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._closed.wait()

    def _heed_welcome(self, welcome: dict[str, Any]) -> None:
        """Take the hub's limits; begin anew when its tape is not the one that gave our marks."""
        self._silence_s = SILENT_PINGS * float(welcome.get("ping_s", PING_SECONDS))
        bounds, limits = welcome.get("reconnect", {}), welcome.get("limits", {})
        if "min" in bounds and "max" in bounds:
            self._backoff.set_bounds(bounds["min"] / 1000, bounds["max"] / 1000)
        self._budget = Budget(limits.get("commands_per_s", 20), limits.get("burst", 60))
        before, self.tape = self.tape, welcome.get("tape", self.tape)
        if before not in (None, self.tape):
            self._begin_anew(list(self.continuity.subscriptions))

    def _begin_anew(self, sub_ids: Sequence[int]) -> None:
        """What was received says nothing about what will come."""
        for sub_id in sub_ids:
            self.continuity.restart(sub_id)
        self._since = None


def _ignore(why: str, wait_s: float) -> None:
    """Nobody wants to be told."""
