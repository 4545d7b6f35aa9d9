"""Settings as written: where each was said, and how the environment is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.raw import Raw, dotted, plain


def no_files(name: str) -> str:
    """A reader for tests in which no file may be read."""
    raise AssertionError(f"{name} was read")


def read_environment(environ: dict[str, str], text: str = "") -> Raw:
    """What a file and an environment come to."""
    raw = Raw("t.toml")
    raw.read_toml(text)
    raw.read_environment(environ, no_files)
    return raw


def test_a_variable_is_laid_over_the_file() -> None:
    """The other keys of the section stay; each knows where it was said."""
    raw = read_environment({"TAPEWIRE__HTTP__PORT": "81"}, '[http]\nport = 80\nhost = "::1"\n')
    assert raw.table == {"http": {"port": 81, "host": "::1"}}
    assert raw.origin(("http", "port")) == "TAPEWIRE__HTTP__PORT"
    assert raw.origin(("http", "host")) == "t.toml:3"
    assert raw.origin(("http",)) == "t.toml:1"
    assert raw.origin(("nowhere",)) == "t.toml"
    assert raw.said_in_file(("http", "host"))
    assert not raw.said_in_file(("http", "port"))


def test_text_is_taken_as_it_is_and_the_rest_as_toml() -> None:
    """Nobody has to put quotes around a folder's name; lists and tables are inline TOML."""
    raw = read_environment(
        {
            "TAPEWIRE__DATA_DIR": "12",
            "TAPEWIRE__LOG__LEVEL": "debug",
            "TAPEWIRE__HTTP__TRUSTED_PROXIES": '["10.0.0.0/8"]',
            "TAPEWIRE__ACCOUNTS__TOKENS": '[{user = "a", token = "b"}]',
            "TAPEWIRE__TAPE": "{retry_ms = 5, ring_ticks = 4096}",
            "TAPEWIRE__TAPE__RETRY_MS": "6",
        }
    )
    assert raw.problems == []
    assert raw.table == {
        "data_dir": "12",
        "log": {"level": "debug"},
        "http": {"trusted_proxies": ["10.0.0.0/8"]},
        "accounts": {"tokens": [{"user": "a", "token": "b"}]},
        "tape": {"retry_ms": 6, "ring_ticks": 4096},
    }


def test_a_name_with_file_behind_it_reads_the_value_from_a_file() -> None:
    """The line break that editors put at the end does not belong to the value."""
    raw = Raw()
    files = {"port": "81\n", "dir": "var\r\n"}
    environ = {"TAPEWIRE__HTTP__PORT_FILE": "port", "TAPEWIRE__DATA_DIR_FILE": "dir"}
    raw.read_environment(environ, files.__getitem__)
    assert raw.table == {"http": {"port": 81}, "data_dir": "var"}
    assert raw.origin(("http", "port")) == "TAPEWIRE__HTTP__PORT_FILE"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"TAPEWIRE__HTTP__PORT": "eighty"}, "TAPEWIRE__HTTP__PORT: is not a value as TOML"),
        ({"TAPEWIRE__HTTP__PORT": ""}, "TAPEWIRE__HTTP__PORT: is not a value as TOML"),
        ({"TAPEWIRE__HTTP__PORT": "1\nhost = 5"}, "has a line break, NUL or other control character"),
        ({"TAPEWIRE__DATA_DIR": "a\nb"}, "has a line break, NUL or other control character"),
        ({"TAPEWIRE__DATA_DIR": "a\udcff"}, "has a line break, NUL or other control character"),
        (
            {"TAPEWIRE__DATA_DIR": "a", "TAPEWIRE__DATA_DIR_FILE": "b"},
            "is set as well as TAPEWIRE__DATA_DIR;",
        ),
        ({"TAPEWIRE__HTTP": "5", "TAPEWIRE__HTTP__PORT": "5"}, "http is not a table"),
        ({"TAPEWIRE__HTTP__PORT": "[" * 10_000}, "is not a value as TOML"),
    ],
)
def test_what_cannot_be_a_value_is_a_problem_of_its_variable(environ: dict[str, str], problem: str) -> None:
    """One line, with the variable's name and without its value."""
    raw = read_environment(environ)
    assert len(raw.problems) == 1
    assert problem in raw.problems[0]
    assert raw.problems[0].startswith("TAPEWIRE__")


def test_a_file_that_cannot_be_read_is_a_problem() -> None:
    """The reader's reason is told."""

    def fail(name: str) -> str:
        raise ConfigError([f"the file {name} is not there"])

    raw = Raw()
    raw.read_environment({"TAPEWIRE__HTTP__PORT_FILE": "port"}, fail)
    assert raw.problems == ["TAPEWIRE__HTTP__PORT_FILE: the file port is not there"]


def test_unknown_variables_become_unknown_keys() -> None:
    """The check that follows names the nearest key; no file is read for them."""
    raw = read_environment(
        {"TAPEWIRE__HTTP__PROT_FILE": "x", "TAPEWIRE__NO": "[", "TAPEWIRE_DATA": "ignored"}
    )
    assert raw.table == {"http": {"prot": "x"}, "no": "["}
    assert raw.problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "is not TOML: Invalid value"),
        ("a = 1\na = 2", "is not TOML: Cannot overwrite a value"),
        ("a = " + "9" * 5_000, "is not TOML"),
        ("a = " + "[" * 100_000, "is nested too deeply"),
        ("a." * 3_000 + "a = 1", "is nested too deeply"),
    ],
)
def test_what_is_not_toml_is_one_problem(text: str, problem: str) -> None:
    """Also what would make a careless reader run out of stack."""
    raw = Raw("t.toml")
    raw.read_toml(text)
    assert len(raw.problems) == 1
    assert raw.problems[0].startswith("t.toml: ")
    assert problem in raw.problems[0]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=12).map("TAPEWIRE__{}".format), st.text(max_size=30), max_size=4))
def test_any_environment_gives_tables_or_problems_of_one_line(environ: dict[str, str]) -> None:
    """No variable, however strange, raises or breaks a line."""
    raw = Raw()
    raw.read_environment(environ, lambda name: name)
    assert all(problem.isprintable() for problem in raw.problems)


def test_paths_and_strange_text_are_shown_on_one_line() -> None:
    """Control characters are escaped and long text is cut."""
    assert dotted(("accounts", "tokens", 0, "user")) == "accounts.tokens[0].user"
    assert dotted(("a\nb",)) == r"a\nb"
    assert plain("\x1b[31m\u2028é") == r"\x1b[31m\u2028é"
    assert len(plain("x" * 1_000)) == 201


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TAPEWIRE_HTTP__PORT", ": TAPEWIRE__HTTP__PORT"),
        ("TAPEWIRE_HTTP_PORT", ": TAPEWIRE__HTTP__PORT"),
        ("TAPEWIRE_DATA_DIR", ": TAPEWIRE__DATA_DIR"),
        ("TAPEWIRE_HTTP__PROT", ""),
    ],
)
def test_a_variable_with_one_underscore_is_not_passed_over_in_silence(name: str, hint: str) -> None:
    """Whoever set it believes that it is in effect."""
    raw = read_environment({name: "9"})
    assert raw.problems == [f"{name}: is not read; settings begin with TAPEWIRE__{hint}"]
    assert raw.table == {}


@pytest.mark.parametrize("name", ["TAPEWIRE_DATA", "TAPEWIRE", "TAPEWIRE_STORAGE_PROCESS", "HTTP__PORT"])
def test_a_variable_that_is_no_setting_is_nobodys_business(name: str) -> None:
    """Others may use names that begin alike."""
    assert read_environment({name: "9"}).problems == []
