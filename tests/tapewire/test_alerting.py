"""Alerts as the wiring puts them together: from a put to a receiver on this machine."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from accounts import Accounts
from alerts.model import Owner
from config.settings import Settings, WebhookSettings
from tape.tape import Tape
from tapewire.alerting import Alerting, alert_metrics
from tapewire.metrics import render
from tapewire.options import demo_settings
from tests.alerts.making import NOON_NS, trade
from tests.alerts.webhooks.making import receiving, until
from tests.tape.making import SETTINGS
from tests.tapewire.http.alerting import RULE
from tests.tapewire.http.world import World


async def test_a_ring_goes_to_the_receiver_that_its_rule_names(tmp_path: Path) -> None:
    """Put, published, rung, committed, delivered, counted."""
    world = World(tmp_path)
    settings = replace(Settings(), webhooks=WebhookSettings(private_addresses=True))
    tape = Tape(SETTINGS, tmp_path / "tape", NOON_NS)
    alerting = Alerting(settings, tape, tmp_path, world.accounts)
    tape.on_batch = alerting.runtime.on_batch
    task = asyncio.create_task(alerting.run())
    try:
        async with receiving() as receiver:
            ann = world.accounts.authenticate("canary-ann", world.now_ns)
            channels = ["ws", f"webhook:{receiver.url}"]
            view = await alerting.desk.put(ann, RULE | {"channels": channels})
            tape.publish("", [trade(99)], None, NOON_NS)
            tape.publish("", [trade(101)], None, NOON_NS)
            await until(lambda: alerting.deliverer.counters["delivered"] == 1)
            (got,) = receiver.got
        (stored,) = await alerting.runtime.fires(Owner("default", "ann"))
        assert (got.event_id, stored.fire.alert_id) == (stored.fire.event_id, view.alert.id)
        text = render(alert_metrics(alerting)).decode()
        assert 'tapewire_webhook_attempts_total{outcome="delivered"} 1.0' in text
        assert "tapewire_alerts 1.0" in text
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        alerting.close()
        tape.close()
        world.marks.close()


def test_only_a_demo_calls_this_machine() -> None:
    """Whatever else is configured."""
    assert not Settings().webhooks.private_addresses
    assert demo_settings(Settings(), 0, Path("x")).webhooks.private_addresses
    assert isinstance(Accounts(Settings().accounts), Accounts)
