"""The OpenAPI document: as committed, whole, and compared with every answer that the tests see."""

import re
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from config.settings import HttpSettings
from tapewire.http.problems import KINDS
from tapewire.http.routes import ROUTES
from tapewire.openapi import document, text
from tests import checkout
from tests.tapewire.http import conformance
from tests.tapewire.http.world import World

COMMITTED = checkout.ROOT / "docs" / "openapi.json"
DOCUMENT = document(ROUTES, HttpSettings())


@pytest.fixture
def world(tmp_path: Any) -> Any:
    """A small real system."""
    world = World(tmp_path)
    yield world
    world.marks.close()


def references(value: Any) -> set[str]:
    """Every `$ref` in a document."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(one) for one in value.values()))
    return set().union(*(references(one) for one in value)) if isinstance(value, list) else set()


def test_the_committed_document_is_what_the_code_says() -> None:
    """docs/openapi.json is written by `python -m tapewire.openapi > docs/openapi.json`."""
    assert COMMITTED.read_text() == text(DOCUMENT), "run: python -m tapewire.openapi > docs/openapi.json"


def test_every_route_is_an_operation_with_its_parameters() -> None:
    """`HEAD` too, where it is answered."""
    told = {
        (method.upper(), path): {
            one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"
        }
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    for route in ROUTES:
        names = {parameter.name for parameter in route.parameters(HttpSettings())}
        for method in (route.method, *(("HEAD",) if route.head else ())):
            assert told.pop((method, route.path)) == names
    assert told == {}


def test_each_operation_has_a_name_of_its_own_and_says_who_may_call_it() -> None:
    """Public ones say so with an empty list."""
    operations = [one for item in DOCUMENT["paths"].values() for one in item.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for route in ROUTES:
        security = DOCUMENT["paths"][route.path][route.method.lower()]["security"]
        assert (security == []) is (route.permission == "public")


def test_every_reference_leads_somewhere_and_every_schema_is_valid() -> None:
    """JSON Schema 2020-12, as OpenAPI 3.1 wants it."""
    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_path_parameters_are_those_of_the_path() -> None:
    """Each is needed."""
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            told = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
            assert told == re.findall(r"{(\w+)}", path)


def test_every_problem_is_known() -> None:
    """By its type."""
    types = DOCUMENT["components"]["schemas"]["ProblemReport"]["properties"]["type"]["enum"]
    assert types == [f"urn:tapewire:problem:{name}" for name in KINDS]


def test_a_route_without_types_is_refused() -> None:
    """So that none is forgotten."""
    with pytest.raises(KeyError, match="GET /v1/new"):
        document([replace(ROUTES[0], path="/v1/new")], HttpSettings())


@pytest.mark.parametrize(
    ("method", "path", "status", "media", "body"),
    [
        ("GET", "/v1/marks", 200, "application/json", b'{"e":1,"accepted":1,"durable":1}'),
        ("GET", "/v1/marks", 200, "application/json", b'{"e":1,"accepted":1,"durable":1,"stored":1,"x":1}'),
        ("GET", "/v1/marks", 200, "text/plain", b"x"),
        ("GET", "/v1/marks", 201, "application/json", b"{}"),
        ("PUT", "/v1/marks", 200, "application/json", b"{}"),
        ("GET", "/v1/nowhere", 200, "application/json", b"{}"),
        ("GET", "/v1/trades", 200, "application/x-ndjson", b'{"end":true}\n'),
        ("GET", "/v1/marks", 404, "application/problem+json", b'{"type":"about:blank"}'),
    ],
)
def test_an_answer_that_is_not_told_of_is_noticed(
    method: str, path: str, status: int, media: str, body: bytes
) -> None:
    """The comparison that every test of the routes makes can fail."""
    with pytest.raises(AssertionError):
        conformance.check(method, path, status, media, body)


async def test_a_server_tells_its_own_limits(world: World) -> None:
    """Without a token; what is committed has those of the defaults."""
    world.settings = HttpSettings(port=0, page_rows=123)
    async with world.serving() as client:
        answer = await client.get("/v1/openapi.json", token="")
        again = await client.get("/v1/openapi.json", token="")
    assert answer.status == 200
    assert answer.body == again.body
    told = msgspec.json.decode(answer.body)
    (limit,) = (one for one in told["paths"]["/v1/trades"]["get"]["parameters"] if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 123}
    assert set(told["paths"]) == set(DOCUMENT["paths"])
