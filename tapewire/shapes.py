"""JSON Schemas of ticks, made from the key table: rows of HTTP answers and native messages."""

from typing import Any, Final

from ticks import flags, keys
from ticks.kinds import KINDS
from ticks.templates import row_keys, wire_keys

Schema = dict[str, Any]

TIME_PATTERN: Final = r"^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$"
"""RFC 3339 in UTC with all nine digits."""
MARK_LIMIT: Final = 2**53
"""Marks and numbers stay below."""

_NUMBER: Final[Schema] = {"type": "number"}
_INTEGER: Final[Schema] = {"type": "integer"}
_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_PLACE: Final[Schema] = {"type": "integer", "minimum": 0, "exclusiveMaximum": MARK_LIMIT}
_FLAG_NAMES: Final[Schema] = {"type": "string", "enum": list(flags.NAMES.values())}

ROW_VALUES: Final[dict[str, Schema]] = {
    keys.PRICE: _NUMBER,
    keys.QUOTE_PRICE: {"type": ["number", "null"]},
    keys.SIZE: _NUMBER,
    keys.TIME: {"type": ["string", "null"], "pattern": TIME_PATTERN},
    keys.SECONDS: {"type": ["string", "null"], "pattern": TIME_PATTERN},
    keys.INTEGER: _INTEGER,
    keys.ID: {"type": ["integer", "string", "null"]},
    keys.LETTER: {"type": ["string", "null"]},
    keys.SOURCE: _TEXT,
    keys.FLAGS: {"type": "array", "items": _FLAG_NAMES},
    keys.CODES: _TEXTS,
    keys.SIDE: {"enum": [None, "bid", "ask"]},
    keys.BOOLEAN: {"type": "boolean"},
    keys.TEXT: _TEXT,
    keys.TEXTS: _TEXTS,
}
"""What a field holds → its values in HTTP rows."""

WIRE_VALUES: Final[dict[str, Schema]] = {
    **ROW_VALUES,
    keys.TIME: _INTEGER,
    keys.SECONDS: _INTEGER,
    keys.ID: {"type": ["integer", "string"]},
    keys.LETTER: _TEXT,
    keys.FLAGS: _INTEGER,
    keys.CODES: _TEXT,
    keys.SIDE: {"enum": [1, 2]},
    keys.BOOLEAN: {"const": True},
}
"""What a field holds → its values on the native wire, in both codecs."""


def row_name(kind: int) -> str:
    """The name of the schema of a row: `TradeRow`, `DailyBarRow`."""
    return "".join(word.capitalize() for word in KINDS[kind].report.split("_")) + "Row"


def row_schema(kind: int) -> Schema:
    """A row of one kind of tick. Every key is there in every row."""
    leading, others = row_keys(kind)
    properties: Schema = {
        "symbol": {**_TEXT, "description": "as it was asked for"},
        **{key.long: ROW_VALUES[key.holds] for key in leading},
        "n": {**_PLACE, "description": "the number in the channel"},
        "m": {**_PLACE, "description": "the mark in the tape"},
        "e": {**_PLACE, "description": "the epoch of n"},
        "channel": _TEXT,
        "kind": {"const": KINDS[kind].report},
        **{key.long: ROW_VALUES[key.holds] for key in others},
    }
    schema = _object(properties, list(properties))
    if KINDS[kind].family == "trades":
        # What later rows say of this one; rows in a proof are as they were received, without it.
        properties["upd"] = {"enum": [None, "withdrawn", "replaced"]}
        properties["upd_m"] = {"type": ["integer", "null"], "description": "the mark at which that was known"}
    return schema


def wire_name(kind: int) -> str:
    """The name of the schema of a native message: `TradeTick`, `DailyBarTick`."""
    return row_name(kind).removesuffix("Row") + "Tick"


def wire_schema(kind: int) -> Schema:
    """A native message of one kind of tick. All but prices and sizes may be left out."""
    properties: Schema = {"op": {"const": KINDS[kind].op}, "c": _TEXT, "n": _PLACE}
    required = [*properties]
    folds = {"k": {"type": "integer", "minimum": 2}, "hi": _NUMBER, "lo": _NUMBER}
    properties |= folds if KINDS[kind].op in ("t", "q") else {}
    for key in wire_keys(kind):
        properties[key.short] = {**WIRE_VALUES[key.holds], "description": key.long}
        if key.holds in keys.ALWAYS or key.field == "ts_event":
            required.append(key.short)
        if key.holds == keys.TIME:
            properties[keys.remainder_key(key.short)] = {"type": "integer", "minimum": 1, "maximum": 999}
    return _object(properties, required)


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
