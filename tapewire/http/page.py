"""The page at `/` and its files under `/static/`.

The files are package resources, `tapewire/static/`. Each is served under a name with a digest of
its content in it, so that browsers keep it for good and never show parts of two versions; the page
itself names them and is asked for each time. None of it is a secret: the data needs a token.
"""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web
from msgspec import Struct

from accounts import AuthError
from config.check import is_loopback
from config.settings import HttpSettings
from tapewire.http.access import is_trusted
from tapewire.http.call import Call
from tapewire.http.parameters import Parameter
from tapewire.http.problems import Problem, plain
from tapewire.options import DEMO_TOKEN

FOLDER: Final = "static"
PAGE: Final = "page.html"
TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""Suffix → media type. A file of another kind is not served."""
TOKEN_FIELD: Final = b'<meta name="tapewire-demo-token" content="'
"""Behind this the page has room for a token."""
DIGEST_CHARS: Final = 16
HEADERS: Final[Mapping[str, str]] = {
    "Server": "tapewire",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


class File(Struct, frozen=True):
    """What is sent for one address."""

    body: bytes
    content_type: str
    digest: str
    """Of the body; the entity tag."""


class Site(Struct, frozen=True):
    """The page and its files."""

    page: File
    demo_page: File
    """The page that brings the demo's token along."""
    by_name: Mapping[str, File]
    """Name under `/static/` → file."""


def page_parameters(_: HttpSettings) -> tuple[Parameter, ...]:
    """What the page takes: its script reads it, and says what is wrong with it."""
    doc = "Symbols of the watchlist between commas. Default: twelve that the simulated exchange trades."
    return (Parameter("symbols", str, doc, "AAPL,BRK.B"),)


async def page(call: Call) -> web.StreamResponse:
    """The page, with the demo's token where that is nobody's secret."""
    site = load()
    headers = {
        "Content-Security-Policy": content_policy(call.request.headers.get(hdrs.HOST, "")),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": ASK_EACH_TIME,
    }
    return _answer(call.request, site.demo_page if _is_demo(call) else site.page, headers)


async def static(call: Call) -> web.StreamResponse:
    """One of its files; what is not in the table does not exist, however it is written."""
    name = call.request.match_info["name"]
    file = load().by_name.get(name)
    if file is None:
        raise Problem("not-found", f"there is no {plain(call.request.path)}")
    # For an image that is opened by itself: it may do nothing at all.
    headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": FOR_GOOD}
    return _answer(call.request, file, headers)


@cache
def load() -> Site:
    """Read the files, once a process. They are of the package, so they cannot change or be missing."""
    contents = {entry.name: entry.read_bytes() for entry in files("tapewire").joinpath(FOLDER).iterdir()}
    return make_site(contents)


def make_site(contents: Mapping[str, bytes]) -> Site:
    """Give each file its name for good, and put the names into the page and into the scripts that import.

    Scripts must not import each other in a circle: no digest could be in its own file.
    """
    html = contents[PAGE]
    by_name: dict[str, File] = {}
    renamed: dict[str, str] = {}

    def add(name: str) -> str:
        """The name a file is served under; what it imports comes first, because it is named in it."""
        if name not in renamed:
            body = contents[name]
            for other in contents:
                if (written := f'from "./{other}"'.encode()) in body:
                    body = body.replace(written, f'from "./{add(other)}"'.encode())
            file = _file(name, body)
            stem, _, suffix = name.rpartition(".")
            renamed[name] = f"{stem}.{file.digest}.{suffix}"
            by_name[renamed[name]] = file
        return renamed[name]

    for name in contents:
        if name != PAGE and name.rpartition(".")[2] in TYPES:
            html = html.replace(f'"{FOLDER}/{name}"'.encode(), f'"{FOLDER}/{add(name)}"'.encode())
    demo = html.replace(TOKEN_FIELD, TOKEN_FIELD + DEMO_TOKEN.encode(), 1)
    return Site(_file(PAGE, html), _file(PAGE, demo), by_name)


def content_policy(host: str) -> str:
    """What the page may do: run and show what this server sends, and talk to this server.

    `host` is the `Host` the page was asked for; not every browser takes 'self' to mean WebSockets too.
    """
    streams = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'{streams}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'"
    )


def _file(name: str, body: bytes) -> File:
    digest = sha256(body).hexdigest()[:DIGEST_CHARS]
    return File(body, TYPES[name.rpartition(".")[2]], digest)


def _is_demo(call: Call) -> bool:
    """Whether the token `demo` is accepted, and only this machine can ask for the page.

    Behind a proxy everybody seems to come from this machine.
    """
    settings = call.services.settings
    if settings.trusted_proxies or not is_loopback(settings.host) or not is_trusted(call.request.remote, ()):
        return False
    try:
        call.services.accounts.authenticate(DEMO_TOKEN, call.now_ns)
    except AuthError:
        return False
    return True


def _answer(request: web.Request, file: File, headers: Mapping[str, str]) -> web.Response:
    """The file, or 304 to whoever has it."""
    everything = {**HEADERS, **headers, "ETag": f'"{file.digest}"'}
    # By value alone: a proxy that compresses makes our tag weak (RFC 9110, 13.1.2).
    if any(tag.value in (file.digest, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=everything)
    return web.Response(body=file.body, headers={**everything, "Content-Type": file.content_type})
