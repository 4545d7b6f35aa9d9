"""Which format an answer has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire.http.formats import Format, choose
from tapewire.http.problems import Problem


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("application/json", "json"),
        ("application/x-ndjson", "ndjson"),
        ("application/ndjson", "ndjson"),
        ("application/json, application/x-ndjson", "json"),
        ("application/json;q=0.5, application/x-ndjson", "ndjson"),
        ("application/json;q=0, */*", "ndjson"),
        ("APPLICATION/X-NDJSON ; Q=1", "ndjson"),
        ("nonsense", "json"),
    ],
)
def test_the_header_decides_as_http_says(accept: str | None, form: Format) -> None:
    """Specific before general, weight before order, JSON in doubt."""
    assert choose(None, accept) == form


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "text/csv, image/*", "*/*;q=0", "*/*;q=x"]
)
def test_a_header_that_excludes_everything_is_answered_with_what_there_is(accept: str) -> None:
    """406 with the list."""
    with pytest.raises(Problem) as caught:
        choose(None, accept)
    assert caught.value.kind.name == "not-acceptable"
    assert caught.value.errors[0].detail == "application/json"


def test_the_parameter_wins_over_the_header() -> None:
    """A link can be opened in a browser."""
    assert choose("ndjson", "text/html") == "ndjson"
    assert choose("json", "application/x-ndjson") == "json"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aj/*;,=q0.19 \t\u0661", max_size=60) | st.text(max_size=60))
def test_any_header_gives_a_format_or_the_one_problem(accept: str) -> None:
    """Weights of any shape included."""
    try:
        form = choose(None, accept)
    except Problem as problem:
        form = None
        kind = problem.kind.name
    assert form in ("json", "ndjson") or kind == "not-acceptable"


def test_a_flood_of_weights_is_read_up_to_a_bound() -> None:
    """What stands behind the bound is not looked at."""
    assert choose(None, "application/x-ndjson" + ",a/b;q=0.1" * 100_000) == "ndjson"
