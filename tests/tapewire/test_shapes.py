"""Schemas of ticks: every tick that can be, in both forms, is as its schema says."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tapewire.shapes import row_name, row_schema, wire_name, wire_schema
from tests.ticks.strategies import any_tick
from ticks.codec import row_json, to_short_json, to_short_msgpack
from ticks.keys import KEYS
from ticks.kinds import KINDS
from ticks.model import Tick

ROWS = {kind: Draft202012Validator(row_schema(kind)) for kind in KINDS}
MESSAGES = {kind: Draft202012Validator(wire_schema(kind)) for kind in KINDS}


def faults(validator: Draft202012Validator, data: Any) -> list[str]:
    """What is not as the schema says."""
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


@settings(max_examples=300)
@given(tick=any_tick())
def test_any_tick_is_as_its_schemas_say(tick: Tick) -> None:
    """As an HTTP row, and as a native message in both codecs."""
    row = msgspec.json.decode(row_json(tick, 1, 2, 3))
    assert faults(ROWS[tick.kind], row) == []
    assert faults(MESSAGES[tick.kind], msgspec.json.decode(to_short_json(tick, "t:A", 1))) == []
    assert faults(MESSAGES[tick.kind], msgspec.msgpack.decode(to_short_msgpack(tick, "t:A", 1))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_every_field_and_nothing_else(kind: int) -> None:
    """A schema that allowed anything would find nothing."""
    schema = row_schema(kind)
    assert {key.long for key in KEYS[kind]} <= set(schema["required"])
    row = dict.fromkeys(schema["required"])
    assert faults(ROWS[kind], {**row, "other": 1})
    del row["m"]
    assert any("'m' is a required" in fault for fault in faults(ROWS[kind], row))


def test_each_schema_has_a_name_of_its_own() -> None:
    """They stand side by side in the documents."""
    assert len({row_name(kind) for kind in KINDS} | {wire_name(kind) for kind in KINDS}) == 2 * len(KINDS)
