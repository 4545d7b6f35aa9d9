"""The types of bodies: which route has which, and that they are as strict as they look."""

import msgspec
import pytest

from alerts.form import rule_form, rule_of
from tapewire.http.answers import EXCHANGES, HEADERS, Exchange, FaultReport, HealthReport, Marks, Rule
from tapewire.http.problems import Fault
from tapewire.http.routes import ROUTES

NOW_NS = 1_790_000_000_000_000_000


def test_each_route_has_its_exchange_and_nothing_else_has() -> None:
    """By method and path."""
    assert set(EXCHANGES) == {f"{route.method} {route.path}" for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_bodies_are_told_where_they_are_taken(route: object) -> None:
    """As the table of routes says."""
    told = {f"{one.method} {one.path}": one.body for one in ROUTES}
    name = f"{route.method} {route.path}"  # type: ignore[attr-defined]  # an id function hides the type
    exchange: Exchange = EXCHANGES[name]
    assert (exchange.body is not None) is told[name]
    assert set(exchange.headers) <= set(HEADERS)


def test_an_unknown_member_is_no_answer() -> None:
    """Otherwise a member could be added and never be documented."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"e": 1, "accepted": 1, "durable": 1, "stored": 1, "more": 1}, Marks)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"status": "ok"}, HealthReport)


def test_a_rule_as_a_type_has_the_members_and_defaults_of_the_form() -> None:
    """Which `alerts.form` reads and writes."""
    short = {"symbol": "AAPL", "when": {"feature": "last", "op": ">=", "level": "192.30"}}
    as_type = msgspec.to_builtins(msgspec.convert(short, Rule))
    texts = ("expires", "use_by", "client_id", "lineup")
    assert {name: as_type[name] for name in as_type if name not in texts} == rule_form(rule_of(short, NOW_NS))
    full = {**rule_form(rule_of(short, NOW_NS)), "client_id": "a", "lineup": "iex", "use_by": "15m"}
    assert set(msgspec.to_builtins(msgspec.convert(full, Rule))) == {*full, "expires"}
    assert rule_form(rule_of(full, NOW_NS)) == full


def test_a_fault_as_a_type_has_the_members_of_a_fault() -> None:
    """`tapewire.http.problems` writes it."""
    assert FaultReport.__struct_fields__ == Fault.__struct_fields__
