"""One request on its way through a route, and what a route is."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from aiohttp import web
from msgspec import Struct

from accounts import Principal
from config.settings import HttpSettings
from tapewire.http.parameters import Parameter
from tapewire.http.problems import Problem
from tapewire.http.services import Services

Permission = Literal["public", "token"]


class Call(Struct, frozen=True):
    """A request whose credential and parameters have been read."""

    request: web.Request
    services: Services
    known: Principal | None
    """Who asks; None only on a public route."""
    values: dict[str, Any]
    """Parameter → typed value; those that were not given are absent."""
    now_ns: int
    """When the request was read, ns UTC: the one time of all its decisions."""

    @property
    def principal(self) -> Principal:
        """Who asks, on a route that needs a token."""
        if self.known is None:
            raise Problem("auth-missing")
        return self.known


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


class Route(Struct, frozen=True):
    """One row of the table of routes."""

    path: str
    method: str
    permission: Permission
    """`public`: everybody; `token`: whoever shows a valid token (entitlements are checked per symbol)."""
    handler: Handler
    doc: str
    """What it answers."""
    parameters: Callable[[HttpSettings], tuple[Parameter, ...]] = lambda _: ()
    """The query parameters it takes; anything else is refused."""
    head: bool = False
    """Whether `HEAD` is answered too: what `GET` answers, without the body."""
    body: bool = False
    """Whether it takes a body; the others refuse one."""


SERVED: Final = web.AppKey("served", tuple[Route, ...])
"""The table that an application was built from."""
