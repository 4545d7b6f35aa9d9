"""Routes of alerts and rings. Another user's are as if they did not exist."""

import re
from typing import Any, Final

from aiohttp import web

from alerts.errors import Invalid
from alerts.form import fire_form, view_form
from alerts.model import PHASES, AlertView, Owner
from config.settings import HttpSettings
from tapewire.alert_desk import FIRES_MAX, owner_of
from tapewire.http.call import Call
from tapewire.http.owned import answered, as_problems, body_of, created_once, desk_of, gone, if_match
from tapewire.http.parameters import BadValue, Parameter, one_of, read_limit
from ticks.symbols import read_symbol

LIMIT: Final = 100
OFFSET_DIGITS: Final = 15
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What is written so in a path is an id of ours, and no name of the caller's."""


def read_offset(text: str) -> int:
    """A cursor of rings."""
    if not (text.isascii() and text.isdigit() and len(text) <= OFFSET_DIGITS):
        raise BadValue("allowed: a next_cursor of an earlier answer, unchanged")
    return int(text)


def read_one_symbol(text: str) -> str:
    """One symbol, canonical or as Alpaca writes it, small letters too."""
    return read_symbol(text)[0]


def alert_parameters(_: HttpSettings) -> tuple[Parameter, ...]:
    """Of the list of alerts."""
    return (
        Parameter("symbol", read_one_symbol, "Only alerts of this symbol. Default: of all.", "AAPL"),
        Parameter("state", one_of(*PHASES), "Only alerts in this state. Default: in any.", "armed"),
    )


def fire_parameters(_: HttpSettings) -> tuple[Parameter, ...]:
    """Of the list of rings."""
    return (
        Parameter("alert", str, "Only rings of the alert with this id. Default: of all.", "3f1c…"),
        Parameter("order", one_of("asc", "desc"), "Oldest or newest first. Default: desc.", "asc"),
        Parameter("limit", read_limit(FIRES_MAX), f"Most rings, 1 to {FIRES_MAX}. Default: {LIMIT}.", "20"),
        Parameter(
            "cursor", read_offset, "`next_cursor` of the page before, with the same parameters.", "117"
        ),
    )


def _answer(view: AlertView, status: int = 200) -> web.Response:
    location = f"/v1/alerts/{view.alert.id}" if status == 201 else ""
    return answered(view_form(view), status=status, rev=view.alert.rev, location=location)


async def post_alert(call: Call) -> web.StreamResponse:
    """Watch a new alert."""
    desk = desk_of(call)

    async def work(data: object) -> web.Response:
        with as_problems():
            return _answer(await desk.put(call.principal, data), 201)

    return await created_once(call, work)


async def list_alerts(call: Call) -> web.StreamResponse:
    """The caller's alerts."""
    desk = desk_of(call)
    views = desk.alerts.list(_owner(call), call.values.get("symbol"))
    state = call.values.get("state")
    forms = [view_form(view) for view in views if state in (None, view.state.phase)]
    return answered({"alerts": forms, "next_cursor": None})


async def get_alert(call: Call) -> web.StreamResponse:
    """One alert."""
    with as_problems():
        return _answer(desk_of(call).find(call.principal, _reference(call)))


async def put_alert(call: Call) -> web.StreamResponse:
    """Make or replace the alert that the caller calls so; replace the one of this id."""
    desk, rev, name = desk_of(call), if_match(call), _reference(call)
    with as_problems(if_match=rev is not None):
        if UUID.fullmatch(name) is not None:
            found = desk.find(call.principal, name).alert
            data = await body_of(call)
            return _answer(await desk.put(call.principal, data, alert_id=found.id, if_rev=rev))
        data = await body_of(call)
        if isinstance(data, dict) and data.setdefault("client_id", name) != name:
            raise Invalid("contradiction", "/client_id", "is another one than the path says")
        known = {view.alert.id for view in desk.alerts.list(_owner(call))}
        view = await desk.put(call.principal, data, replace_named=True, if_rev=rev)
        return _answer(view, 200 if view.alert.id in known else 201)


async def patch_alert(call: Call) -> web.StreamResponse:
    """Change members of an alert's rule."""
    desk, rev = desk_of(call), if_match(call)
    with as_problems(if_match=rev is not None):
        desk.find(call.principal, _reference(call))  # who has no such alert learns nothing about bodies
        return _answer(await desk.patch(call.principal, _reference(call), await body_of(call), rev))


async def delete_alert(call: Call) -> web.StreamResponse:
    """Watch it no longer."""
    with as_problems():
        await desk_of(call).delete(call.principal, _reference(call))
    return gone()


async def list_fires(call: Call) -> web.StreamResponse:
    """The caller's rings."""
    values: dict[str, Any] = call.values
    limit, newest_first = values.get("limit", LIMIT), values.get("order", "desc") == "desc"
    with as_problems():
        fires = await desk_of(call).fires(
            call.principal,
            place=values.get("cursor"),
            limit=limit,
            newest_first=newest_first,
            alert_id=values.get("alert"),
        )
    more = str(fires[-1].offset) if len(fires) == limit else None
    return answered({"fires": [fire_form(fire) for fire in fires], "next_cursor": more})


async def get_fire(call: Call) -> web.StreamResponse:
    """One ring, and what became of its deliveries."""
    desk, owner = desk_of(call), _owner(call)
    with as_problems():
        fire = await desk.alerts.fire(owner, call.request.match_info["event_id"])
        lines = await desk.alerts.in_store(lambda _, outbox: outbox.ledger(owner, fire.offset))
    deliveries = [
        {"channel": one.channel, "state": one.state, "attempts": one.attempts, "error": one.error}
        for one in lines
    ]
    return answered({**fire_form(fire), "deliveries": deliveries})


def _owner(call: Call) -> Owner:
    return owner_of(call.principal)


def _reference(call: Call) -> str:
    return call.request.match_info["id"]
