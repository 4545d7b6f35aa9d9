"""Logs: one line an event, nothing broken, nothing secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import MASK, LogSettings, TokenSettings
from tapewire.logs import VALUE_CHARS_MAX, configure, mask
from tests.tapewire.logging_state import kept_logging


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Other tests find logging as it was."""
    with kept_logging():
        yield


def logged(*events: tuple[str, dict[str, Any]], settings: LogSettings | None = None) -> list[str]:
    """The lines that some warnings make."""
    stream = io.StringIO()
    configure(settings or LogSettings(format="json"), stream)
    for event, values in events:
        structlog.get_logger().warning(event, **values)
    return stream.getvalue().splitlines()


def test_a_line_is_json_with_time_level_and_event_first() -> None:
    """Values keep their types."""
    (line,) = logged(("writer started", {"pid": 5, "ok": True, "files": ["a", 1], "none": None}))
    record = json.loads(line)
    assert list(record) == ["time", "level", "event", "pid", "ok", "files"]
    assert record["time"].endswith("Z")
    assert (record["level"], record["event"], record["pid"]) == ("warning", "writer started", 5)
    assert record["files"] == ["a", 1]


def test_a_text_line_is_for_reading() -> None:
    """Words as they are, everything else in quotes."""
    (line,) = logged(
        ("writer started", {"pid": 5, "name": "a b", "empty": "", "plain": "x"}),
        settings=LogSettings(format="text"),
    )
    assert line.endswith(' warning writer started pid=5 name="a b" empty="" plain=x')


def test_auto_is_json_where_nobody_reads() -> None:
    """A stream that is no terminal gets JSON."""
    (line,) = logged(("a", {}), settings=LogSettings(format="auto"))
    assert json.loads(line)["event"] == "a"


def test_less_severe_events_are_left_out() -> None:
    """By the level of the settings."""
    stream = io.StringIO()
    configure(LogSettings(level="warning", format="json"), stream)
    log = structlog.get_logger()
    log.info("a")
    log.warning("b")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["b"]


def test_libraries_log_into_the_same_lines() -> None:
    """From warning on; with the logger's name and the traceback on the one line."""
    stream = io.StringIO()
    configure(LogSettings(format="json"), stream)
    library = logging.getLogger("some.library")
    library.info("chatter")
    try:
        json.loads("{")
    except ValueError:
        library.exception("failed %s", "here")
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["event"], record["logger"], record["level"]) == ("failed here", "some.library", "error")
    assert "Traceback" in record["exception"]
    assert "JSONDecodeError" in record["exception"]


@pytest.mark.parametrize(
    "values",
    [
        {"token": "canary"},
        {"api_key": "canary"},
        {"headers": {"Authorization": "Bearer canary"}},
        {"error": "401 for Authorization: bearer canary, sorry"},
        {"url": "/v1/trades?symbols=A&token=canary&x=1"},
        {"url": "/v1/trades?access_token=canary"},
        {"settings": TokenSettings(user="a", token="canary")},
        {"nested": ["a", "Bearer canary"]},
    ],
)
def test_a_secret_does_not_get_into_a_line(values: dict[str, Any]) -> None:
    """Whatever it is called and wherever it stands, as JSON and as text."""
    for format in ("json", "text"):
        lines = logged(("event", values), settings=LogSettings(format=format))
        assert "canary" not in lines[0]
        assert MASK in lines[0]


def test_masking_leaves_the_rest_of_a_text_alone() -> None:
    """What comes before and after a credential stays."""
    assert mask("a Bearer xyz, b?token=1&c=2") == f"a Bearer {MASK}, b?token={MASK}&c=2"
    assert mask("the bearer of news") == f"the bearer {MASK} news"  # rather too much than too little


def test_a_long_value_is_cut_in_the_middle() -> None:
    """A megabyte of input does not become a megabyte of log."""
    (line,) = logged(("e", {"value": "a" * 500_000 + "z" * 500_000}))
    value = json.loads(line)["value"]
    assert len(value) == VALUE_CHARS_MAX + 1
    assert value.startswith("aa")
    assert value.endswith("zz")


NASTY = ["a\nb", "a\r\nb", "\x1b[31mred", "\u2028", "\x9b31m", "\x7f", "\0", "\udcff", "\U000e0001", "\u202e"]


@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("text", NASTY)
def test_no_value_breaks_or_colours_a_line(format: str, text: str) -> None:
    """Event, name and value alike."""
    lines = logged((text, {text: text, "x": [text]}), settings=LogSettings(format=format))  # type: ignore[arg-type]  # literals
    assert len(lines) == 1
    assert lines[0].isprintable()


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(alphabet=st.characters()), st.booleans())
def test_any_event_is_one_printable_line(event: str, value: str, as_text: bool) -> None:
    """And as JSON the event reads back as it was."""
    lines = logged((event, {"value": value}), settings=LogSettings(format="text" if as_text else "json"))
    assert len(lines) == 1
    assert lines[0].isprintable()
    if not as_text:
        assert json.loads(lines[0])["event"] == mask(event)
