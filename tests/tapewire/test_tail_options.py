"""What tail was asked to do."""

import pytest

from tapewire.tail_options import TailOptions, stream_url, tail_options


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/stream"),
        ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/stream"),
        ("127.0.0.1:9001", "ws://127.0.0.1:9001/v1/stream"),
        ("localhost", "ws://localhost/v1/stream"),
        ("https://hub.example.com/feeds/", "wss://hub.example.com/feeds/v1/stream"),
        ("ws://h:1/v1/stream", "ws://h:1/v1/stream"),
        ("wss://h/v1/stream/", "wss://h/v1/stream"),
        ("http://[::1]:8080", "ws://[::1]:8080/v1/stream"),
    ],
)
def test_a_hub_is_named_by_its_page_or_its_stream(text: str, url: str) -> None:
    """As the demo prints it, shorter, and behind a proxy's path."""
    assert stream_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://h",
        "http://h:x",
        "http://h:0",
        "http://h:99999",
        "//h",
        "http://u:p@h",
        "http://[h",
    ],
)
def test_what_names_no_hub_is_told(text: str) -> None:
    """With an example of what does; a password does not belong into an address."""
    with pytest.raises(ValueError, match=r"such as http://127\.0\.0\.1:8080"):
        stream_url(text)


def options(
    *symbols: str, trades: bool = False, quotes: bool = False, url: str = "h", token: str | None = None
) -> TailOptions:
    """What these arguments mean."""
    return tail_options(symbols, trades=trades, quotes=quotes, url=url, token=token)


def test_symbols_are_written_in_capitals_and_once() -> None:
    """In the order in which they were asked for."""
    assert options("msft", "AAPL", "MSFT", "brk.b").symbols == ("MSFT", "AAPL", "BRK.B")


def test_a_star_stands_alone() -> None:
    """For all symbols."""
    assert options("*").everything
    assert not options("A").everything
    with pytest.raises(ValueError, match="alone"):
        options("*", "A")


@pytest.mark.parametrize(
    ("trades", "quotes", "kinds"),
    [(False, False, ("t", "q")), (True, True, ("t", "q")), (True, False, ("t",)), (False, True, ("q",))],
)
def test_both_kinds_are_followed_unless_one_is_chosen(
    trades: bool, quotes: bool, kinds: tuple[str, ...]
) -> None:
    """`--trades` and `--quotes` narrow it down."""
    assert options("A", trades=trades, quotes=quotes).kinds == kinds


@pytest.mark.parametrize(
    ("url", "given", "used"),
    [
        ("127.0.0.1:8080", None, "demo"),
        ("http://localhost:8080", None, "demo"),
        ("http://[::1]", None, "demo"),
        ("hub.example.com", None, None),
        ("hub.example.com", "x", "x"),
        ("127.0.0.1:8080", "x", "x"),
    ],
)
def test_the_demos_token_is_shown_to_a_hub_on_this_machine_only(
    url: str, given: str | None, used: str | None
) -> None:
    """And only when no other is named."""
    assert options("A", url=url, token=given).token == used
