"""Which market gaps reach over a stretch of the tape."""

import pytest

from hub import market_gaps
from hub.market_gaps import CLOSED_MAX, GapBook, MarketGap, MarketGaps
from tests.hub.rig import MemoryTape, feed_event, trade


def test_gap_is_closed_by_the_same_source_scope_and_reason() -> None:
    """Another reason, or another symbol, ends another gap."""
    book = GapBook()
    book.note(feed_event("gap_open", "A"), 1)
    book.note(feed_event("gap_open", "A", why="limit"), 2)
    assert book.note(feed_event("gap_close", "B"), 3) is None
    assert book.note(feed_event("gap_close", "A"), 4) == MarketGap(1, 4, "A", "outage")
    assert list(book.still_open()) == [MarketGap(2, None, "A", "limit")]
    assert list(book.still_open(after_m=2)) == []


def test_close_ends_the_newest_of_equal_ones() -> None:
    """As it is told over HTTP."""
    book = GapBook()
    for m in (1, 2):
        book.note(feed_event("gap_open"), m)
    book.note(feed_event("gap_close"), 3)
    assert [gap.from_m for gap in book.still_open()] == [1]


@pytest.mark.parametrize(
    ("stretch", "reaches"), [((5, 8), True), ((10, 19), True), ((10, 20), False), ((4, 8), False)]
)
def test_gap_reaches_over_stretches_that_begin_and_end_in_it(stretch: tuple[int, int], reaches: bool) -> None:
    """Opened at 5, closed at 20: a stretch that holds one of the two sees it itself."""
    book = GapBook()
    book.note(feed_event("gap_open"), 5)
    book.note(feed_event("gap_close"), 20)
    assert bool(list(book.around(*stretch))) == reaches


def test_gap_that_is_not_over_reaches_over_everything_behind_it() -> None:
    """Whatever the stretch."""
    book = GapBook()
    book.note(feed_event("gap_open"), 5)
    assert list(book.around(5, 1 << 50)) == [MarketGap(5, None, "*", "outage")]


def test_other_events_are_no_gaps() -> None:
    """A switch of feeds, say."""
    book = GapBook()
    assert book.note(feed_event("switch"), 1) is None
    assert list(book.still_open()) == []


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go, open and closed."""
    monkeypatch.setattr(market_gaps, "OPEN_MAX", 10)
    book = GapBook()
    for m in range(1, 16):
        book.note(feed_event("gap_open", f"S{m}"), m)
    assert [gap.from_m for gap in book.still_open()] == list(range(6, 16))
    for m in range(100, 100 + 2 * (CLOSED_MAX + 10), 2):
        book.note(feed_event("gap_open"), m)
        book.note(feed_event("gap_close"), m + 1)
    assert sum(1 for _ in book.around(1 << 40, 0)) == CLOSED_MAX + 9


def test_line_ups_have_gaps_of_their_own() -> None:
    """Found among the ticks of a batch, with their marks."""
    tape, gaps = MemoryTape(), MarketGaps()
    gaps.note(tape.publish([trade("A"), feed_event("gap_open"), trade("A")]))
    gaps.note(tape.publish([feed_event("gap_open", "B")], "iex"))
    assert gaps.around("", 10, 20) == [MarketGap(2, None, "*", "outage")]
    assert gaps.around("iex", 10, 20) == [MarketGap(4, None, "B", "outage")]
    assert gaps.around("other", 10, 20) == []
