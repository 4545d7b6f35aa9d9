"""The table of routes: what each needs and takes, and that the document says so."""

from typing import Any

import pytest

from config.settings import HttpSettings
from tapewire.http.page import load
from tapewire.http.problems import KINDS
from tapewire.http.routes import ROUTES
from tests import checkout
from tests.tapewire.http.world import World

DOCUMENT = checkout.ROOT / "docs" / "http.md"

PERMISSIONS = {
    "/v1/trades": "token",
    "/v1/quotes": "token",
    "/v1/bars": "token",
    "/v1/latest": "token",
    "/v1/gaps": "token",
    "/v1/alerts": "token",
    "/v1/alerts/{id}": "token",
    "/v1/fires": "token",
    "/v1/fires/{event_id}": "token",
    "/v1/watchlists": "token",
    "/v1/watchlists/{name}": "token",
    "/v1/webhooks": "token",
    "/v1/webhooks/{id}": "token",
    "/v1/webhooks/{id}:rotate-secret": "token",
    "/v1/marks": "token",
    "/metrics": "token",
    "/": "public",
    "/static/{name}": "public",
    "/v1/openapi.json": "public",
    "/healthz": "public",
    "/readyz": "public",
}
"""Who may ask what: a new route is added here with a thought, or this fails."""


OWNED = ("/v1/alerts", "/v1/watchlists", "/v1/webhooks")
"""What begins the path of everything that can be changed over HTTP."""

METHODS = {path: next(route.method for route in ROUTES if route.path == path) for path in PERMISSIONS}

ASKED = {
    path: path.replace("{name}", next(iter(load().by_name))).replace("{id}", "x").replace("{event_id}", "x")
    for path in PERMISSIONS
}
"""Route → what a client asks for."""


def test_each_route_has_the_permission_that_was_decided() -> None:
    """Nothing becomes public by mistake."""
    assert {route.path: route.permission for route in ROUTES} == PERMISSIONS
    changing = {route.path for route in ROUTES if route.method != "GET"}
    assert all(path.startswith(OWNED) for path in changing)
    assert all(route.method in ("POST", "PUT", "PATCH") for route in ROUTES if route.body)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("path", PERMISSIONS)
@pytest.mark.parametrize("token", ["", "canary-nobody", "canary-eve"])
async def test_a_stranger_gets_only_what_is_public(path: str, token: str, world: World) -> None:
    """Asked of the running application, not of the table."""
    async with world.serving() as client:
        answer = await client.get(ASKED[path], token, METHODS[path])
    assert answer.status == (401 if PERMISSIONS[path] == "token" else 200)


@pytest.mark.parametrize(
    "query", ["a=1", "symbols=%FF", "limit=-1&limit=2", "&&&=&", "%00", "start=;end=", "x" * 5_000]
)
@pytest.mark.parametrize("path", PERMISSIONS)
async def test_no_query_makes_a_mistake_of_ours(path: str, query: str, world: World) -> None:
    """400 with the faults, or an answer; never 500."""
    async with world.serving() as client:
        answer = await client.get(f"{ASKED[path]}?{query}", method=METHODS[path])
    assert answer.status in (200, 400, 404)
    assert (answer.status >= 400) is bool(answer.problem)


def section(route: Any) -> str:
    """What the document says about one route."""
    _, _, rest = DOCUMENT.read_text().partition(f"\n## {route.method} {route.path}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_and_parameter_is_in_the_document(route: Any) -> None:
    """docs/http.md has a section for each route, with a row for each of its parameters and no others."""
    text = section(route)
    assert text, f"docs/http.md: needs a section '{route.method} {route.path}'"
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    parameters = route.parameters(HttpSettings())
    assert rows == [f"| `{one.name}` | {one.doc} | `{one.example}` |" for one in parameters]
    assert route.doc in text


def test_every_problem_is_in_the_document() -> None:
    """With its status and what the client can do."""
    lines = DOCUMENT.read_text().splitlines()
    for kind in KINDS.values():
        row = f"| {kind.status} | `{kind.name}` | {kind.title} | {kind.advice} |"
        assert row in lines, f"docs/http.md: needs the row {row}"
