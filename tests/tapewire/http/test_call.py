"""One request on its way."""

from typing import Any, cast

import pytest

from accounts import Principal
from config.settings import HttpSettings
from tapewire.http.call import Call, Route
from tapewire.http.problems import Problem
from tapewire.http.status import healthz


def test_a_call_knows_who_asks() -> None:
    """On a route that needs a token there is always somebody."""
    nothing = cast(Any, None)
    ann = Principal("default", "ann")
    assert Call(nothing, nothing, ann, {}, 1).principal is ann
    with pytest.raises(Problem):
        _ = Call(nothing, nothing, None, {}, 1).principal


def test_a_route_takes_no_parameters_by_default() -> None:
    """What is not listed is refused."""
    assert Route("/x", "GET", "public", healthz, "").parameters(HttpSettings()) == ()
