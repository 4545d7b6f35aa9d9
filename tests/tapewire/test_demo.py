"""What the demo tells, and where it shows a page."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tapewire.demo import may_show_page, next_steps


def test_the_next_steps_can_be_typed_as_they_are() -> None:
    """Tail, curl, stream and page, with the symbols that trade; on the usual port tail needs no address."""
    text = next_steps("http://127.0.0.1:8080/", ["AAPL", "MSFT", "SPY"], None)
    assert "  tapewire tail AAPL MSFT\n" in text
    assert (
        "curl -s -H 'Authorization: Bearer demo' 'http://127.0.0.1:8080/v1/latest?symbols=AAPL,MSFT,SPY'"
        in text
    )
    assert "ws://127.0.0.1:8080/v1/stream" in text
    assert "http://127.0.0.1:8080/\n" in text
    assert "gone when the demo ends" in text


def test_another_port_is_named_to_tail() -> None:
    """Which would look at the usual one."""
    text = next_steps("http://127.0.0.1:9001/", ["AAPL"], None)
    assert "  tapewire tail AAPL --url http://127.0.0.1:9001\n" in text


def test_a_folder_that_is_kept_is_named() -> None:
    """As it has to be typed."""
    assert "kept in 'my demo'; started again" in next_steps("http://h:1/", ["A"], Path("my demo"))


@pytest.mark.parametrize(
    ("environ", "platform", "shown"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "BROWSER": "lynx"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_page_is_shown_on_a_desktop_only(environ: Mapping[str, str], platform: str, shown: bool) -> None:
    """And never when the output is no terminal: then a program has started us."""
    assert may_show_page(environ, platform, terminal=True) is shown
    assert may_show_page(environ, platform, terminal=False) is False
