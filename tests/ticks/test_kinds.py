"""The kind table is whole and keeps its numbers."""

from ticks.kinds import CHANNEL_KINDS, FAMILIES, KINDS

NUMBERS = {
    "trade": 1, "cancel": 2, "correction": 3, "quote": 4, "depth": 5, "bar": 6, "bar_revision": 7,
    "daily_bar": 8, "status": 9, "band": 10, "auction": 11, "news": 12, "feed_event": 13,
}  # fmt: skip
"""As the first release wrote them into journals."""


def test_numbers_never_move() -> None:
    """A journal written by any release reads the same."""
    assert {row.report: number for number, row in KINDS.items()} == NUMBERS
    assert all(row.number == number for number, row in KINDS.items())


def test_operations_and_reports_name_one_kind_each() -> None:
    """A client switches on `op`, a report on its word."""
    rows = KINDS.values()
    assert len({row.op for row in rows}) == len({row.report for row in rows}) == len(KINDS)
    assert all(len(row.op) == 1 for row in rows)


def test_each_kind_travels_in_the_documented_channel() -> None:
    """`t:` t x c · `q:` q · `o:` o · `b1m:` b u · `b1d:` d · `s:` s l i · `n:` n · `f:` f."""
    carried: dict[str, str] = {}
    for row in KINDS.values():
        carried[row.channel] = carried.get(row.channel, "") + row.op
    assert carried == {
        "t": "txc", "q": "q", "o": "o", "b1m": "bu", "b1d": "d", "s": "sli", "n": "n", "f": "f",
    }  # fmt: skip
    assert set(carried) == CHANNEL_KINDS


def test_what_is_stored_has_a_table() -> None:
    """Everything but depth is kept in one of the store's tables."""
    assert {row.family for row in KINDS.values() if row.stored} == set(FAMILIES)
    assert [row.report for row in KINDS.values() if not row.stored] == ["depth"]
