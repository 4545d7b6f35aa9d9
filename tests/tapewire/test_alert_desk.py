"""What users ask about alerts, whichever way they ask."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from accounts import Principal
from alerts.errors import Invalid, NotFound
from alerts.webhooks.endpoints import Endpoints
from tapewire.alert_desk import NotEntitled, owner_of
from tests.tapewire.http.alerting import HOOK, RULE, Market
from tests.tapewire.http.world import World


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    """A tape and a desk over it."""
    world = World(tmp_path)
    made = Market(tmp_path / "tape", world)
    task = asyncio.create_task(made.alerts.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    made.alerts.close()
    made.endpoints.close()
    made.tape.close()
    world.marks.close()


def who(market: Market, name: str) -> Principal:
    """Who shows this token."""
    return market.world.accounts.authenticate(f"canary-{name}", market.world.now_ns)


async def test_an_alert_is_found_by_id_and_by_name_by_its_owner_alone(market: Market) -> None:
    """Both are as if they did not exist for another."""
    ann = who(market, "ann")
    view = await market.desk.put(ann, RULE | {"client_id": "mine"})
    for reference in (view.alert.id, "mine"):
        assert market.desk.find(ann, reference) == view
        for other in ("bob", "other"):
            with pytest.raises(NotFound):
                market.desk.find(who(market, other), reference)
            with pytest.raises(NotFound):
                await market.desk.delete(who(market, other), reference)
            with pytest.raises(NotFound):
                await market.desk.patch(who(market, other), reference, {})
    await market.desk.delete(ann, "mine")
    assert market.desk.alerts.list(owner_of(ann)) == []


async def test_rights_are_asked_for_each_kind_that_a_rule_looks_at(market: Market) -> None:
    """Trades for `last`, quotes for the others; delayed is not enough."""
    bob = who(market, "bob")
    last = {"feature": "last", "op": ">=", "level": "1"}
    bid = {"feature": "bid", "op": ">=", "level": "1"}
    await market.desk.put(bob, RULE)
    for change in ({"when": {"all": [last, bid]}}, {"lineup": "iex"}, {"symbol": "MSFT"}):
        with pytest.raises(NotEntitled):
            await market.desk.put(bob, RULE | change)


async def test_no_endpoint_is_made_for_a_rule_that_is_refused(market: Market) -> None:
    """All of its channels are looked at first."""
    ann = who(market, "ann")
    channels = [f"webhook:{HOOK}", "webhook:http://10.0.0.1/"]
    with pytest.raises(Invalid):
        await market.desk.put(ann, RULE | {"channels": channels})
    assert market.endpoints.list(owner_of(ann)) == []
    await market.desk.put(ann, RULE | {"channels": channels[:1]})
    (made,) = market.endpoints.list(owner_of(ann))
    await market.desk.put(ann, RULE | {"channels": [f"webhook:{made.id}"]})
    assert isinstance(market.endpoints, Endpoints)
    assert market.endpoints.list(owner_of(ann)) == [made]


async def test_rings_are_acknowledged_up_to_an_offset(market: Market) -> None:
    """Never backwards, and never beyond the newest."""
    ann = who(market, "ann")
    market.print(90)
    await market.desk.put(ann, RULE | {"repeat": {"mode": "every"}})
    await market.ring(3)
    assert [await market.desk.acknowledge(ann, offset) for offset in (2, 1, 99)] == [2, 2, 3]
    assert await market.desk.acknowledge(who(market, "bob"), 5) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_rings_are_whole_in_both_directions(limit: int, market: Market) -> None:
    """For all alerts, and for one among them."""
    ann = who(market, "ann")
    market.print(90)
    one = await market.desk.put(ann, RULE | {"repeat": {"mode": "every"}})
    await market.desk.put(ann, RULE)
    await market.ring(3)
    for alert_id, offsets in ((None, [1, 2, 3, 4]), (one.alert.id, [1, 3, 4])):
        for newest_first in (False, True):
            seen: list[int] = []
            place = None
            while True:
                page = await market.desk.fires(
                    ann, place=place, limit=limit, newest_first=newest_first, alert_id=alert_id
                )
                seen += [fire.offset for fire in page]
                if len(page) < limit:
                    break
                place = page[-1].offset
            assert seen == (offsets[::-1] if newest_first else offsets)
