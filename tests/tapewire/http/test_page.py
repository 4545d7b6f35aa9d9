"""The page and its files, as they are served."""

import re
from typing import Final

import pytest
from msgspec.structs import replace

from accounts import Accounts
from config.settings import AccountsSettings, TokenSettings
from tapewire.http.page import PAGE, TYPES, content_policy, load, make_site
from tests import checkout
from tests.tapewire.http.world import Answer, World

BYTES_MAX: Final = 36_000
"""Of all files together, as they are sent."""
NAMES: Final = sorted(load().by_name)


def names_in(page: Answer) -> list[str]:
    """The names under `/static/` that a page asks for."""
    return re.findall(r'"static/([^"]+)"', page.body.decode())


async def test_the_page_is_there_for_everybody_and_names_files_that_exist(world: World) -> None:
    """HTML, script, style and icon, each with its type; nobody guesses at types."""
    async with world.serving() as client:
        page = await client.get("/", token="")
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert sorted(names_in(page)) == NAMES
        types = {}
        for name in NAMES:
            file = await client.get(f"/static/{name}", token="")
            assert (file.status, file.headers["X-Content-Type-Options"]) == (200, "nosniff")
            types[name.rpartition(".")[2]] = file.headers["Content-Type"]
    assert types == {
        "css": "text/css; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }


async def test_files_are_kept_for_good_and_the_page_is_asked_for_each_time(world: World) -> None:
    """The names change with the contents, so that nobody runs half an old page."""
    async with world.serving() as client:
        page = await client.get("/")
        assert page.headers["Cache-Control"] == "no-cache"
        for name in names_in(page):
            file = await client.get(f"/static/{name}")
            assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert name.split(".")[1] == file.headers["ETag"].strip('"')


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
        "", "page.mjs", "page.html", "page.0000000000000000.mjs", "%2e%2e%2f__init__.py", "..%2fcli.py",
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
    assert re.findall(r"<script\b[^>]*>", text) == re.findall(
        r'<script type="module" src="static/page\.[0-9a-f]{16}\.mjs">', text
    )


async def test_the_demo_token_comes_along_only_where_it_works_and_is_no_secret(world: World) -> None:
    """It is accepted, the port is reachable from this machine alone, and no proxy stands before us."""
    demo = AccountsSettings(tokens=(TokenSettings(user="demo", token="demo"),))

    async def token() -> str:
        async with world.serving() as client:
            page = await client.get("/", token="")
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


def test_a_change_of_a_file_changes_its_name_and_the_page() -> None:
    """And files of kinds that are not served, and the page itself, are not among them."""
    contents = {
        PAGE: b'<script src="static/a.mjs"></script><link href="static/b.css">"static/a.mjs.map"',
        "a.mjs": b"1", "b.css": b"2", "notes.txt": b"3", "page": b"4",
    }  # fmt: skip
    before, after = make_site(contents), make_site({**contents, "a.mjs": b"changed"})
    assert {name.rpartition(".")[2] for name in before.by_name} == {"mjs", "css"}
    assert len(before.by_name.keys() & after.by_name.keys()) == 1
    assert before.page.digest != after.page.digest
    for name in after.by_name:
        assert f'"static/{name}"'.encode() in after.page.body


def test_a_script_imports_others_under_the_names_they_are_served_by() -> None:
    """A change of what is imported changes the names of all that import it, on the way to the page."""
    contents = {
        PAGE: b'<script src="static/a.mjs"></script>',
        "a.mjs": b'import { b } from "./b.mjs";',
        "b.mjs": b'import { c } from "./c.mjs";',
        "c.mjs": b"export const c = 1;",
    }
    before, after = make_site(contents), make_site({**contents, "c.mjs": b"export const c = 2;"})
    assert before.by_name.keys().isdisjoint(after.by_name)
    for name, file in after.by_name.items():
        for imported in re.findall(r'from "\./([^"]+)"', file.body.decode()):
            assert imported in after.by_name, name
    assert len(after.by_name) == 3


def test_every_script_that_is_imported_is_fetched_with_the_page() -> None:
    """One round trip, not one for each import in turn."""
    html = load().page.body.decode()
    scripts = [(name, file.body.decode()) for name, file in load().by_name.items() if name.endswith(".mjs")]
    imported = {found for _, body in scripts for found in re.findall(r'from "\./([^"]+)"', body)}
    assert imported
    for name in imported:
        assert f'<link rel="modulepreload" href="static/{name}">' in html


def test_the_page_stays_small() -> None:
    """Files are sent as they are written."""
    folder = checkout.ROOT / "tapewire" / "static"
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert {name.rpartition(".")[2] for name in sizes} == set(TYPES)
    assert sum(sizes.values()) <= BYTES_MAX, sizes
