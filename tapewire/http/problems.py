"""What goes wrong with a request, as RFC 9457 tells it.

`KINDS` is the one table: every problem a client can see is a row, with its status and what
the client may do. The `type` of a problem is `urn:tapewire:problem:NAME`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tapewire:problem:"
ERRORS_MAX: Final = 100
"""Faults listed in one answer; how many more there were is said in `detail`."""


class ProblemKind(Struct, frozen=True):
    """One row of the table."""

    name: str
    status: int
    title: str
    advice: str
    """What the client can do."""


_ROWS: Final = (
    ProblemKind(
        "bad-request", 400, "The request is not valid HTTP", "mend the request; the connection is closed"
    ),
    ProblemKind("bad-parameter", 400, "A parameter cannot be used", "mend what `errors` lists"),
    ProblemKind("bad-cursor", 400, "The cursor cannot be continued", "start over without a cursor"),
    ProblemKind("malformed", 400, "The body is not JSON", "send one JSON text in UTF-8, no member twice"),
    ProblemKind(
        "token-in-query",
        400,
        "A credential stands in the URL",
        "send `Authorization: Bearer` and change the token",
    ),
    ProblemKind("auth-missing", 401, "A bearer token is needed", "send `Authorization: Bearer TOKEN`"),
    ProblemKind("auth-failed", 401, "The bearer token is not known", "use another token"),
    ProblemKind("token-expired", 401, "The bearer token has expired", "get a new token"),
    ProblemKind("forbidden", 403, "Not entitled to this data", "leave out the symbols that `errors` lists"),
    ProblemKind(
        "untrusted-peer", 403, "Only the proxies of this service may connect", "go through the proxy"
    ),
    ProblemKind(
        "not-found", 404, "There is no such path or object", "see the list of routes, or of your objects"
    ),
    ProblemKind("method-not-allowed", 405, "The method is not allowed here", "use one that `Allow` names"),
    ProblemKind(
        "not-acceptable", 406, "No format that is offered is acceptable", "accept one that `errors` lists"
    ),
    ProblemKind(
        "body-too-slow", 408, "The body did not come in time", "send it again; the connection is closed"
    ),
    ProblemKind("conflict", 409, "The name is taken, or the object has changed", "look at it, then decide"),
    ProblemKind("idempotency-mismatch", 409, "The key was sent with another request", "use a new key"),
    ProblemKind("precondition-failed", 412, "The object is at another revision", "look at it, then decide"),
    ProblemKind(
        "body-not-allowed", 413, "This route takes no body", "leave the body out; the connection is closed"
    ),
    ProblemKind("body-too-large", 413, "The body is too large", "send less; the connection is closed"),
    ProblemKind("uri-too-long", 414, "The request line is too long", "ask for fewer symbols at a time"),
    ProblemKind(
        "unsupported-media-type",
        415,
        "The body is of a type that is not read",
        "send `application/json`, as it is",
    ),
    ProblemKind("expectation-failed", 417, "The expectation cannot be met", "leave `Expect` out"),
    ProblemKind("invalid", 422, "What was sent cannot be used", "mend what `errors` points to"),
    ProblemKind("upgrade-required", 426, "Here is a WebSocket", "connect with a WebSocket client"),
    ProblemKind("limit-reached", 429, "There are as many as are allowed", "delete some"),
    ProblemKind(
        "too-many-requests",
        429,
        "This user has too many requests under way",
        "try again after `Retry-After` seconds",
    ),
    ProblemKind("headers-too-large", 431, "A header is too long", "send less; the connection is closed"),
    ProblemKind("internal", 500, "A mistake of this service", "try again; the mistake has been logged"),
    ProblemKind(
        "alerts-unavailable",
        503,
        "Alerts cannot be written or read now",
        "try again after `Retry-After` seconds; it may have been done",
    ),
    ProblemKind("not-done", 503, "The first request with this key was given up", "send it again"),
    ProblemKind(
        "not-ready", 503, "Alerts are catching up with the tape", "try again after `Retry-After` seconds"
    ),
    ProblemKind("busy", 503, "Too many queries are waiting", "try again after `Retry-After` seconds"),
    ProblemKind(
        "store-unavailable", 503, "The store cannot answer now", "try again after `Retry-After` seconds"
    ),
)
KINDS: Final[dict[str, ProblemKind]] = {row.name: row for row in _ROWS}
"""Name → row."""


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, in the problem's `errors`."""

    detail: str
    parameter: str = ""
    symbol: str = ""
    pointer: str = ""
    """JSON pointer into the body."""
    kind: str = ""
    """What is wrong with the body there, in one word for machines (`alerts.errors.Invalid`)."""
    allowed: tuple[str, ...] = ()
    """What may stand there, when that is a short list."""


class Problem(Exception):
    """A request that is answered with a problem; raised anywhere below a handler."""

    def __init__(
        self,
        name: str,
        detail: str = "",
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = KINDS[name]
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(f"{name}: {detail}")

    def body(self) -> bytes:
        """The document, as JSON."""
        document: dict[str, object] = {
            "type": TYPE_PREFIX + self.kind.name,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self._detail(),
        }
        if self.errors:
            document["errors"] = self.errors[:ERRORS_MAX]
        return msgspec.json.encode(document)

    def _detail(self) -> str:
        detail = self.detail or self.kind.advice
        hidden = len(self.errors) - ERRORS_MAX
        return f"{detail} ({hidden} more are not listed)" if hidden > 0 else detail


def plain(text: str) -> str:
    """A client's own text, fit to be told back: printable, and cut at 64 characters."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:65])
    return shown if len(shown) <= 64 else shown[:64] + "…"
