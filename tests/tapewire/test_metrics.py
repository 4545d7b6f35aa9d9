"""Metrics in Prometheus' text format."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tapewire.metrics import Metric, render


def test_values_are_read_at_each_scrape() -> None:
    """A plain integer, and whoever counts pays nothing for it."""
    counts = {"ticks": 0}
    metrics = [Metric("ticks", "counter", "Ticks numbered.", lambda: counts["ticks"])]
    assert b"tapewire_ticks_total 0.0" in render(metrics)
    counts["ticks"] = 2**53 - 1
    assert b"tapewire_ticks_total 9.007199254740991e+15" in render(metrics)


def test_a_scrape_can_be_parsed_by_prometheus_own_client() -> None:
    """Names, types, help and labels, with label values that need escaping."""
    text = render(
        [
            Metric("lag_marks", "gauge", "How far the store is behind.", lambda: 5),
            Metric("published", "counter", "By kind.", lambda: {("a",): 1, ('"\n\\',): 2}, ("kind",)),
        ]
    ).decode()
    gauge, counter = text_string_to_metric_families(text)
    assert (gauge.name, gauge.type, gauge.documentation) == (
        "tapewire_lag_marks",
        "gauge",
        "How far the store is behind.",
    )
    assert {(sample.labels["kind"], sample.value) for sample in counter.samples} == {
        ("a", 1.0),
        ('"\n\\', 2.0),
    }


def test_a_metric_without_any_label_values_is_announced_only() -> None:
    """A part that has not counted anything yet is no error."""
    text = render([Metric("published", "counter", "By kind.", dict, ("kind",))])
    assert b"# TYPE tapewire_published_total counter" in text
    assert b"\ntapewire_published_total" not in text


def test_a_reading_that_fails_is_not_hidden() -> None:
    """A mistake in a counter fails the scrape: a missing metric would look like a quiet one."""
    with pytest.raises(ZeroDivisionError):
        render([Metric("a", "gauge", "A.", lambda: 1 // 0)])
