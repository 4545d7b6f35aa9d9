"""The builder after a restart, and repairs of what it could not do in time."""

import pytest

from tape.bars import restore_from_ns
from tests.tape.bar_making import MIDNIGHT, TEN, at_time, builder, cancel, seconds, to_the_end, told, trade
from ticks.model import Tick
from ticks.times import NS_PER_DAY, parse_time


def test_a_day_that_was_ended_before_a_restart_is_not_ended_again() -> None:
    """Its final bar is on the tape, though a restart just after that still looks at the day."""
    end = "2026-07-14T04:15:00Z"
    first = builder()
    late = trade(14 * 3600 - 1, 10)
    tape: list[Tick] = [late, *first.on_ticks([late])]
    while (due_ns := first.due_ns) is not None and due_ns <= parse_time(end):
        tape += first.on_time(due_ns)
    assert told(tape[-1:])[0].startswith("d1!")
    second = builder()
    second.restore(tape)
    assert to_the_end(second) == []


def test_a_withdrawal_waits_a_quarter_of_an_hour_for_its_print() -> None:
    """After that a print of the same name is another one."""
    bars = builder()
    bars.on_ticks([trade(0, 10), cancel(trade(1000, 10, trade_id=5), 10)])
    at_time(bars, 909)
    bars.on_ticks([trade(908, 11)])
    at_time(bars, 990)
    bars.on_ticks([trade(1000, 10, trade_id=5)])
    assert bars.counts.withdrawn == 0


def test_a_restart_within_a_minute_publishes_what_was_not() -> None:
    """The bar of a minute that ended while nobody was there comes at once, others not again."""
    tape: list[Tick] = []
    first = builder()
    for tick in (trade(0, 10), trade(61, 11), trade(121, 12), trade(122, 13, symbol="SPY")):
        tape += [tick, *first.on_ticks([tick])]
    tape += first.on_time(TEN + seconds(125))
    second = builder()
    second.restore(tape)
    assert told(at_time(second, 600)) == [
        "b0 o12 h12 l12 c12 v100 n1 vw12",
        "d2 o10 h12 l10 c12 v300 n3 vw11",
        "b0 o13 h13 l13 c13 v100 n1 vw13",
        "d0 o13 h13 l13 c13 v100 n1 vw13",
    ]


def test_a_restore_after_a_bar_was_lost_marks_its_day() -> None:
    """A sealed minute that the tape never showed published is for the audit."""
    bars = builder()
    bars.restore([trade(0, 10)])
    bars.restore([trade(5000, 11, symbol="SPY")])
    assert bars.take_rebuilds() == [("AAPL", MIDNIGHT // NS_PER_DAY)]
    assert {bar.symbol for bar in at_time(bars, 5100)} == {"SPY"}


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-07-13T14:00:00Z", "2026-07-13T04:00:00Z"),
        ("2026-07-14T04:14:59Z", "2026-07-13T04:00:00Z"),
        ("2026-07-14T04:15:00Z", "2026-07-14T04:00:00Z"),
    ],
)
def test_a_restore_needs_the_day_that_is_not_final(now: str, start: str) -> None:
    """Since midnight in New York; shortly after it, since the midnight before."""
    assert restore_from_ns(parse_time(now)) == parse_time(start)


def test_mending_makes_the_running_day_right() -> None:
    """A print of hours ago is cancelled: the day goes on without it."""
    bars = builder()
    bad = trade(0, 99, trade_id=1)
    ticks: list[Tick] = [trade(1, 10, trade_id=2), bad, trade(5000, 11, trade_id=3), cancel(bad, 5001)]
    bars.on_ticks(ticks[:2])
    at_time(bars, 1000)
    bars.on_ticks(ticks[2:])
    for marked in bars.take_rebuilds():
        bars.mend(*marked, ticks)
    assert told(at_time(bars, 5041))[-1].endswith("o10 h11 l10 c11 v200 n2 vw10.5")
    assert bars.take_rebuilds() == []
