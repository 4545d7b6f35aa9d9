"""Bars in the making: what is kept of a minute and of a day while they can still change.

A *draft* is the state of one bar: its tally, and, of a minute, the prints it was made of, so
that a withdrawn print can be taken out again. `Minute` and `Day` hold the drafts of all
symbols for one stretch of time.

There may be a hundred thousand drafts, so they are out of the garbage collector's sight
(`gc=False`, and prints as bytes): drafts must never refer to what holds them.
"""

from collections.abc import Iterable, Iterator
from struct import pack
from typing import Final

from msgspec import Struct, field

from tape.bar_rules import DAY_RULES, MINUTE_RULES, PRINT, Tally, Values
from ticks import flags
from ticks.times import NS_PER_DAY, NS_PER_MINUTE, new_york_offset_ns, new_york_time_ns

INHERITED: Final = flags.REPLAY | flags.SECONDARY_SOURCE | flags.PARTIAL_COVERAGE | flags.TEST_SYMBOL
"""Flags of a print that its bar takes over: what is true of a part is said of the whole."""
NO_FLAGS_YET: Final = -1


class DayDraft(Struct, gc=False, eq=False):
    """One symbol's daily bar."""

    symbol: str
    start_ns: int
    flags: int = 0
    base: Tally = field(default_factory=Tally)
    """The minutes that cannot change any more."""
    running: Tally = field(default_factory=Tally)
    """All settled prints of the day."""
    stale: bool = False
    """A print was taken out: `running` has to be made anew from `base` and the minutes."""
    rev: int = -1
    published: Values | None = None
    """What was published last; None before the first time."""
    final: bool = False
    """What was published last was said to be final."""
    queued: bool = False


class MinuteDraft(Struct, gc=False, eq=False):
    """One symbol's minute bar, with its prints in order of arrival."""

    symbol: str
    start_ns: int
    daily: DayDraft
    """The bar of the day that this minute is part of."""
    shed: bool = False
    """Prints are not kept: they are forgotten as soon as they are settled."""
    flags: int = 0
    usual_flags: int = NO_FLAGS_YET
    """Flags of the newest print: one with the same flags needs no second look."""
    live: bool = False
    """At least one print came live; a minute that is back-filled alone is only ever revised."""
    prints: bytearray = field(default_factory=bytearray)
    """Packed by `bar_rules.PRINT`."""
    settled: int = 0
    """How many prints the tallies hold."""
    tally: Tally = field(default_factory=Tally)
    day_tally: Tally = field(default_factory=Tally)
    """What the same prints do to the day."""
    spoiled: bool = False
    """A settled print was taken out or replaced: the tallies have to be made anew."""
    rev: int = -1
    published: Values | None = None
    """What was published last; None before the first time."""
    queued: bool = False

    def __len__(self) -> int:
        return len(self.prints) // PRINT.size

    def settle(self) -> int:
        """Bring the tallies, and the day's, up to the prints. Returns how many prints were forgotten."""
        if self.spoiled:
            self.tally, self.day_tally, self.settled = Tally(), Tally(), 0
            self.spoiled = False
            self.daily.stale = True
        count = len(self)
        if self.settled != count:
            fresh = Tally()
            fresh.add(self.prints, self.settled, DAY_RULES)
            self.day_tally.merge(fresh)
            self.daily.running.merge(fresh)
            self.tally.add(self.prints, self.settled, MINUTE_RULES)
            self.settled = count
        if not self.shed:
            return 0
        self.prints.clear()
        self.settled = 0
        return count

    def find(self, venue: int, trade_id: int, price: int, size: int) -> int:
        """The place of the newest such print; -1 when there is none."""
        found = -1
        if pack("=Q", trade_id) in self.prints:
            wanted = (price, size, trade_id, venue)
            for place, (_, *print_, _, its_venue) in enumerate(PRINT.iter_unpack(self.prints)):
                if (*print_, its_venue) == wanted:
                    found = place
        return found

    def event_time(self, place: int) -> int:
        """When a print happened, ns."""
        ts_event: int = PRINT.unpack_from(self.prints, place * PRINT.size)[0]
        return ts_event

    def remove(self, place: int) -> None:
        """Take a print out."""
        at = place * PRINT.size
        del self.prints[at : at + PRINT.size]
        self.spoiled |= place < self.settled

    def replace(self, place: int, price: int, size: int, trade_id: int, elig: int) -> None:
        """Put another print in the place of one; it keeps its time, venue and turn."""
        at = place * PRINT.size
        ts_event, _, _, _, _, venue = PRINT.unpack_from(self.prints, at)
        PRINT.pack_into(self.prints, at, ts_event, price, size, trade_id, elig, venue)
        self.spoiled |= place < self.settled


class Day:
    """The daily bars of one New York calendar day."""

    __slots__ = ("drafts", "end_ns", "number", "start_ns")

    def __init__(self, number: int) -> None:
        self.number = number
        """Days since 1970."""
        self.start_ns = new_york_time_ns(number, 0)
        self.end_ns = new_york_time_ns(number + 1, 0)
        self.drafts: dict[str, DayDraft] = {}

    def draft(self, symbol: str) -> DayDraft:
        """The symbol's daily bar, begun when it was not there."""
        draft = self.drafts.get(symbol)
        if draft is None:
            draft = self.drafts[symbol] = DayDraft(symbol, self.start_ns)
        return draft


class Minute:
    """The minute bars of one minute."""

    __slots__ = ("closed", "day", "drafts", "due_ns", "end_ns", "shed", "start_ns", "waiting")

    def __init__(self, start_ns: int, day: Day, due_ns: int) -> None:
        self.start_ns = start_ns
        self.end_ns = start_ns + NS_PER_MINUTE
        self.day = day
        self.due_ns = due_ns
        """When something is to be done next: it closes, revisions are published, it is sealed."""
        self.drafts: dict[str, MinuteDraft] = {}
        self.closed = False
        """Its first bars have been published (or are about to be)."""
        self.shed = False
        """Its prints were given up for want of memory."""
        self.waiting: list[MinuteDraft] = []
        """Changed since they were published; to be revised at `due_ns`."""

    def draft(self, symbol: str) -> MinuteDraft:
        """The symbol's minute bar, begun when it was not there."""
        draft = self.drafts.get(symbol)
        if draft is None:
            draft = MinuteDraft(symbol, self.start_ns, self.day.draft(symbol), self.shed)
            self.drafts[symbol] = draft
        return draft

    def give_up_prints(self) -> int:
        """Keep the tallies alone from now on; returns how many prints were forgotten."""
        self.shed = True
        forgotten = 0
        for draft in self.drafts.values():
            draft.shed = True
            forgotten += draft.settle()
        return forgotten


def minute_start(ts_event: int) -> int:
    """The start of the minute of a time, ns."""
    return ts_event - ts_event % NS_PER_MINUTE


def day_number(ts_event: int) -> int:
    """The New York calendar day of a time, days since 1970 (not the trading day: that begins at 20:00)."""
    return (ts_event + new_york_offset_ns(ts_event)) // NS_PER_DAY


def drafts_of(minutes: Iterable[Minute], daily: DayDraft) -> Iterator[MinuteDraft]:
    """The minute drafts that are part of a daily bar."""
    for minute in minutes:
        if minute.day.start_ns == daily.start_ns and (draft := minute.drafts.get(daily.symbol)) is not None:
            yield draft
