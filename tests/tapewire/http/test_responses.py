"""Answers and their headers."""

import pytest

from tapewire.http.problems import KINDS, Problem
from tapewire.http.responses import HEADERS, json_response, problem_response, text_response


def test_every_answer_has_the_headers_that_all_share() -> None:
    """Not kept by anybody between us and the client, not guessed at, and silent about the server's make."""
    for response in (
        json_response(b"{}"),
        text_response(b"x", "text/plain; version=0.0.4"),
        problem_response(Problem("internal")),
    ):
        assert {name: response.headers[name] for name in HEADERS} == dict(HEADERS)
    assert HEADERS["Server"] == "tapewire"
    assert HEADERS["Cache-Control"] == "no-store"


def test_documents_have_their_types() -> None:
    """JSON, text with its parameters, problem+json."""
    assert json_response(b"{}", status=503).status == 503
    assert json_response(b"{}").content_type == "application/json"
    assert (
        text_response(b"x", "text/plain; version=0.0.4").headers["Content-Type"]
        == "text/plain; version=0.0.4"
    )
    assert problem_response(Problem("internal")).content_type == "application/problem+json"


@pytest.mark.parametrize("name", KINDS)
def test_a_connection_in_doubt_is_closed_and_no_other(name: str) -> None:
    """After what may have been two requests read as one, nothing more is read."""
    closes = name in {
        "bad-request", "body-not-allowed", "body-too-large", "body-too-slow", "uri-too-long",
        "headers-too-large",
    }  # fmt: skip
    response = problem_response(Problem(name, headers={"X": "y"}))
    assert (response.keep_alive is False) is closes
    assert response.headers["X"] == "y"
    assert response.status == KINDS[name].status
