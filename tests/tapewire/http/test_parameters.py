"""Query parameters: typed values, or every fault."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire.http.parameters import (
    CREDENTIALS,
    SYMBOLS_MAX,
    BadValue,
    KnownAt,
    Parameter,
    one_of,
    parse_query,
    read_cursor,
    read_known_at,
    read_limit,
    read_lineup,
    read_symbols,
    refuse_credentials,
)
from tapewire.http.problems import Problem
from ticks.times import parse_time

ALLOWED = (
    Parameter("symbols", read_symbols, "", ""),
    Parameter("start", parse_time, "", ""),
    Parameter("limit", read_limit(10_000), "", ""),
    Parameter("order", one_of("asc", "desc"), "", ""),
)


def refused(query: str) -> dict[str, str]:
    """Parameter → what is told of it, of a query that is refused."""
    with pytest.raises(Problem) as caught:
        parse_query(query, ALLOWED)
    assert caught.value.kind.name == "bad-parameter"
    assert caught.value.detail
    return {fault.parameter: fault.detail for fault in caught.value.errors}


def test_values_are_typed_and_absent_ones_left_out() -> None:
    """What a handler gets needs no further look."""
    values = parse_query("symbols=AAPL,MSFT&limit=5&start=2026-07-13T14:00:00.000000001Z", ALLOWED)
    assert values.keys() == {"symbols", "limit", "start"}
    assert values["symbols"].canonical == ("AAPL", "MSFT")
    assert values["limit"] == 5
    assert values["start"] % 1_000_000_000 == 1
    assert parse_query("", ALLOWED) == {}


def test_an_unknown_parameter_is_refused_with_the_allowed_ones() -> None:
    """And with the nearest, when there is one."""
    allowed = "allowed: symbols, start, limit, order"
    assert refused("symbol=A") == {"symbol": f"unknown parameter; nearest: symbols; {allowed}"}
    assert refused("zzz=1") == {"zzz": f"unknown parameter; {allowed}"}
    assert refused("=1") == {"": f"unknown parameter; {allowed}"}


def test_every_fault_of_a_query_is_reported() -> None:
    """Nobody mends a query one request at a time."""
    faults = refused("limit=0&start=tomorrow&order=up&x=1")
    assert list(faults) == ["limit", "start", "order", "x"]
    assert faults["limit"] == "allowed: an integer from 1 to 10000"
    assert faults["order"] == "allowed: asc, desc"
    assert faults["start"].startswith("not a time")


def test_a_repeated_parameter_is_refused() -> None:
    """Which of the two was meant nobody can know."""
    assert refused("limit=1&limit=2") == {"limit": "is given more than once"}


@pytest.mark.parametrize("name", sorted(CREDENTIALS | {"TOKEN", "Access_Token"}))
def test_a_credential_in_the_query_is_refused_without_being_repeated(name: str) -> None:
    """Also beside other faults; other parameters are left alone."""
    refuse_credentials("symbols=A&tokens=1")
    with pytest.raises(Problem) as caught:
        refuse_credentials(f"limit=0&{name}=canary")
    assert caught.value.kind.name == "token-in-query"
    assert b"canary" not in caught.value.body()


@pytest.mark.parametrize("query", ["symbols=%FF", "symbols=A%00", "symbols=A\0", "&".join(["a=1"] * 65)])
def test_what_is_no_query_is_refused(query: str) -> None:
    """Not UTF-8, NUL, too many pairs."""
    assert refused(query) == {}


@pytest.mark.parametrize(
    ("text", "canonical", "asked"),
    [
        ("AAPL,MSFT", ("AAPL", "MSFT"), {}),
        ("aapl", ("AAPL",), {}),
        ("BRK.B", ("BRK.B",), {}),
        ("ABR.PRD,ABR-D", ("ABR-D",), {"ABR-D": "ABR.PRD"}),
        ("ABR-D,ABR.PRD", ("ABR-D",), {}),
        ("ACHR+", ("ACHR+",), {}),
        ("ACHR ", ("ACHR+",), {}),
        ("ACHR.WS, AAPL", ("ACHR+", "AAPL"), {"ACHR+": "ACHR.WS"}),
        ("A,,A,", ("A",), {}),
    ],
)
def test_symbols_are_read_in_both_forms(text: str, canonical: tuple[str, ...], asked: dict[str, str]) -> None:
    """The form asked first is the form of the answer; a blank is the `+` that a query string lost."""
    symbols = read_symbols(text)
    assert (symbols.canonical, symbols.asked) == (canonical, asked)


def test_every_bad_symbol_is_named() -> None:
    """With what is wrong with it, told back plain."""
    with pytest.raises(Problem) as caught:
        parse_query("symbols=" + quote("AAPL,a;b,ÄÖ,x\ny," + "Z" * 300), ALLOWED)
    assert [fault.symbol for fault in caught.value.errors] == ["a;b", "ÄÖ", "x?y", "Z" * 64 + "…"]
    assert {fault.parameter for fault in caught.value.errors} == {"symbols"}


@pytest.mark.parametrize("text", ["", ",", " , ", ",".join(["A"] * (SYMBOLS_MAX + 1))])
def test_no_symbols_or_too_many_are_refused(text: str) -> None:
    """The limit is told."""
    with pytest.raises(BadValue):
        read_symbols(text)


def test_the_largest_number_of_symbols_is_allowed() -> None:
    """Up to the limit, and not one less."""
    assert len(read_symbols(",".join(f"A{number}" for number in range(SYMBOLS_MAX))).canonical) == SYMBOLS_MAX


@pytest.mark.parametrize("text", ["0", "-1", "10001", "1e3", "abc", "", " 1", "1.0", "٣", "9" * 5_000])
def test_a_limit_outside_its_range_is_refused(text: str) -> None:
    """Whatever Python's `int` would make of it."""
    with pytest.raises(BadValue):
        read_limit(10_000)(text)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("10000", 10_000), ("007", 7)])
def test_a_limit_inside_its_range_is_taken(text: str, value: int) -> None:
    """Both ends included."""
    assert read_limit(10_000)(text) == value


def test_known_at_is_a_mark_or_a_time() -> None:
    """Integers below 2⁵³ are marks: as nanoseconds they would lie in April 1970."""
    assert read_known_at("0") == KnownAt(m=0)
    assert read_known_at(str(2**53 - 1)) == KnownAt(m=2**53 - 1)
    assert read_known_at(str(2**53)) == KnownAt(time_ns=2**53)
    moment = "2026-07-13T14:00:00Z"
    assert read_known_at(moment) == KnownAt(time_ns=parse_time(moment))


def test_values_outside_their_set_are_refused() -> None:
    """Line-ups, cursors, words."""
    for parse, text in (
        (read_lineup, "IEX"),
        (read_lineup, "a" * 99),
        (read_cursor, ""),
        (read_cursor, "x" * 5_000),
        (read_cursor, "é"),
        (one_of("a", "b"), "c"),
    ):
        with pytest.raises(BadValue):
            parse(text)
    assert read_lineup("") == ""
    assert read_lineup("iex") == "iex"
    assert read_cursor("abc") == "abc"


NAMES = st.sampled_from(["symbols", "start", "limit", "order", "x"])


def values_or_problem(query: str) -> dict[str, Any] | Problem:
    """What a query comes to; any other exception is a failure."""
    try:
        return parse_query(query, ALLOWED)
    except Problem as problem:
        return problem


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(NAMES | st.text(max_size=8), st.text(max_size=30)), max_size=6), st.booleans())
def test_any_pairs_give_values_or_a_problem(pairs: list[tuple[str, str]], blanks_as_plus: bool) -> None:
    """Never another exception, never a value that was not asked for."""
    found = values_or_problem(urlencode(pairs) if blanks_as_plus else urlencode(pairs, quote_via=quote))
    if isinstance(found, Problem):
        assert found.kind.status == 400
        assert found.body()
    else:
        assert found.keys() <= {"symbols", "start", "limit", "order"}
        assert found.get("order", "asc") in ("asc", "desc")
        assert 1 <= found.get("limit", 1) <= 10_000


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_as_a_query_gives_values_or_a_problem(query: str) -> None:
    """Percent signs, semicolons, broken UTF-8 and what else there is."""
    found = values_or_problem(query)
    assert not isinstance(found, Problem) or found.kind.status == 400


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["AAPL", "BRK.B", "ABR-D", "ACHR+", "NE+A", "AAC=", "AIIA^", "GLO#"]), min_size=1
    )
)
def test_canonical_symbols_survive_a_query_string(symbols: list[str]) -> None:
    """Properly encoded or not, a `+` comes back as a `+`."""
    for query in ("symbols=" + quote(",".join(symbols)), "symbols=" + ",".join(symbols).replace("#", "%23")):
        assert parse_query(query, ALLOWED)["symbols"].canonical == tuple(dict.fromkeys(symbols))
