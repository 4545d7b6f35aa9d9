"""A simulated market to prove things in."""

from pathlib import Path

import pytest

from proofs.aims import ProofError
from proofs.lib import Proof
from proofs.markets import Market, percentile, span


def test_percentile_is_the_value_below_which_a_share_lies() -> None:
    """Of many and of one; of none there is none."""
    values = [float(value) for value in range(1_000)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (500.0, 990.0)
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ProofError):
        percentile([], 0.5)


def test_readers_beside_a_market_tell_latency_within_spans(tmp_path: Path) -> None:
    """A real demo, a real crowd, and what the hub tells of itself."""
    proof = Proof(1, False, tmp_path)
    try:
        market = Market(proof, symbols=4, rate=200, settings={"HUB__PING_S": 3})
        crowd = market.live(2)
        assert market.told("tapewire_hub_connections") == 2
        assert market.memory_mib() > 10
        within = span(3.0)
        found = crowd.end()
        ticks = found.pop("ticks")
        assert ticks > 0
        assert not any(found.values())
        latencies = crowd.latencies_ms([within])
        assert 0 < len(latencies) < ticks
        assert latencies == sorted(latencies)
        assert crowd.latencies_ms([(0, 1)]) == []
        with pytest.raises(ProofError):
            market.told("no_such_metric")
    finally:
        for child in proof.children:
            child.end()


def test_a_market_that_does_not_start_is_told(tmp_path: Path) -> None:
    """With what it said."""
    proof = Proof(1, False, tmp_path)
    with pytest.raises(ProofError, match="NO_SUCH"):
        Market(proof, symbols=4, rate=200, settings={"HUB__NO_SUCH": 1})
    for child in proof.children:
        child.end()
