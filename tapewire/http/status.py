"""Routes about the service itself: health, readiness, metrics, marks, and what the API is."""

from functools import lru_cache

import msgspec
from aiohttp import web

from config.settings import HttpSettings
from tapewire.http.call import SERVED, Call, Route
from tapewire.http.responses import json_response, text_response
from tapewire.metrics import CONTENT_TYPE, render
from tapewire.openapi import document, text


async def healthz(call: Call) -> web.StreamResponse:
    """Whoever gets an answer knows that the process lives; what it lacks is in the answer."""
    health = call.services.health()
    return json_response(msgspec.json.encode({"status": health.status, "checks": health.checks}))


async def readyz(call: Call) -> web.StreamResponse:
    """200 when requests should be sent here, else 503; the same document as `/healthz`."""
    health = call.services.health()
    body = msgspec.json.encode({"status": health.status, "checks": health.checks})
    return json_response(body, status=200 if health.ready else 503)


async def metrics(call: Call) -> web.StreamResponse:
    """Counters for Prometheus."""
    return text_response(render(call.services.metrics()), CONTENT_TYPE)


async def marks(call: Call) -> web.StreamResponse:
    """How far the tape has come."""
    now = call.services.marks
    # stored ≤ durable ≤ accepted holds in the answer because they are read in this order
    stored, durable, accepted = now.stored, now.durable, now.accepted
    answer = {"e": now.epoch, "accepted": accepted, "durable": durable, "stored": stored}
    return json_response(msgspec.json.encode(answer))


async def openapi(call: Call) -> web.StreamResponse:
    """The routes of this server, with its limits, as an OpenAPI document."""
    return json_response(_openapi(call.request.app[SERVED], call.services.settings))


@lru_cache(maxsize=4)
def _openapi(routes: tuple[Route, ...], settings: HttpSettings) -> bytes:
    # Everybody may ask, and it never changes: made once.
    return text(document(routes, settings)).encode()
