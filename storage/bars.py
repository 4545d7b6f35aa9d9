"""Bars as they stand: of each bar the newest revision, bars that have been withdrawn left out.

The store keeps every revision as a row of its own. Pure: pages of rows go in, pages of bars
come out; a page never ends between two revisions of one bar.
"""

from collections.abc import Callable
from itertools import groupby

from msgspec import structs

from storage.contract import Key, Row
from storage.history import HistoryPage

ROWS_AT_ONCE = 2_000
"""Rows looked at in one go: revisions included."""

NextPage = Callable[[Key | None, int], HistoryPage]
"""(after, limit) → the page of rows behind a key."""


def bars_page(next_page: NextPage, after: Key | None, limit: int) -> HistoryPage:
    """At most `limit` bars behind the key `after`; `next_key` is that of a bar's last row."""
    bars: list[Row] = []
    key = after
    pending: list[Row] = []
    while True:
        page = next_page(key, max(limit, ROWS_AT_ONCE))
        pending.extend(page.rows)
        groups = [list(group) for _, group in groupby(pending, _bar_of)]
        # More rows of the last bar may follow, unless this was the last page.
        complete, pending = (groups[:-1], groups[-1]) if page.next_key and groups else (groups, [])
        for group in complete:
            newest = max(group, key=_mark)
            if not _withdrawn(newest):
                bars.append(newest)
            if len(bars) == limit:
                last = group is complete[-1] and not pending and page.next_key is None
                return structs.replace(page, rows=bars, next_key=None if last else group[-1].key)
        if page.next_key is None:
            return structs.replace(page, rows=bars, next_key=None)
        key = page.next_key


def _bar_of(row: Row) -> tuple[str, int]:
    return row.tick.symbol, row.tick.ts_event


def _mark(row: Row) -> int:
    return row.m


def _withdrawn(row: Row) -> bool:
    """Whether a bar has lost all its trades."""
    return not getattr(row.tick, "count", 0) and not getattr(row.tick, "volume", 0)
