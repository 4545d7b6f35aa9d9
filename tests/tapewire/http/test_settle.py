"""What a request comes to: ceilings, marks, cursors."""

from typing import Any, cast

import pytest

from storage.contract import Key
from storage.cursor import Place
from storage.errors import HistoryBusy, QueryError, StoreDamaged, StoreUnavailable
from tapewire.http.access import DELAY_NS, identify
from tapewire.http.call import Call
from tapewire.http.parameters import KnownAt
from tapewire.http.problems import Problem
from tapewire.http.questions import rows_question
from tapewire.http.settle import cursor_behind, known_mark, settle, storage_problem
from tests.storage.making import trade
from tests.tapewire.http.world import NOW, World

OLD = NOW - 2 * DELAY_NS


def call_of(world: World, user: str = "ann", **values: Any) -> Call:
    """A request by a user, with typed parameters; nothing here looks at the request itself."""
    services = world.services()
    principal = identify(services.accounts, [f"Bearer canary-{user}"], world.now_ns)
    return Call(cast(Any, None), services, principal, values, world.now_ns)


async def settled(call: Call) -> int:
    """The mark at which a request for trades is frozen."""
    return (await settle(call, rows_question("trades", call.values), "t")).known_at


async def test_live_requests_are_frozen_at_the_newest_mark(world: World) -> None:
    """Of the moment they are read."""
    world.publish(trade("AAPL", OLD, 1), trade("AAPL", NOW, 2))
    assert await settled(call_of(world)) == 2


async def test_delayed_requests_are_frozen_where_the_tape_stood_then(world: World) -> None:
    """Also when an earlier or a later mark is asked for."""
    world.publish(*(trade("AAPL", OLD, i) for i in (1, 2, 3)), trade("AAPL", NOW, 4))
    assert await settled(call_of(world, "cyd")) == 3
    assert await settled(call_of(world, "cyd", known_at=KnownAt(m=4))) == 3
    assert await settled(call_of(world, "cyd", known_at=KnownAt(m=2))) == 2


async def test_whoever_becomes_delayed_does_not_keep_a_live_mark(world: World) -> None:
    """The mark in a cursor lies under the ceiling of the moment, whatever it was made with."""
    world.publish(trade("AAPL", OLD, 1), trade("AAPL", NOW, 2))
    call = call_of(world, "cyd")
    question = rows_question("trades", {})
    live = Place(Key("AAPL", OLD, 1), 2)
    frozen = await settle(call, question, "t")
    cursor = cursor_behind(call, frozen, live)
    assert await settled(call_of(world, "cyd", cursor=cursor)) == 1


async def test_a_time_stands_for_the_last_mark_received_by_then(world: World) -> None:
    """Before everything it is mark 0."""
    world.publish(trade("AAPL", OLD, 1), trade("AAPL", NOW, 2))
    call = call_of(world)
    assert await known_mark(call, KnownAt(time_ns=NOW)) == 1  # the second one was received a little later
    assert await known_mark(call, KnownAt(time_ns=OLD)) == 0


async def test_a_mark_that_was_not_given_yet_is_refused(world: World) -> None:
    """The newest one is told."""
    with pytest.raises(Problem, match="newest mark is 0"):
        await known_mark(call_of(world), KnownAt(m=1))


def test_failures_of_the_store_become_problems() -> None:
    """Whose fault it is decides; the store's own words, which may name files, are left out."""
    assert storage_problem(QueryError("why")).kind.name == "bad-parameter"
    assert storage_problem(HistoryBusy("x")).kind.name == "busy"
    for error in (StoreUnavailable("/x"), StoreDamaged("/x")):
        problem = storage_problem(error)
        assert problem.kind.name == "store-unavailable"
        assert problem.headers == {"Retry-After": "1"}
        assert b"/x" not in problem.body()


async def test_a_time_before_what_is_kept_of_the_tape_is_refused(world: World) -> None:
    """An empty answer would say that nothing was known then. Whoever is delayed sees nothing."""
    world.publish(trade("AAPL", OLD, 1))
    world.publish(trade("AAPL", NOW, 2))
    world.store_all()
    del world.tape[0]
    with pytest.raises(Problem) as caught:
        await settled(call_of(world, known_at=KnownAt(time_ns=OLD + 1)))
    assert caught.value.kind.name == "bad-parameter"
    assert [fault.parameter for fault in caught.value.errors] == ["known_at"]
    assert await settled(call_of(world, known_at=KnownAt(m=1))) == 1
    assert await settled(call_of(world, "cyd")) == 0
