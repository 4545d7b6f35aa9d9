"""Everything that can go wrong between a client and the hub, in two tables.

Errors answer a message and leave the connection open; their class tells an app what to do
without looking at the number. Close codes end the connection; their range tells whether to
come back: 4000–4499 come back after a random wait, 4500–4999 don't come back unchanged
(Centrifuge's ranges, so that one rule serves every dialect); below them are WebSocket's own.
The first error numbers equal Alpaca's, on purpose.
"""

from typing import Final

from msgspec import Struct


class ErrorCode(Struct, frozen=True):
    """One kind of error answer."""

    word: str
    number: int
    error_class: str
    """`fix` (the request is wrong), `auth` (get a token), `plan` (not entitled), `wait` (retry
    later), `gone` (subscribe again from a snapshot), `hub` (our fault)."""
    meaning: str


class CloseCode(Struct, frozen=True):
    """One reason for which the hub closes a connection."""

    number: int
    word: str
    meaning: str

    @property
    def come_back(self) -> bool:
        """Whether a client should reconnect, after a random wait."""
        return 4000 <= self.number < 4500 or self.number == 1011


BAD_MSG: Final = ErrorCode(
    "BAD_MSG", 400, "fix", "the message is not of the protocol; `hint` names the field"
)
AUTH_MISSING: Final = ErrorCode("AUTH_MISSING", 401, "auth", "say hello with a token first")
AUTH_FAILED: Final = ErrorCode("AUTH_FAILED", 402, "auth", "the token is not valid")
AUTH_TIMEOUT: Final = ErrorCode("AUTH_TIMEOUT", 404, "auth", "no hello in time")
SYMBOL_LIMIT: Final = ErrorCode("SYMBOL_LIMIT", 405, "plan", "more channels than the limit in `welcome`")
CONN_LIMIT: Final = ErrorCode("CONN_LIMIT", 406, "plan", "more connections than the limit")
ENT_NONE: Final = ErrorCode("ENT_NONE", 409, "plan", "not entitled to this channel")
ENT_DELAYED: Final = ErrorCode("ENT_DELAYED", 419, "plan", "entitled to this channel with a delay only")
UNKNOWN_SYMBOL: Final = ErrorCode("UNKNOWN_SYMBOL", 420, "fix", "no exchange would use this symbol")
RATE: Final = ErrorCode("RATE", 429, "wait", "too many messages; `retry_ms` says when to go on")
EPOCH: Final = ErrorCode("EPOCH", 431, "gone", "`from` is no place on this tape")
TOKEN_EXPIRED: Final = ErrorCode(
    "TOKEN_EXPIRED", 432, "auth", "the token has ended; send another with `auth`"
)
ALERT_LIMIT: Final = ErrorCode("ALERT_LIMIT", 433, "plan", "as many alerts as are allowed")
NOT_FOUND: Final = ErrorCode("NOT_FOUND", 434, "fix", "no alert or watchlist of yours")
CONFLICT: Final = ErrorCode("CONFLICT", 435, "fix", "the name is taken, or the alert has changed")
HUB: Final = ErrorCode("HUB", 500, "hub", "our fault; it is in the log")
BUSY: Final = ErrorCode("BUSY", 503, "wait", "alerts cannot be reached now; ask again shortly")

ERRORS: Final[tuple[ErrorCode, ...]] = (
    BAD_MSG, AUTH_MISSING, AUTH_FAILED, AUTH_TIMEOUT, SYMBOL_LIMIT, CONN_LIMIT, ENT_NONE,
    ENT_DELAYED, UNKNOWN_SYMBOL, RATE, EPOCH, TOKEN_EXPIRED, ALERT_LIMIT, NOT_FOUND, CONFLICT, HUB, BUSY,
)  # fmt: skip
"""All errors, by number."""

CLOSE_SLOW: Final = CloseCode(4007, "slow", "did not read for too long, after everything else was tried")
CLOSE_SILENT: Final = CloseCode(4008, "silent", "no answer to the hub's pings")
CLOSE_DRAIN: Final = CloseCode(4100, "drain", "the hub is going down in an orderly way")
CLOSE_OVERLOAD: Final = CloseCode(4101, "overload", "the hub has no room; the reason says when to retry")
CLOSE_AUTH: Final = CloseCode(4501, "auth", "no valid hello in time, or the token ended")
CLOSE_PROTOCOL: Final = CloseCode(4502, "protocol", "too many messages that are not of the protocol")
CLOSE_CONN_LIMIT: Final = CloseCode(4506, "connection limit", "too many connections of this user")
CLOSE_POLICY: Final = CloseCode(4509, "policy", "too many messages, or bytes, for too long")

CLOSE_BYE: Final = CloseCode(1000, "bye", "the client said bye")
CLOSE_NOT_UTF8: Final = CloseCode(1007, "not UTF-8", "a text message that is not UTF-8")
CLOSE_TOO_BIG: Final = CloseCode(1009, "too big", "a message of too many bytes or fragments")
CLOSE_HUB: Final = CloseCode(1011, "internal error", "our fault; it is in the log")

CLOSES: Final[tuple[CloseCode, ...]] = (
    CLOSE_BYE, CLOSE_NOT_UTF8, CLOSE_TOO_BIG, CLOSE_HUB, CLOSE_SLOW, CLOSE_SILENT, CLOSE_DRAIN,
    CLOSE_OVERLOAD, CLOSE_AUTH, CLOSE_PROTOCOL, CLOSE_CONN_LIMIT, CLOSE_POLICY,
)  # fmt: skip
"""All close codes that the hub itself decides on, by number; those below 1016 are WebSocket's own."""
