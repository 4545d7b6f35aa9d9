"""Market gaps: stretches of the tape in which the market itself was not seen, as feeds declare them.

A gap is opened and closed by two ticks of the tape (`FeedEvent`, of one source, scope and reason).
`MarketGaps` follows all line-ups while the hub runs, so that a certificate knows of gaps that reach
to its end, but were opened before the stretch it speaks of, or in a part that was not served.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from tape.batch import Batch
from ticks.kinds import FEED_EVENT
from ticks.model import FeedEvent

OPEN_MAX: Final = 65_536
"""Gaps of one line-up that are open at a time; a feed may declare one for each symbol. Beyond it the
oldest are forgotten."""
CLOSED_MAX: Final = 4_096
"""Gaps of one line-up that are over; the oldest are forgotten."""
_OPEN: Final = "gap_open"
_CLOSE: Final = "gap_close"

Key = tuple[int, str, str]
"""(source, scope, reason): a close ends the newest open gap of the same."""


class MarketGap(Struct, gc=False):
    """One gap, by marks."""

    from_m: int
    to_m: int | None
    """None = not over yet."""
    scope: str
    """The symbol concerned, or `*`."""
    why: str


class GapBook:
    """The gaps of one line-up, in the order of marks."""

    def __init__(self) -> None:
        self._open: dict[Key, list[MarketGap]] = {}
        self._opened = 0
        self._closed: deque[MarketGap] = deque(maxlen=CLOSED_MAX)

    def note(self, event: FeedEvent, m: int) -> MarketGap | None:
        """Take note of an event at mark `m`; returns the gap that it closes, if that was noted."""
        key = (event.source, event.scope, event.why)
        if event.what == _OPEN:
            self._make_room()
            self._open.setdefault(key, []).append(MarketGap(m, None, event.scope, event.why))
            self._opened += 1
        elif event.what == _CLOSE:
            gap = self._take(key)
            if gap is not None:
                gap.to_m = m
                self._closed.append(gap)
            return gap
        return None

    def open_at(self, m: int) -> Iterator[MarketGap]:
        """Those that were opened up to a mark, and were not over at it."""
        still_open = itertools.chain.from_iterable(self._open.values())
        for gap in itertools.chain(still_open, self._closed):
            if gap.from_m <= m and (gap.to_m is None or gap.to_m > m):
                yield gap

    def _take(self, key: Key) -> MarketGap | None:
        gaps = self._open.get(key)
        if not gaps:
            return None
        gap = gaps.pop()
        self._opened -= 1
        if not gaps:
            del self._open[key]
        return gap

    def _make_room(self) -> None:
        if self._opened >= OPEN_MAX:
            self._take(next(iter(self._open)))


class MarketGaps:
    """The gaps of all line-ups, as far as they were published or in memory since the hub began."""

    def __init__(self) -> None:
        self._books: dict[str, GapBook] = {}

    def note(self, batch: Batch) -> None:
        """Take a batch that has feed events."""
        for place, tick in enumerate(batch.ticks):
            if tick.kind == FEED_EVENT and isinstance(tick, FeedEvent):
                self._books.setdefault(batch.lineup, GapBook()).note(tick, batch.first_m + place)

    def open_at(self, lineup: str, m: int) -> list[MarketGap]:
        """The gaps of a line-up that were opened up to a mark, and were not over at it."""
        book = self._books.get(lineup)
        return [] if book is None else list(book.open_at(m))
