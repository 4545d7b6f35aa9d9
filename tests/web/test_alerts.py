"""Alerts as the page reads and writes them; the hub's own module judges what the page would send."""

import json
from typing import Any, Final

import msgspec
import pytest

from alerts.form import rule_form, rule_of
from tests.web.script import Script, needs_node

pytestmark = needs_node

NO_ALERTS: Final = "This hub has no alerts."
NOON_MS: Final = 1_783_944_000_000  # 2026-07-13T12:00:00Z
DRAFT: Final = {
    "symbol": "AAPL",
    "feature": "last",
    "op": "",
    "level": "192.30",
    "every": False,
    "regularOnly": False,
    "webhook": "",
}
FIRE: Final[dict[str, Any]] = {
    "off": 3,
    "event_id": "e1",
    "alert": "a1",
    "symbol": "AAPL",
    "at": "2026-07-13T12:00:07.123456789Z",
    "value": 192.31,
    "proof": {
        "conditions": [{"feature": "last", "op": ">=", "level": "192.30", "value": 192.31}],
        "tick": {
            "price": 192.31,
            "size": 100,
            "ts_event": "2026-07-13T12:00:07.123456789Z",
            "source": "iex-tops",
            "venue": "V",
            "n": 9,
            "m": 77,
        },
        "before": {
            "price": 192.29,
            "size": 5,
            "ts_event": "2026-07-13T12:00:06.999Z",
            "source": "iex-tops",
            "venue": None,
            "n": 8,
            "m": 70,
        },
        "quote": {
            "bid_price": 192.3,
            "ask_price": None,
            "ts_event": "2026-07-13T12:00:07.1Z",
            "source": "iex-tops",
            "n": 99,
            "m": 76,
        },
    },
}


@pytest.mark.parametrize(
    ("change", "price", "when"),
    [
        ({}, 190.0, {"feature": "last", "op": ">=", "level": "192.30"}),
        ({}, 195.0, {"feature": "last", "op": "<=", "level": "192.30"}),
        ({}, None, {"feature": "last", "op": ">=", "level": "192.30"}),
        ({"op": "cross", "feature": "mid"}, 195.0, {"feature": "mid", "op": "cross", "level": "192.30"}),
        (
            {"every": True, "level": " 5 "},
            1.0,
            {"feature": "last", "op": ">=", "level": "5", "rearm": "0.1%"},
        ),
    ],
)
def test_a_draft_becomes_a_rule_that_the_hub_takes(
    change: dict[str, Any], price: float | None, when: dict[str, str], script: Script
) -> None:
    """The side is the one on which the level lies, unless another is chosen; the hub repeats the rule."""
    body = script.call("alertBody", {**DRAFT, **change}, price)
    assert body["when"] == when
    form = rule_form(rule_of(json.loads(json.dumps(body)), NOON_MS * 10**6))
    assert {name: form[name] for name in body} == body


def test_a_draft_may_name_regular_hours_and_a_webhook(script: Script) -> None:
    """Beside the page, which is told in any case."""
    body = script.call("alertBody", {**DRAFT, "regularOnly": True, "webhook": " https://example.com/h "}, 1)
    assert (body["sessions"], body["channels"]) == (["rth"], ["ws", "webhook:https://example.com/h"])
    rule_of(body, NOON_MS * 10**6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"level": " 0.000000001 "}, ""),
        ({"level": ""}, "The level"),
        ({"level": "0"}, "The level"),
        ({"level": "1e5"}, "The level"),
        ({"level": "-3"}, "The level"),
        ({"level": "192,30"}, "The level"),
        ({"level": "0.0000000001"}, "The level"),
        ({"symbol": ""}, "Which symbol?"),
    ],
)
def test_a_draft_that_cannot_be_meant_is_not_sent(change: dict[str, str], said: str, script: Script) -> None:
    """What the hub would refuse of a level is said at once."""
    assert script.call("draftProblem", {**DRAFT, **change}).startswith(said)
    assert bool(script.call("draftProblem", {**DRAFT, **change})) == bool(said)


def test_a_rule_is_told_in_words(script: Script) -> None:
    """One condition or several."""
    when = {"feature": "last", "op": ">=", "level": "192.30"}
    assert script.call("ruleText", {"symbol": "AAPL", "when": when}) == "AAPL last is at or above 192.30"
    both = {"all": [when, {"feature": "bid", "op": "new-op", "level": "1"}]}
    assert (
        script.call("ruleText", {"symbol": "AAPL", "when": both})
        == "AAPL last is at or above 192.30 and bid new-op 1"
    )


def test_a_ring_is_told_in_a_sentence(script: Script) -> None:
    """What it rose or fell to, from where, exactly when; and whether it was withdrawn."""
    assert script.call("ringText", FIRE, NOON_MS) == "AAPL rose to 192.31 (level 192.30) at 12:00:07.123."
    crossed = msgspec.json.decode(msgspec.json.encode(FIRE))
    for op, verb in (
        ("<=", "fell to"),
        ("cross_up", "rose to"),
        ("cross_down", "fell to"),
        ("cross", "crossed to"),
    ):
        crossed["proof"]["conditions"][0]["op"] = op
        assert f"AAPL {verb} 192.31" in script.call("ringText", crossed, NOON_MS)
    assert script.call("ringText", {**FIRE, "retract": True}, NOON_MS).startswith("Withdrawn: AAPL rose")
    bare = {"event_id": "e", "alert": "a", "symbol": "AAPL", "at": None}
    assert script.call("ringText", bare, NOON_MS) == "AAPL: an alert rang at –."


def test_a_proof_is_shown_tick_by_tick(script: Script) -> None:
    """The one that rang, the one before, the quote: price, time, source, place on the tape."""
    rows = script.call("proofRows", FIRE["proof"], NOON_MS)
    assert [list(row.values()) for row in rows] == [
        ["The tick", "192.31 × 100", "12:00:07.123", "iex-tops, V", "n 9, m 77"],
        ["The one before", "192.29 × 5", "12:00:06.999", "iex-tops", "n 8, m 70"],
        ["The quote", "192.30 / –", "12:00:07.100", "iex-tops", "n 99, m 76"],
    ]
    assert script.call("proofRows", None, NOON_MS) == []
    assert len(script.call("proofRows", {**FIRE["proof"], "before": None}, NOON_MS)) == 2


def test_rings_come_once_each_and_newest_first(script: Script) -> None:
    """A later word of the same event takes its place; the oldest go."""

    def fire(name: str, second: int, **more: Any) -> dict[str, Any]:
        return {"event_id": name, "at": f"2026-07-13T12:00:{second:02}Z", **more}

    fresh, names = script.ask(
        "rings", fires=[fire("a", 1), fire("b", 3), fire("a", 1, retract=True), fire("c", 2)]
    )
    assert (fresh, names) == ([True, True, False, True], ["b", "c", "a"])
    _, names = script.ask("rings", fires=[fire(str(n), n) for n in range(60)])
    assert (len(names), names[0], names[-1]) == (50, "59", "10")


@pytest.mark.parametrize(
    ("status", "problem", "words"),
    [
        (None, None, "The hub cannot be reached; nothing was changed."),
        (404, {"type": "urn:tapewire:problem:not-found"}, NO_ALERTS),
        (413, {"type": "urn:tapewire:problem:body-not-allowed"}, NO_ALERTS),
        (
            422,
            {"title": "T", "errors": [{"pointer": "/when/level", "detail": "no price"}, {"detail": "b"}]},
            "/when/level: no price; b",
        ),
        (413, {"title": "The body is too large"}, "The body is too large"),
        (409, {"title": "A conflict", "detail": "it is there"}, "A conflict: it is there"),
        (500, None, "The hub answered 500."),
    ],
)
def test_what_goes_wrong_is_said_in_words(
    status: int | None, problem: dict[str, Any] | None, words: str, script: Script
) -> None:
    """Every fault that the hub lists, and whether anything was changed."""
    assert script.call("apiProblem", status, problem) == words


def test_code_to_copy_names_this_hub_and_writes_no_token_down(script: Script) -> None:
    """Only the demo's, which is nobody's secret; the Python code can be compiled."""
    demo = script.call("snippets", "http://127.0.0.1:8080/?symbols=A", ["AAPL", "BRK.B"], True)
    assert [one["name"] for one in demo] == ["curl", "Python", "TypeScript", "alpaca-py"]
    assert "http://127.0.0.1:8080/v1/trades?symbols=AAPL&" in demo[0]["code"]
    assert 'connect("ws://127.0.0.1:8080/v1/stream", token=token)' in demo[1]["code"]
    compile(demo[1]["code"], "snippet", "exec")
    own = script.call("snippets", "https://example.com/hub/", ["NE+A"], False)
    assert '"$TAPEWIRE_TOKEN"' not in own[0]["code"]
    assert "Bearer $TAPEWIRE_TOKEN" in own[0]["code"]
    assert "wss://example.com/hub/v1/stream" in own[2]["code"]
    assert all("demo" not in one["code"] for one in own)
    compile(own[1]["code"], "snippet", "exec")
