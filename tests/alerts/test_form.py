"""Rules as JSON: read strictly, written back as they were sent."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.errors import Invalid
from alerts.form import decode, fire_form, rule_form, rule_of, view_form
from alerts.model import (
    SESSIONS,
    Alert,
    AlertView,
    Condition,
    Fire,
    Owner,
    Rule,
    State,
    StoredFire,
)

NOW_NS: Final = 1_784_000_000_000_000_000
WHEN: Final = {"feature": "last", "op": ">=", "level": "192.30"}
SMALLEST: Final = {"symbol": "AAPL", "when": WHEN}


def invalid(data: object) -> Invalid:
    """The error that reading `data` raises."""
    with pytest.raises(Invalid) as caught:
        rule_of(data, NOW_NS)
    return caught.value


def with_when(**members: object) -> dict[str, object]:
    """The smallest rule with members of its condition set."""
    return {"symbol": "AAPL", "when": {**WHEN, **members}}


def test_the_smallest_rule_has_the_documented_defaults() -> None:
    """Symbol and condition are enough."""
    rule = rule_of(SMALLEST, NOW_NS)
    assert rule == Rule("AAPL", (Condition("last", ">=", 192_300_000_000, "192.30"),))
    assert (rule.repeat, rule.confirm, rule.on_true_at_creation) == ("once", "last", "wait_for_cross")
    assert (rule.sessions, rule.channels) == (SESSIONS, ("ws",))


def test_every_member_is_read_and_repeated_as_it_was_sent() -> None:
    """What comes back is what was sent, down to the zeros of a level."""
    sent = {
        "symbol": "BRK.B",
        "when": {
            "all": [
                {"feature": "mid", "op": "cross_up", "level": "200.00", "rearm": "0.5%"},
                {"feature": "ask", "op": "<=", "level": "201", "rearm": "0.10"},
            ]
        },
        "repeat": {"mode": "every"},
        "confirm": {"mode": "double_last"},
        "sessions": ["pre", "rth"],
        "on_true_at_creation": "reject",
        "expires": "2027-01-31T21:00:00Z",
        "use_by": "15m",
        "channels": ["ws", "webhook:https://example.com/a?b=c"],
        "client_id": "aapl-breakout",
        "lineup": "iex",
    }
    rule = rule_of(sent, NOW_NS)
    assert rule_form(rule) == sent
    assert [condition.rearm for condition in rule.conditions] == [10**9, 10**8]
    assert (rule.use_by_s, rule.expires_ns) == (900, 1_801_429_200_000_000_000)


def test_one_condition_written_as_a_list_stays_a_list() -> None:
    """The form of `when` is kept."""
    sent = {"symbol": "AAPL", "when": {"all": [WHEN]}}
    assert rule_form(rule_of(sent, NOW_NS))["when"] == {"all": [WHEN]}


def test_a_symbol_may_be_written_as_alpaca_does() -> None:
    """It is kept in canonical form."""
    assert rule_of({**SMALLEST, "symbol": "ABR.PRD"}, NOW_NS).symbol == "ABR-D"


def test_a_percentage_is_rounded_up_to_a_unit_at_least() -> None:
    """A tiny distance never becomes none at all."""
    rule = rule_of(with_when(level="0.000000003", rearm="0.000000001%"), NOW_NS)
    assert rule.conditions[0].rearm == 1


@pytest.mark.parametrize(
    ("data", "kind", "pointer"),
    [
        ([], "bad_value", ""),
        ({}, "missing_member", "/symbol"),
        ({"symbol": "AAPL"}, "missing_member", "/when"),
        ({**SMALLEST, "colour": 1}, "unknown_member", "/colour"),
        ({**SMALLEST, "a/b~c": 1}, "unknown_member", "/a~1b~0c"),
        ({**SMALLEST, "\ud800": 1}, "unknown_member", "/?"),
        ({**SMALLEST, "symbol": "aapl"}, "unknown_symbol", "/symbol"),
        ({**SMALLEST, "symbol": "ΑAPL"}, "unknown_symbol", "/symbol"),
        ({**SMALLEST, "symbol": ""}, "unknown_symbol", "/symbol"),
        ({**SMALLEST, "symbol": "A" * 300}, "unknown_symbol", "/symbol"),
        ({**SMALLEST, "symbol": 5}, "unknown_symbol", "/symbol"),
        (with_when(level="0"), "bad_level", "/when/level"),
        (with_when(level="-1"), "bad_level", "/when/level"),
        (with_when(level="1e400"), "bad_level", "/when/level"),
        (with_when(level="NaN"), "bad_level", "/when/level"),
        (with_when(level="Infinity"), "bad_level", "/when/level"),
        (with_when(level="1.00000000000000000001"), "bad_level", "/when/level"),
        (with_when(level=200.1), "bad_level", "/when/level"),
        (with_when(level="99999999999999999999"), "bad_level", "/when/level"),
        (with_when(feature="rsi"), "unknown_feature", "/when/feature"),
        (with_when(op=">"), "unknown_op", "/when/op"),
        (with_when(op=["a"]), "unknown_op", "/when/op"),
        (with_when(rearm="0%"), "bad_level", "/when/rearm"),
        (with_when(rearm=1), "bad_level", "/when/rearm"),
        (with_when(rearm="100%"), "contradiction", "/when/rearm"),
        (with_when(rearm="500"), "contradiction", "/when/rearm"),
        (with_when(depth=3), "unknown_member", "/when/depth"),
        ({"symbol": "AAPL", "when": 5}, "bad_value", "/when"),
        ({"symbol": "AAPL", "when": {"all": []}}, "bad_value", "/when/all"),
        ({"symbol": "AAPL", "when": {"all": [WHEN] * 9}}, "too_many", "/when/all"),
        ({"symbol": "AAPL", "when": {"all": [WHEN, WHEN]}}, "contradiction", "/when/all"),
        ({"symbol": "AAPL", "when": {"all": [WHEN], "any": []}}, "unknown_member", "/when/any"),
        ({"symbol": "AAPL", "when": {"all": [{**WHEN, "op": "?"}]}}, "unknown_op", "/when/all/0/op"),
        (
            {"symbol": "AAPL", "when": {"all": [WHEN, {**WHEN, "op": "<=", "level": "1"}]}},
            "contradiction",
            "/when/all",
        ),
        (
            {"symbol": "A", "when": {"all": [{**WHEN, "op": "cross"}, {**WHEN, "op": "cross_up"}]}},
            "contradiction",
            "/when/all",
        ),
        ({**SMALLEST, "repeat": "once"}, "bad_value", "/repeat"),
        ({**SMALLEST, "repeat": {"mode": "twice"}}, "bad_value", "/repeat/mode"),
        ({**SMALLEST, "repeat": {"mode": "every", "max": 3}}, "unknown_member", "/repeat/max"),
        ({**SMALLEST, "confirm": {}}, "missing_member", "/confirm/mode"),
        ({**SMALLEST, "sessions": []}, "bad_value", "/sessions"),
        ({**SMALLEST, "sessions": ["night"]}, "unknown_session", "/sessions/0"),
        ({**SMALLEST, "sessions": ["rth", "rth"]}, "bad_value", "/sessions"),
        ({**SMALLEST, "on_true_at_creation": "ring"}, "bad_value", "/on_true_at_creation"),
        ({**SMALLEST, "channels": ["push"]}, "unknown_channel", "/channels/0"),
        ({**SMALLEST, "channels": ["webhook:"]}, "unknown_channel", "/channels/0"),
        ({**SMALLEST, "channels": ["webhook:a b"]}, "unknown_channel", "/channels/0"),
        ({**SMALLEST, "channels": ["webhook:" + "a" * 3000]}, "unknown_channel", "/channels/0"),
        ({**SMALLEST, "channels": ["ws", "ws"]}, "bad_value", "/channels"),
        ({**SMALLEST, "expires": "2020-01-01T00:00:00Z"}, "expired_in_past", "/expires"),
        ({**SMALLEST, "expires": "2027-02-31T00:00:00Z"}, "bad_value", "/expires"),
        ({**SMALLEST, "expires": "2027-01-01T00:00:00"}, "bad_value", "/expires"),
        ({**SMALLEST, "expires": "9999-01-01T00:00:00Z"}, "bad_value", "/expires"),
        ({**SMALLEST, "expires": ""}, "bad_value", "/expires"),
        ({**SMALLEST, "use_by": "25h"}, "bad_value", "/use_by"),
        ({**SMALLEST, "use_by": "soon"}, "bad_value", "/use_by"),
        ({**SMALLEST, "use_by": 15}, "bad_value", "/use_by"),
        ({**SMALLEST, "client_id": "a b"}, "bad_value", "/client_id"),
        ({**SMALLEST, "lineup": "IEX"}, "bad_value", "/lineup"),
    ],
    ids=str,
)
def test_what_is_no_rule_is_refused_with_kind_and_place(data: object, kind: str, pointer: str) -> None:
    """Nothing that was sent is passed over or guessed at."""
    error = invalid(data)
    assert (error.kind, error.pointer) == (kind, pointer)


def test_a_refusal_names_the_choices_there_are() -> None:
    """No client has to know the list of features."""
    assert invalid(with_when(feature="vwap")).allowed == ("last", "bid", "ask", "mid")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b"[" * 100_000,
        b"\x00",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_text_that_is_not_strict_json_is_malformed(body: bytes) -> None:
    """Bad UTF-8, members twice, constants that are no JSON, endless nesting."""
    with pytest.raises(Invalid) as caught:
        decode(body)
    assert caught.value.kind == "malformed"


def test_strict_json_is_decoded() -> None:
    """Any other text has its ordinary value."""
    assert decode(b'{"a":[1,{"b":"\xc3\xa9"}]}') == {"a": [1, {"b": "é"}]}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "symbol",
                    "when",
                    "all",
                    "feature",
                    "op",
                    "level",
                    "repeat",
                    "mode",
                    "sessions",
                    "channels",
                    "expires",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(data=anything, members=st.dictionaries(st.sampled_from(sorted(rule_form(Rule("A", (
    Condition("last", ">=", 1, "1"),))))), anything, max_size=3))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_rule_or_the_one_error(data: Any, members: dict[str, Any]) -> None:
    """No input raises anything else, and what is read can be written and read again."""
    for value in (data, {**SMALLEST, **members}):
        try:
            rule = rule_of(value, NOW_NS)
        except Invalid:
            continue
        assert rule_of(rule_form(rule), NOW_NS) == rule


def test_an_alert_is_shown_with_where_it_stands() -> None:
    """The distance to the level is exact; unknown is null."""
    alert = Alert("id", Owner("t", "u"), 2, rule_of(SMALLEST, NOW_NS), NOW_NS, NOW_NS + 1)
    form = view_form(AlertView(alert, State("armed", 3, 0, NOW_NS, 1), 192_290_000_000))
    assert form["when"] == WHEN
    assert (form["state"], form["generation"], form["fires"], form["rev"]) == ("armed", 3, 1, 2)
    assert b'"value":192.29,"distance":0.01' in msgspec.json.encode(form)
    assert form["updated"].endswith("000000001Z")
    assert view_form(AlertView(alert, State("blind"), None))["distance"] is None


def test_a_ring_is_shown_with_its_proof_untouched() -> None:
    """The proof goes through byte for byte."""
    proof = msgspec.Raw(b'{"px":192.30}')
    fire = Fire("e", "a", Owner("t", "u"), 1, 4, "AAPL", "", 9, NOW_NS, NOW_NS, 10**9, ("ws",), 0, proof)
    text = msgspec.json.encode(fire_form(StoredFire(5, fire, NOW_NS)))
    assert b'"off":5' in text
    assert b'"alert":"a"' in text
    assert b'"value":1,' in text
    assert b'"proof":{"px":192.30}' in text
