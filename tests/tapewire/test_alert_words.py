"""Conditions as they are typed, rules as they are sent, lines as they are printed."""

from typing import Any

import pytest

from tapewire.alert_words import (
    alert_line,
    condition_text,
    hub_of,
    problem_text,
    ring_line,
    rule_form_of,
    when_of,
)


def rule(*words: str, **chosen: Any) -> dict[str, Any]:
    """The form of a rule for AAPL; what is not chosen is as the command has it."""
    unchosen: dict[str, Any] = {
        "every": False, "rearm": None, "confirm": False, "sessions": (), "webhooks": (), "expires": None,
        "name": None, "if_true": "wait",
    }  # fmt: skip
    return rule_form_of("AAPL", words, **unchosen | chosen)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["last >= 192.30"], ("last", ">=", "192.30")),
        (["above", "192.30"], ("last", ">=", "192.30")),
        (["bid", "below", "190"], ("bid", "<=", "190")),
        (["MID<=1"], ("mid", "<=", "1")),
        (["cross_up", "5"], ("last", "cross_up", "5")),
        (["ask cross 5"], ("ask", "cross", "5")),
    ],
)
def test_a_condition_is_read_as_it_is_typed(words: list[str], expected: tuple[str, str, str]) -> None:
    """In one word or several, with the last price unless another is named."""
    assert tuple(when_of(words, None).values()) == expected


@pytest.mark.parametrize(
    "text", ["", "above", "AAPL", "size >= 5", "last > 5", "above 5 and", "crossing 5", "above 5 6"]
)
def test_what_is_no_condition_is_told(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match=r"not a condition: .*write such as"):
        when_of([text], None)


def test_several_conditions_are_joined_by_and() -> None:
    """A re-arm distance is that of each; the form is typed back."""
    when = when_of(["cross_up 200", "and", "ask <= 201"], "0.5%")
    assert [one["rearm"] for one in when["all"]] == ["0.5%", "0.5%"]
    assert condition_text(when) == "last cross_up 200 and ask <= 201"


def test_only_what_was_chosen_is_sent() -> None:
    """The hub's defaults are the hub's."""
    assert rule("above 5") == {"symbol": "AAPL", "when": {"feature": "last", "op": ">=", "level": "5"}}
    assert rule(
        "above 5", every=True, confirm=True, sessions=("rth",), webhooks=("http://x/",), expires="2030-01-01",
        name="a", if_true="fire",
    ).items() >= {
        "repeat": {"mode": "every"}, "confirm": {"mode": "double_last"}, "sessions": ["rth"],
        "channels": ["ws", "webhook:http://x/"], "expires": "2030-01-01", "client_id": "a",
        "on_true_at_creation": "fire",
    }.items()  # fmt: skip
    with pytest.raises(ValueError, match="--if-true is one of wait, fire, reject"):
        rule("above 5", if_true="never")


def test_a_hub_is_named_as_for_tail() -> None:
    """By host and port, page or stream; the demo's token is shown to this machine only."""
    assert hub_of("127.0.0.1:80", None) == ("http://127.0.0.1:80", "demo")
    assert hub_of("wss://hub.example/v1/stream", None) == ("https://hub.example", None)
    assert hub_of("https://hub.example/x/", "t") == ("https://hub.example/x", "t")


def test_alerts_and_rings_are_one_line_each() -> None:
    """Whatever stands in a name."""
    when = {"feature": "last", "op": ">=", "level": "5"}
    alert = {"id": "7", "state": "armed", "symbol": "AAPL", "when": when}
    assert alert_line(alert) == "7 armed AAPL last >= 5"
    assert alert_line({**alert, "client_id": "a\nb"}) == "7 armed AAPL last >= 5 (a\\nb)"
    ring = {"at": "now", "symbol": "AAPL", "value": 5.5, "alert": "7", "proof": {"conditions": [when]}}
    assert ring_line(ring) == "now AAPL 5.5 last >= 5 (alert 7)"


def test_a_problem_is_told_in_one_line() -> None:
    """Title, detail and what is at fault; the status when nothing else is said."""
    problem = {"title": "No", "detail": "d", "errors": [{"pointer": "/when", "detail": "bad"}, 5]}
    assert problem_text(422, problem) == "No; d; /when: bad"
    assert problem_text(500, None) == problem_text(500, {}) == "the hub answers 500"
