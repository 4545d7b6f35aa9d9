"""Bars: minute and daily bars from the tape's trades, with their revisions.

`BarBuilder` follows the tape of one line-up and returns the bars to publish, as ticks of
source `derived`: `Bar`, `BarRevision`, `BarDaily`. It reads no clock. Rules: `tape.bar_rules`;
what is kept, and its bounds: `tape.bar_book`; for whoever wires it up: docs/bars.md.

The life of a minute that ends at E:

* at E + grace it *closes*: the first bars are published. The grace begins when the feed's
  watermark (its newest `ts_event`) passes E, and lasts until E + `wait_ms` at most;
* at E + 30 s what late, back-filled or withdrawn prints changed is published as a revision,
  and then at most once a minute. A minute that had no bar gets its first one at once;
* at E + 15 min it is *sealed*: changes until then are published as final. A later print adds
  to the day alone, and marks the day for `bar_audit.rebuild`.

A daily bar is published after each publication of a minute bar of its symbol that changed it,
and for the last time 15 minutes after midnight in New York.
"""

from collections.abc import Iterable
from typing import Final

from config.settings import BarSettings
from tape.bar_book import FINAL_AFTER_NS, FOREVER_NS, BarBook, BarCounts
from tape.bar_drafts import Day, DayDraft, Minute, MinuteDraft, day_number
from tape.bar_rules import NO_BAR, Tally, bar_tick
from tape.batch import Batch
from tape.feed_clock import FeedClock
from ticks import sources
from ticks.flags import BACKFILL, SNAPSHOT, TS_EVENT_ESTIMATED
from ticks.kinds import FEED_EVENT
from ticks.model import Bar, BarDaily, BarRevision, Tick
from ticks.times import NS_PER_MINUTE, NS_PER_SECOND, new_york_time_ns

REVISE_AFTER_NS: Final = 30 * NS_PER_SECOND
"""When the first revision is published, as Alpaca does: prints may be reported 10 s late."""
REVISE_EVERY_NS: Final = NS_PER_MINUTE
AHEAD_NS: Final = NS_PER_MINUTE
"""How far a print may be stamped beyond the time it was received at; clocks differ by less."""

_NOT_TIMELY: Final = BACKFILL | SNAPSHOT | TS_EVENT_ESTIMATED
_OWN_SOURCES: Final = frozenset((sources.DERIVED, sources.HUB))
_RESTORE_SLACK_NS: Final = NS_PER_MINUTE
# What one call may do, in units of about 5 µs, so that a minute mark with thousands of symbols
# does not hold up the loop: a bar costs one, and one more for each 16 prints.
_ROOM: Final = 512
_PRINTS_PER_UNIT: Final = 16


class BarBuilder:
    """Makes the bars of one line-up.

    Time comes from `now_ns` and from the ticks' `ts_recv`, which must be of the same clock: a
    replay gives its recording's time, not the wall's. It never goes back, and what is wrong
    with it is allowed for (`tape.feed_clock`): minutes end by the feed's time.
    """

    def __init__(self, settings: BarSettings, lineup: str = "") -> None:
        self._lineup = lineup
        self._grace_ns = settings.grace_ms * 1_000_000
        self._book = BarBook(settings.kept_trades, settings.wait_ms * 1_000_000)
        self._clock = FeedClock()
        self._next_end_ns = FOREVER_NS
        """End of the first open minute that the watermark has not passed."""
        self._due_ns = FOREVER_NS
        """When something is to be done next, by the feed's time."""
        self._late_days_due_ns = FOREVER_NS
        self._restored = False
        self._ending: list[Day] = []
        """Days that are over; their last bars are to be published."""

    @property
    def counts(self) -> BarCounts:
        """What happened so far."""
        return self._book.counts

    @property
    def due_ns(self) -> int | None:
        """When `on_time` has something to do next; None when nothing is under way.

        A time that has come already means that the last call left work over: call again soon.
        """
        if self._busy():
            return self._clock.now_ns
        return None if self._due_ns == FOREVER_NS else self._clock.our_time(self._due_ns)

    def on_batch(self, batch: Batch) -> list[Tick]:
        """`on_ticks` of a batch of this line-up; nothing for any other."""
        return self.on_ticks(batch.ticks) if batch.lineup == self._lineup else []

    def on_ticks(self, ticks: list[Tick]) -> list[Tick]:
        """Take ticks in the order of their marks; returns the bars to publish now.

        Trades, cancels and corrections count. Bars of our own, which come back with the tape,
        change nothing; all other kinds only show what time it is.
        """
        self._take(ticks, FINAL_AFTER_NS)
        return self._advance()

    def on_time(self, now_ns: int) -> list[Tick]:
        """Returns the bars to publish now. Calling late, or rarely, only delays them."""
        self._clock.tell(now_ns)
        self._seal_old(FINAL_AFTER_NS)
        return self._advance()

    def restore(self, ticks: list[Tick]) -> None:
        """Take ticks that were on the tape before the start, our own bars among them; publishes nothing.

        To be called before anything else, with all ticks received since `restore_from_ns`.
        Afterwards only what differs from the bars on the tape is published.
        """
        self._take(ticks, FINAL_AFTER_NS + _RESTORE_SLACK_NS)
        self._seal_unseen()
        self._restored = True

    def take_rebuilds(self) -> list[tuple[str, int]]:
        """The (symbol, New York day since 1970) whose bars need `bar_audit.rebuild`, since the last call.

        Because a withdrawal named no print that is kept, or a print came after its minute was
        sealed or stamped ahead of its receipt. At most `bar_book.REBUILDS_MAX`; others are counted.
        """
        return self._book.take_rebuilds()

    def mend(self, symbol: str, day: int, ticks: Iterable[Tick]) -> None:
        """Make the running daily bar right again after `take_rebuilds` named it.

        `ticks` are the symbol's trades, cancels and corrections of that day, in the order of
        their marks and as far as the builder has been given them. A day that is over is left.
        """
        book = self._book
        current = book.day(day)
        if current is None:
            return
        again = BarBook()
        again.take(tick for tick in ticks if tick.symbol == symbol)
        daily = current.draft(symbol)
        daily.base = Tally()
        held = {
            minute.start_ns for minute in (*book.folding, *book.minutes.values()) if symbol in minute.drafts
        }
        for start_ns, minute in again.minutes.items():
            if minute.day.number == day and start_ns not in held:
                draft = minute.drafts[symbol]
                draft.settle()
                daily.base.merge(draft.day_tally)
                daily.flags |= draft.flags
        daily.stale = True
        book.touch_day(daily)
        self._plan()

    def _take(self, ticks: list[Tick], sealed_after_ns: int) -> None:
        if not ticks:
            return
        clock = self._clock
        if not clock.started and (first := next(filter(_shows_time, ticks), None)) is not None:
            clock.see(first.ts_event, first.ts_recv)
            self._seal_old(sealed_after_ns)
        clock.tell(ticks[-1].ts_recv)
        if clock.now_ns:
            self._book.ahead_ns = clock.latest_ns() + AHEAD_NS
        # Before minutes are sealed: what came in time is not late because of what came with it.
        self._book.take(ticks)
        if (newest := next(filter(_shows_time, reversed(ticks)), None)) is not None:
            clock.see(newest.ts_event, newest.ts_recv)
        self._seal_old(sealed_after_ns)
        if self._book.grown or self._book.late_days or clock.watermark_ns >= self._next_end_ns:
            self._plan()

    def _seal_old(self, sealed_after_ns: int) -> None:
        """Let the book take no more prints of minutes that are over for so long."""
        self._book.sealed_to_ns = self._clock.feed_ns - sealed_after_ns

    def _plan(self) -> None:
        """Find out when something is to be done next."""
        book = self._book
        book.grown = False
        self._next_end_ns = FOREVER_NS
        for minute in book.minutes.values():
            if minute.closed:
                continue
            if minute.end_ns <= self._clock.watermark_ns:
                minute.due_ns = min(minute.due_ns, self._clock.feed_ns + self._grace_ns)
            else:
                self._next_end_ns = min(self._next_end_ns, minute.end_ns)
        if book.late_days:
            self._late_days_due_ns = min(self._late_days_due_ns, self._clock.feed_ns + REVISE_EVERY_NS)
        self._due_ns = min(
            self._late_days_due_ns,
            *(minute.due_ns for minute in book.minutes.values()),
            *(day.end_ns + FINAL_AFTER_NS for day in book.days.values()),
            FOREVER_NS,
        )

    def _advance(self) -> list[Tick]:
        if self._restored:
            self._restored = False
            # All at once, or the first daily bar would lack what the later minutes add to it.
            for minute in self._book.minutes.values():
                for draft in minute.drafts.values():
                    self._book.settle(draft)
        if self._clock.feed_ns >= self._due_ns:
            self._turn()
        return self._work() if self._busy() else []

    def _busy(self) -> bool:
        return bool(self._book.ready or self._book.folding or self._ending)

    def _turn(self) -> None:
        """Do what is due: close, release and seal minutes, end days."""
        book, feed_ns = self._book, self._clock.feed_ns
        for start_ns in sorted(book.minutes):
            minute = book.minutes[start_ns]
            if minute.due_ns <= feed_ns:
                self._turn_minute(minute)
        if self._late_days_due_ns <= feed_ns:
            self._late_days_due_ns = FOREVER_NS
            book.ready.extend(book.late_days)
            book.late_days = []
        self._ending.extend(self._take_ended_days(FINAL_AFTER_NS))
        book.orphans.forget(self._clock.now_ns - FINAL_AFTER_NS)
        self._plan()

    def _turn_minute(self, minute: Minute) -> None:
        book, feed_ns = self._book, self._clock.feed_ns
        if not minute.closed:
            book.close(minute)
        else:
            book.release(minute)
        if feed_ns >= minute.end_ns + FINAL_AFTER_NS:
            book.seal(minute)
        else:
            minute.due_ns = _next_revision_ns(minute.end_ns, feed_ns)

    def _take_ended_days(self, after_ns: int) -> list[Day]:
        """Take out the days that are over for so long; their last minutes were sealed before."""
        days = self._book.days
        ended = [number for number, day in days.items() if day.end_ns + after_ns <= self._clock.feed_ns]
        return [days.pop(number) for number in ended]

    def _work(self) -> list[Tick]:
        """Publish, fold and end days in this order, within one call's room."""
        book = self._book
        out: list[Tick] = []
        room = _ROOM
        while room > 0:
            if book.ready:
                draft = book.ready.popleft()
                draft.queued = False
                if isinstance(draft, MinuteDraft):
                    room -= (len(draft) - draft.settled) // _PRINTS_PER_UNIT
                    self._publish_minute(draft, out)
                    self._publish_day(draft.daily, False, out)
                else:
                    self._publish_day(draft, False, out)
            elif not book.fold() and not self._end_one(out):
                break
            room -= 1
        return out

    def _end_one(self, out: list[Tick]) -> bool:
        """Publish the last bar of one symbol's ended day; False when none is left."""
        while self._ending:
            drafts = self._ending[-1].drafts
            if drafts:
                self._publish_day(drafts.popitem()[1], True, out)
                return True
            self._ending.pop()
        return False

    def _publish_minute(self, draft: MinuteDraft, out: list[Tick]) -> None:
        self._book.settle(draft)
        values = draft.tally.values()
        if values == (draft.published or NO_BAR):
            return
        kind: type[Bar] = Bar if draft.live and draft.rev < 0 else BarRevision
        draft.rev = 0 if kind is Bar else max(draft.rev, 0) + 1
        draft.published = values
        final = draft.start_ns not in self._book.minutes  # it has been sealed
        bar = bar_tick(
            kind, draft.symbol, draft.start_ns, self._clock.now_ns, draft.flags, values, draft.rev, final
        )  # fmt: skip
        out.append(bar)

    def _publish_day(self, daily: DayDraft, final: bool, out: list[Tick]) -> None:
        self._book.refresh(daily)
        values = daily.running.values()
        changed = values != (daily.published or NO_BAR)
        closing = final and not daily.final and daily.published is not None
        if not changed and not closing:
            return
        daily.rev += 1
        daily.published = values
        daily.final = final
        bar = bar_tick(
            BarDaily, daily.symbol, daily.start_ns, self._clock.now_ns, daily.flags, values, daily.rev, final
        )  # fmt: skip
        out.append(bar)

    def _seal_unseen(self) -> None:
        """Seal what was sealed before the start; what the tape does not show published is marked."""
        book = self._book
        for start_ns in sorted(book.minutes):
            minute = book.minutes[start_ns]
            if minute.end_ns > book.sealed_to_ns:
                break
            for draft in minute.drafts.values():
                book.settle(draft)
                if draft.tally.values() != (draft.published or NO_BAR):
                    book.mark_rebuild(draft.symbol, minute.day.number)
            book.seal(minute)
        while book.fold():
            pass
        for day in self._take_ended_days(FINAL_AFTER_NS + _RESTORE_SLACK_NS):
            for daily in day.drafts.values():
                book.refresh(daily)
                if daily.running.values() != (daily.published or NO_BAR):
                    book.mark_rebuild(daily.symbol, day.number)
        self._plan()


def restore_from_ns(now_ns: int) -> int:
    """Since when `BarBuilder.restore` needs the ticks received: the start of the day that is not final."""
    return new_york_time_ns(day_number(now_ns - FINAL_AFTER_NS), 0)


def _shows_time(tick: Tick) -> bool:
    """Whether a tick tells what time it is at the feed's end, by the clock of the market."""
    return not tick.flags & _NOT_TIMELY and tick.source not in _OWN_SOURCES and tick.kind != FEED_EVENT


def _next_revision_ns(end_ns: int, now_ns: int) -> int:
    """The first time after `now_ns` at which a closed minute is revised or sealed."""
    first_ns = end_ns + REVISE_AFTER_NS
    passed = max(0, (now_ns - first_ns) // REVISE_EVERY_NS + 1)
    return min(first_ns + passed * REVISE_EVERY_NS, end_ns + FINAL_AFTER_NS)
