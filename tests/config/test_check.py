"""From tables to settings: every problem, its place, its key, what is allowed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.check import build, is_loopback, value_class
from config.raw import Raw
from config.settings import Settings

MINIMAL = '[[sources]]\nname = "a"\ntype = "replay"\nfiles = ["x"]\n'


def problems_of(text: str) -> list[str]:
    """What is wrong with a configuration file."""
    raw = Raw("t.toml")
    raw.read_toml(text)
    assert raw.problems == []
    settings = build(raw)
    assert (settings is None) == bool(raw.problems)
    return raw.problems


def test_an_empty_file_gives_the_defaults() -> None:
    """Nothing has to be configured."""
    assert build(Raw()) == Settings()


def test_values_arrive_where_they_belong() -> None:
    """Lists become tuples, tables become their structs."""
    raw = Raw()
    raw.read_toml('[tape]\nretry_ms = 5\n[[accounts.tokens]]\nuser = "a"\nlive = ["t:*"]\n' + MINIMAL)
    settings = build(raw)
    assert settings is not None
    assert settings.tape.retry_ms == 5
    assert settings.accounts.tokens[0].live == ("t:*",)
    assert settings.sources[0].files == ("x",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('data_dir = ""', "t.toml:1: data_dir: is text; allowed: text, not empty"),
        ("data_dirs = 1", "t.toml:1: data_dirs: unknown key; nearest: data_dir"),
        ("[tape]\nring_tick = 1", "t.toml:2: tape.ring_tick: unknown key; nearest: tape.ring_ticks"),
        ("segment_bytes = 1", "t.toml:1: segment_bytes: unknown key; nearest: tape.segment_bytes"),
        ("Data_Dir = 1", "t.toml:1: Data_Dir: unknown key; nearest: data_dir"),
        ("[log]\nqqqqqq = 1", "t.toml:2: log.qqqqqq: unknown key; known: level, format"),
        ('"a\\nb" = 1', r"t.toml:1: a\nb: unknown key; known: data_dir"),
        ("[http]\nport = 70000", "t.toml:2: http.port: is 70000; allowed: an integer from 0 to 65535"),
        ("[http]\nport = -1", "t.toml:2: http.port: is -1; allowed: an integer from 0 to 65535"),
        ("[http]\nport = true", "t.toml:2: http.port: is true; allowed: an integer"),
        (
            '[tape]\nretry_ms = "5s"',
            "t.toml:2: tape.retry_ms: is text; allowed: an integer, 1 or more (milli",
        ),
        (
            "[tape]\nretry_ms = 5.5",
            "t.toml:2: tape.retry_ms: is a number with a fraction; allowed: an integer",
        ),
        ("data_dir = 5", "t.toml:1: data_dir: is an integer; allowed: text"),
        ('data_dir = "a\\u0000b"', "t.toml:1: data_dir: is text with control characters; allowed: text"),
        ("data_dir = 2026-01-01", "data_dir: is a date or time (put it in quotes); allowed: text"),
        (
            '[log]\nlevel = "loud"',
            "t.toml:2: log.level: is text; allowed: one of debug, error, info, warning",
        ),
        ("tape = 5", "t.toml:1: tape: is an integer; allowed: a table"),
        ("sources = {}", "t.toml:1: sources: is a table; allowed: a list of tables"),
        ("sources = [5]", "t.toml:1: sources[0]: is an integer; allowed: a table"),
        ("[[accounts.tokens]]", "t.toml:1: accounts.tokens[0].user: is missing"),
        (
            'accounts.tokens = [{user="a", live=["t:*", 5]}]',
            "t.toml:1: accounts.tokens[0].live[1]: is an integer",
        ),
        ('[http]\ntrusted_proxies = ["x"]', "t.toml:2: http.trusted_proxies[0]: is x; allowed: an address"),
        (
            '[http]\nhost = "0.0.0.0"',
            "t.toml:2: http.host: is not a loopback address; allowed: 127.0.0.1, ::1",
        ),
        (MINIMAL + MINIMAL, "t.toml:6: sources[1].name: is used twice"),
        ('[[sources]]\nname="a"\ntype="replay"', "t.toml:1: sources[0].files: names no recording"),
        (MINIMAL + 'speed = "0"', "t.toml:5: sources[0].speed: is text; allowed: text like"),
        (MINIMAL + 'lineup = "IEX"', "t.toml:5: sources[0].lineup: is text; allowed: text like"),
    ],
)
def test_a_problem_names_its_place_key_and_what_is_allowed(text: str, problem: str) -> None:
    """One problem, one line, with all that is needed to mend it."""
    (found,) = problems_of(text)
    assert found.startswith(problem) or problem in found


def test_all_problems_are_reported_at_once() -> None:
    """Nobody mends a file one start at a time."""
    text = 'data_dirs = 1\n[http]\nport = "x"\n[tape]\nretry_ms = 0\n[[accounts.tokens]]\ntokn = "a"\n'
    found = problems_of(text)
    assert [line.split(": ")[1] for line in found] == [
        "data_dirs",
        "http.port",
        "tape.retry_ms",
        "accounts.tokens[0].tokn",
        "accounts.tokens[0].user",
    ]


def test_no_problem_quotes_a_secret() -> None:
    """A secret in the wrong type, the wrong key or the wrong place is never repeated."""
    text = (
        'data_dir = ["canary-1"]\npassword = "canary-2"\n[http]\nport = "canary-3"\n'
        '[log]\nlevel = "canary-4"\n'
        '[[accounts.tokens]]\nuser = "a"\ntoken = 99887766\nlive = "canary-5"\n'
    )
    told = "\n".join(problems_of(text))
    assert told.count("\n") == 5
    assert "canary" not in told
    assert "99887766" not in told


def test_a_proxy_allows_every_address() -> None:
    """Behind a proxy that ends TLS, listening on all addresses is fine."""
    assert problems_of('[http]\nhost = "0.0.0.0"\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n') == []


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_recognised(host: str, loopback: bool) -> None:
    """Names are not looked up: only `localhost` is known."""
    assert is_loopback(host) is loopback


JSON_LIKE = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.datetimes(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["tape", "http", "accounts", "tokens", "sources", "port", "retry_ms", "data_dir", "x"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, JSON_LIKE | st.dictionaries(KEYS, JSON_LIKE, max_size=3), max_size=4))
def test_any_table_gives_settings_or_problems_of_one_line(table: dict[str, object]) -> None:
    """Never an exception, never both, never neither."""
    raw = Raw("t.toml")
    raw.table = table
    built = build(raw)
    assert (built is None) == bool(raw.problems)
    assert all(problem.isprintable() for problem in raw.problems)


def test_each_class_of_value_has_a_word() -> None:
    """The words of the messages."""
    classes = [value_class(value) for value in (True, 1, 1.5, "a", "\0", [], {}, object())]
    assert classes == [
        "true or false",
        "an integer",
        "a number with a fraction",
        "text",
        "text with control characters",
        "a list",
        "a table",
        "a date or time (put it in quotes)",
    ]
