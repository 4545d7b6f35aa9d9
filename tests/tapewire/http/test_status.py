"""Routes about the service itself."""

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tests.storage.making import trade
from tests.tapewire.http.world import NOW, World


async def test_marks_tell_how_far_the_tape_has_come(world: World) -> None:
    """Accepted, durable, stored, in the epoch."""
    world.publish(trade("AAPL", NOW, 1), trade("AAPL", NOW, 2))
    world.store_all()
    world.publish(trade("AAPL", NOW, 3))
    async with world.serving() as client:
        assert (await client.get("/v1/marks")).json == {"e": 1, "accepted": 3, "durable": 3, "stored": 2}


async def test_health_and_readiness_need_no_token(world: World) -> None:
    """A supervisor has none."""
    async with world.serving() as client:
        for path in ("/healthz", "/readyz"):
            answer = await client.get(path, token="")
            assert (answer.status, answer.json["status"]) == (200, "ok")
            assert [check["name"] for check in answer.json["checks"]] == [
                "service",
                "journal",
                "writer",
                "store",
            ]


async def test_whoever_is_not_ready_says_503_and_lives_on(world: World) -> None:
    """Alive and ready are two questions."""
    world.states = replace(world.states, journal="stopped")
    async with world.serving() as client:
        assert ((await client.get("/readyz")).status, (await client.get("/healthz")).status) == (503, 200)
        world.states = replace(world.states, writer="restarting", journal="volatile")
        answer = await client.get("/readyz")
        assert (answer.status, answer.json["status"]) == (200, "degraded")


async def test_metrics_are_for_whoever_has_a_token(world: World) -> None:
    """Prometheus' own client reads them."""
    world.publish(trade("AAPL", NOW, 1))
    async with world.serving() as client:
        assert (await client.get("/metrics", token="")).status == 401
        answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    (family,) = text_string_to_metric_families(answer.body.decode())
    assert family.samples[0].value == 1
