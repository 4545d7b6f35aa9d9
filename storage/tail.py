"""The end of the tape, which is not in the store yet, looked at for one query.

What is kept of it is bounded by the page, whatever the length of the tail; besides, all
corrections and gaps in it, which are few.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from storage.contract import TIME_END_NS, TIME_MIN_NS, Hole, Key, Order, Row, Unreadable
from storage.corrections import Correction, correction_of
from storage.filing import FAMILY_BY_KIND
from storage.gaps import gap_event_of
from tape.batch import Batch
from ticks import kinds
from ticks.model import FeedEvent, Tick

_CORRECTING: Final = (kinds.TRADE_CANCEL, kinds.TRADE_CORRECT)


class HistoryQuery(Struct, frozen=True):
    """What is asked for, without how far one has come: a cursor is bound to this."""

    family: str
    symbols: tuple[str, ...] | None = None
    """Canonical symbols in any order; None = all there are."""
    lineup: str = ""
    start_ns: int = TIME_MIN_NS
    """First event time, inclusive, ns."""
    end_ns: int = TIME_END_NS
    """Last event time, exclusive, ns."""
    order: Order = "asc"
    """Of time within each symbol; symbols always rise."""
    kinds: tuple[int, ...] = ()
    """Kinds within the family; empty = all."""


class TailLook:
    """One look at the tape from what is stored up to `known_at`."""

    def __init__(self, query: HistoryQuery, known_at: int, durable_m: int) -> None:
        self.corrections: list[Correction] = []
        """What the tail says about earlier prints."""
        self.gap_events: list[tuple[int, str, FeedEvent]] = []
        """Mark, line-up and tick of each gap event, in order of marks."""
        self.holes: list[Hole] = []
        """What was durable and cannot be read any more."""
        self.complete_until = known_at
        """The mark up to which the tape could be read, holes apart."""
        self._query = query
        self._durable_m = durable_m
        self._symbols = None if query.symbols is None else frozenset(query.symbols)
        family = [kind for kind, name in FAMILY_BY_KIND.items() if name == query.family]
        self._family_kinds = frozenset(family)
        self._kinds = frozenset(query.kinds or family)

    def page(
        self, items: Iterable[Batch | Unreadable], after: Key | None, up_to: Key | None, most: int
    ) -> list[Row]:
        """The first `most` rows behind `after` and not behind `up_to`, in the query's order."""
        place = place_of(self._query.order)
        low = None if after is None else place(after)
        high = None if up_to is None else place(up_to)

        def places() -> Iterator[tuple[tuple[str, int, int], Row]]:
            for row in self.rows(items):
                at = place(row.key)
                if (low is None or at > low) and (high is None or at <= high):
                    yield at, row

        return [row for _, row in heapq.nsmallest(most, places(), key=lambda one: one[0])]

    def rows(self, items: Iterable[Batch | Unreadable]) -> Iterator[Row]:
        """Yield the query's rows in order of marks, noting everything else on the way."""
        ts_recv = 0
        for item in items:
            if not isinstance(item, Batch):
                self._miss(item, ts_recv)
                continue
            if item.ticks:
                self._end_hole(item.ticks[0].ts_recv)
                ts_recv = item.ticks[-1].ts_recv
            if item.lineup == self._query.lineup:
                yield from self._batch_rows(item)

    def _batch_rows(self, batch: Batch) -> Iterator[Row]:
        start_ns, end_ns = self._query.start_ns, self._query.end_ns
        symbols, family_kinds, wanted = self._symbols, self._family_kinds, self._kinds
        for offset, tick in enumerate(batch.ticks):
            kind = tick.kind
            if kind == kinds.FEED_EVENT:
                self._note_gap(tick, batch, offset)
            if kind not in family_kinds or (symbols is not None and tick.symbol not in symbols):
                continue
            if kind in _CORRECTING:
                self._note_correction(tick, batch, offset)
            if kind in wanted and start_ns <= tick.ts_event < end_ns:
                yield Row(tick, batch.ns[offset], batch.first_m + offset, batch.epoch, batch.lineup)

    def _note_gap(self, tick: Tick, batch: Batch, offset: int) -> None:
        event = gap_event_of(tick)
        if event is not None:
            self.gap_events.append((batch.first_m + offset, batch.lineup, event))

    def _note_correction(self, tick: Tick, batch: Batch, offset: int) -> None:
        correction = correction_of(tick, batch.lineup, batch.first_m + offset)
        if correction is not None:
            self.corrections.append(correction)

    def _miss(self, damage: Unreadable, ts_recv: int) -> None:
        """Note what cannot be read: a hole where it was durable, else it is only not there yet."""
        last_m = min(damage.last_m, self._durable_m)
        if damage.first_m <= last_m:
            self.holes.append(Hole(damage.first_m, last_m, damage.reason, ts_recv, TIME_END_NS))
        if damage.last_m > last_m:
            self.complete_until = min(self.complete_until, max(last_m, damage.first_m - 1))

    def _end_hole(self, ts_recv: int) -> None:
        """A tick follows the newest hole: that is when it ended."""
        if self.holes and self.holes[-1].to_ts == TIME_END_NS:
            last = self.holes[-1]
            self.holes[-1] = Hole(last.first_m, last.last_m, last.why, last.from_ts, ts_recv)


def place_of(order: Order) -> Callable[[Key], tuple[str, int, int]]:
    """The function that makes of a key something that rises in the direction of a scan."""
    if order == "asc":
        return lambda key: key
    return lambda key: (key.symbol, -key.ts_event, -key.m)
