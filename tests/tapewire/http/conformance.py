"""Compares answers with the OpenAPI document: each that a test is given is one that it tells of."""

import re
from functools import cache
from typing import Any, Final

import msgspec
from jsonschema import Draft202012Validator

from config.settings import HttpSettings
from tapewire.http.routes import ROUTES
from tapewire.openapi import NDJSON, document

DOCUMENT: Final[dict[str, Any]] = document(ROUTES, HttpSettings())
_PATTERNS: Final = {
    path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in DOCUMENT["paths"]
}


@cache
def validator(pointer: tuple[str, ...]) -> Draft202012Validator:
    """What compares with the schema at a place of the document."""
    schema: Any = DOCUMENT
    for part in pointer:
        schema = schema[part]
    return Draft202012Validator({"components": DOCUMENT["components"], **schema})


def check(method: str, target: str, status: int, content_type: str, body: bytes) -> None:
    """Compare one whole answer.

    Raises:
        AssertionError: the document does not tell of such a one.
    """
    path = target.partition("?")[0]
    known = [name for name, pattern in _PATTERNS.items() if pattern.fullmatch(path)]
    operations = [name for name in known if method.lower() in DOCUMENT["paths"][name]]
    media = content_type.partition(";")[0]
    if media == "application/problem+json":
        if method == "HEAD":
            return
        _compare(("components", "schemas", "ProblemReport"), body)
        return
    assert operations, f"{method} {path} is answered {status}, and is not in the document"
    operation = operations[0]
    place = ("paths", operation, method.lower(), "responses", str(status))
    answers = DOCUMENT["paths"][operation][method.lower()]["responses"]
    assert str(status) in answers, f"{method} {operation} is answered {status}, which is not in the document"
    content = answers[str(status)].get("content", {})
    if not body:
        return
    assert media in content or "*/*" in content, f"{method} {operation} is answered as {media}"
    if media == NDJSON:
        for line in body.splitlines():
            _compare((*place, "content", media, "schema"), line)
    elif "schema" in content.get(media, {}):
        _compare((*place, "content", media, "schema"), body)


def check_body(method: str, target: str, body: bytes) -> None:
    """Compare a body that was taken.

    Raises:
        AssertionError: the document says that it would not be.
    """
    path = target.partition("?")[0]
    for name, pattern in _PATTERNS.items():
        told = DOCUMENT["paths"][name].get(method.lower(), {})
        if pattern.fullmatch(path) and "requestBody" in told:
            place = ("paths", name, method.lower(), "requestBody", "content", "application/json", "schema")
            _compare(place, body)


def _compare(place: tuple[str, ...], body: bytes) -> None:
    found = msgspec.json.decode(body)
    faults = [f"{error.json_path}: {error.message}" for error in validator(place).iter_errors(found)]
    assert not faults, f"not as {'/'.join(place)} says: {faults[:3]} in {body[:500]!r}"
