"""`Idempotency-Key`: a request that is sent again gets the answer of the first time, and does nothing.

Answers are kept in memory for a day, so many for each owner; a restart forgets them. What has to
be safe over restarts too is put under the caller's own name: `PUT /v1/alerts/{client_id}`.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from msgspec import Struct

from alerts.model import Owner
from tapewire.http.problems import Problem

HEADER: Final = "Idempotency-Key"
KEPT_PER_OWNER: Final = 256
KEPT_NS: Final = 86_400 * 1_000_000_000
_KEY: Final = re.compile(r"[!-~]{1,128}")


class Kept(Struct, frozen=True):
    """An answer, as far as it is sent again."""

    status: int
    body: bytes
    headers: dict[str, str]
    """`ETag` and `Location`."""


class _Entry(Struct):
    digest: bytes
    began_ns: int
    answer: asyncio.Future[Kept]


class IdempotencyKeys:
    """Answers by owner and key. For the loop's thread."""

    def __init__(self) -> None:
        self._owners: dict[Owner, OrderedDict[str, _Entry]] = {}

    async def once(
        self,
        owner: Owner,
        key: str | None,
        digest: bytes,
        now_ns: int,
        work: Callable[[], Awaitable[Kept]],
    ) -> Kept:
        """Do the work, unless the owner has sent this key before: then give that answer.

        A second request while the first is under way waits for it. Work that fails is forgotten.

        Raises:
            Problem: the key was sent with another request.
        """
        if key is None:
            return await work()
        entries = self._owners.setdefault(owner, OrderedDict())
        self._forget(entries, now_ns)
        known = entries.get(key)
        if known is not None:
            if known.digest != digest:
                raise Problem("idempotency-mismatch")
            return await asyncio.shield(known.answer)
        entry = entries[key] = _Entry(digest, now_ns, asyncio.get_running_loop().create_future())
        try:
            answer = await work()
        except BaseException as error:
            if entries.get(key) is entry:
                del entries[key]
            entry.answer.set_exception(
                Problem("not-done") if isinstance(error, asyncio.CancelledError) else error
            )
            entry.answer.exception()  # somebody has seen it: whoever did the work
            raise
        entry.answer.set_result(answer)
        return answer

    @staticmethod
    def _forget(entries: OrderedDict[str, _Entry], now_ns: int) -> None:
        """Let go of what is old, or too much; never of what is under way."""
        for key, entry in list(entries.items()):
            old = now_ns - entry.began_ns >= KEPT_NS or len(entries) >= KEPT_PER_OWNER
            if not old:
                return
            if entry.answer.done():
                del entries[key]


def key_of(request: web.Request) -> str | None:
    """The request's key; None when it has none.

    Raises:
        Problem: it has several, or one that is none.
    """
    values = request.headers.getall(HEADER, ())
    if not values:
        return None
    if len(values) > 1 or _KEY.fullmatch(values[0]) is None:
        raise Problem("bad-request", f"{HEADER}: 1 to 128 printable ASCII characters, once")
    return values[0]


def kept(response: web.Response) -> Kept:
    """An answer as it is kept."""
    headers: dict[str, str] = {}
    for name in ("ETag", "Location"):
        if name in response.headers:
            headers[name] = response.headers[name]
    body = response.body
    assert isinstance(body, bytes)
    return Kept(response.status, body, headers)
