"""The native protocol's state machine: what a client may say when, and what follows.

Messages go in, effects come out as values; whoever owns the connection performs them.
"""

import enum
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec.structs import replace

from config.settings import HubSettings
from hub import codes
from hub.bucket import Bucket, Refusal
from hub.callers import Access, Caller
from hub.effects import Answer, Ask, Close, Effect, Unsubscribe, error_message
from hub.errors import MessageError
from hub.messages import (
    UNKNOWN_OP,
    AlertAck,
    AlertDel,
    AlertList,
    AlertPut,
    Auth,
    Bye,
    FromMark,
    Hello,
    Message,
    Ping,
    Sub,
    Unsub,
)
from hub.moment import Moment
from hub.wishes import Wishes

__all__ = ["Access", "Caller", "House", "Session", "State"]

STRIKES: Final = 3
"""How many messages that are not of the protocol a client may send. An unknown op is none: it is told,
and counts as a command, but a client of a later version may send it again and again."""
TOKEN_TOLD_SECONDS: Final = 60
"""How long before its end a client is asked for another token, at least; and as long again by user,
so that all those who got theirs at the same moment don't come at the same moment."""


class State(enum.Enum):
    """Where a session stands."""

    HELLO = "hello"
    """Nobody has said who they are yet."""
    LIVE = "live"
    CLOSING = "closing"


class House(Protocol):
    """What a session asks of the hub it belongs to."""

    @property
    def authenticate(self) -> Callable[[str | None, int], Caller]:
        """Tells who shows a token (token, ns UTC), or raises `MessageError`."""
        ...

    def check_start(self, start: FromMark) -> None:
        """Make sure that a place is on the tape.

        Raises:
            MessageError: it is not.
        """
        ...

    def watchlist(self, caller: Caller, name: str) -> Sequence[str]:
        """The symbols of a caller's list.

        Raises:
            MessageError: the caller has none of this name.
        """
        ...

    def welcome(self, now: Moment) -> dict[str, Any]:
        """The fields of `welcome`."""
        ...


class Session:
    """One client's session. Synchronous; time is an argument."""

    def __init__(self, settings: HubSettings, house: House, now: Moment) -> None:
        self.state = State.HELLO
        self.caller: Caller | None = None
        self._house = house
        self._hello_until_ns = now.awake_ns + settings.hello_s * 1_000_000_000
        self._retry_ms = 1_000 // settings.commands_per_s + 1
        self._bucket = Bucket(settings.commands_per_s, settings.commands_burst, now)
        self._wishes = Wishes(settings)
        self._strikes = 0
        self._renewal_told = False
        self._default_start: FromMark | str = "snapshot"

    def receive(self, messages: list[Message | MessageError], now: Moment) -> list[Effect]:
        """Take one frame's messages; return what is to be done, in order."""
        effects: list[Effect] = []
        self._default_start = "snapshot"
        for message in messages:
            if self.state is State.CLOSING:
                break
            if not self._bucket.allow(1, now):
                effects.extend(self._refuse(now))
                continue
            try:
                effects.extend(self._one(message, now))
            except MessageError as error:
                effects.extend(self._error(error))
        return effects

    def bad_frame(self, error: MessageError) -> list[Effect]:
        """Take note of a frame that was no array of messages."""
        return [] if self.state is State.CLOSING else self._error(error)

    def tick(self, now: Moment) -> list[Effect]:
        """Time has passed: what follows from that."""
        if self.state is State.HELLO and now.awake_ns >= self._hello_until_ns:
            return self._end(codes.AUTH_TIMEOUT)
        caller = self.caller
        if self.state is not State.LIVE or caller is None or not caller.expires_ns:
            return []
        left_ns = caller.expires_ns - now.utc_ns
        if left_ns <= 0:
            return self._end(codes.TOKEN_EXPIRED)
        if self._renewal_told or left_ns > _renewal_seconds(caller) * 1_000_000_000:
            return []
        self._renewal_told = True
        in_s = left_ns // 1_000_000_000
        return [Answer({"op": "token", "exp": caller.expires_ns // 1_000, "in_s": in_s})]

    def _one(self, message: Message | MessageError, now: Moment) -> list[Effect]:
        if isinstance(message, MessageError):
            raise message
        handler = _TABLE.get((self.state, type(message)))
        if handler is None:
            message_id = getattr(message, "id", None)
            if self.state is State.HELLO:
                raise MessageError(codes.AUTH_MISSING, "hello comes first", message_id)
            raise MessageError(codes.BAD_MSG, "hello was said already; `auth` renews a token", message_id)
        return handler(self, message, now)

    def _hello(self, message: Hello, now: Moment) -> list[Effect]:
        try:
            self.caller = self._house.authenticate(message.token, now.utc_ns)
        except MessageError as error:
            return self._end(error.code, error.hint)
        self.state = State.LIVE
        if message.resume is not None:
            self._default_start = FromMark(message.resume.m, message.resume.e)
        return [Answer({"op": "welcome", **self._house.welcome(now)})]

    def _auth(self, message: Auth, now: Moment) -> list[Effect]:
        """Renew the token in place. What it no longer allows ends; what it newly allows does not begin."""
        assert self.caller is not None
        try:
            caller = self._house.authenticate(message.token, now.utc_ns)
        except MessageError as error:
            return self._end(error.code, error.hint)
        if (caller.tenant, caller.user) != (self.caller.tenant, self.caller.user):
            return self._end(codes.AUTH_FAILED, "a session keeps its user")
        self.caller = caller
        self._renewal_told = False
        return [Answer({"op": "ok", "auth": True}), *self._wishes.narrow(caller)]

    def _sub(self, message: Sub, now: Moment) -> list[Effect]:
        assert self.caller is not None
        message = self._with_symbols(message, self.caller)
        start = self._default_start if message.start is None else message.start
        if isinstance(start, FromMark):
            try:
                self._house.check_start(start)
            except MessageError as error:
                raise MessageError(error.code, error.hint, message.id) from None
        return [self._wishes.add(message, self.caller, start, lambda cost: self._bucket.allow(cost, now))]

    def _with_symbols(self, message: Sub, caller: Caller) -> Sub:
        """The message with the symbols of the watchlist that it names."""
        if message.watchlist is None:
            return message
        try:
            return replace(message, symbols=list(self._house.watchlist(caller, message.watchlist)))
        except MessageError as error:
            raise MessageError(error.code, error.hint, message.id) from None

    def _ask(self, message: AlertPut | AlertList | AlertDel | AlertAck, now: Moment) -> list[Effect]:
        return [Ask(message)]

    def _unsub(self, message: Unsub, now: Moment) -> list[Effect]:
        if not self._wishes.remove(message.id):
            raise MessageError(codes.BAD_MSG, "id: no such sub", message.id)
        return [Unsubscribe(message.id), Answer({"op": "ok", "id": message.id, "unsub": True})]

    def _ping(self, message: Ping, now: Moment) -> list[Effect]:
        return [Answer({"op": "pong", "id": message.id, "ct": message.ct, "st": now.utc_ns // 1_000})]

    def _bye(self, message: Bye, now: Moment) -> list[Effect]:
        self.state = State.CLOSING
        return [Close(codes.CLOSE_BYE)]

    def _refuse(self, now: Moment) -> list[Effect]:
        """Too many messages: say so now and then, and close when it does not end."""
        verdict = self._bucket.refuse(now)
        if verdict is Refusal.CLOSE:
            self.state = State.CLOSING
            return [Close(codes.CLOSE_POLICY, codes.RATE.word)]
        if verdict is Refusal.SILENT:
            return []
        return self._error(MessageError(codes.RATE, "too many messages"))

    def _error(self, error: MessageError) -> list[Effect]:
        told = error_message(error.code, error.hint, error.message_id)
        if error.code is codes.RATE:
            told["retry_ms"] = self._retry_ms
        effects: list[Effect] = [Answer(told)]
        if error.code is codes.BAD_MSG and error.message_id is None and error.hint != UNKNOWN_OP:
            self._strikes += 1
            if self._strikes >= STRIKES:
                self.state = State.CLOSING
                effects.append(Close(codes.CLOSE_PROTOCOL, codes.BAD_MSG.word))
        return effects

    def _end(self, code: codes.ErrorCode, hint: str = "") -> list[Effect]:
        self.state = State.CLOSING
        return [Answer(error_message(code, hint)), Close(codes.CLOSE_AUTH, code.word)]


def _renewal_seconds(caller: Caller) -> int:
    """How long before its token ends a caller is asked for another."""
    return TOKEN_TOLD_SECONDS + zlib.crc32(f"{caller.tenant}/{caller.user}".encode()) % TOKEN_TOLD_SECONDS


_TABLE: Final[dict[tuple[State, type], Callable[[Session, Any, Moment], list[Effect]]]] = {
    (State.HELLO, Hello): Session._hello,
    (State.HELLO, Ping): Session._ping,
    (State.HELLO, Bye): Session._bye,
    (State.LIVE, Auth): Session._auth,
    (State.LIVE, Sub): Session._sub,
    (State.LIVE, Unsub): Session._unsub,
    (State.LIVE, AlertPut): Session._ask,
    (State.LIVE, AlertList): Session._ask,
    (State.LIVE, AlertDel): Session._ask,
    (State.LIVE, AlertAck): Session._ask,
    (State.LIVE, Ping): Session._ping,
    (State.LIVE, Bye): Session._bye,
}
"""What may be said when. Everything else is an error, and changes nothing."""
