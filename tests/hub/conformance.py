"""Compares what a hub says with the AsyncAPI document: each message that a test sees is one it tells of."""

from typing import Any, Final

from jsonschema import Draft202012Validator

from tapewire.asyncapi import document

SEEN_MAX: Final = 200_000
"""Shapes that are remembered, so that not each of a million like messages is compared again."""

DOCUMENT: Final = document()
_SCHEMAS: Final[dict[str, Any]] = DOCUMENT["components"]["schemas"]


def _validators(operation: str) -> dict[str, Draft202012Validator]:
    found = {}
    for message in DOCUMENT["operations"][operation]["messages"]:
        name = message["$ref"].rpartition("/")[2]
        schema = {"components": {"schemas": _SCHEMAS}, "$ref": f"#/components/schemas/{name}"}
        found[DOCUMENT["components"]["messages"][name]["name"]] = Draft202012Validator(schema)
    return found


FROM_HUB: Final = _validators("fromHub")
FROM_CLIENT: Final = _validators("fromClient")
_seen: set[Any] = set()


def check(message: dict[str, Any], validators: dict[str, Draft202012Validator] = FROM_HUB) -> None:
    """Compare one message; those that differ in numbers alone are compared once.

    Raises:
        AssertionError: the document does not tell of such a one.
    """
    shape = (id(validators), _shape(message))
    if shape in _seen:
        return
    assert message["op"] in validators, f"the document has no {message['op']}"
    faults = [f"{one.json_path}: {one.message}" for one in validators[message["op"]].iter_errors(message)]
    assert not faults, f"not as the document says: {faults[:3]} in {str(message)[:500]}"
    if len(_seen) < SEEN_MAX:
        _seen.add(shape)


def _shape(value: Any) -> Any:
    """A value, of whose numbers only type and sign are left."""
    if isinstance(value, dict):
        return tuple((name, _shape(one)) for name, one in value.items())
    if isinstance(value, list):
        return ("list", *(_shape(one) for one in value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (type(value), value)
    return (type(value), value < 0)
