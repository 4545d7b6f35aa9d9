"""Alerts, brought together: the runtime, webhook endpoints and their delivery, and the desk that is asked.

tape ─▶ Pipeline ─▶ AlertRuntime ─▶ outbox ─▶ Deliverer ─▶ webhooks
                HTTP, WebSockets ─▶ AlertDesk ─┘
"""

import asyncio
import time
from pathlib import Path

from accounts import Accounts
from alerts.runtime import AlertRuntime
from alerts.webhooks.deliverer import Deliverer
from alerts.webhooks.endpoints import Endpoints
from config.settings import Settings
from tape.tape import Tape
from tapewire.alert_desk import AlertDesk
from tapewire.alert_stream import AlertStream
from tapewire.metrics import Metric


class Alerting:
    """The alerts of one tape and everything around them."""

    def __init__(self, settings: Settings, tape: Tape, directory: Path, accounts: Accounts) -> None:
        """Open the files.

        Raises:
            AlertsError: one of them cannot be opened, or is something else.
        """
        self.endpoints = Endpoints(directory, settings.webhooks)
        self.runtime = AlertRuntime(tape, settings.alerts, directory)
        self.deliverer = Deliverer(self.runtime, self.endpoints, settings.webhooks, time.time_ns)
        self.runtime.on_fires.append(self.deliverer.on_fires)
        self.desk = AlertDesk(self.runtime, self.endpoints, accounts, time.time_ns)
        self.stream = AlertStream(self.desk, settings.alerts, time.time_ns)
        self.runtime.on_fires.append(self.stream.on_fires)

    async def run(self) -> None:
        """Evaluate and deliver, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.runtime.run())
            group.create_task(self.deliverer.run())
            group.create_task(self.stream.run())

    def close(self) -> None:
        """Commit what was evaluated, and let the files go."""
        self.runtime.close()
        self.endpoints.close()


def alert_metrics(alerting: Alerting) -> tuple[Metric, ...]:
    """What alerts tell about themselves under `/metrics`."""
    counts, deliverer = alerting.runtime.counts, alerting.deliverer
    return (
        Metric("alerts", "gauge", "Alerts that are kept.", lambda: counts()["alerts"]),
        Metric(
            "alerts_evaluated_mark",
            "gauge",
            "Mark up to which alerts are evaluated.",
            lambda: counts()["evaluated_m"],
        ),
        Metric(
            "alerts_uncommitted_fires", "gauge", "Rings that wait to be written.", lambda: counts()["waiting"]
        ),
        Metric("alerts_commits", "counter", "Commits of rings and changes.", lambda: counts()["commits"]),
        Metric(
            "alerts_commit_failures",
            "counter",
            "Commits that failed; they are made again.",
            lambda: counts()["commit_failures"],
        ),
        Metric(
            "alerts_pauses", "counter", "Times evaluation waited for the disk.", lambda: counts()["pauses"]
        ),
        Metric(
            "webhook_attempts",
            "counter",
            "What became of deliveries to webhooks.",
            lambda: {(name,): count for name, count in deliverer.counters.items()},
            ("outcome",),
        ),
        Metric("webhooks_in_flight", "gauge", "Webhook attempts under way.", lambda: deliverer.in_flight),
    )
