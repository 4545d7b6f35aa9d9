"""The benchmark of the hub's own code, with very little to do."""

import pytest

from benchmarks._fanout_figures import Workload
from benchmarks.hub_core import STEPS, Bench, DevNull, measure

SMALL = Workload(30, 5, 2_000, 10, universe=50)


def test_every_round_of_ticks_is_written_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection gets as many ticks of each round as it has subscriptions; nothing stays behind."""
    written: list[bytes] = []
    monkeypatch.setattr(DevNull, "write", lambda self, data: written.append(data))
    Bench(SMALL).run(SMALL)
    rounds, more = divmod(STEPS * 2 + 1, SMALL.universe)
    least = rounds * SMALL.connections * SMALL.subscriptions
    told = b"".join(written).count(b'{"op":"t"')
    assert least <= told <= least + more * SMALL.connections


def test_the_line_holds_costs_and_memory() -> None:
    """Nothing of it is zero."""
    line = measure("small", SMALL, 1)
    assert line["benchmark"] == "hub_core/small"
    for figure in ("publish_ns_per_delivery", "flush_ns_per_write", "ns_per_write", "kib_per_connection"):
        value = line[figure]
        assert isinstance(value, float)
        assert value > 0
