"""Bars made anew from stored trades, and how they differ from the bars that are stored.

For the nightly comparison, and for what came too late for the builder (`BarBuilder.take_rebuilds`).
Uses the builder's own book and rules, so the two cannot disagree.
"""

from collections.abc import Iterable

from tape.bar_book import FINAL_AFTER_NS, BarBook
from tape.bar_drafts import day_number
from tape.bar_rules import NO_BAR, bar_tick, bar_values
from ticks.model import Bar, BarDaily, BarRevision, Tick
from ticks.times import NS_PER_MINUTE, new_york_time_ns


def is_final(start_ns: int, daily: bool, now_ns: int) -> bool:
    """Whether a bar that begins at `start_ns` cannot be revised any more, but by an audit.

    A bar that nothing changed is not published again to say so: its own `final` stays False.
    """
    end_ns = new_york_time_ns(day_number(start_ns) + 1, 0) if daily else start_ns + NS_PER_MINUTE
    return now_ns >= end_ns + FINAL_AFTER_NS


def rebuild(ticks: Iterable[Tick], now_ns: int) -> list[Bar]:
    """Make the bars of stored trades anew: what the builder would have, had nothing come too late.

    `ticks` are trades, cancels and corrections of any symbols in the order of their marks;
    days that are not whole give daily bars that are not. Uses the builder's own book, so the
    two cannot differ. Returns minute bars, then daily bars, each by (symbol, start), with
    `rev` 0 and `ts_recv` `now_ns`. Memory: about 40 bytes a trade and 900 per symbol and minute.
    """
    book = BarBook()
    book.take(ticks)
    bars: list[Bar] = []
    for minute in book.minutes.values():
        final = is_final(minute.start_ns, False, now_ns)
        for draft in minute.drafts.values():
            book.settle(draft)
            if (values := draft.tally.values()) != NO_BAR:
                symbol, start_ns = draft.symbol, minute.start_ns
                bars.append(bar_tick(Bar, symbol, start_ns, now_ns, draft.flags, values, 0, final))
    for day in book.days.values():
        final = now_ns >= day.end_ns + FINAL_AFTER_NS
        for daily in day.drafts.values():
            if (values := daily.running.values()) != NO_BAR:
                symbol, start_ns = daily.symbol, day.start_ns
                bars.append(bar_tick(BarDaily, symbol, start_ns, now_ns, daily.flags, values, 0, final))
    return sorted(bars, key=_place_of)


def differences(stored: Iterable[Bar], rebuilt: Iterable[Bar], now_ns: int) -> list[Bar]:
    """The revisions that make the stored bars equal to the rebuilt ones, to be published.

    Both must cover the same symbols and times; of several stored bars of one place the one
    with the highest `rev` counts. Bars that are not final at `now_ns` are left to the builder.
    A stored bar that should not be there is revised to zeros.
    """
    newest: dict[tuple[bool, str, int], Bar] = {}
    for bar in stored:
        if (place := _place_of(bar)) not in newest or newest[place].rev <= bar.rev:
            newest[place] = bar
    wanted = {_place_of(bar): bar for bar in rebuilt}
    revisions: list[Bar] = []
    for place in sorted(newest.keys() | wanted.keys()):
        daily, symbol, start_ns = place
        old, new = newest.get(place), wanted.get(place)
        known = new or old
        assert known is not None  # the place is one of theirs
        values = NO_BAR if new is None else bar_values(new)
        if values == (NO_BAR if old is None else bar_values(old)) or not is_final(start_ns, daily, now_ns):
            continue
        rev = 1 if old is None else old.rev + 1
        kind: type[Bar] = BarDaily if daily else BarRevision
        revisions.append(bar_tick(kind, symbol, start_ns, now_ns, known.flags, values, rev, True))
    return revisions


def _place_of(bar: Bar) -> tuple[bool, str, int]:
    return isinstance(bar, BarDaily), bar.symbol, bar.ts_event
