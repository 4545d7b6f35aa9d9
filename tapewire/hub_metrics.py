"""What the hub tells about itself under `/metrics`."""

from hub.hub import Hub
from tapewire.metrics import Metric


def hub_metrics(hub: Hub) -> tuple[Metric, ...]:
    """Gauges of now and counters since the start; reading them costs the hub nothing."""
    return (
        Metric(
            "hub_connections", "gauge", "WebSocket clients that are connected.", lambda: len(hub.connections)
        ),
        Metric(
            "hub_behind", "gauge", "Subscriptions that are being served from the tape.", lambda: hub.behind
        ),
        Metric(
            "hub_backlog_marks",
            "gauge",
            "Marks that the raw subscription furthest behind lacks.",
            hub.backlog,
        ),
        Metric(
            "hub_events",
            "counter",
            "What happened to clients and their subscriptions, by kind.",
            lambda: {(name,): count for name, count in hub.counters.items()},
            ("event",),
        ),
    )
