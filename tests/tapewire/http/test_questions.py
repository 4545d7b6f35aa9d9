"""From parameters to questions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import Access
from config.settings import HttpSettings
from storage.contract import TIME_END_NS, TIME_MIN_NS
from storage.tail import HistoryQuery
from tapewire.http.access import Ceiling
from tapewire.http.parameters import KnownAt, read_symbols
from tapewire.http.problems import Problem
from tapewire.http.questions import (
    below,
    gap_parameters,
    latest_parameters,
    read_range,
    row_parameters,
    rows_question,
)


def test_without_parameters_everything_is_asked_for() -> None:
    """Every symbol, every time, the default line-up, rising."""
    question = rows_question("trades", {})
    assert question.query == HistoryQuery("trades")
    assert (question.limit, question.cursor, question.known_at) == (None, None, None)
    assert question.entitled_symbols == ("*",)


def test_parameters_arrive_in_the_question() -> None:
    """What belongs to the query, and what belongs to the walk."""
    values: dict[str, Any] = {
        "symbols": read_symbols("ABR.PRD,AAPL"),
        "start": 5,
        "end": 9,
        "lineup": "iex",
        "order": "desc",
        "limit": 7,
        "cursor": "c",
        "known_at": KnownAt(m=3),
    }
    question = rows_question("quotes", values)
    assert question.query == HistoryQuery("quotes", ("ABR-D", "AAPL"), "iex", 5, 9, "desc")
    assert question.names == {"ABR-D": "ABR.PRD"}
    assert (question.limit, question.cursor, question.known_at) == (7, "c", KnownAt(m=3))
    assert question.entitled_symbols == ("ABR-D", "AAPL")


def test_a_range_that_goes_backwards_is_refused() -> None:
    """An empty one is not."""
    assert read_range({"start": 5, "end": 5}) == (5, 5)
    assert read_range({}) == (TIME_MIN_NS, TIME_END_NS)
    with pytest.raises(Problem) as caught:
        read_range({"start": 6, "end": 5})
    assert caught.value.errors[0].parameter == "start"


def test_a_ceiling_only_ever_narrows() -> None:
    """Event times up to the ceiling, inclusive; without one the query itself."""
    query = HistoryQuery("trades", end_ns=100)
    assert below(query, Ceiling(Access.LIVE, None)) is query
    assert below(query, Ceiling(Access.DELAYED, 50)).end_ns == 51
    assert below(query, Ceiling(Access.DELAYED, 500)).end_ns == 100


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_nothing_above_a_ceiling_is_ever_asked_for(end_ns: int, ceiling_ns: int) -> None:
    """Whatever was asked for."""
    narrowed = below(HistoryQuery("trades", end_ns=end_ns), Ceiling(Access.DELAYED, ceiling_ns))
    assert narrowed.end_ns <= end_ns
    assert narrowed.end_ns - 1 <= ceiling_ns


@pytest.mark.parametrize("parameters", [row_parameters, latest_parameters, gap_parameters])
def test_every_parameter_is_documented_with_an_example_that_works(parameters: Any) -> None:
    """The document of the routes is made from these rows."""
    for parameter in parameters(HttpSettings()):
        assert parameter.doc.endswith(".")
        if parameter.name != "cursor":
            parameter.parse(parameter.example)


def test_the_limit_of_a_page_is_the_one_of_the_settings() -> None:
    """Both in what is allowed and in what is told."""
    limit = next(row for row in row_parameters(HttpSettings(page_rows=50)) if row.name == "limit")
    assert limit.parse("50") == 50
    with pytest.raises(ValueError, match="1 to 50"):
        limit.parse("51")
    assert "1 to 50" in limit.doc
