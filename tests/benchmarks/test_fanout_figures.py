"""What the fan-out benchmark makes of what it measured."""

from msgspec import structs

from benchmarks._fanout_figures import (
    WORKLOADS,
    Measured,
    Workload,
    medians,
    ratios,
    rotated,
    spread,
    totals,
)

RUN = Measured(
    connections=100, upgraded=100, lost=0, connect_seconds=0.1, seconds=2.0, deliveries=20_000,
    updates=20_000, holes=0, repeats=0, strangers=0, errors=0, bytes=2_400_000, least=200, most=200,
    p50_ms=1.0, p99_ms=4.0, most_ms=9.0, cpu_seconds=0.5, writes=10_000, client_seconds=2.0,
    others_seconds=0.2, empty_kib=40_000, idle_kib=41_000, loaded_kib=41_500,
)  # fmt: skip


def test_a_workload_offers_each_subscription_its_share_of_the_ticks() -> None:
    """2,000 ticks/s over 500 symbols are 4 a second each, for 10 symbols of 1,000 connections."""
    assert Workload(1_000, 10, 2_000, 0).offered == 40_000
    assert WORKLOADS["B"].offered == WORKLOADS["C"].offered == 500_000


def test_figures_are_rates_per_second_and_per_second_of_processor_time() -> None:
    """Deliveries and writes over the time and over the server's processor time."""
    figures = RUN.figures()
    assert figures["deliveries_per_s"] == 10_000
    assert figures["deliveries_per_cpu_s"] == 40_000
    assert figures["writes_per_cpu_s"] == 20_000
    assert figures["deliveries_per_write"] == 2
    assert figures["idle_kib_per_connection"] == 10
    assert figures["loaded_kib_per_connection"] == 15
    assert figures["others_cores"] == 0.1


def test_a_server_that_used_no_measurable_time_divides_by_the_kernels_step() -> None:
    """Not by zero."""
    assert structs.replace(RUN, cpu_seconds=0.0, writes=0).figures()["deliveries_per_cpu_s"] == 2_000_000


def test_everything_a_client_could_complain_of_is_wrong() -> None:
    """Connections that were refused or ended, ticks that are missing, doubled or unasked for."""
    assert RUN.wrong == 0
    run = structs.replace(RUN, upgraded=99, lost=1, holes=2, repeats=3, strangers=4, errors=5)
    assert run.wrong == 16
    assert totals({"hub": [run, RUN], "wall": [RUN]}) == {"hub": 16, "wall": 0}


def test_the_median_counts_and_one_bad_round_does_not() -> None:
    """Rounds that another program disturbed are outvoted."""
    disturbed = structs.replace(RUN, p99_ms=400.0, cpu_seconds=5.0)
    assert medians([RUN, disturbed, RUN])["p99_ms"] == 4.0
    assert spread([RUN, disturbed, RUN], "writes_per_cpu_s") == 0.9


def test_ratios_compare_runs_of_the_same_round() -> None:
    """When the whole machine is slow for a round, both are, and the ratio stays."""
    slow = structs.replace(RUN, cpu_seconds=1.0)
    half = structs.replace(RUN, cpu_seconds=1.0)
    quarter = structs.replace(RUN, cpu_seconds=2.0)
    assert ratios([RUN, slow], [half, quarter])["writes_per_cpu_s"] == 2.0


def test_a_figure_that_the_other_does_not_have_gives_no_ratio() -> None:
    """A program whose memory cannot be seen to grow is no measure of it."""
    other = structs.replace(RUN, loaded_kib=RUN.empty_kib)
    assert "loaded_kib_per_connection" not in ratios([RUN], [other])


def test_each_server_is_first_as_often_as_any_other() -> None:
    """What comes first in a round may find another machine than what comes last."""
    names = ["wall", "peer", "hub"]
    assert [rotated(names, turn)[0] for turn in range(4)] == ["wall", "peer", "hub", "wall"]
    assert all(sorted(rotated(names, turn)) == sorted(names) for turn in range(4))
