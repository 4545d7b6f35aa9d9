"""Of each bar the newest revision, whatever the pages."""

from hypothesis import given
from hypothesis import strategies as st

from storage.bars import bars_page
from storage.contract import Key, Row
from storage.history import HistoryPage
from ticks.model import Bar, BarRevision


def bar(symbol: str, start: int, m: int, rev: int, volume: int = 5) -> Row:
    """One revision of a bar as a row."""
    shape = BarRevision if rev else Bar
    tick = shape(7, 0, symbol, start, 0, start, 0, 0, 1, 2, 1, 2, volume, int(volume > 0), 1, rev, False)
    return Row(tick, m, m, 1, "")


class Pages:
    """Rows in order, given out in pages of any size."""

    def __init__(self, rows: list[Row], size: int) -> None:
        self.rows = sorted(rows, key=lambda row: row.key)
        self.size = size

    def __call__(self, after: Key | None, limit: int) -> HistoryPage:
        rest = [row for row in self.rows if after is None or row.key > after]
        page = rest[: min(limit, self.size)]
        return HistoryPage(page, page[-1].key if len(rest) > len(page) else None, 99, 99, [])


revisions = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 4), st.integers(0, 2)), max_size=30)


@given(revisions, st.integers(1, 7), st.integers(1, 5))
def test_any_paging_gives_the_newest_revision_of_each_bar_once(
    made: list[tuple[str, int, int]], size: int, limit: int
) -> None:
    """Compared with a dict of the newest; volume 0 means that the bar was withdrawn."""
    rows = [bar(symbol, start, m, 0, volume) for m, (symbol, start, volume) in enumerate(made, 1)]
    newest = {(row.tick.symbol, row.tick.ts_event): row for row in rows}
    expected = sorted(
        (row.key for row in newest.values() if made[row.m - 1][2]), key=lambda key: (key.symbol, key.ts_event)
    )
    pages = Pages(rows, size)
    found: list[Key] = []
    after: Key | None = None
    for _ in range(100):
        page = bars_page(pages, after, limit)
        assert len(page.rows) <= limit
        found += [row.key for row in page.rows]
        after = page.next_key
        if after is None:
            break
    assert found == expected


def test_a_revision_replaces_the_bar_before_it() -> None:
    """One bar comes out, the newer one."""
    page = bars_page(Pages([bar("A", 0, 1, 0), bar("A", 0, 2, 1), bar("A", 60, 3, 0)], 10), None, 10)
    assert [(row.tick.ts_event, row.m) for row in page.rows] == [(0, 2), (60, 3)]
    assert page.next_key is None
