"""Routes of watchlists: named lists of symbols, each owner's own."""

from typing import Any

from aiohttp import web

from alerts.model import Watchlist
from tapewire.alert_desk import owner_of
from tapewire.http.call import Call
from tapewire.http.owned import (
    answered,
    as_problems,
    body_of,
    created_once,
    desk_of,
    gone,
    if_match,
    members_of,
)
from ticks.times import format_time


def _form(one: Watchlist) -> dict[str, Any]:
    return {
        "name": one.name,
        "rev": one.rev,
        "symbols": list(one.symbols),
        "updated": format_time(one.updated_ns),
    }


def _answer(one: Watchlist, status: int = 200) -> web.Response:
    return answered(_form(one), status=status, rev=one.rev)


async def post_watchlist(call: Call) -> web.StreamResponse:
    """Make a list."""
    desk = desk_of(call)

    async def work(data: object) -> web.Response:
        with as_problems():
            members = members_of(data, "name", "symbols")
            symbols = members.get("symbols", [])
            owner = owner_of(call.principal)
            return _answer(await desk.alerts.put_watchlist(owner, members.get("name"), symbols, 0), 201)

    return await created_once(call, work)


async def list_watchlists(call: Call) -> web.StreamResponse:
    """The caller's lists, by name."""
    lists = desk_of(call).alerts.watchlists(owner_of(call.principal))
    return answered({"watchlists": [_form(one) for one in lists]})


async def get_watchlist(call: Call) -> web.StreamResponse:
    """One list."""
    with as_problems():
        return _answer(desk_of(call).alerts.watchlist(owner_of(call.principal), _name(call)))


async def put_watchlist(call: Call) -> web.StreamResponse:
    """Make or replace a list."""
    desk, data, rev = desk_of(call), await body_of(call), if_match(call)
    with as_problems(if_match=rev is not None):
        symbols = members_of(data, "symbols").get("symbols")
        made = await desk.alerts.put_watchlist(owner_of(call.principal), _name(call), symbols, rev)
    return _answer(made, 201 if made.rev == 1 else 200)


async def delete_watchlist(call: Call) -> web.StreamResponse:
    """Delete a list."""
    with as_problems():
        await desk_of(call).alerts.delete_watchlist(owner_of(call.principal), _name(call))
    return gone()


def _name(call: Call) -> str:
    return call.request.match_info["name"]
