"""The AsyncAPI document: as committed, whole, and compared with the messages that the tests see."""

import json
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from hub.messages import Message
from tapewire.asyncapi import document, text
from tapewire.stream_messages import SAID
from tests import checkout
from tests.hub import conformance
from tests.tapewire.test_openapi import references
from ticks.kinds import KINDS

COMMITTED = checkout.ROOT / "docs" / "asyncapi.json"
DOCUMENT = document()


def test_the_committed_document_is_what_the_code_says() -> None:
    """docs/asyncapi.json is written by `python -m tapewire.asyncapi > docs/asyncapi.json`."""
    assert COMMITTED.read_text() == text(DOCUMENT), "run: python -m tapewire.asyncapi > docs/asyncapi.json"


def test_every_message_of_the_protocol_is_there() -> None:
    """Those of clients, those of the hub, and every kind of tick, by op."""
    ops = {str(one.__struct_config__.tag) for one in get_args(Message)}
    assert set(conformance.FROM_CLIENT) == ops
    said = {str(one.__struct_config__.tag) for one in SAID}
    assert set(conformance.FROM_HUB) == said | {row.op for row in KINDS.values()}


def test_every_reference_leads_somewhere_and_every_schema_is_valid() -> None:
    """As JSON Schema."""
    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_what_clients_say_in_the_examples_is_told_of() -> None:
    """The examples of docs/native-protocol.md are run by a test of the hub."""
    page = (checkout.ROOT / "docs" / "native-protocol.md").read_text()
    frames = [json.loads(line[2:]) for line in page.splitlines() if line.startswith("→ ")]
    assert len(frames) > 5
    for message in (message for frame in frames for message in frame):
        conformance.check(message, conformance.FROM_CLIENT)
    with pytest.raises(AssertionError):
        conformance.check({"op": "sub", "id": -1}, conformance.FROM_CLIENT)


def test_fields_that_are_refused_are_not_offered() -> None:
    """The parser knows them for that alone."""
    assert not {"where", "fields"} & set(DOCUMENT["components"]["schemas"]["Sub"]["properties"])


@pytest.mark.parametrize(
    "message",
    [
        {"op": "mark", "m": 1},
        {"op": "mark", "m": 1, "now": 1, "more": 1},
        {"op": "gap", "id": 1, "c": "*", "from": 0, "to": 1, "why": "boredom", "next": "snap"},
        {"op": "err", "code": "NEW", "no": 400, "class": "fix", "msg": ""},
        {"op": "t", "c": "t:AAPL", "n": 1, "px": "1", "sz": 1, "ts": 1, "src": "iex-tops"},
        {"op": "unheard"},
    ],
)
def test_a_message_that_is_not_told_of_is_noticed(message: dict[str, Any]) -> None:
    """The comparison that the hub's tests make can fail."""
    with pytest.raises(AssertionError):
        conformance.check(message)


def test_messages_that_differ_in_more_than_numbers_are_compared_each() -> None:
    """One that is right does not cover up one that is wrong."""
    conformance.check({"op": "mark", "m": 1, "now": 1})
    conformance.check({"op": "mark", "m": 7, "now": 8})
    with pytest.raises(AssertionError):
        conformance.check({"op": "mark", "m": 1, "now": "1"})
    with pytest.raises(AssertionError):
        conformance.check({"op": "mark", "m": -1, "now": 1})
