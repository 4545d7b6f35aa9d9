"""The application: the routes of `tapewire.http.routes` behind checks that all of them share.

For each request, in this order: the peer, `Host`, whether a body is taken, the route and
method, the credential, the parameters; then the handler. Whatever is wrong is one `Problem`,
turned into an answer here and nowhere else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from tapewire.http.access import KEY_ID, KEY_SECRET, identify, is_trusted, networks
from tapewire.http.call import SERVED, Call, Route
from tapewire.http.parameters import parse_query, refuse_credentials
from tapewire.http.problems import Problem, plain
from tapewire.http.responses import problem_response
from tapewire.http.routes import ROUTES
from tapewire.http.seats import Seats
from tapewire.http.services import Services
from tapewire.throttle import Throttle

SERVICES: Final = web.AppKey("services", Services)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


def build_app(services: Services, routes: Sequence[Route] = ROUTES) -> web.Application:
    """The application for `tapewire.http.server.HttpRunner`."""
    app = web.Application(middlewares=[_problems(services), _checks(services, routes)])
    app[SERVICES] = services
    app[SERVED] = tuple(routes)
    seats = Seats()
    for route in routes:
        endpoint = _endpoint(route, services, seats)
        app.router.add_route(route.method, route.path, endpoint)
        if route.head:
            app.router.add_route("HEAD", route.path, endpoint)
    return app


def _endpoint(route: Route, services: Services, seats: Seats) -> Handler:
    """Credential and parameters, then the route's handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        now_ns = services.now_ns()
        query = request.raw_path.partition("?")[2].partition("#")[0]
        refuse_credentials(query)
        principal = None
        if route.permission == "token":
            headers = (request.headers.getall(name, ()) for name in (hdrs.AUTHORIZATION, KEY_ID, KEY_SECRET))
            bearers, key_ids, secrets = headers
            principal = identify(services.accounts, bearers, now_ns, key_ids, secrets)
        values = parse_query(query, route.parameters(services.settings))
        with seats.taken(principal):
            return await route.handler(Call(request, services, principal, values, now_ns))

    return handle


def _checks(services: Services, routes: Sequence[Route]) -> Middleware:
    """What is asked of every request, known path or not."""
    with_body = {(route.method, route.path) for route in routes if route.body}
    proxies = networks(services.settings.trusted_proxies)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if proxies and not is_trusted(request.remote, proxies):
            raise Problem("untrusted-peer")
        hosts = request.headers.getall(hdrs.HOST, ())
        if len(hosts) > 1 or (not hosts and request.version >= (1, 1)):
            raise Problem("bad-request", "there must be exactly one Host header")
        if request.body_exists and (request.method, _path_of(request)) not in with_body:
            raise Problem("body-not-allowed")
        return await handler(request)

    return check


def _path_of(request: web.Request) -> str:
    """The path of the request's route, as the table has it; empty when there is none."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical


def _problems(services: Services) -> Middleware:
    """Problems become answers; our own mistakes become a log line and a 500."""
    throttle = Throttle()

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (asyncio.CancelledError, ConnectionError):
            raise  # the client has left
        except Exception as error:
            problem = _problem_of(request, error)
            if problem.kind.status >= 500:
                _tell(throttle, services.now_ns(), request.path, problem, error)
            if request.writer.output_size > 0:
                # half an answer is out: closing the connection is how the client learns of it
                raise ConnectionError("the answer had begun") from error
            return problem_response(problem)

    return answer


def _tell(throttle: Throttle, now_ns: int, path: str, problem: Problem, error: Exception) -> None:
    """Log a failure, at most once a second for each cause; a mistake of ours with its traceback."""
    is_ours = problem is not error
    cause = error if is_ours else error.__cause__
    silent = throttle.tell(type(cause).__name__, now_ns)
    if silent is None:
        return
    if is_ours:
        log.exception("request failed", path=path, not_told=silent)
    else:
        log.warning("request not answered", path=path, why=str(cause), not_told=silent)


def _problem_of(request: web.Request, error: Exception) -> Problem:
    """The problem that an error is to the client."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPNotFound):
        return Problem("not-found", f"there is no {plain(request.path)}")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem("method-not-allowed", headers={"Allow": ", ".join(sorted(error.allowed_methods))})
    return Problem("internal")
