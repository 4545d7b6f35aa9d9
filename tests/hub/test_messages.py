"""What a client may say: parsed message by message, and whatever else it sends is an error, not a crash."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.codes import BAD_MSG
from hub.errors import MessageError
from hub.messages import (
    MESSAGES_PER_FRAME,
    Auth,
    Bye,
    FromMark,
    Hello,
    Message,
    Ping,
    Resume,
    Sub,
    Unsub,
    parse_frame,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    ("op", "id", "symbols", "kinds", "mode", "hz", "from", "lineup", "token", "ct", "m")
)
ops = st.sampled_from(("hello", "auth", "sub", "unsub", "ping", "bye", "probe"))


def parse(*messages: Any, packed: bool = False) -> list[Message | MessageError]:
    """Parse messages as a client would have sent them."""
    encode = msgspec.msgpack.encode if packed else msgspec.json.encode
    return parse_frame(encode(list(messages)), packed=packed)


def refusal(message: Any) -> MessageError:
    """The error that a message is answered with."""
    (found,) = parse(message)
    assert isinstance(found, MessageError), found
    assert found.code is BAD_MSG
    return found


@pytest.mark.parametrize("packed", [False, True])
def test_every_message_is_understood_in_both_codecs(packed: bool) -> None:
    """The defaults are those of the documentation."""
    found = parse(
        {"op": "hello", "token": "demo", "resume": {"m": 5}, "client": {"name": "app"}},
        {"op": "auth", "token": "t"},
        {"op": "sub", "id": 1, "symbols": ["AAPL"]},
        {"op": "unsub", "id": 1},
        {"op": "ping", "id": 2, "ct": 3},
        {"op": "bye", "why": "done"},
        packed=packed,
    )
    assert isinstance(found[2], Sub)
    assert (found[2].kinds, found[2].mode, found[2].hz, found[2].start) == (None, None, None, None)
    assert [found[0], found[1], *found[3:]] == [
        Hello("demo", Resume(5)), Auth("t"), Unsub(1), Ping(2, 3), Bye("done"),
    ]  # fmt: skip


def test_sub_takes_everything_it_may_say() -> None:
    """Symbols or `*`, kinds, mode, rate, line-up and a place on the tape."""
    (found,) = parse(
        {
            "op": "sub", "id": 0, "symbols": "*", "kinds": ["b1m"], "mode": "interval", "hz": 4,
            "lineup": "iex", "from": {"m": 12, "e": 1},
        }
    )  # fmt: skip
    assert isinstance(found, Sub)
    assert (found.symbols, found.kinds, found.mode, found.hz, found.lineup, found.start) == (
        "*", ["b1m"], "interval", 4.0, "iex", FromMark(12, 1),
    )  # fmt: skip


def test_bad_message_costs_only_itself() -> None:
    """Its place in the frame is taken by the error; the others are as they were."""
    found = parse({"op": "ping", "id": 1}, {"op": "nonsense"}, {"op": "ping", "id": 2})
    assert [type(item) for item in found] == [Ping, MessageError, Ping]


def test_unknown_fields_are_skipped() -> None:
    """A newer client may say more than we understand."""
    assert parse({"op": "ping", "id": 1, "new": [1, {"a": None}]}) == [Ping(1)]


@pytest.mark.parametrize("field", ["where", "fields"])
def test_field_that_would_change_what_is_delivered_is_refused(field: str) -> None:
    """Ignoring a filter would deliver what was not asked for."""
    assert refusal({"op": "sub", "id": 4, "symbols": ["A"], field: "px > 1"}).message_id == 4


@pytest.mark.parametrize("op", ["probe", "diag", "pause", "mod", "", "SUB"])
def test_unknown_op_is_named_as_such_with_its_id(op: str) -> None:
    """The answer names the id, so that the client knows which of its messages it was."""
    error = refusal({"op": op, "id": 9})
    assert (error.hint, error.message_id) == ("unknown op", 9)


@pytest.mark.parametrize(
    "message",
    [
        {}, {"id": 1}, {"op": ["sub"]}, {"op": 1}, {"op": None}, [], 1, None, "sub", True,
        {"op": "sub", "symbols": ["A"]},
        {"op": "sub", "id": -1, "symbols": ["A"]},
        {"op": "sub", "id": "1", "symbols": ["A"]},
        {"op": "sub", "id": 2**64, "symbols": ["A"]},
        {"op": "sub", "id": 1.5, "symbols": ["A"]},
        {"op": "sub", "id": 1},
        {"op": "sub", "id": 1, "symbols": "AAPL"},
        {"op": "sub", "id": 1, "symbols": [1]},
        {"op": "sub", "id": 1, "symbols": ["A"], "kinds": []},
        {"op": "sub", "id": 1, "symbols": ["A"], "kinds": ["t"] * 33},
        {"op": "sub", "id": 1, "symbols": ["A"], "kinds": "t"},
        {"op": "sub", "id": 1, "symbols": ["A"], "mode": "fast"},
        {"op": "sub", "id": 1, "symbols": ["A"], "hz": 0},
        {"op": "sub", "id": 1, "symbols": ["A"], "hz": -1},
        {"op": "sub", "id": 1, "symbols": ["A"], "hz": 1e9},
        {"op": "sub", "id": 1, "symbols": ["A"], "hz": "4"},
        {"op": "sub", "id": 1, "symbols": ["A"], "lineup": "x" * 32},
        {"op": "sub", "id": 1, "symbols": ["A"], "lineup": "A B"},
        {"op": "sub", "id": 1, "symbols": ["A"], "lineup": "iex\n"},
        {"op": "sub", "id": 1, "symbols": ["A"], "from": "yesterday"},
        {"op": "sub", "id": 1, "symbols": ["A"], "from": {"n": 1}},
        {"op": "sub", "id": 1, "symbols": ["A"], "from": {"m": 1, "time": 2}},
        {"op": "sub", "id": 1, "symbols": ["A"], "from": {"m": -1}},
        {"op": "sub", "id": 1, "symbols": ["A"], "from": {"m": 2**53}},
        {"op": "auth"}, {"op": "auth", "token": 1}, {"op": "hello", "token": 1}, {"op": "hello", "resume": 1},
        {"op": "unsub"}, {"op": "ping", "ct": "now"}, {"op": "ping", "ct": 2**60},
    ],
)  # fmt: skip
def test_wrong_field_is_refused(message: Any) -> None:
    """Missing, mistyped and out of range: each is an error that says where."""
    assert refusal(message).hint


def test_hint_never_repeats_a_token() -> None:
    """What was sent as a secret does not come back, however wrong the message is."""
    assert "s3cret" not in refusal({"op": "hello", "token": ["s3cret"]}).hint


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"{}", b"null", b"1", b"nul", b"[", b"[1", b'"x"', b"[NaN]", b"[Infinity]", b"\xff",
        b"[" * 100_000, b'[{"a":' * 50_000, b"[" + b"{}," * MESSAGES_PER_FRAME + b"{}]",
    ],
)  # fmt: skip
def test_frame_that_is_no_array_of_messages_is_refused(payload: bytes) -> None:
    """Not JSON, not an array, empty, too many, or nested without end."""
    with pytest.raises(MessageError):
        parse_frame(payload, packed=False)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x90", b"\x80", b"\xc0", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x91" * 100_000,
     b"\xc9\xff\xff\xff\xff\x01", b"\x91\xc1"],
)  # fmt: skip
def test_messagepack_frame_that_is_none_is_refused(payload: bytes) -> None:
    """A declared size is not believed, and nothing is reserved for it."""
    try:
        (found,) = parse_frame(payload, packed=True)
    except MessageError:
        return
    assert isinstance(found, MessageError)


def test_huge_numbers_are_refused() -> None:
    """A number of five thousand digits is an error like any other."""
    digits = "1" * 5_000
    payload = f'[{{"op":"ping","ct":{digits}}},{{"op":"ping","id":{digits}}}]'.encode()
    assert all(isinstance(item, MessageError) for item in parse_frame(payload, packed=False))


def test_nan_as_a_rate_is_refused() -> None:
    """MessagePack can say it."""
    message = {"op": "sub", "id": 1, "symbols": ["A"], "hz": float("nan")}
    (found,) = parse(message, packed=True)
    assert isinstance(found, MessageError)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_messages_or_an_error(payload: bytes, packed: bool) -> None:
    """Nothing a client sends raises anything else."""
    try:
        found = parse_frame(payload, packed=packed)
    except MessageError:
        return
    assert found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(field_names, json_values, max_size=5), min_size=1, max_size=5), ops)
def test_any_message_is_understood_or_refused(messages: list[dict[str, Any]], op: str) -> None:
    """Fields of any type in any message: one result each, in order."""
    payload = json.dumps([{**message, "op": op} for message in messages]).encode()
    try:
        found = parse_frame(payload, packed=False)
    except MessageError:
        assert b"NaN" in payload or b"Infinity" in payload or b"\\ud" in payload
        return
    assert len(found) == len(messages)


@pytest.mark.parametrize("packed", [False, True])
def test_field_that_is_null_is_one_that_is_absent(packed: bool) -> None:
    """As some languages write what was never set."""
    absent = dict.fromkeys(("kinds", "mode", "hz", "lineup", "from", "where", "fields"))
    encode = msgspec.msgpack.encode if packed else msgspec.json.encode
    (found,) = parse_frame(encode([{"op": "sub", "id": 1, "symbols": ["A"], **absent}]), packed=packed)
    assert isinstance(found, Sub)
    (found,) = parse_frame(encode([{"op": "sub", "id": 1, "symbols": ["A"], "where": {}}]), packed=packed)
    assert isinstance(found, MessageError)
