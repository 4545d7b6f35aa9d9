"""Queries about the past: the store and the end of the tape as one ordered whole.

The store lags behind the tape by some milliseconds, or by hours when it is down. What it
lacks is read from the tape itself, so a tick can be queried as soon as it has been numbered:

    rows with m ≤ stored                from the store
    rows with stored < m ≤ known_at     from the tape

`known_at` freezes the answer: the same query as of the same mark gives the same rows, with
the same corrections and gaps, however much is written meanwhile. Paging goes by key, so
pages neither overlap nor skip.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from storage.contract import Gap, Key, MarkRange, Order, ReadTape, Row, ScanQuery, StoreReader, Unreadable
from storage.corrections import Corrections
from storage.filing import STRAYS, filing_day
from storage.gaps import fold, gap_of_hole, touches
from storage.queries import check_query, check_times
from storage.tail import HistoryQuery, TailLook, place_of
from tape.batch import Batch

__all__ = ["Gaps", "History", "HistoryPage", "HistoryQuery", "Latest", "Stored"]


class HistoryPage(Struct, frozen=True):
    """Rows in order, where to go on, and what is known about their completeness."""

    rows: list[Row]
    next_key: Key | None
    """Pass it as `after` for the next page; None = this was the last."""
    known_at: int
    """The mark at which the answer is frozen."""
    complete_until: int
    """The mark up to which everything that was asked for is here, but for `gaps`.

    Below `known_at` only while the journal cannot be written: what came since is nowhere.
    """
    gaps: list[Gap]
    """The gaps that touch the time asked for."""


class Latest(Struct, frozen=True):
    """The newest row of each symbol."""

    rows: dict[str, Row]
    """Symbol → row; symbols without rows are left out."""
    known_at: int
    complete_until: int


class Gaps(Struct, frozen=True):
    """The gaps of a stretch of time."""

    gaps: list[Gap]
    known_at: int
    complete_until: int


class Stored(Struct, frozen=True):
    """What the store holds of some marks."""

    counts: dict[str, int]
    """Report key → rows."""
    symbols: int
    """Distinct symbols, `*` apart."""


class History:
    """Answers from one store and one tape. Synchronous; runs in the pool's workers.

    Every method may raise `StoreUnavailable` and `StoreDamaged`, what the tape raises, and
    `QueryError` for a query without meaning.
    """

    def __init__(self, store: StoreReader, read_tape: ReadTape, durable_m: Callable[[], int]) -> None:
        """`durable_m` gives the mark up to which the tape is on the disk."""
        self._store = store
        self._read_tape = read_tape
        self._durable_m = durable_m

    def page(self, query: HistoryQuery, known_at: int, after: Key | None, limit: int) -> HistoryPage:
        """The next page of a query as of `known_at`, behind the key `after`.

        A page may be short, even empty, and still have a next one: see `ScanPage`.
        """
        # The store is asked how far it is before it is asked for rows, and the tape after both:
        # so what is stored meanwhile cannot fall between the two.
        stored_m = min(self._store.stored_m(), known_at)
        scan = ScanQuery(
            query.family, stored_m, query.symbols, query.lineup, query.start_ns, query.end_ns,
            query.kinds, after, limit, query.order,
        )  # fmt: skip
        check_query(scan)
        stored = self._store.scan(scan)
        look = TailLook(query, known_at, self._durable_m())
        tail = look.page(self._tape(stored_m, known_at), after, stored.next_key, limit + 1)
        rows = _merged(stored.rows, tail, query.order) if tail else stored.rows
        next_key = stored.next_key
        if len(rows) > limit:
            del rows[limit:]
            next_key = rows[-1].key
        if look.corrections:
            corrections = Corrections(look.corrections)
            rows = [corrections.marked(row) for row in rows]
        return HistoryPage(rows, next_key, known_at, look.complete_until, self._gaps(query, stored_m, look))

    def latest(
        self, family: str, lineup: str, symbols: Iterable[str], known_at: int, kinds: Sequence[int] = ()
    ) -> Latest:
        """The newest row of each symbol by (ts_event, m), as of `known_at`; see `StoreReader.latest`."""
        query = HistoryQuery(family, tuple(symbols), lineup, kinds=tuple(kinds))
        stored_m = min(self._store.stored_m(), known_at)
        newest = self._store.latest(family, lineup, query.symbols or (), stored_m, query.kinds)
        look = TailLook(query, known_at, self._durable_m())
        for row in look.rows(self._tape(stored_m, known_at)):
            before = newest.get(row.tick.symbol)
            if before is None or _newness(before) < _newness(row):
                newest[row.tick.symbol] = row
        corrections = Corrections(look.corrections)
        rows = {symbol: corrections.marked(row) for symbol, row in newest.items()}
        return Latest(rows, known_at, look.complete_until)

    def gaps(self, lineup: str, start_ns: int, end_ns: int, known_at: int) -> Gaps:
        """The gaps that touch [start_ns, end_ns), as of `known_at`."""
        check_times(start_ns, end_ns)
        query = HistoryQuery("events", (), lineup, start_ns, end_ns)
        stored_m = min(self._store.stored_m(), known_at)
        look = TailLook(query, known_at, self._durable_m())
        for _ in look.rows(self._tape(stored_m, known_at)):
            pass  # only gaps are wanted, which are noted on the way
        return Gaps(self._gaps(query, stored_m, look), known_at, look.complete_until)

    def first_ts(self, family: str, lineup: str) -> int | None:
        """The oldest event time stored, ns; None when nothing is."""
        return self._store.first_ts(family, lineup)

    def stored(self, ranges: Sequence[MarkRange]) -> Stored:
        """What the store holds of some marks; looks at every row of them."""
        return Stored(self._store.counts(ranges), self._store.symbol_count(ranges))

    def _tape(self, after_m: int, up_to_m: int) -> Iterable[Batch | Unreadable]:
        return self._read_tape(after_m, up_to_m) if after_m < up_to_m else ()

    def _gaps(self, query: HistoryQuery, stored_m: int, look: TailLook) -> list[Gap]:
        gaps = self._store.gaps(query.lineup, query.start_ns, query.end_ns, stored_m)
        if look.gap_events or look.holes:
            folded = fold([*gaps, *map(gap_of_hole, look.holes)], look.gap_events)
            gaps = [gap for gap in folded if touches(gap, query.lineup, query.start_ns, query.end_ns)]
        return sorted(gaps, key=lambda gap: gap.open_m)


def _merged(stored: list[Row], tail: list[Row], order: Order) -> list[Row]:
    place = place_of(order)
    return list(heapq.merge(stored, tail, key=lambda row: place(row.key)))


def _newness(row: Row) -> tuple[bool, int, int]:
    return filing_day(row.tick) != STRAYS, row.tick.ts_event, row.m
