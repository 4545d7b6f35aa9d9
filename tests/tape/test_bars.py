"""The builder: when a bar is published, revised and final, and that it ends where a rebuild ends."""

from typing import Final

import pytest
from msgspec import structs

from feeds.iex import IexSession
from feeds.pcap import PcapReader
from feeds.recordings import Recording
from tape.bar_audit import rebuild
from tape.bar_rules import bar_values
from tape.batch import Batch
from tests.feeds.data import TOPS_2026, real
from tests.tape.bar_making import (
    MIDNIGHT,
    TEN,
    at_time,
    builder,
    cancel,
    last_values,
    minute,
    place,
    quote,
    seconds,
    short,
    to_the_end,
    told,
    trade,
)
from ticks import flags
from ticks.model import Bar, BarDaily, BarRevision, FeedEvent, Tick
from ticks.sources import ALPACA_SIP, HUB, IEX_TOPS
from ticks.times import NS_PER_DAY, parse_time

FAR: Final = TEN + 10 * NS_PER_DAY


# When a bar is published


def test_a_bar_comes_one_grace_after_the_feed_passed_its_end() -> None:
    """The first tick of the next minute shows that the minute is over; 100 ms later the bar is out."""
    bars = builder()
    assert bars.on_ticks([trade(5, 10), trade(50, 11)]) == []
    assert bars.on_ticks([trade(60, 12, received=60.05)]) == []
    assert bars.due_ns == TEN + seconds(60.15)
    assert at_time(bars, 60.149) == []
    ticks = at_time(bars, 60.15)
    assert told(ticks) == ["b0 o10 h11 l10 c11 v200 n2 vw10.5", "d0 o10 h11 l10 c11 v200 n2 vw10.5"]
    assert [(bar.ts_event, bar.ts_recv) for bar in ticks] == [
        (minute(0), TEN + seconds(60.15)),
        (MIDNIGHT, TEN + seconds(60.15)),
    ]


def test_ticks_alone_move_the_clock() -> None:
    """A replay at full speed needs no timer: each tick's time of receipt publishes what is due."""
    bars = builder()
    assert bars.on_ticks([trade(0, 10)]) == []
    assert bars.on_ticks([trade(60, 11)]) == []
    assert told(bars.on_ticks([trade(60.1, 12)]))[0] == "b0 o10 h10 l10 c10 v100 n1 vw10"


def test_any_kind_of_tick_shows_what_time_it_is() -> None:
    """A quote of another symbol passes the end as well as a trade does."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    bars.on_ticks([quote(60)])
    assert bars.due_ns == TEN + seconds(60.1)


@pytest.mark.parametrize(
    "tick",
    [
        FeedEvent(
            HUB, 0, "*", TEN + seconds(60), 0, TEN + seconds(60), 0, 0, "gap_open", "", "*", 0, 0, 0, ""
        ),
        FeedEvent(
            ALPACA_SIP, 0, "*", TEN + seconds(60), 0, TEN + seconds(60), 0, 0, "state", "", "*", 0, 0, 0, ""
        ),
        trade(60, 10, symbol="SPY", flags=flags.TS_EVENT_ESTIMATED),
        trade(60, 10, symbol="SPY", flags=flags.SNAPSHOT),
        trade(60, 10, symbol="SPY", flags=flags.BACKFILL),
    ],
)
def test_what_bears_our_own_time_shows_nothing_of_the_feeds(tick: Tick) -> None:
    """It does not close the minute of a feed that lags."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    bars.on_ticks([tick])
    assert bars.due_ns == TEN + seconds(61)


@pytest.mark.parametrize("stamp", [60.2, 3600.0])
def test_a_stamp_from_the_future_does_not_pass_the_end(stamp: float) -> None:
    """An event is not later than its receipt, whatever the venue's clock says."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    bars.on_ticks([trade(stamp, 11, received=50)])
    assert bars.due_ns == TEN + seconds(61)


def test_a_quiet_or_lagging_feed_is_waited_for_one_second() -> None:
    """Nothing passes the end, so the clock alone decides."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    assert at_time(bars, 60.999) == []
    assert len(at_time(bars, 61)) == 2


def test_a_print_within_the_grace_is_still_of_the_first_bar() -> None:
    """That is what the grace is for."""
    bars = builder()
    bars.on_ticks([trade(5, 10), trade(60, 11)])
    bars.on_ticks([trade(59.9, 12, received=60.05)])
    assert told(at_time(bars, 60.1))[0] == "b0 o10 h12 l10 c12 v200 n2 vw11"


def test_symbols_without_a_bar_publish_nothing() -> None:
    """Only an odd lot, or only an official close: no bar, and no filling."""
    bars = builder()
    bars.on_ticks([trade(0, 10, 5, "@I"), trade(1, 10, 5, "M", symbol="SPY"), trade(2, 10, symbol="IBM")])
    assert {bar.symbol for bar in to_the_end(bars)} == {"IBM"}


def test_the_daily_bar_follows_each_minute_of_its_symbol() -> None:
    """Cumulative, numbered by its publications, while the symbol trades."""
    bars = builder()
    ticks = bars.on_ticks([trade(0, 10), trade(61, 12), trade(62, 20, symbol="SPY"), trade(200, 9)])
    ticks += at_time(bars, 300)
    assert told([bar for bar in ticks if isinstance(bar, BarDaily) and bar.symbol == "AAPL"]) == [
        "d0 o10 h10 l10 c10 v100 n1 vw10",
        "d1 o10 h12 l10 c12 v200 n2 vw11",
        "d2 o10 h12 l9 c9 v300 n3 vw10.3333",
    ]


def test_extended_hours_make_minutes_and_no_day() -> None:
    """Before the open there are minute bars and no daily bar; the volume counts later."""
    bars = builder()
    ticks = bars.on_ticks([trade(-7200, 10, 100, "@T")]) + at_time(bars, -7000)
    assert told(ticks) == ["b0 o10 h10 l10 c10 v100 n1 vw10"]
    bars.on_ticks([trade(0, 11, 100)])
    assert told(at_time(bars, 61))[1] == "d0 o11 h11 l11 c11 v200 n2 vw11"


@pytest.mark.parametrize("wrong", [37.0, -37.0, 86_400.0 * 365 * 9])
def test_a_clock_that_is_wrong_does_not_cut_minutes_short(wrong: float) -> None:
    """Receipts 37 s late throughout, as in a real recording; or early; or of a replay nine years later."""
    bars = builder()
    ticks: list[Tick] = []
    for tenth in range(3000):
        at = tenth / 10
        batch: list[Tick] = [trade(at, 10 + tenth, received=at + wrong)]
        ticks += bars.on_ticks(batch)
        ticks += bars.on_time(TEN + seconds(at + wrong + 0.05))
    minutes = [bar for bar in ticks if isinstance(bar, Bar) and not isinstance(bar, BarDaily)]
    assert [bar.count for bar in minutes] == [600] * 4
    for number, bar in enumerate(minutes, 1):
        assert 0 <= bar.ts_recv - TEN - seconds(60 * number + wrong + 0.1) <= seconds(1)
    assert bars.counts.late == bars.counts.ahead == bars.counts.too_late == 0


def test_what_is_due_is_told_in_our_time() -> None:
    """The caller sets a timer by it."""
    bars = builder()
    bars.on_ticks([trade(5, 10, received=42)])
    assert bars.due_ns == TEN + seconds(61 + 37)
    assert bars.on_time(TEN + seconds(61 + 36.999)) == []
    assert len(bars.on_time(TEN + seconds(61 + 37))) == 2


def test_what_comes_within_the_grace_does_not_prolong_it() -> None:
    """Another minute is begun meanwhile, by a late print."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    bars.on_ticks([quote(60)])
    bars.on_ticks([trade(-30, 10, received=60.05), quote(60.05)])
    assert bars.due_ns == TEN + seconds(60.1)


def test_a_clock_asked_before_the_first_tick_does_not_outdate_it() -> None:
    """A timer runs already when a recording of long ago begins."""
    bars = builder()
    assert bars.on_time(FAR) == []
    bars.on_ticks([trade(5, 10)])
    assert (bars.counts.placed, bars.counts.too_late) == (1, 0)


def test_ticks_without_a_time_of_receipt_are_taken() -> None:
    """Nothing then says that they are ahead of anything; the clock alone closes their minute."""
    bars = builder()
    bars.on_ticks([structs.replace(trade(5, 10), ts_recv=0)])
    assert bars.counts.placed == 1
    assert len(at_time(bars, 61)) == 2


def test_a_real_recording_whose_receipts_are_37_seconds_late_is_cut_into_whole_minutes() -> None:
    """IEX of 13 July 2026 before the open: each bar comes once, whole, and there is no day yet."""
    recording = Recording(real(TOPS_2026))
    reader, session, bars = PcapReader(), IexSession(IEX_TOPS, replay=True), builder()
    published: list[Tick] = []
    taken: list[Tick] = []
    for chunk in iter(recording.read, b""):
        for packet in reader.feed(chunk):
            ticks = list(session.receive(packet.payload, packet.time_ns))
            taken += ticks
            published += bars.on_ticks(ticks)
    recording.close()
    published += bars.on_time(taken[-1].ts_recv + seconds(62))
    assert {type(bar) for bar in published} == {Bar}
    assert last_values(published) == {
        place(bar): bar_values(bar) for bar in rebuild(taken, taken[-1].ts_recv)
    }
    assert len(published) == 244
    assert (bars.counts.placed, bars.counts.late) == (757, 0)


# Revisions


def test_late_prints_are_published_once_thirty_seconds_after_the_end() -> None:
    """However many come, and whenever they come before that."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    at_time(bars, 61)
    late = [trade(6, 12, received=65), trade(7, 13, received=70), trade(4, 9, received=89)]
    assert [bars.on_ticks([tick]) for tick in late] == [[], [], []]
    assert at_time(bars, 89.999) == []
    assert told(at_time(bars, 90)) == [
        "u1 o9 h13 l9 c13 v400 n4 vw11",
        "d1 o9 h13 l9 c13 v400 n4 vw11",
    ]


def test_after_that_at_most_once_a_minute() -> None:
    """At 30 s, 90 s, 150 s … after the end, and only what changed."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    at_time(bars, 61)
    published = []
    for second in range(62, 400, 7):
        ticks = bars.on_ticks([trade(6, 10 + second, received=second), quote(second)])
        published += [(bar.ts_recv - minute(60)) / 1e9 for bar in ticks if isinstance(bar, BarRevision)]
    assert [round(at // 60) for at in published] == [0, 1, 2, 3, 4, 5]
    assert all(30 <= at % 60 < 37 for at in published)


def test_a_late_print_that_changes_nothing_publishes_nothing() -> None:
    """An official close re-reported: no field moves."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    at_time(bars, 61)
    bars.on_ticks([trade(6, 10, 100, "M", received=65)])
    assert at_time(bars, 200) == []
    assert bars.counts.late == 1


def test_a_minute_that_had_no_bar_gets_its_first_at_once() -> None:
    """A print that comes late is the first of its minute: nobody has to wait for the revision."""
    bars = builder()
    bars.on_ticks([trade(61, 10, symbol="SPY")])
    at_time(bars, 62)
    ticks = bars.on_ticks([trade(59, 10, received=62), trade(58, 9, 5, "@I", received=62)])
    assert told(ticks + at_time(bars, 64))[:2] == [
        "b0 o10 h10 l10 c10 v105 n2 vw10",
        "d0 o10 h10 l10 c10 v105 n2 vw10",
    ]


def test_a_cancelled_print_is_taken_out_of_minute_and_day() -> None:
    """By a revision, as a late print would be."""
    bars = builder()
    bad = trade(6, 99, trade_id=7)
    bars.on_ticks([trade(5, 10), bad])
    at_time(bars, 61)
    bars.on_ticks([cancel(bad, 70)])
    assert told(at_time(bars, 90)) == [
        "u1 o10 h10 l10 c10 v100 n1 vw10",
        "d1 o10 h10 l10 c10 v100 n1 vw10",
    ]


def test_a_bar_of_which_nothing_is_left_is_revised_to_zeros() -> None:
    """Whoever has the bar has to learn that there is none; a print after that makes one again."""
    bars = builder()
    bad = trade(6, 99, trade_id=7)
    bars.on_ticks([bad])
    at_time(bars, 61)
    bars.on_ticks([cancel(bad, 70)])
    ticks = at_time(bars, 90)
    assert told(ticks) == ["u1 o0 h0 l0 c0 v0 n0 vw0", "d1 o0 h0 l0 c0 v0 n0 vw0"]
    bars.on_ticks([trade(7, 10, received=100)])
    assert told(at_time(bars, 150))[0] == "u2 o10 h10 l10 c10 v100 n1 vw10"


def test_backfilled_prints_only_revise() -> None:
    """A minute that was missed live is never published as a first bar, and not before its turn."""
    bars = builder()
    bars.on_ticks([trade(5, 10, received=62, flags=flags.BACKFILL)])
    assert at_time(bars, 89.9) == []
    assert told(at_time(bars, 90)) == ["u1 o10 h10 l10 c10 v100 n1 vw10", "d0 o10 h10 l10 c10 v100 n1 vw10"]


def test_backfilled_prints_join_a_minute_that_is_open() -> None:
    """A first bar is as whole as it can be."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    bars.on_ticks([trade(6, 12, received=20, flags=flags.BACKFILL), trade(7, 11, received=20)])
    assert told(at_time(bars, 61))[0] == "b0 o10 h12 l10 c11 v300 n3 vw11"


# Final


def test_what_changes_a_quarter_of_an_hour_after_the_end_is_published_as_final() -> None:
    """The last turn is at 15 minutes; nothing more comes of that minute."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    at_time(bars, 61)
    at_time(bars, 931)
    bars.on_ticks([trade(6, 11, received=940)])
    assert told(at_time(bars, 960))[0] == "u1! o10 h11 l10 c11 v200 n2 vw10.5"
    bars.on_ticks([trade(7, 12, received=961)])
    assert told(at_time(bars, 1021)) == ["d2 o10 h12 l10 c12 v300 n3 vw11"]
    assert bars.take_rebuilds() == [("AAPL", MIDNIGHT // NS_PER_DAY)]


def test_too_late_prints_publish_the_day_at_most_once_a_minute() -> None:
    """A whole morning that is back-filled is no flood."""
    bars = builder()
    bars.on_ticks([trade(0, 10)])
    at_time(bars, 2000)
    ticks: list[Tick] = []
    for second in range(2000, 2180):
        ticks += bars.on_ticks([trade(1, 10, received=second, flags=flags.BACKFILL)])
    assert 2 <= len(ticks) <= 3
    assert all(isinstance(bar, BarDaily) for bar in ticks)


def test_the_day_ends_with_a_final_bar_a_quarter_past_midnight() -> None:
    """Also when nothing changed since the last one; then nothing is kept of it."""
    bars = builder()
    bars.on_ticks([trade(0, 10), trade(1, 20, 100, "@T", symbol="SPY")])
    at_time(bars, 1000)
    end = "2026-07-14T04:15:00Z"
    due_ns = bars.due_ns
    assert due_ns == parse_time(end)
    assert bars.on_time(parse_time(end) - 1) == []
    ticks = bars.on_time(parse_time(end))
    assert told(ticks) == ["d1! o10 h10 l10 c10 v100 n1 vw10"]
    assert ticks[0].ts_event == MIDNIGHT
    assert bars.due_ns is None
    bars.on_ticks([trade(2, 11, received=20 * 3600)])
    assert bars.due_ns is None
    assert bars.take_rebuilds() == [("AAPL", MIDNIGHT // NS_PER_DAY)]


def test_trades_around_midnight_belong_to_the_calendar_day() -> None:
    """The overnight session begins at 20:00 but the daily bar at midnight."""
    bars = builder()
    bars.on_ticks([trade(14 * 3600 - 1, 10), trade(14 * 3600, 11)])
    days = {bar.ts_event: short(bar) for bar in to_the_end(bars) if isinstance(bar, BarDaily)}
    assert days == {
        MIDNIGHT: "o10 h10 l10 c10 v100 n1 vw10",
        MIDNIGHT + NS_PER_DAY: "o11 h11 l11 c11 v100 n1 vw11",
    }


# Work and time


def test_a_mark_with_very_many_symbols_is_worked_off_in_parts() -> None:
    """No call does more than its share; what is left is due at once, and nothing is lost."""
    bars = builder()
    bars.on_ticks([trade(0, 10 + number, symbol=f"S{number}") for number in range(3000)])
    calls = []
    while bars.due_ns is not None and bars.due_ns <= TEN + seconds(61):
        calls.append(len(bars.on_time(TEN + seconds(61))))
    assert sum(calls) == 6000
    assert max(calls) <= 1024
    assert len(calls) >= 6


def test_minutes_of_very_many_prints_are_worked_off_one_by_one() -> None:
    """It is the prints that take time."""
    bars = builder()
    for symbol in ("SPY", "QQQ", "IWM"):
        bars.on_ticks([trade(number / 1000, 10, symbol=symbol) for number in range(9_000)])
    calls = [{bar.symbol for bar in bars.on_time(TEN + seconds(61))} for _ in range(4)]
    assert calls == [{"SPY"}, {"QQQ"}, {"IWM"}, set()]


def test_a_clock_that_steps_back_is_not_followed() -> None:
    """Time stands still until it is caught up: no bar is stamped earlier than the one before."""
    bars = builder()
    bars.on_ticks([trade(5, 10)])
    at_time(bars, 61)
    assert bars.on_time(TEN) == []
    ticks = bars.on_ticks([trade(59, 10, symbol="SPY", received=0)])
    assert [(type(bar), bar.ts_recv) for bar in ticks] == [
        (Bar, TEN + seconds(61)),
        (BarDaily, TEN + seconds(61)),
    ]


def test_other_lineups_and_empty_batches_do_nothing() -> None:
    """A builder is of one line-up."""
    bars = builder()
    assert bars.on_batch(Batch(1, "iex", 1, [0], [1], [trade(0, 10)])) == []
    assert bars.on_batch(Batch(1, "", 2, [], [], [])) == []
    assert bars.counts.placed == 0
    bars.on_batch(Batch(1, "", 2, [0], [1], [trade(0, 10)]))
    assert bars.counts.placed == 1
