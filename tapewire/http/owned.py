"""What the routes of owned objects share: bodies, revisions, repeats, and errors of alerts as problems."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from aiohttp import hdrs, web

from alerts.errors import (
    AlertsError,
    Conflict,
    Invalid,
    LimitReached,
    NotFound,
    NotReady,
    StoreUnavailable,
)
from tapewire.alert_desk import AlertDesk, NotEntitled, owner_of
from tapewire.http.bodies import decoded, digest_of, read_body
from tapewire.http.call import Call
from tapewire.http.idempotency import Kept, kept, key_of
from tapewire.http.problems import Fault, Problem
from tapewire.http.responses import json_response

RETRY: Final = {"Retry-After": "1"}


def desk_of(call: Call) -> AlertDesk:
    """Who answers about alerts.

    Raises:
        Problem: nobody does here.
    """
    if call.services.desk is None:
        raise Problem("not-found", "there are no alerts here")
    return call.services.desk


@contextmanager
def as_problems(*, if_match: bool = False) -> Iterator[None]:
    """Raise errors of alerts as problems; `if_match`: a revision was named in the request."""
    try:
        yield
    except (AlertsError, NotEntitled) as error:
        raise problem_of(error, if_match=if_match) from error


def problem_of(error: AlertsError | NotEntitled, *, if_match: bool = False) -> Problem:
    """The problem that an error is to the client."""
    match error:
        case NotEntitled():
            return Problem("forbidden", str(error), [Fault("not entitled", symbol=error.symbol)])
        case Invalid():
            fault = Fault(error.detail, pointer=error.pointer, kind=error.kind, allowed=error.allowed)
            return Problem("invalid", str(error), [fault])
        case NotFound():
            return Problem("not-found", str(error))
        case Conflict():
            name = "precondition-failed" if if_match else "conflict"
            return Problem(name, str(error), headers={"ETag": etag(error.rev)})
        case LimitReached():
            return Problem("limit-reached", f"{error}, and there are {error.used}")
        case NotReady():
            return Problem("not-ready", str(error), headers=RETRY)
        case StoreUnavailable():
            return Problem("alerts-unavailable", headers=RETRY)
    return Problem("internal")


def etag(rev: int) -> str:
    """A revision as an entity tag."""
    return f'"{rev}"'


def if_match(call: Call) -> int | None:
    """The revision that `If-Match` names; None = any.

    Raises:
        Problem: it names none that there could be.
    """
    values = call.request.headers.getall(hdrs.IF_MATCH, ())
    if not values or values == ["*"]:
        return None
    text = values[0].strip('"')
    if len(values) > 1 or not (
        text.isascii() and text.isdigit() and len(text) < 16 and values[0] == etag(int(text))
    ):
        raise Problem("precondition-failed", "If-Match names no revision")
    return int(text)


async def body_of(call: Call) -> object:
    """The decoded body of a request.

    Raises:
        Problem: it is none.
    """
    return decoded(await read_body(call.request))


def answered(value: object, *, status: int = 200, rev: int | None = None, location: str = "") -> web.Response:
    """An object as JSON, with its revision."""
    response = json_response(msgspec.json.encode(value), status=status)
    if rev is not None:
        response.headers["ETag"] = etag(rev)
    if location:
        response.headers["Location"] = location
    return response


def gone() -> web.Response:
    """It is deleted."""
    response = json_response(b"", status=204)
    del response.headers[hdrs.CONTENT_TYPE]
    return response


async def created_once(call: Call, work: Callable[[object], Awaitable[web.Response]]) -> web.StreamResponse:
    """Do what a `POST` asks for, given its body; not twice when it has an `Idempotency-Key`."""
    body, key = await read_body(call.request), key_of(call.request)

    async def once() -> Kept:
        return kept(await work(decoded(body)))

    digest = digest_of(call.request, body)
    told = await call.services.keys.once(owner_of(call.principal), key, digest, call.now_ns, once)
    response = json_response(told.body, status=told.status)
    response.headers.update(told.headers)
    return response


def members_of(data: object, *known: str) -> dict[str, object]:
    """The members of a body, all of them known.

    Raises:
        Invalid: it is no object, or has others.
    """
    if not isinstance(data, dict):
        raise Invalid("malformed", "", "an object is due here")
    for name in data:
        if name not in known:
            shown = str(name)[:64].encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
            raise Invalid("unknown_member", f"/{shown}", "is not known", known)
    return data
