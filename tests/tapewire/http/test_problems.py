"""Problems as RFC 9457 wants them."""

import json
from http import HTTPStatus

import pytest

from tapewire.http.problems import ERRORS_MAX, KINDS, Fault, Problem, plain


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_problem_has_all_members(name: str) -> None:
    """Type, title, status and a detail that helps."""
    document = json.loads(Problem(name).body())
    assert document["type"] == f"urn:tapewire:problem:{name}"
    assert document["title"]
    assert document["detail"]
    assert 400 <= HTTPStatus(document["status"]) < 600


def test_faults_are_listed_without_empty_members() -> None:
    """A fault names its parameter or its symbol, whichever it has."""
    problem = Problem("bad-parameter", "2 faults", [Fault("bad", "limit"), Fault("none", symbol="A")])
    assert json.loads(problem.body())["errors"] == [
        {"detail": "bad", "parameter": "limit"},
        {"detail": "none", "symbol": "A"},
    ]


def test_a_long_list_of_faults_is_cut_and_says_so() -> None:
    """An answer to 2,000 bad symbols stays small."""
    document = json.loads(Problem("forbidden", "no", [Fault("x")] * (ERRORS_MAX + 7)).body())
    assert len(document["errors"]) == ERRORS_MAX
    assert document["detail"] == "no (7 more are not listed)"


def test_what_a_client_sent_is_told_back_plain_and_short() -> None:
    """No control characters, no kilobytes."""
    assert plain("a\r\nb\x1b") == "a??b?"
    assert plain("x" * 64) == "x" * 64
    assert plain("x" * 65) == "x" * 64 + "…"
