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
    assert list(book.open_at(9)) == [MarketGap(2, None, "A", "limit")]


def test_close_ends_the_newest_of_equal_ones() -> None:
    """As it is told over HTTP."""
    book = GapBook()
    for m in (1, 2):
        book.note(feed_event("gap_open"), m)
    book.note(feed_event("gap_close"), 3)
    assert [gap.from_m for gap in book.open_at(9)] == [1]


@pytest.mark.parametrize(("m", "is_open"), [(4, False), (5, True), (19, True), (20, False)])
def test_gap_is_open_at_the_marks_between_its_two_events(m: int, is_open: bool) -> None:
    """Opened at 5, closed at 20; also when it is looked at afterwards."""
    book = GapBook()
    book.note(feed_event("gap_open"), 5)
    assert bool(list(book.open_at(m))) == (m >= 5)
    book.note(feed_event("gap_close"), 20)
    assert bool(list(book.open_at(m))) == is_open


def test_other_events_are_no_gaps() -> None:
    """A switch of feeds, say."""
    book = GapBook()
    assert book.note(feed_event("switch"), 1) is None
    assert list(book.open_at(9)) == []


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go, open and closed."""
    monkeypatch.setattr(market_gaps, "OPEN_MAX", 10)
    book = GapBook()
    for m in range(1, 16):
        book.note(feed_event("gap_open", f"S{m}"), m)
    assert [gap.from_m for gap in book.open_at(99)] == list(range(6, 16))
    first, last = 100, 100 + 2 * (CLOSED_MAX + 10)
    for m in range(first, last, 2):
        book.note(feed_event("gap_open"), m)
        book.note(feed_event("gap_close"), m + 1)
    known = [any(gap.scope == "*" for gap in book.open_at(m)) for m in range(first, last, 2)]
    assert known == [False] * 10 + [True] * CLOSED_MAX


def test_line_ups_have_gaps_of_their_own() -> None:
    """Found among the ticks of a batch, with their marks."""
    tape, gaps = MemoryTape(), MarketGaps()
    gaps.note(tape.publish([trade("A"), feed_event("gap_open"), trade("A")]))
    gaps.note(tape.publish([feed_event("gap_open", "B")], "iex"))
    assert gaps.open_at("", 20) == [MarketGap(2, None, "*", "outage")]
    assert gaps.open_at("iex", 20) == [MarketGap(4, None, "B", "outage")]
    assert gaps.open_at("other", 20) == []
