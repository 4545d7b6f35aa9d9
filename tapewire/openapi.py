"""The HTTP API for machines: an OpenAPI 3.1 document, made from the table of routes and the types.

To write the committed one anew: `python -m tapewire.openapi > docs/openapi.json`.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from config.settings import HttpSettings
from tapewire.http.answers import EXCHANGES, HEADERS, ROW_KINDS, AllOf, Condition, Exchange, ProblemReport
from tapewire.http.call import Route
from tapewire.http.parameters import Count, Parameter, Words
from tapewire.shapes import row_name, row_schema

TEMPLATE: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PROBLEM_JSON: Final = "application/problem+json"

Document = dict[str, Any]


def document(routes: Sequence[Route], settings: HttpSettings) -> Document:
    """The document of these routes, with the limits that the settings give.

    Raises:
        KeyError: a route is not in `tapewire.http.answers.EXCHANGES`.
    """
    exchanges = {route: EXCHANGES[f"{route.method} {route.path}"] for route in routes}
    types = [ProblemReport, Condition, AllOf, *_types(exchanges.values())]
    schemas, components = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    found = list(zip(types, schemas, strict=True))
    paths: Document = {}
    for route, exchange in exchanges.items():
        operation = _operation(route, exchange, settings, found)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
        if route.head:
            paths[route.path]["head"] = _head_of(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "tapewire",
            "version": version("tapewire"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**components, **{row_name(kind): row_schema(kind) for kind in ROW_KINDS}},
            "responses": {
                "Problem": {
                    "description": "What went wrong",
                    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemReport"}}},
                }
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "keyId": {"type": "apiKey", "in": "header", "name": "APCA-API-KEY-ID"},
                "keySecret": {"type": "apiKey", "in": "header", "name": "APCA-API-SECRET-KEY"},
            },
        },
    }


def text(found: Mapping[str, Any]) -> str:
    """A document as it is committed."""
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"


def _types(exchanges: Any) -> list[Any]:
    """Every type of a body, each once; types need not be hashable."""
    types: list[Any] = []
    for exchange in exchanges:
        for one in (*exchange.answers.values(), exchange.body, *exchange.lines):
            if one is not None and one not in types:
                types.append(one)
    return types


def _operation(
    route: Route, exchange: Exchange, settings: HttpSettings, found: list[tuple[Any, Document]]
) -> Document:
    def schema(one: Any) -> Document:
        return next(schema for known, schema in found if known == one)

    operation: Document = {"operationId": route.handler.__name__, "summary": route.doc}
    parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", route.path)]
    parameters += [_query_parameter(one) for one in route.parameters(settings)]
    parameters += [
        {"name": name, "in": "header", "description": HEADERS[name], "schema": {"type": "string"}}
        for name in exchange.headers
    ]
    if parameters:
        operation["parameters"] = parameters
    if exchange.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema(exchange.body)}}}
    responses: Document = {}
    if exchange.media:
        responses["200"] = {"description": route.doc, "content": {exchange.media: {}}}
    for status, one in exchange.answers.items():
        responses[str(status)] = {"description": route.doc if status < 300 else "The same, or unchanged"}
        if one is not None:
            responses[str(status)]["content"] = {JSON: {"schema": schema(one)}}
    if exchange.lines:
        lines = {"description": "One line", "anyOf": [schema(one) for one in exchange.lines]}
        responses["200"]["content"][NDJSON] = {"schema": lines}
    operation["responses"] = {**responses, "default": {"$ref": "#/components/responses/Problem"}}
    operation["security"] = (
        [] if route.permission == "public" else [{"bearer": []}, {"keyId": [], "keySecret": []}]
    )
    return operation


def _head_of(operation: Document) -> Document:
    answers = {
        status: {"description": answer["description"]} if "description" in answer else answer
        for status, answer in operation["responses"].items()
    }
    return {**operation, "operationId": f"{operation['operationId']}_head", "responses": answers}


def _path_parameter(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameter(one: Parameter) -> Document:
    schema: Document = {"type": "string"}
    example: Any = one.example
    if isinstance(one.parse, Words):
        schema["enum"] = list(one.parse.words)
    elif isinstance(one.parse, Count):
        schema = {"type": "integer", "minimum": 1, "maximum": one.parse.most}
        example = int(one.example)
    told: Document = {"name": one.name, "in": "query", "description": one.doc, "schema": schema}
    return {**told, **({"required": True} if one.required else {}), "example": example}


if __name__ == "__main__":
    from tapewire.http.routes import ROUTES

    sys.stdout.write(text(document(ROUTES, HttpSettings())))
