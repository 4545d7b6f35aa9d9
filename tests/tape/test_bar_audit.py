"""The audit: bars of stored trades, real ones too, and what makes stored bars equal to them."""

from itertools import chain
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tape.bar_audit import differences, is_final, rebuild
from tape.bar_rules import NO_BAR, Values, bar_tick, bar_values
from tests.tape import lean, naive_bars
from tests.tape.bar_making import (
    MIDNIGHT,
    TEN,
    as_print,
    builder,
    cancel,
    last_values,
    minute,
    place,
    seconds,
    short,
    to_the_end,
    trade,
)
from ticks.model import Bar, BarDaily, BarRevision, Tick
from ticks.times import NS_PER_DAY, parse_time

FAR: Final = TEN + 10 * NS_PER_DAY
VALUES: Final[Values] = (1, 2, 3, 4, 5, 6, 7)
OTHER: Final[Values] = (1, 2, 3, 4, 5, 6, 8)

LEAN_SHARES: Final = {"SPY": 97_062_721, "BAC": 64_411_712, "IBM": 3_960_352}
LEAN_ROWS: Final = {"SPY": 250_601, "BAC": 88_172, "IBM": 24_293}
LEAN_PRICES: Final = {"SPY": (167.01, 168.90), "BAC": (13.79, 14.12), "IBM": (181.35, 183.31)}


def stored(values: Values = VALUES, rev: int = 0, kind: type[Bar] = Bar, start_ns: int = TEN) -> Bar:
    """A bar as it was stored."""
    return bar_tick(kind, "SPY", start_ns, start_ns, 0, values, rev, False)


def test_rebuilt_bars_come_in_order_with_revision_zero() -> None:
    """Minutes first, then days, each by symbol and start; the clock says which are final."""
    ticks = [trade(61, 10, symbol="SPY"), trade(0, 11), trade(61, 12), trade(14 * 3600, 13)]
    bars = rebuild(ticks, TEN + seconds(14 * 3600 + 30))
    assert [place(bar) for bar in bars] == [
        ("minute", "AAPL", minute(0)),
        ("minute", "AAPL", minute(60)),
        ("minute", "AAPL", minute(14 * 3600)),
        ("minute", "SPY", minute(60)),
        ("day", "AAPL", MIDNIGHT),
        ("day", "AAPL", MIDNIGHT + NS_PER_DAY),
        ("day", "SPY", MIDNIGHT),
    ]
    assert {bar.rev for bar in bars} == {0}
    assert {bar.ts_recv for bar in bars} == {TEN + seconds(14 * 3600 + 30)}
    assert [bar.final for bar in bars] == [True, True, False, True, False, False, False]


def test_a_rebuild_takes_withdrawals_into_account() -> None:
    """However long after its print one came."""
    bad = trade(5, 99, trade_id=1)
    bars = rebuild([bad, trade(6, 10, trade_id=2), cancel(bad, 9000)], FAR)
    assert [short(bar) for bar in bars] == ["o10 h10 l10 c10 v100 n1 vw10"] * 2


@pytest.mark.parametrize(
    ("start", "daily", "final"),
    [
        ("2026-07-13T14:00:00Z", False, "2026-07-13T14:16:00Z"),
        ("2026-07-13T04:00:00Z", True, "2026-07-14T04:15:00Z"),
        ("2026-11-01T04:00:00Z", True, "2026-11-02T05:15:00Z"),
    ],
)
def test_a_bar_is_final_a_quarter_of_an_hour_after_its_end(start: str, daily: bool, final: str) -> None:
    """Of a day that has 25 hours too."""
    assert is_final(parse_time(start), daily, parse_time(final))
    assert not is_final(parse_time(start), daily, parse_time(final) - 1)


def test_equal_bars_differ_in_nothing() -> None:
    """The newest revision counts, in whatever order they were stored."""
    bars = [stored(VALUES, 2, BarRevision), stored(OTHER, 1, BarRevision), stored(OTHER)]
    assert differences(bars, [stored()], FAR) == []


def test_a_difference_is_the_next_revision_and_final() -> None:
    """Of a minute and of a day."""
    bars = [stored(OTHER, 3, BarRevision), stored(OTHER, 40, BarDaily, MIDNIGHT)]
    revisions = differences(bars, [stored(), stored(VALUES, 0, BarDaily, MIDNIGHT)], FAR)
    assert [(type(bar), bar.rev, bar.final, bar_values(bar)) for bar in revisions] == [
        (BarRevision, 4, True, VALUES),
        (BarDaily, 41, True, VALUES),
    ]
    assert {bar.ts_recv for bar in revisions} == {FAR}


def test_a_bar_that_was_never_stored_is_revised_into_being() -> None:
    """As back-filled ones are: there was no first bar."""
    (revision,) = differences([], [stored()], FAR)
    assert (type(revision), revision.rev) == (BarRevision, 1)


def test_a_stored_bar_that_should_not_be_is_revised_to_zeros() -> None:
    """And only once."""
    (revision,) = differences([stored()], [], FAR)
    assert (bar_values(revision), revision.rev, revision.ts_event) == (NO_BAR, 1, TEN)
    assert differences([stored(), revision], [], FAR) == []


def test_what_is_not_final_is_left_to_the_builder() -> None:
    """Two authors must not revise the same bar."""
    assert differences([stored(OTHER)], [stored()], TEN + seconds(959)) == []
    assert len(differences([stored(OTHER)], [stored()], TEN + seconds(960))) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from((VALUES, OTHER, NO_BAR)), st.booleans()), max_size=12
    )
)
@settings(max_examples=100, deadline=None)
def test_with_the_differences_published_the_stored_bars_equal_the_rebuilt(
    told: list[tuple[int, Values, bool]],
) -> None:
    """For any stored bars and any rebuilt ones, and a second audit finds nothing."""
    bars: list[Bar] = []
    rebuilt: dict[int, Bar] = {}
    for number, values, is_stored in told:
        start_ns = TEN + seconds(60 * number)
        if is_stored:
            rev = sum(bar.ts_event == start_ns for bar in bars)
            bars.append(stored(values, rev, BarRevision if rev else Bar, start_ns))
        elif values != NO_BAR:
            rebuilt[start_ns] = stored(values, 0, Bar, start_ns)
    bars += differences(bars, rebuilt.values(), FAR)
    assert last_values(bars) == {place(bar): bar_values(bar) for bar in rebuilt.values()}
    assert differences(bars, rebuilt.values(), FAR) == []


@pytest.mark.parametrize("symbol", ["IBM", "BAC", "SPY"])
def test_a_real_day_gives_the_bars_of_the_naive_reading(symbol: str) -> None:
    """Every minute and the day, with auctions, extended hours, average prices and late prints in them."""
    trades = lean.trades(symbol)
    found = {place(bar): bar_values(bar) for bar in rebuild(trades, FAR)}
    assert found == naive_bars.bars(map(as_print, trades))
    assert len(found) > 390


@pytest.mark.parametrize("symbol", ["IBM", "BAC", "SPY"])
def test_a_real_day_streamed_ends_where_it_is_rebuilt(symbol: str) -> None:
    """In batches, with the clock of the ticks: each minute once, nothing late, all of it published."""
    bars = builder(kept_trades=20_000)
    trades = lean.trades(symbol)
    published: list[Tick] = []
    for at in range(0, len(trades), 100):
        published += bars.on_ticks(list(trades[at : at + 100]))
    published += to_the_end(bars)
    assert last_values(published) == {place(bar): bar_values(bar) for bar in rebuild(trades, FAR)}
    assert not any(isinstance(bar, BarRevision) for bar in published)
    assert bars.take_rebuilds() == []


@pytest.mark.parametrize("symbol", ["IBM", "BAC", "SPY"])
def test_a_real_days_volume_is_all_accounted_for(symbol: str) -> None:
    """Shares in minute bars, in minutes without a bar, and in official prints are the shares of the file."""
    trades = lean.trades(symbol)
    bars = rebuild(trades, FAR)
    minutes = {bar.ts_event: bar for bar in bars if not isinstance(bar, BarDaily)}
    (day,) = (bar for bar in bars if isinstance(bar, BarDaily))
    official = [tick for tick in trades if set(tick.conds) & set("MQ9")]
    barless = [
        tick
        for tick in trades
        if tick.ts_event // 60_000_000_000 * 60_000_000_000 not in minutes and tick not in official
    ]
    left_out = chain(official, barless)
    assert len(trades) == LEAN_ROWS[symbol]
    assert sum(tick.size for tick in trades) == LEAN_SHARES[symbol] * 10**6
    shares = sum(bar.volume for bar in minutes.values()) + sum(tick.size for tick in left_out)
    assert shares == LEAN_SHARES[symbol] * 10**6
    assert day.volume + sum(tick.size for tick in official) == LEAN_SHARES[symbol] * 10**6
    assert day.count + len(official) == LEAN_ROWS[symbol]
    low, high = LEAN_PRICES[symbol]
    assert low * 1e9 <= day.low <= day.vwap <= day.high <= high * 1e9 + 1
