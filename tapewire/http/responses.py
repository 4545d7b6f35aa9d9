"""Answers: JSON documents and problems, with the headers every answer has."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from tapewire.http.problems import CONTENT_TYPE, Problem

HEADERS: Final[Mapping[str, str]] = {
    "Server": "tapewire",
    # what one principal may read must not be kept for the next
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Authorization, Accept",
}

CLOSING: Final = frozenset(
    (
        "bad-request",
        "body-not-allowed",
        "body-too-large",
        "body-too-slow",
        "uri-too-long",
        "headers-too-large",
    )
)
"""Problems after which it is in doubt what comes next on the connection."""


def json_response(body: bytes, *, status: int = 200) -> web.Response:
    """A whole JSON document."""
    return web.Response(body=body, status=status, content_type="application/json", headers=HEADERS)


def text_response(body: bytes, content_type: str) -> web.Response:
    """A whole document of another type; `content_type` with its parameters."""
    return web.Response(body=body, headers={**HEADERS, "Content-Type": content_type})


def problem_response(problem: Problem) -> web.Response:
    """A problem; the connection is closed after one that leaves it in doubt what comes next."""
    response = web.Response(
        body=problem.body(), status=problem.kind.status, headers={**HEADERS, **problem.headers}
    )
    response.content_type = CONTENT_TYPE
    if problem.kind.name in CLOSING:
        response.force_close()
    return response
