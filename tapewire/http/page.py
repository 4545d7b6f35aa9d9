"""The page at `/` and its files under `/static/`.

The files are package resources, `tapewire/static/`, built from `web/` and committed. Each has a
digest of its content in its name, so that browsers keep it for good and never show parts of two
versions; the page itself names them and is asked for each time. Beside each lies the same file
compressed, once by brotli and once by gzip. None of it is a secret: the data needs a token.
"""

import gzip
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
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
"""Suffix → media type. A file of another kind is not served."""
CODINGS: Final[Mapping[str, str]] = {"br": "br", "gzip": "gz"}
"""Content coding → suffix of the file that has it; the better one first."""
TOKEN_FIELD: Final = b'<meta name="tapewire-demo-token" content="'
"""Behind this the page has room for a token."""
DIGEST_CHARS: Final = 16
HEADERS: Final[Mapping[str, str]] = {
    "Server": "tapewire",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"
_NAMED_BY_CONTENT: Final = re.compile(r"[a-z]+-[\w-]{8}\.[a-z]+")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_CODING: Final = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


class File(Struct, frozen=True):
    """What is sent for one address."""

    body: bytes
    content_type: str
    digest: str
    """Of the body; the entity tag of what is not compressed."""
    coded: Mapping[str, bytes]
    """Content coding → the body in it, the better one first."""
    for_good: bool
    """Whether its name says its content."""


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
    }
    return _answer(call.request, site.demo_page if _is_demo(call) else site.page, headers)


async def static(call: Call) -> web.StreamResponse:
    """One of its files; what is not in the table does not exist, however it is written."""
    name = call.request.match_info["name"]
    file = load().by_name.get(name)
    if file is None:
        raise Problem("not-found", f"there is no {plain(call.request.path)}")
    # For an image that is opened by itself: it may do nothing at all.
    return _answer(call.request, file, {"Content-Security-Policy": "default-src 'none'"})


@cache
def load() -> Site:
    """Read the files, once a process. They are of the package, so they cannot change or be missing."""
    contents = {entry.name: entry.read_bytes() for entry in files("tapewire").joinpath(FOLDER).iterdir()}
    return make_site(contents)


def make_site(contents: Mapping[str, bytes]) -> Site:
    """What is served of a folder: the page, and files of known kinds with their compressed forms."""
    html = contents[PAGE]
    demo = html.replace(TOKEN_FIELD, TOKEN_FIELD + DEMO_TOKEN.encode(), 1)
    names = [name for name in contents if name != PAGE and name.rpartition(".")[2] in TYPES]
    return Site(_page(html), _page(demo), {name: _file(name, contents) for name in sorted(names)})


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


def best_coding(accepted: str, offered: Mapping[str, bytes]) -> str:
    """The first coding offered that an `Accept-Encoding` allows; empty = the body as it is.

    Weights only say what is refused: both sides know that smaller is better (RFC 9110, 12.5.3).
    """
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        if match := _CODING.fullmatch(part):
            weights[match[1]] = float(match[2] or 1)
    anything = weights.get("*", 0.0)
    return next((coding for coding in offered if weights.get(coding, anything) > 0), "")


def _page(html: bytes) -> File:
    # The token is put in here, so this is compressed here; the time is left out of it, so that the
    # same page has the same bytes in every process.
    coded = {"gzip": gzip.compress(html, mtime=0)}
    return File(html, TYPES["html"], _digest(html), coded, for_good=False)


def _file(name: str, contents: Mapping[str, bytes]) -> File:
    body = contents[name]
    found = {coding: contents.get(f"{name}.{suffix}") for coding, suffix in CODINGS.items()}
    coded = {coding: data for coding, data in found.items() if data is not None and len(data) < len(body)}
    for_good = _NAMED_BY_CONTENT.fullmatch(name) is not None
    return File(body, TYPES[name.rpartition(".")[2]], _digest(body), coded, for_good)


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:DIGEST_CHARS]


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
    """The file in the best form that is accepted, or 304 to whoever has it."""
    coding = best_coding(request.headers.get(hdrs.ACCEPT_ENCODING, ""), file.coded)
    # Each form has a tag of its own: they are not the same bytes (RFC 9110, 8.8.3).
    tag = f"{file.digest}-{coding}" if coding else file.digest
    everything = {
        **HEADERS,
        **headers,
        "Cache-Control": FOR_GOOD if file.for_good else ASK_EACH_TIME,
        "ETag": f'"{tag}"',
    }
    # By value alone: a proxy that compresses makes our tag weak (RFC 9110, 13.1.2).
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=everything)
    everything["Content-Type"] = file.content_type
    if coding:
        everything["Content-Encoding"] = coding
    return web.Response(body=file.coded.get(coding, file.body), headers=everything)
