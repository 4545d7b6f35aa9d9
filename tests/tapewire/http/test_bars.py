"""Bars over HTTP, on a real small system."""

from tests.tapewire.http.world import NOW, World
from ticks.model import Bar, BarDaily, BarRevision, Tick
from ticks.sources import DERIVED

SECOND = 1_000_000_000
OLD = NOW - 3_600 * SECOND
"""An hour ago: nobody's delay hides it."""


async def test_bars_come_as_their_newest_revision_by_time_frame(world: World) -> None:
    """A revision takes its bar's place, stored or not; minute and daily bars are apart."""
    bars: list[Tick] = [
        shape(
            DERIVED, 0, "AAPL", OLD + start * SECOND, 0, OLD + (start + 61) * SECOND, 0, 0,
            100 * 10**9, 102 * 10**9, 99 * 10**9, 101 * 10**9, 5 * 10**6, 3, 100 * 10**9, rev, False,
        )
        for shape, start, rev in ((Bar, 0, 0), (BarRevision, 0, 1), (Bar, 60, 0), (BarDaily, 0, 0))
    ]  # fmt: skip
    world.publish(*bars[:1])
    world.store_all()
    world.publish(*bars[1:])
    async with world.serving() as client:
        minutes = (await client.get("/v1/bars?symbols=AAPL")).json["bars"]
        days = (await client.get("/v1/bars?symbols=AAPL&timeframe=1Day")).json["bars"]
        refused = await client.get("/v1/bars?timeframe=2Min")
    assert [(row["kind"], row["rev"], row["close"]) for row in minutes] == [
        ("bar_revision", 1, 101),
        ("bar", 0, 101),
    ]
    assert [row["kind"] for row in days] == ["daily_bar"]
    assert refused.problem == "bad-parameter"
