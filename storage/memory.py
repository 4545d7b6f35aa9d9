"""The model: a store that keeps everything in memory and answers in the plainest way.

It is what the other stores are compared with, so it prefers being obviously right to being
fast: each query looks at every row. Nothing survives the process.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from storage.contract import (
    Checkpoint,
    Gap,
    Hole,
    Key,
    MarkRange,
    Row,
    ScanPage,
    ScanQuery,
)  # fmt: skip
from storage.corrections import Corrections, as_known_at, correction_of
from storage.filing import FAMILY_BY_KIND, STRAYS, filing_day
from storage.gaps import fold, gap_event_of, gap_of_hole, touches
from storage.queries import check_query, check_times
from tape.batch import Batch
from ticks.kinds import KINDS
from ticks.model import MARKET


class MemoryStore:
    """A `storage.contract.Store` in a dict."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._holes: dict[int, Hole] = {}
        self._checkpoint = Checkpoint(0, 0)

    def checkpoint(self) -> Checkpoint:
        """See `StoreWriter`."""
        return self._checkpoint

    def stored_m(self) -> int:
        """See `StoreReader`."""
        return self._checkpoint.m

    def write(self, batches: Sequence[Batch], up_to_m: int, holes: Sequence[Hole] = ()) -> None:
        """See `StoreWriter`."""
        ts_recv = self._checkpoint.ts_recv
        for batch in batches:
            for offset, (n, tick) in enumerate(zip(batch.ns, batch.ticks, strict=True)):
                m = batch.first_m + offset
                ts_recv = max(ts_recv, tick.ts_recv)
                if tick.kind in FAMILY_BY_KIND:
                    self._rows.setdefault(m, Row(tick, n, m, batch.epoch, batch.lineup))
        for hole in holes:
            self._holes.setdefault(hole.first_m, hole)
        if up_to_m > self._checkpoint.m:
            self._checkpoint = Checkpoint(up_to_m, ts_recv)

    def sync(self) -> None:
        """See `StoreWriter`; there is nothing to do."""

    def synced_m(self) -> int:
        """See `StoreWriter`; a model knows no power cuts."""
        return self._checkpoint.m

    def scan(self, query: ScanQuery) -> ScanPage:
        """See `StoreReader`."""
        check_query(query)
        wanted = None if query.symbols is None else frozenset(query.symbols)
        rows = [
            row
            for row in self._family(query.family, query.lineup, query.up_to_m, query.kinds)
            if (wanted is None or row.tick.symbol in wanted)
            and query.start_ns <= row.tick.ts_event < query.end_ns
        ]
        direction = 1 if query.order == "asc" else -1

        def place(key: Key) -> tuple[str, int, int]:
            return key.symbol, direction * key.ts_event, direction * key.m

        rows.sort(key=lambda row: place(row.key))
        first = 0
        if query.after is not None:
            first = bisect_right(rows, place(query.after), key=lambda row: place(row.key))
        page = rows[first : first + query.limit]
        more = len(rows) > first + query.limit
        marked = self._as_known_at(query.up_to_m)
        return ScanPage([marked(row) for row in page], page[-1].key if more else None)

    def latest(
        self, family: str, lineup: str, symbols: Iterable[str], up_to_m: int, kinds: Sequence[int] = ()
    ) -> dict[str, Row]:
        """See `StoreReader`."""
        wanted = frozenset(symbols)
        newest: dict[str, Row] = {}
        for row in sorted(self._family(family, lineup, up_to_m, kinds), key=_plausible_then_time):
            if row.tick.symbol in wanted:
                newest[row.tick.symbol] = row
        marked = self._as_known_at(up_to_m)
        return {symbol: marked(row) for symbol, row in newest.items()}

    def counts(self, ranges: Sequence[MarkRange]) -> dict[str, int]:
        """See `StoreReader`."""
        found: dict[str, int] = {}
        for row in self._between(ranges):
            report = KINDS[row.tick.kind].report
            found[report] = found.get(report, 0) + 1
        return found

    def symbol_count(self, ranges: Sequence[MarkRange]) -> int:
        """See `StoreReader`."""
        return len({row.tick.symbol for row in self._between(ranges)} - {MARKET})

    def gaps(self, lineup: str, start_ns: int, end_ns: int, up_to_m: int) -> list[Gap]:
        """See `StoreReader`."""
        check_times(start_ns, end_ns)
        events = [
            (row.m, row.lineup, event)
            for row in self._family("events", lineup, up_to_m, ())
            if (event := gap_event_of(row.tick)) is not None
        ]
        holes = [gap_of_hole(hole) for hole in self._holes.values() if hole.first_m <= up_to_m]
        gaps = sorted(fold(holes, sorted(events)), key=lambda gap: gap.open_m)
        return [gap for gap in gaps if touches(gap, lineup, start_ns, end_ns)]

    def first_ts(self, family: str, lineup: str) -> int | None:
        """See `StoreReader`."""
        rows = self._family(family, lineup, self._checkpoint.m, ())
        plausible = [row.tick.ts_event for row in rows if filing_day(row.tick) != STRAYS]
        return min(plausible or (row.tick.ts_event for row in rows), default=None)

    def close(self) -> None:
        """See `StoreReader`; there is nothing to do."""

    def _family(self, family: str, lineup: str, up_to_m: int, kinds: Sequence[int]) -> list[Row]:
        return [
            row
            for row in self._rows.values()
            if row.m <= up_to_m
            and row.lineup == lineup
            and FAMILY_BY_KIND[row.tick.kind] == family
            and (not kinds or row.tick.kind in kinds)
        ]

    def _between(self, ranges: Sequence[MarkRange]) -> list[Row]:
        return [row for row in self._rows.values() if any(first <= row.m <= last for first, last in ranges)]

    def _as_known_at(self, up_to_m: int) -> Callable[[Row], Row]:
        """The function that marks rows as the corrections up to `up_to_m` do."""
        named = (correction_of(row.tick, row.lineup, row.m) for row in self._rows.values())
        corrections = Corrections(one for one in named if one is not None and one.m <= up_to_m)
        return lambda row: as_known_at(corrections.marked(row), up_to_m)


def _plausible_then_time(row: Row) -> tuple[bool, int, int]:
    return filing_day(row.tick) != STRAYS, row.tick.ts_event, row.m
