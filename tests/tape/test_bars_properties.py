"""Properties of the builder: whatever happens on the way, it ends where a rebuild ends."""

from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tape.bar_audit import differences, rebuild
from tape.bar_drafts import day_number
from tape.bar_rules import bar_values
from tape.bars import BarBuilder
from tests.tape import naive_bars
from tests.tape.bar_making import (
    MIDNIGHT,
    TEN,
    Place,
    as_print,
    builder,
    cancel,
    correct,
    last_values,
    place,
    quote,
    seconds,
    to_the_end,
    trade,
)  # fmt: skip
from ticks import flags
from ticks.model import Bar, BarDaily, BarRevision, Tick, Trade, TradeCancel, TradeCorrect
from ticks.times import NS_PER_DAY

FAR: Final = TEN + 10 * NS_PER_DAY
CODES: Final = ("@", "@", "@F", "@I", "@4", "@T", "@Z", "M", "6", "9", "@W", "@?")
QUIET_SECONDS: Final = 800
Story = list[tuple[float, Tick]]
"""(time of arrival in seconds after ten, tick), in order."""


@st.composite
def stories(draw: st.DrawFn, late_seconds: int = QUIET_SECONDS) -> Story:
    """Prints that come up to 13 minutes late, some withdrawn before or after they came.

    Around midnight in New York, so that two days are concerned.
    """
    story: Story = []
    midnight = 14 * 3600
    for number in range(draw(st.integers(1, 25))):
        at = midnight + draw(st.integers(-240, 240)) + number / 1000
        arrival = at + draw(st.one_of(st.integers(0, 2), st.integers(0, late_seconds)))
        symbol = draw(st.sampled_from(("AAPL", "SPY")))
        price, size = draw(st.integers(1, 9)), draw(st.sampled_from((1, 7.5, 100, 300)))
        flag = draw(st.sampled_from((0, 0, 0, flags.BACKFILL, flags.PARTIAL_COVERAGE, flags.LATE)))
        print_ = trade(
            at, price, size, draw(st.sampled_from(CODES)),
            symbol=symbol, received=arrival, trade_id=2 * number + 1, flags=flag,
        )  # fmt: skip
        story.append((arrival, print_))
        fate = draw(st.sampled_from(("stays", "stays", "stays", "cancelled", "corrected", "both")))
        told_at = max(arrival + draw(st.integers(-60, 60)), at)
        if fate == "cancelled":
            story.append((told_at, cancel(print_, told_at)))
        elif fate != "stays":
            other = trade(
                at, draw(st.integers(1, 9)), 50, draw(st.sampled_from(CODES)), trade_id=2 * number + 2
            )
            correction = correct(print_, other, told_at)
            story.append((told_at, correction))
            if fate == "both":
                again = told_at + draw(st.integers(0, 30))
                story.append((again, cancel(as_corrected(print_, correction), again)))
    return sorted(story, key=lambda item: item[0])


def as_corrected(original: Trade, tick: TradeCorrect) -> Trade:
    """The print that a correction leaves behind."""
    return Trade(
        original.source, original.venue, original.symbol, original.ts_event, 0, original.ts_recv, 0,
        original.flags, tick.price, tick.size, tick.trade_id, tick.sip_tape, tick.conds, tick.elig,
    )  # fmt: skip


def surviving(ticks: list[Tick]) -> list[Trade]:
    """The prints that were not withdrawn, corrected ones in their place, by an account of its own."""
    prints = {tick.trade_id: tick for tick in ticks if isinstance(tick, Trade)}
    for tick in ticks:
        if isinstance(tick, TradeCorrect):
            prints[tick.old_trade_id] = as_corrected(prints[tick.old_trade_id], tick)
    cancelled = {tick.trade_id for tick in ticks if isinstance(tick, TradeCancel)}
    return [print_ for print_ in prints.values() if print_.trade_id not in cancelled]


def played(bars: BarBuilder, story: Story, data: st.DataObject, quoted: bool) -> list[Tick]:
    """The tape of a story: its ticks in batches cut anywhere, the clock asked anywhere, our bars between.

    A `quoted` feed shows with each tick what time it is.
    """
    tape: list[Tick] = []
    batch: list[Tick] = []
    for (arrival, tick), (until, _) in zip(story, [*story[1:], *story[-1:]], strict=True):
        batch.append(tick)
        if quoted:
            batch.append(quote(arrival))
        if data.draw(st.booleans()):
            tape += batch
            tape += bars.on_ticks(batch)
            batch = []
            for share in data.draw(st.sampled_from(((), (0,), (0.5,), (0.1, 0.9, 1)))):
                tape += bars.on_time(TEN + seconds(arrival + share * (until - arrival)))
    return tape + batch + bars.on_ticks(batch)


def audited(published: list[Tick], ticks: list[Tick], marks: set[tuple[str, int]]) -> list[Tick]:
    """What an audit of the marked symbols and days publishes on top."""
    revisions: list[Tick] = []
    for symbol, day in marks:
        mine = [tick for tick in ticks if tick.symbol == symbol]
        stored = [bar for bar in published if isinstance(bar, Bar) and bar.symbol == symbol]
        of_day, rebuilt = (
            [bar for bar in bars if day_number(bar.ts_event) == day] for bars in (stored, rebuild(mine, FAR))
        )
        revisions += differences(of_day, rebuilt, FAR)
    return revisions


def values_of(bars: list[Bar]) -> dict[Place, naive_bars.Values]:
    """The values of rebuilt bars by their place."""
    return {place(bar): bar_values(bar) for bar in bars}


def assert_well_told(published: list[Tick], quoted: bool) -> None:
    """Revisions are numbered without a hole, first bars are told once, nothing follows a final bar.

    Of a feed the time of which is known all along, there is one revision a minute at most.
    """
    by_place: dict[Place, list[Bar]] = {}
    for bar in published:
        if isinstance(bar, Bar):
            by_place.setdefault(place(bar), []).append(bar)
    for bars in by_place.values():
        assert [bar.rev for bar in bars] == list(range(bars[0].rev, bars[0].rev + len(bars)))
        assert bars[0].rev == int(type(bars[0]) is BarRevision)
        assert all(type(bar) is not Bar for bar in bars[1:])
        assert not any(bar.final for bar in bars[:-1])
        assert all(bar_values(one) != bar_values(two) or two.final for one, two in pairwise(bars))
        if quoted and type(bars[0]) is not BarDaily:
            turns = [(bar.ts_recv - bar.ts_event - seconds(90)) // seconds(60) for bar in bars if bar.rev]
            assert len(turns) == len(set(turns)), "more than one revision in a minute"


@given(stories(), st.data(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_streaming_ends_where_a_rebuild_and_the_naive_reading_end(
    story: Story, data: st.DataObject, quoted: bool
) -> None:
    """Any order of arrival, batches, moments of the clock; late, cancelled, corrected, back-filled prints."""
    bars = builder()
    ticks = [tick for _, tick in story]
    published = played(bars, story, data, quoted) + to_the_end(bars)
    assert last_values(published) == values_of(rebuild(ticks, FAR))
    assert last_values(published) == naive_bars.bars(map(as_print, surviving(ticks)))
    assert_well_told(published, quoted)


@given(stories(), st.data(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_with_little_memory_and_an_audit_it_ends_there_too(
    story: Story, data: st.DataObject, quoted: bool
) -> None:
    """Withdrawals from what was given up are marked, and the audit of the marks makes up for them."""
    bars = builder(kept_trades=8)
    ticks = [tick for _, tick in story]
    published = played(bars, story, data, quoted) + to_the_end(bars)
    published += audited(published, ticks, set(bars.take_rebuilds()))
    assert last_values(published) == values_of(rebuild(ticks, FAR))


@given(stories(late_seconds=4000))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_too_late_an_audit_makes_up_for(story: Story) -> None:
    """Prints and withdrawals more than an hour late; the running day is mended as soon as it is marked."""
    bars = builder()
    ticks: list[Tick] = []
    published: list[Tick] = []
    marks: set[tuple[str, int]] = set()
    for arrival, tick in story:
        ticks.append(tick)
        published += bars.on_ticks([tick]) + bars.on_time(TEN + seconds(arrival))
        for symbol, day in bars.take_rebuilds():
            marks.add((symbol, day))
            bars.mend(symbol, day, ticks)
    published += to_the_end(bars)
    truth = values_of(rebuild(ticks, FAR))
    running = ("day", MIDNIGHT + NS_PER_DAY)
    shown = last_values(published)
    assert {where: shown.get(where) for where in truth if (where[0], where[2]) == running} == {
        where: values for where, values in truth.items() if (where[0], where[2]) == running
    }
    assert last_values(published + audited(published, ticks, marks)) == truth


@given(stories(), st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_restart_anywhere_changes_nothing(story: Story, data: st.DataObject, quoted: bool) -> None:
    """The tape up to the restart is all it needs: no bar is told twice, none is lost."""
    first = builder()
    cut = data.draw(st.integers(0, len(story)))
    tape = played(first, story[:cut], data, quoted)
    second = builder()
    second.restore(tape)
    published = tape + played(second, story[cut:], data, quoted) + to_the_end(second)
    ticks = [tick for _, tick in story]
    assert_well_told(published, quoted)
    published += audited(published, ticks, set(second.take_rebuilds()))
    assert last_values(published) == values_of(rebuild(ticks, FAR))
