"""Routes about the service itself: health, readiness, metrics, marks."""

import msgspec
from aiohttp import web

from tapewire.http.call import Call
from tapewire.http.responses import json_response, text_response
from tapewire.metrics import CONTENT_TYPE, render


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
