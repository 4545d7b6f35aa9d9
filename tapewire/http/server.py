"""The HTTP server under the routes: its limits, and problems where aiohttp would answer text.

What the parser refuses never reaches a route, so it is answered here. aiohttp's own answer and
its log line quote the offending bytes, and those may be a token: ours do not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from tapewire.http.problems import Problem
from tapewire.http.responses import problem_response
from tapewire.throttle import Throttle

REQUEST_LINE_BYTES_MAX: Final = 65_536
"""2,000 symbols of 24 characters, and the rest of the query."""
FIELD_BYTES_MAX: Final = 8_192
"""One header; the longest token has 4,096 characters."""
HEADERS_MAX: Final = 64
KEEPALIVE_SECONDS: Final = 75.0
LINGERING_SECONDS: Final = 1.0
"""How long what follows a refused request is read before the connection is closed."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


class HttpRunner(web.AppRunner):
    """Runs an application with our limits. A client that leaves cancels its request."""

    def __init__(
        self, app: web.Application, *, now_ns: Callable[[], int], shutdown_seconds: float = 10.0
    ) -> None:
        super().__init__(app, access_log=None, handler_cancellation=True, shutdown_timeout=shutdown_seconds)
        self._now_ns = now_ns

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(plain.request_handler, plain.request_factory, self._now_ns)


class _Server(web.Server):
    """Makes our protocol for each connection."""

    def __init__(self, handler: Any, request_factory: Any, now_ns: Callable[[], int]) -> None:
        super().__init__(_with_problems(handler), request_factory=request_factory, handler_cancellation=True)
        self._throttle = Throttle()
        self._now_ns = now_ns

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=asyncio.get_running_loop())

    def tell(self, cause: str, **values: object) -> None:
        """Log an error, at most once a second for each cause."""
        silent = self._throttle.tell(cause, self._now_ns())
        if silent is not None:
            log.error(cause, not_told=silent, **values)


class _Protocol(RequestHandler):
    """One connection."""

    def __init__(self, server: _Server, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=KEEPALIVE_SECONDS,
            access_log=None,  # type: ignore[arg-type]  # None is how it is turned off
            max_line_size=REQUEST_LINE_BYTES_MAX,
            max_field_size=FIELD_BYTES_MAX,
            max_headers=HEADERS_MAX,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,  # a compressed body is refused, so none is inflated
        )
        self._server = server

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused, or a mistake of ours."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client has left, or was cut off by the routes, who have told
        if status >= 500:
            self._server.tell("request failed", path=request.path, exc_info=exc)
        if request.writer.output_size > 0:
            # a status was sent already: all that is left to say is that this is not the end
            raise ConnectionError("the answer had begun")
        response = problem_response(_problem(status, exc))
        response.force_close()
        return response


def _problem(status: int, exc: BaseException | None) -> Problem:
    if status >= 500:
        return Problem("internal")
    if isinstance(exc, LineTooLong):
        # the parser says which limit it was
        limit = str(exc.args[1]) if len(exc.args) > 1 else ""
        return Problem("uri-too-long" if limit == str(REQUEST_LINE_BYTES_MAX) else "headers-too-large")
    return Problem("bad-request")


def _with_problems(handler: Any) -> Handler:
    """What aiohttp answers outside our routes (`Expect`), as a problem."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPExpectationFailed:
            return problem_response(Problem("expectation-failed"))
        return response

    return handle
