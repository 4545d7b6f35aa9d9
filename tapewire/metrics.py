"""Metrics for Prometheus: plain integers, read when somebody asks for them.

Nothing here is called on a tick's way. Each part of the system counts in plain integers; a
`Metric` says how to read one, and the collector reads them all at a scrape.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

PREFIX: Final = "tapewire_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Reading = int | float | Mapping[tuple[str, ...], int | float]
"""One number, or one number for each combination of label values."""


class Metric(Struct, frozen=True):
    """One metric and where its value is read."""

    name: str
    """Without `tapewire_` before and, for a counter, without `_total` behind; unit last."""
    kind: Literal["counter", "gauge"]
    help: str
    read: Callable[[], Reading]
    """Called at each scrape, in the event loop: it must be quick and must not raise."""
    labels: tuple[str, ...] = ()


class MetricsCollector(Collector):
    """Reads metrics for the Prometheus client."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Family]:
        """All metrics, as they are now."""
        return [_family(metric) for metric in self._metrics]


def render(metrics: Sequence[Metric]) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MetricsCollector(metrics))
    return generate_latest(registry)


def _family(metric: Metric) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(PREFIX + metric.name, metric.help, labels=metric.labels)
    reading = metric.read()
    values = reading if isinstance(reading, Mapping) else {(): reading}
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
