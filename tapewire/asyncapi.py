"""The native protocol for machines: an AsyncAPI 3 document, made from the types of its messages.

To write the committed one anew: `python -m tapewire.asyncapi > docs/asyncapi.json`.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, get_args

import msgspec
from msgspec import structs

from hub.messages import Message
from tapewire.http.answers import ROW_KINDS, AllOf, Condition
from tapewire.shapes import row_name, row_schema, wire_name, wire_schema
from tapewire.stream_messages import SAID
from ticks.kinds import KINDS

TEMPLATE: Final = "#/components/schemas/{name}"
REFUSED: Final = ("where", "fields")
"""Fields that are known to the parser only so that they can be refused."""

Document = dict[str, Any]


def document() -> Document:
    """The document: one channel, whose frames are arrays of messages in both directions."""
    spoken = [_offered(one) for one in get_args(Message)]
    types: list[type[msgspec.Struct]] = [*spoken, *SAID]
    _, schemas = msgspec.json.schema_components([*types, Condition, AllOf], ref_template=TEMPLATE)
    schemas |= {row_name(kind): row_schema(kind) for kind in ROW_KINDS}
    schemas |= {wire_name(kind): wire_schema(kind) for kind in KINDS}
    ops = {one.__name__: (_op(one), _doc(one)) for one in types}
    ops |= {wire_name(kind): (row.op, f"A tick: {row.report}.") for kind, row in KINDS.items()}
    from_client = [one.__name__ for one in spoken]
    from_hub = [name for name in ops if name not in from_client]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "tapewire, native protocol",
            "version": version("tapewire"),
            "description": "A frame is an array of messages; each schema is one of them.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in ops},
            }
        },
        # As AsyncAPI has it: what the hub receives, and what it sends.
        "operations": {
            "fromClient": _operation("receive", from_client),
            "fromHub": _operation("send", from_hub),
        },
        "components": {
            "messages": {
                name: {"name": op, "summary": doc, "payload": {"$ref": TEMPLATE.format(name=name)}}
                for name, (op, doc) in ops.items()
            },
            "schemas": schemas,
        },
    }


def text(found: Mapping[str, Any]) -> str:
    """A document as it is committed."""
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"


def _offered(one: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A type of message without the fields that are refused."""
    fields = structs.fields(one)
    kept = [field for field in fields if field.encode_name not in REFUSED]
    if len(kept) == len(fields):
        return one
    rows: list[Any] = [
        (field.name, field.type, msgspec.field(default=field.default, name=field.encode_name))
        for field in kept
    ]
    namespace = {"__doc__": one.__doc__}
    tag = one.__struct_config__.tag
    return msgspec.defstruct(one.__name__, rows, namespace=namespace, tag_field="op", tag=tag)


def _operation(action: str, names: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
    }


def _op(one: type[msgspec.Struct]) -> str:
    return str(one.__struct_config__.tag)


def _doc(one: type[msgspec.Struct]) -> str:
    return (one.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.write(text(document()))
