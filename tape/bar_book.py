"""The book of bars in the making: puts prints where they belong and takes withdrawn ones out.

Knows which minutes may still change, not when a bar is published: that is `tape.bars`.

A withdrawal takes out the print it names; of several equal ones the newest. A correction puts
its print in the place of the old one, at the old one's time. A withdrawal that finds no print
waits for one (`tape.bar_orphans`; the two may arrive in either order), and its day and the one
before are marked for rebuilding, because the print may be older than what is kept.

What is kept, at most:

* the minutes that may still change: those since `sealed_to_ns`, and one ahead of the clock;
  per symbol and minute about 900 bytes, and 35 to 40 for each print;
* `kept_trades` prints. With more, the oldest minutes give up theirs: their bars go on and
  take late prints, but a print withdrawn from them needs a rebuild;
* `bar_orphans.ORPHANS_MAX` waiting withdrawals, the oldest dropped first;
* `REBUILDS_MAX` marks for rebuilding; what comes on top is counted and not marked.
"""

from collections import deque
from collections.abc import Callable, Iterable
from copy import copy
from itertools import chain
from typing import Final

from msgspec import Struct

from tape.bar_drafts import (
    INHERITED,
    NO_FLAGS_YET,
    Day,
    DayDraft,
    Minute,
    MinuteDraft,
    day_number,
    drafts_of,
    minute_start,
)
from tape.bar_orphans import Key, Orphans, Withdrawal, corrected, withdrawn_key
from tape.bar_rules import DAY_RULES, PRINT, Tally, bar_values
from ticks.flags import BACKFILL, SNAPSHOT
from ticks.model import Bar, BarDaily, BarRevision, Tick, Trade, TradeCancel, TradeCorrect
from ticks.sources import DERIVED
from ticks.times import NS_PER_MINUTE

REBUILDS_MAX: Final = 65_536
"""Marks for rebuilding: a few days of every symbol there is."""
FINAL_AFTER_NS: Final = 15 * NS_PER_MINUTE
"""When a bar is final, after its end."""
FOREVER_NS: Final = 1 << 63
"""Later than every time."""


class BarCounts(Struct):
    """What happened so far, each a plain count."""

    placed: int = 0
    """Prints put into a minute that may still change."""
    late: int = 0
    """Of those: into one that had been published already."""
    too_late: int = 0
    """Prints of a minute that is sealed: added to the day, the minute marked for rebuilding."""
    ahead: int = 0
    """Prints stamped more than a minute after they were received: left out, marked for rebuilding."""
    refused: int = 0
    """Prints without a positive price, with a negative size or time: they update nothing."""
    withdrawn: int = 0
    """Withdrawals and corrections that found their print."""
    orphans: int = 0
    """Withdrawals and corrections that found none when they came."""
    shed_minutes: int = 0
    """Minutes that gave up their prints for want of memory."""
    rebuilds_dropped: int = 0
    """Marks for rebuilding that found no room."""


class BarBook:
    """The drafts of all symbols of one line-up.

    Without limits (the default) it keeps everything it is given; `tape.bar_audit.rebuild` uses it so.
    """

    def __init__(self, kept_trades: int = 1 << 62, wait_ns: int = 0) -> None:
        self.minutes: dict[int, Minute] = {}
        """Start → the minutes that may still change."""
        self.folding: deque[Minute] = deque()
        """Sealed minutes of which some drafts are not yet part of their day's base."""
        self.days: dict[int, Day] = {}
        """Day number → day."""
        self.ready: deque[MinuteDraft | DayDraft] = deque()
        """To be published as soon as possible."""
        self.late_days: list[DayDraft] = []
        """Daily bars that changed without a minute bar's publication."""
        self.sealed_to_ns = 0
        """Minutes that end at or before this time take no more prints, nor do days."""
        self.ahead_ns = FOREVER_NS
        """Minutes that begin after this time are not begun."""
        self.grown = False
        """A minute was begun; whoever keeps the schedule sets it back."""
        self.orphans = Orphans()
        self.counts = BarCounts()
        self._wait_ns = wait_ns
        self._kept_trades = kept_trades
        self._kept = 0
        self._rebuilds: dict[tuple[str, int], None] = {}
        self._leave()

    def take(self, ticks: Iterable[Tick]) -> None:
        """Put trades, cancels and corrections into the drafts; note bars of our own; pass over the rest.

        Ticks must come in the order of their marks and be such as the journal can hold.
        """
        start_ns, end_ns, draft_of = self._start_ns, self._end_ns, self._draft_of
        packed, placed = PRINT.pack, 0
        for tick in ticks:
            if type(tick) is Trade:
                ts_event = tick.ts_event
                if start_ns <= ts_event < end_ns:
                    draft = draft_of(tick.symbol)
                    if draft is not None and tick.flags == draft.usual_flags:
                        price, size = tick.price, tick.size
                        if price > 0 and size >= 0:
                            draft.prints += packed(
                                ts_event, price, size, tick.trade_id, tick.elig, tick.venue
                            )
                            placed += 1
                            continue
                self._place(tick)
                start_ns, end_ns, draft_of = self._start_ns, self._end_ns, self._draft_of
            elif type(tick) in _SELDOM:
                self._take_seldom(tick)
        self.counts.placed += placed
        self._kept += placed
        if self._kept > self._kept_trades:
            self._shed()

    def settle(self, draft: MinuteDraft) -> None:
        """Bring a minute's tallies up to its prints."""
        self._kept -= draft.settle()

    def refresh(self, daily: DayDraft) -> None:
        """Bring a day's running tally up to its minutes after a print was taken out of one."""
        if not daily.stale:
            return
        daily.stale = False
        daily.running = copy(daily.base)
        minutes = chain(self.folding, self.minutes.values())
        for draft in drafts_of(minutes, daily):
            daily.running.merge(draft.day_tally)

    def close(self, minute: Minute) -> None:
        """Hand over a minute's drafts to be published. What comes later makes revisions."""
        minute.closed = True
        if minute.start_ns == self._start_ns:
            self._leave()
        for draft in minute.drafts.values():
            self._touch(minute, draft)

    def release(self, minute: Minute) -> None:
        """Hand over a minute's changed drafts to be published again."""
        self.ready.extend(minute.waiting)
        minute.waiting = []

    def seal(self, minute: Minute) -> None:
        """Take no more prints for a minute."""
        self.release(minute)
        self.folding.append(self.minutes.pop(minute.start_ns))
        if minute.start_ns == self._start_ns:
            self._leave()

    def fold(self) -> bool:
        """Make one draft of a sealed minute part of its day's base and forget it; False when none is left."""
        while self.folding:
            minute = self.folding[0]
            if minute.drafts:
                _, draft = minute.drafts.popitem()
                self.settle(draft)
                draft.daily.base.merge(draft.day_tally)
                self._kept -= len(draft)
                return True
            self.folding.popleft()
        return False

    def mark_rebuild(self, symbol: str, day: int) -> None:
        """Remember that a symbol's bars of a day have to be made anew from the stored trades."""
        if len(self._rebuilds) < REBUILDS_MAX:
            self._rebuilds[symbol, day] = None
        elif (symbol, day) not in self._rebuilds:
            self.counts.rebuilds_dropped += 1

    def take_rebuilds(self) -> list[tuple[str, int]]:
        """The marks for rebuilding since the last call, as (symbol, day number)."""
        marks = list(self._rebuilds)
        self._rebuilds.clear()
        return marks

    def day(self, number: int) -> Day | None:
        """A day that may still change, begun when it was not there; None when it is over."""
        day = self.days.get(number)
        if day is None:
            day = Day(number)
            if day.end_ns <= self.sealed_to_ns:
                return None
            self.days[number] = day
        return day

    def touch_day(self, daily: DayDraft) -> None:
        """Have a daily bar looked at although no minute of it is published."""
        if not daily.queued:
            daily.queued = True
            self.late_days.append(daily)

    def _leave(self) -> None:
        """Let no minute be the one that prints go into without a second look."""
        self._start_ns = self._end_ns = 0
        self._draft_of: Callable[[str], MinuteDraft | None] = _no_draft

    def _place(self, trade: Trade) -> None:
        """Put one print where it belongs."""
        if trade.flags & SNAPSHOT:
            return  # tells the state at the start of a subscription; the print itself came before
        met = self._met(trade)
        if met is None:
            return
        if met.price <= 0 or met.size < 0 or met.ts_event < 0:
            self.counts.refused += 1
            return
        minute = self._minute(met.ts_event)
        if minute is None:
            self._place_in_day(met)
            return
        draft = minute.draft(met.symbol)
        live = not met.flags & BACKFILL
        draft.live |= live
        draft.usual_flags = met.flags if live and met.symbol not in self.orphans.symbols else NO_FLAGS_YET
        draft.flags |= met.flags & INHERITED
        draft.daily.flags |= met.flags & INHERITED
        draft.prints += _packed(met)
        self.counts.placed += 1
        self._kept += 1
        if minute.closed:
            self.counts.late += 1
            self._touch(minute, draft)
        else:
            self._start_ns, self._end_ns = minute.start_ns, minute.end_ns
            self._draft_of = minute.drafts.get

    def _minute(self, ts_event: int) -> Minute | None:
        """The minute of a time, begun when it was not there; None when it may not be."""
        start_ns = minute_start(ts_event)
        minute = self.minutes.get(start_ns)
        if minute is not None:
            return minute
        if start_ns + NS_PER_MINUTE <= self.sealed_to_ns or start_ns > self.ahead_ns:
            return None
        day = self.day(day_number(start_ns))
        assert day is not None  # it ends no earlier than this minute, which is not sealed
        minute = Minute(start_ns, day, start_ns + NS_PER_MINUTE + self._wait_ns)
        self.minutes[start_ns] = minute
        self.grown = True
        return minute

    def _place_in_day(self, trade: Trade) -> None:
        """Add a print of a sealed minute to its day; what is ahead of the clock is only marked."""
        number = day_number(trade.ts_event)
        self.mark_rebuild(trade.symbol, number)
        if trade.ts_event > self.ahead_ns:
            self.counts.ahead += 1
            return
        self.counts.too_late += 1
        day = self.day(number)
        if day is not None:
            daily = day.draft(trade.symbol)
            daily.flags |= trade.flags & INHERITED
            lone = Tally()
            lone.add(_packed(trade), 0, DAY_RULES)
            daily.base.merge(lone)
            daily.running.merge(lone)
            self.touch_day(daily)

    def _touch(self, minute: Minute, draft: MinuteDraft) -> None:
        """Have a draft of a closed minute published: its first bar at once, a revision in its turn."""
        if not draft.queued:
            draft.queued = True
            first = draft.live and draft.published is None
            (self.ready if first else minute.waiting).append(draft)

    def _take_seldom(self, tick: Tick) -> None:
        if isinstance(tick, TradeCancel | TradeCorrect):
            self._withdraw(tick)
        elif isinstance(tick, Bar) and tick.source == DERIVED:
            self._recall(tick)

    def _withdraw(self, tick: Withdrawal) -> None:
        """Take a print out, or put another in its place."""
        found = self._find(withdrawn_key(tick))
        if found is None:
            self._keep_orphan(tick)
            return
        minute, draft, place = found
        self.counts.withdrawn += 1
        print_ns = draft.event_time(place)
        met = self._met(corrected(tick, print_ns, 0)) if isinstance(tick, TradeCorrect) else None
        if met is None or met.price <= 0 or met.size < 0:
            draft.remove(place)
            self._kept -= 1
        else:
            draft.replace(place, met.price, met.size, met.trade_id, met.elig)
        if minute.closed:
            self._touch(minute, draft)

    def _find(self, key: Key) -> tuple[Minute, MinuteDraft, int] | None:
        symbol, *rest = key
        for start_ns in sorted(self.minutes, reverse=True):
            minute = self.minutes[start_ns]
            draft = minute.drafts.get(symbol)
            if draft is not None and (place := draft.find(*rest)) >= 0:
                return minute, draft, place
        return None

    def _keep_orphan(self, tick: Withdrawal) -> None:
        self.counts.orphans += 1
        # A trading day begins the evening before: the print may be of that calendar day too.
        day = day_number(tick.ts_event)
        self.mark_rebuild(tick.symbol, day)
        self.mark_rebuild(tick.symbol, day - 1)
        self.orphans.add(tick)
        for minute in self.minutes.values():
            if (draft := minute.drafts.get(tick.symbol)) is not None:
                draft.usual_flags = NO_FLAGS_YET

    def _met(self, trade: Trade) -> Trade | None:
        """What is left of a print after the withdrawals that came before it; None when nothing is."""
        left, met = self.orphans.meet(trade)
        self.counts.withdrawn += met
        return left

    def _recall(self, bar: Bar) -> None:
        """Note that a bar of our own has been published, by us or before a restart."""
        draft: MinuteDraft | DayDraft | None = None
        if isinstance(bar, BarDaily):
            day = self.days.get(day_number(bar.ts_event))
            draft = daily = day.drafts.get(bar.symbol) if day is not None else None
            if daily is not None:
                daily.final |= bar.final
        else:
            minute = self.minutes.get(bar.ts_event)
            draft = minute.drafts.get(bar.symbol) if minute is not None else None
        if draft is not None and bar.rev >= draft.rev:
            draft.rev = bar.rev
            draft.published = bar_values(bar)

    def _shed(self) -> None:
        """Give up the prints of the oldest minutes until an eighth of the room is free."""
        for start_ns in sorted(self.minutes):
            minute = self.minutes[start_ns]
            self.counts.shed_minutes += not minute.shed
            self._kept -= minute.give_up_prints()
            if self._kept <= self._kept_trades - self._kept_trades // 8:
                return


def _no_draft(symbol: str) -> MinuteDraft | None:
    return None


def _packed(trade: Trade) -> bytes:
    return PRINT.pack(trade.ts_event, trade.price, trade.size, trade.trade_id, trade.elig, trade.venue)


_SELDOM: Final = frozenset((TradeCancel, TradeCorrect, Bar, BarRevision, BarDaily))
