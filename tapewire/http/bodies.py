"""The body of a request: JSON, of a bounded size, read in a bounded time. Few routes take one."""

import asyncio
import hashlib
from typing import Final

from aiohttp import hdrs, web

from alerts.errors import Invalid
from alerts.form import decode
from tapewire.http.problems import Problem

BODY_BYTES_MAX: Final = 65_536
BODY_SECONDS: Final = 10.0
"""How long a client may take to send one."""
TYPES: Final = ("application/json", "application/merge-patch+json")


async def read_body(request: web.Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        Problem: it is of another type, too large, compressed, or does not come.
    """
    if (
        request.content_type not in TYPES
        or request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity"
    ):
        raise Problem("unsupported-media-type")
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise Problem("body-too-large")
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > BODY_BYTES_MAX:
                    raise Problem("body-too-large")
    except TimeoutError:
        raise Problem("body-too-slow") from None
    return b"".join(pieces)


def decoded(body: bytes) -> object:
    """The value of a body.

    Raises:
        Problem: it is no JSON.
    """
    try:
        return decode(body)
    except Invalid as error:
        raise Problem("malformed", error.detail) from None


def digest_of(request: web.Request, body: bytes) -> bytes:
    """What makes two requests the same one."""
    return hashlib.sha256(b"%s %s\n%s" % (request.method.encode(), request.path.encode(), body)).digest()
