"""The rules of bars, code by code, and the arithmetic of tallies."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape.bar_audit import rebuild
from tape.bar_rules import DAY_RULES, MINUTE_RULES, NO_BAR, PRINT, Tally, bar_tick, bar_values
from tests.tape import naive_bars
from tests.tape.bar_making import TEN, short, trade
from ticks import conditions, sources
from ticks.model import Bar, BarDaily, Trade
from ticks.times import NS_PER_DAY

REGULAR: Final = {"A": " ", "B": " ", "C": "@", "O": "@"}
FAR: Final = TEN + 2 * NS_PER_DAY

VECTORS: Final = [
    (
        [(10, 100, "@"), (11, 50, "@I"), (12, 200, "@4")],
        "o10 h10 l10 c10 v350 n3 vw10",
        "o10 h12 l10 c10 v350 n3 vw11.3333",
    ),
    (
        [(12, 200, "@4"), (10, 100, "@")],
        "o10 h10 l10 c10 v300 n2 vw10",
        "o12 h12 l10 c10 v300 n2 vw11.3333",
    ),
    ([(10, 100, "@T")], "o10 h10 l10 c10 v100 n1 vw10", None),
    ([(11, 5, "@I")], None, None),
    (
        [(10, 100, "@"), (10, 100_000, "M"), (10, 100_000, "6")],
        "o10 h10 l10 c10 v100100 n2 vw10",
        "o10 h10 l10 c10 v100100 n2 vw10",
    ),
    ([(10, 100, "@"), (9, 100, "9")], "o10 h10 l10 c10 v100 n1 vw10", "o10 h10 l9 c9 v100 n1 vw10"),
    ([(10, 100, "@F"), (10.5, 100, "@FW")], "o10 h10 l10 c10 v200 n2 vw10", "o10 h10 l10 c10 v200 n2 vw10"),
]
"""Trades of tape C in order, the minute bar and the daily bar (None: there is none)."""


def minute_and_day(trades: list[Trade]) -> tuple[Bar | None, Bar | None]:
    """The minute bar and the daily bar of trades of one symbol and minute."""
    bars = {type(bar): bar for bar in rebuild(trades, FAR)}
    return bars.get(Bar), bars.get(BarDaily)


@pytest.mark.parametrize(("told", "minute", "day"), VECTORS)
def test_worked_vectors_give_the_bars_written_beside_them(
    told: list[tuple[float, float, str]], minute: str | None, day: str | None
) -> None:
    """The vendor's algorithm on seven examples worked by hand."""
    trades = [trade(second, price, size, codes) for second, (price, size, codes) in enumerate(told)]
    found = [None if bar is None else short(bar) for bar in minute_and_day(trades)]
    assert found == [minute, day]


@pytest.mark.parametrize(
    ("tape", "code", "effects"),
    [(tape, code, row) for (tape, code), row in naive_bars.ROWS.items()],
    ids=[f"{tape}{code}" for tape, code in naive_bars.ROWS],
)
def test_each_code_updates_what_its_row_says(tape: str, code: str, effects: str) -> None:
    """Every cell of the vendor's table: open/close, high/low and volume, of minutes and of days."""
    plain = REGULAR[tape]
    first = [trade(0, 12, 300, code, tape=tape), trade(1, 10, 100, plain, tape=tape)]
    last = [trade(0, 10, 100, plain, tape=tape), trade(1, 12, 300, code, tape=tape)]
    for before, after, cells in zip(
        minute_and_day(first), minute_and_day(last), (effects[:3], effects[3:]), strict=True
    ):
        assert before is not None
        assert after is not None
        open_close, high_low, volume = cells[0], cells[1], cells[2]
        opened, closed = (12 if open_close in "FY" else 10), (12 if open_close == "Y" else 10)
        high, (counted, count) = (12 if high_low == "Y" else 10), ((400, 2) if volume == "Y" else (100, 1))
        vwap = 11.5 if high_low == volume == "Y" else 10
        rest = f"v{counted} n{count} vw{vwap}"
        assert short(before) == f"o{opened} h{high} l10 c10 {rest}"
        assert short(after) == f"o10 h{high} l10 c{closed} {rest}"


@pytest.mark.parametrize(
    ("tape", "code", "effects"),
    [(tape, code, row) for (tape, code), row in naive_bars.ROWS.items()],
    ids=[f"{tape}{code}" for tape, code in naive_bars.ROWS],
)
def test_a_lone_print_makes_a_bar_only_when_it_updates_everything(tape: str, code: str, effects: str) -> None:
    """A bar needs open, high, low, close and volume; F counts, for the print is the first."""
    bars = minute_and_day([trade(0, 10, 100, code, tape=tape)])
    for bar, cells in zip(bars, (effects[:3], effects[3:]), strict=True):
        assert (bar is not None) == ("N" not in cells)


def test_only_first_only_prints_close_at_the_first_of_them() -> None:
    """An F sets the close only while it is unset, so later ones change nothing."""
    _, day = minute_and_day([trade(0, 10, 100, "@4"), trade(1, 11, 100, "@4"), trade(2, 12, 100, "@4")])
    assert day is not None
    assert short(day) == "o10 h12 l10 c10 v300 n3 vw11"


def test_prints_of_one_instant_count_in_order_of_arrival() -> None:
    """Where times are equal the earlier arrival opens and the later one closes."""
    bar, _ = minute_and_day([trade(5, 11), trade(5, 12), trade(5, 13), trade(5, 12)])
    assert bar is not None
    assert short(bar) == "o11 h13 l11 c12 v400 n4 vw12"


def test_codes_say_whether_the_day_moves_not_the_session() -> None:
    """A corrected close is printed after hours and still sets the day's close."""
    late = trade(1, 9, 100, "9", session=conditions.POST)
    _, day = minute_and_day([trade(0, 10), late])
    assert day is not None
    assert short(day) == "o10 h10 l9 c9 v100 n1 vw10"


def test_a_bar_without_a_print_for_the_vwap_has_none() -> None:
    """High, low and volume may come from different prints: the vwap then is 0, not an error."""
    _, day = minute_and_day([trade(0, 9, 100, "9"), trade(1, 10, 50, "@I")])
    assert day is not None
    assert short(day) == "o9 h9 l9 c9 v50 n1 vw0"


@pytest.mark.parametrize(
    ("prints", "vwap"),
    [
        ([(1, 1), (2, 1)], 2),  # 1.5, halves go up
        ([(1, 2), (2, 1)], 1),  # 1.33
        ([(1, 1), (2, 2)], 2),  # 1.67
        ([(10**18 + 1, 10**15), (10**18 + 3, 10**15)], 10**18 + 2),  # beyond what a float or 64 bits hold
    ],
)
def test_the_vwap_is_the_exact_quotient_rounded_to_the_nearest(
    prints: list[tuple[int, int]], vwap: int
) -> None:
    """No float comes near it, whatever the magnitude."""
    tally = Tally()
    rows = b"".join(PRINT.pack(n, price, size, 0, 0xAA, 0) for n, (price, size) in enumerate(prints))
    tally.add(rows, 0, MINUTE_RULES)
    assert tally.values()[6] == vwap


def test_a_volume_beyond_64_bits_stays_at_their_end() -> None:
    """Absurd sizes give a bar that the tape can still hold."""
    tally = Tally()
    tally.add(PRINT.pack(0, 1, 2**63 - 1, 0, 0xFA, 0) * 3, 0, DAY_RULES)
    assert tally.values() == (1, 1, 1, 1, 2**63 - 1, 3, 1)


@pytest.mark.parametrize("elig", [0, conditions.MIN_HL | conditions.MIN_VOL, conditions.YES << 2])
def test_prints_that_leave_a_field_unset_are_no_bar(elig: int) -> None:
    """Nothing at all, no open and close, or neither high and low nor volume."""
    tally = Tally()
    assert tally.values() == NO_BAR
    tally.add(PRINT.pack(1, 10, 100, 0, elig, 0), 0, MINUTE_RULES)
    assert tally.values() == NO_BAR


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(1, 9),
            st.integers(0, 9),
            st.sampled_from((0xFF & ~0x05, 0x95, 0xC0, 0xF5)),
        ),
        max_size=30,
    ),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_a_tally_of_parts_is_the_tally_of_the_whole(
    prints: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    """Adding in pieces and merging pieces give what adding everything at once gives."""
    rows = b"".join(PRINT.pack(ts, price, size, 0, elig, 0) for ts, price, size, elig in prints)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(prints)), max_size=4)))
    for rules in (MINUTE_RULES, DAY_RULES):
        whole, added, merged = Tally(), Tally(), Tally()
        whole.add(rows, 0, rules)
        for start, end in zip([0, *cuts], [*cuts, len(prints)], strict=True):
            part = Tally()
            part.add(rows[: end * PRINT.size], start, rules)
            merged.merge(part)
            added.add(rows[: end * PRINT.size], start, rules)
        assert added == whole
        assert merged == whole


def test_a_bar_tick_is_ours_and_gives_its_values_back() -> None:
    """What is published can be read again after a restart."""
    values = (1, 2, 3, 4, 5, 6, 7)
    bar = bar_tick(BarDaily, "SPY", 11, 22, 4, values, 8, True)
    assert (bar.source, bar.ts_event, bar.ts_recv, bar.flags, bar.rev, bar.final) == (
        sources.DERIVED,
        11,
        22,
        4,
        8,
        True,
    )
    assert bar_values(bar) == values
