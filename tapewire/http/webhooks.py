"""Routes of webhook endpoints. A secret is told when it is made, and never again."""

import asyncio
from typing import Any

from aiohttp import web

from alerts.errors import Invalid
from alerts.webhooks.endpoints import Endpoint
from tapewire.alert_desk import owner_of
from tapewire.http.call import Call
from tapewire.http.owned import answered, as_problems, body_of, created_once, desk_of, gone, members_of
from ticks.times import format_time


def _form(one: Endpoint, *, with_secret: bool = False) -> dict[str, Any]:
    form = {
        "id": one.id,
        "url": one.url,
        "enabled": not one.disabled,
        "reason": one.disabled or None,
        "created": format_time(one.created_ns),
    }
    return form | {"secret": one.secret} if with_secret else form


async def post_webhook(call: Call) -> web.StreamResponse:
    """Make an endpoint."""
    endpoints = desk_of(call).endpoints

    async def work(data: object) -> web.Response:
        with as_problems():
            url = members_of(data, "url").get("url")
            one, new = await asyncio.to_thread(endpoints.add, owner_of(call.principal), url, call.now_ns)
        location = f"/v1/webhooks/{one.id}"
        return answered(_form(one, with_secret=new), status=201 if new else 200, location=location)

    return await created_once(call, work)


async def list_webhooks(call: Call) -> web.StreamResponse:
    """The caller's endpoints."""
    found = desk_of(call).endpoints.list(owner_of(call.principal))
    return answered({"webhooks": [_form(one) for one in found]})


async def get_webhook(call: Call) -> web.StreamResponse:
    """One endpoint."""
    with as_problems():
        return answered(_form(desk_of(call).endpoints.get(owner_of(call.principal), _id(call))))


async def patch_webhook(call: Call) -> web.StreamResponse:
    """Switch an endpoint on or off."""
    endpoints, owner = desk_of(call).endpoints, owner_of(call.principal)
    with as_problems():
        endpoints.get(owner, _id(call))
        enabled = members_of(await body_of(call), "enabled").get("enabled")
        if not isinstance(enabled, bool):
            raise Invalid("bad_value", "/enabled", "true or false is due here")
        reason = "" if enabled else "its owner switched it off"
        return answered(_form(await asyncio.to_thread(endpoints.switch, owner, _id(call), reason)))


async def delete_webhook(call: Call) -> web.StreamResponse:
    """Delete an endpoint."""
    endpoints = desk_of(call).endpoints
    with as_problems():
        await asyncio.to_thread(endpoints.delete, owner_of(call.principal), _id(call))
    return gone()


async def rotate_webhook(call: Call) -> web.StreamResponse:
    """Make a new secret."""
    endpoints, owner = desk_of(call).endpoints, owner_of(call.principal)
    with as_problems():
        one = await asyncio.to_thread(endpoints.rotate, owner, _id(call), call.now_ns)
    return answered(_form(one, with_secret=True))


def _id(call: Call) -> str:
    return call.request.match_info["id"]
