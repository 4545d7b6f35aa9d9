"""The page and its files, as they are served."""

import gzip
import re
from typing import Final

import pytest
from msgspec.structs import replace

from accounts import Accounts
from config.settings import AccountsSettings, TokenSettings
from tapewire.http.page import PAGE, best_coding, content_policy, load, make_site
from tests.tapewire.http.world import World

FIRST_BYTES_MAX: Final = 25_000
"""Of everything that the first paint needs, as it is sent to a browser."""
ALL_BYTES_MAX: Final = 90_000
"""Of everything that the page ever loads, likewise."""
NAMES: Final = sorted(load().by_name)
LICENCES: Final = "THIRD-PARTY.txt"


def names_in(text: str) -> list[str]:
    """The names under `/static/` that a page asks for."""
    return re.findall(r'"\./static/([^"]+)"', text)


def first_names() -> list[str]:
    """What is asked for before anything is painted."""
    return names_in(load().page.body.decode())


async def test_the_page_is_there_for_everybody_and_names_files_that_exist(world: World) -> None:
    """HTML, scripts, style, icon, licences, each with its type; nobody guesses at types."""
    async with world.serving() as client:
        page = await client.get("/", token="", **{"Accept-Encoding": "identity"})
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert set(names_in(page.body.decode())) < set(NAMES)
        types = {}
        for name in NAMES:
            file = await client.get(f"/static/{name}", token="")
            assert (file.status, file.headers["X-Content-Type-Options"]) == (200, "nosniff")
            types[name.rpartition(".")[2]] = file.headers["Content-Type"]
    assert types == {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
        "txt": "text/plain; charset=utf-8",
    }


def test_scripts_import_files_that_exist() -> None:
    """Those that are fetched later, when they are needed."""
    found = set()
    for name in NAMES:
        if name.endswith(".js"):
            found |= set(re.findall(r"import\([`'\"]\./([^`'\"]+)", load().by_name[name].body.decode()))
    assert len(found) == 2
    assert found < set(NAMES) - set(first_names())


async def test_files_are_kept_for_good_and_the_page_is_asked_for_each_time(world: World) -> None:
    """The names change with the contents, so that nobody runs half an old page; but for the licences."""
    async with world.serving() as client:
        for path in ("/", f"/static/{LICENCES}"):
            assert (await client.get(path)).headers["Cache-Control"] == "no-cache"
        for name in NAMES:
            if name != LICENCES:
                file = await client.get(f"/static/{name}")
                assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/", *(f"/static/{name}" for name in NAMES)])
async def test_a_file_is_sent_as_small_as_the_browser_takes_it(path: str, world: World) -> None:
    """Each form with a tag of its own, and a word for caches that the answer depends on what is accepted."""
    async with world.serving() as client:
        plain = await client.get(path, **{"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        packed = await client.get(path, **{"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        tags = {plain.headers["ETag"], packed.headers["ETag"]}
        if path != "/":
            best = await client.get(path, **{"Accept-Encoding": "gzip, deflate, br, zstd"})
            assert best.headers["Content-Encoding"] == "br"
            tags.add(best.headers["ETag"])
        assert len(tags) == (2 if path == "/" else 3)
        assert {plain.headers["Vary"], packed.headers["Vary"]} == {"Accept-Encoding"}
        # Whoever has one form has not the other.
        other = await client.get(path, **{"Accept-Encoding": "gzip", "If-None-Match": plain.headers["ETag"]})
        assert other.status == 200


def test_compressed_files_hold_what_they_are_beside() -> None:
    """As far as the standard library can tell; a browser in other tests reads the rest."""
    for name, file in load().by_name.items():
        assert list(file.coded) == ["br", "gzip"], name
        assert gzip.decompress(file.coded["gzip"]) == file.body
        assert len(file.coded["br"]) < len(file.coded["gzip"]) < len(file.body)
    for page in (load().page, load().demo_page):
        assert gzip.decompress(page.coded["gzip"]) == page.body


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("GZIP;q=0.5 , BR;q=0", "gzip"),
        ("*", "br"),
        ("*;q=0, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("br;q=nonsense", ""),
        ("br;q=0.000", ""),
        (";;,,", ""),
        ("x-gzip", ""),
        ("br;q=1.0", "br"),
    ],
)
def test_the_best_coding_that_is_not_refused_is_taken(accepted: str, coding: str) -> None:
    """Weights refuse; they do not rank."""
    assert best_coding(accepted, {"br": b"", "gzip": b""}) == coding
    assert best_coding(accepted, {}) == ""


@pytest.mark.parametrize("path", ["/", *(f"/static/{name}" for name in NAMES)])
async def test_who_has_a_file_is_not_sent_it_again(path: str, world: World) -> None:
    """304 for its tag, also when a proxy has made it weak, among others, or for any; else the file."""
    async with world.serving() as client:
        first = await client.get(path)
        tag = first.headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await client.get(path, **{"If-None-Match": known})
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag), known
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        for unknown in ('"other"', "nonsense", ""):
            again = await client.get(path, **{"If-None-Match": unknown})
            assert (again.status, again.body) == (200, first.body), unknown


@pytest.mark.parametrize("path", ["/", f"/static/{NAMES[0]}"])
async def test_head_answers_what_get_does_without_the_body(path: str, world: World) -> None:
    """The same headers, length included; other methods are refused."""
    async with world.serving() as client:
        whole = await client.get(path)
        head = await client.get(path, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert {**head.headers, "Date": ""} == {**whole.headers, "Date": ""}
        assert int(head.headers["Content-Length"]) == len(whole.body)
        refused = await client.get(path, method="DELETE")
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "name",
    [
        "", "page.js", "page.html", "page-00000000.js", f"{NAMES[1]}.br", f"{NAMES[1]}.gz",
        "%2e%2e%2f__init__.py", "..%2fcli.py",
        "../cli.py", "../../pyproject.toml", "%2fetc%2fpasswd", "/etc/passwd", "a/b", "%00", "con", ".",
        f"{NAMES[0]}%00", f"{NAMES[0]}/", f"./{NAMES[0]}x", NAMES[0].upper(), "x" * 5_000,
    ],
)  # fmt: skip
async def test_nothing_else_is_served(name: str, world: World) -> None:
    """A name is looked up in a table, so no way of writing it leads elsewhere."""
    async with world.serving() as client:
        answer = await client.get(f"/static/{name}", token="")
    assert (answer.status, answer.problem) == (404, "not-found")
    assert len(answer.body) < 1_000


async def test_the_page_may_run_its_own_script_and_talk_to_its_own_server(world: World) -> None:
    """Nothing inline, nothing from elsewhere, in nobody's frame."""
    async with world.serving() as client:
        page = await client.get("/")
        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        host = f"127.0.0.1:{client.port}"
        assert policy["connect-src"] == f"'self' ws://{host} wss://{host}"
        assert (policy["script-src"], policy["style-src"], policy["img-src"]) == ("'self'",) * 3
        for nothing in ("default-src", "frame-ancestors", "base-uri", "form-action"):
            assert policy[nothing] == "'none'"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        icon = await client.get(f"/static/{next(name for name in NAMES if name.endswith('svg'))}")
        assert icon.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize("host", ["", "a b", "x;script-src *", "[::1]:80", "a\tb", "h:123456", "h:", "ä.de"])
def test_a_host_that_is_no_plain_name_gets_into_no_policy(host: str) -> None:
    """Whoever asks chooses the `Host`; what the policy says is ours."""
    assert "connect-src 'self'; " in content_policy(host)


def test_the_page_has_nothing_inline() -> None:
    """The policy would stop it: no script, no style, no handler in the text."""
    text = load().page.body.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert re.findall(r"\son\w+=", text) == []
    scripts = re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL)
    assert scripts == ["", ""]
    assert text.count("<script") == text.count("<script src=") + text.count(
        '<script type="module" crossorigin src='
    )


async def test_the_demo_token_comes_along_only_where_it_works_and_is_no_secret(world: World) -> None:
    """It is accepted, the port is reachable from this machine alone, and no proxy stands before us."""
    demo = AccountsSettings(tokens=(TokenSettings(user="demo", token="demo"),))

    async def token() -> str:
        async with world.serving() as client:
            page = await client.get("/", token="", **{"Accept-Encoding": "identity"})
        (found,) = re.findall(r'<meta name="tapewire-demo-token" content="([^"]*)">', page.body.decode())
        return str(found)

    assert await token() == ""
    world.accounts = Accounts(demo)
    assert await token() == "demo"
    world.settings = replace(world.settings, trusted_proxies=("192.0.2.0/24",))
    assert await token() == ""
    world.settings = replace(world.settings, trusted_proxies=(), host="0.0.0.0")
    assert await token() == ""


def test_the_two_pages_are_told_apart_by_their_tags() -> None:
    """A browser that has the page without the token is sent the one with it."""
    assert load().page.digest != load().demo_page.digest


async def test_the_page_takes_symbols_and_nothing_else(world: World) -> None:
    """Its script judges them; a token in the address is refused before anything is sent."""
    async with world.serving() as client:
        assert (await client.get("/?symbols=AAPL,<nonsense>", token="")).status == 200
        assert (await client.get("/?symbol=AAPL", token="")).problem == "bad-parameter"
        assert (await client.get("/?token=demo", token="")).problem == "token-in-query"


def test_the_colours_are_chosen_before_anything_is_painted() -> None:
    """The script that does it comes first, and the browser waits for it."""
    text = load().page.body.decode()
    (first,) = re.findall(r'<head>\s*<script src="\./static/(theme-[^"]+\.js)"></script>', text)
    assert b"localStorage" in load().by_name[first].body
    assert '<meta name="color-scheme" content="light dark">' in text


def test_only_files_of_known_kinds_are_served() -> None:
    """Not the page by another way, nor what lies there by accident; some are kept for good."""
    contents = {
        PAGE: b"page", "a-12345678.js": b"1" * 99, "a-12345678.js.br": b"2", "notes.md": b"3", "page": b"4",
        "b.txt": b"5", "b.txt.gz": b"longer than it is",
    }  # fmt: skip
    site = make_site(contents)
    assert list(site.by_name) == ["a-12345678.js", "b.txt"]
    assert site.by_name["a-12345678.js"].coded == {"br": b"2"}
    assert site.by_name["b.txt"].coded == {}
    assert (site.by_name["a-12345678.js"].for_good, site.by_name["b.txt"].for_good) == (True, False)


def test_what_is_built_in_is_named_with_its_licence() -> None:
    """Each package whose code is in the scripts; the charts' makers ask for a link, too."""
    text = load().by_name[LICENCES].body.decode()
    for name in ("preact", "@preact/signals", "@preact/signals-core", "lightweight-charts", "fancy-canvas"):
        assert re.search(rf"^{name} \d+\.\d+\.\d+ \(", text, re.MULTILINE), name
    scripts = b"".join(file.body for name, file in load().by_name.items() if name.endswith(".js"))
    assert b"https://www.tradingview.com/" in scripts


def test_the_page_stays_small() -> None:
    """As a browser is sent it: what the first paint needs, and everything."""
    sizes = {name: len(file.coded["br"]) for name, file in load().by_name.items() if name != LICENCES}
    page = len(load().demo_page.coded["gzip"])
    first = page + sum(sizes[name] for name in first_names())
    assert first <= FIRST_BYTES_MAX, sizes
    assert page + sum(sizes.values()) <= ALL_BYTES_MAX, sizes
