"""The fan-out benchmark itself, with very little to do."""

import json
import shutil

import pytest

from benchmarks import _fanout_build as build
from benchmarks import fanout
from benchmarks._fanout_figures import WORKLOADS, Workload

SMALL = {"small": Workload(20, 5, 1_000, 0, universe=50), "slow": Workload(20, 5, 1_000, 10, universe=50)}
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.mark.parametrize("workload", SMALL)
def test_hub_and_c_program_deliver_everything(workload: str) -> None:
    """No hole, nothing twice, every connection with its share."""
    for server in ("wall", "hub"):
        measured = fanout.run(server, SMALL[workload], 0.3)
        assert measured.wrong == 0
        assert measured.least > 0
        assert measured.writes > 0
        assert measured.loaded_kib > 0


def test_lines_hold_medians_and_ratios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each server, and one of the hub beside each other server."""
    monkeypatch.setitem(WORKLOADS, "small", SMALL["small"])
    arguments = ["--workloads", "small", "--servers", "wall,hub", "--rounds", "1", "--seconds", "0.2"]
    assert fanout.main(arguments) == 0
    lines = {line["benchmark"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(lines) == ["fanout/small/wall", "fanout/small/hub", "fanout/small"]
    assert lines["fanout/small"]["wrong"] == {"wall": 0, "hub": 0}
    assert lines["fanout/small"]["of_wall"]["deliveries_per_s"] > 0
    assert lines["fanout/small/hub"]["machine"]


def test_the_peer_is_left_out_where_it_cannot_be_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is said; without the C program there is no benchmark."""

    def missing() -> None:
        raise build.BuildError("go is not installed")

    monkeypatch.setattr(build, "build_peer", missing)
    assert fanout.available(fanout.SERVERS) == ["wall", "hub"]
    assert "go is not installed" in capsys.readouterr().err
    monkeypatch.setattr(build, "build_c", lambda name: missing())
    with pytest.raises(build.BuildError):
        fanout.available(fanout.SERVERS)
