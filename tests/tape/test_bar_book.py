"""The book: where prints go, which withdrawals find them, and what is given up when memory is short."""

import pytest
from msgspec import structs

from tape.bar_book import REBUILDS_MAX, BarBook
from tape.bar_drafts import MinuteDraft, day_number
from tape.bar_rules import NO_BAR, bar_tick
from tests.tape.bar_making import MIDNIGHT, TEN, cancel, correct, minute, trade
from ticks import flags
from ticks.model import Bar, BarDaily, BarRevision, Quote, Tick
from ticks.sources import ALPACA_SIP
from ticks.times import NS_PER_MINUTE

DAY = day_number(TEN)


def book_of(*ticks: Tick, kept_trades: int = 1 << 62) -> BarBook:
    """A book that took these ticks one by one, settled."""
    book = BarBook(kept_trades)
    for tick in ticks:
        book.take([tick])
    for draft in drafts(book):
        book.settle(draft)
    return book


def drafts(book: BarBook) -> list[MinuteDraft]:
    """All minute drafts."""
    return [draft for one in book.minutes.values() for draft in one.drafts.values()]


def closes(book: BarBook, symbol: str = "AAPL") -> dict[int, int]:
    """Minute → close of its bar, in dollars."""
    return {
        (start - TEN) // NS_PER_MINUTE: one.drafts[symbol].tally.values()[3] // 10**9
        for start, one in book.minutes.items()
    }


def test_prints_go_into_the_minute_and_day_of_their_event_time() -> None:
    """Whatever the order in which they come, and whatever symbol came before."""
    book = book_of(
        trade(61, 12), trade(0, 10), trade(59.999999999, 11), trade(62, 9, symbol="SPY"), trade(63, 13)
    )
    assert {start: sorted(one.drafts) for start, one in book.minutes.items()} == {
        minute(0): ["AAPL"],
        minute(60): ["AAPL", "SPY"],
    }
    assert book.minutes[minute(0)].drafts["AAPL"].tally.count == 2
    assert book.days[DAY].drafts["AAPL"].running.values()[:4] == (
        10 * 10**9,
        13 * 10**9,
        10 * 10**9,
        13 * 10**9,
    )
    assert book.counts.placed == 5


def test_other_kinds_and_snapshots_are_no_prints() -> None:
    """A quote, a vendor's bar, and the last trade told at the start of a subscription."""
    quote = Quote(ALPACA_SIP, 0, "AAPL", TEN, 0, TEN, 0, 0, 1, 1, 2, 1, 0, 0, "", 0)
    vendors = Bar(ALPACA_SIP, 0, "AAPL", TEN, 0, TEN, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, False)
    assert not book_of(quote, vendors, trade(0, 10, flags=flags.SNAPSHOT)).minutes


@pytest.mark.parametrize(("price", "size"), [(0, 100), (-1, 100), (10, -1)])
def test_a_print_without_a_price_or_with_less_than_nothing_updates_nothing(price: float, size: float) -> None:
    """It is counted; the others of its minute stand."""
    book = book_of(trade(0, 10), trade(1, price, size), trade(2, 11))
    assert book.counts.refused == 1
    assert drafts(book)[0].tally.count == 2


@pytest.mark.parametrize("received_first", [False, True], ids=["print first", "cancel first"])
def test_a_cancelled_print_is_taken_out_whichever_comes_first(received_first: bool) -> None:
    """The minute and the day are as if it had never been."""
    bad = trade(1, 99, trade_id=7)
    pair: list[Tick] = [cancel(bad, 2), bad] if received_first else [bad, cancel(bad, 2)]
    book = book_of(trade(0, 10, trade_id=1), *pair, trade(3, 11, trade_id=2))
    draft = drafts(book)[0]
    book.refresh(draft.daily)
    assert draft.tally.values() == draft.daily.running.values()
    assert draft.tally.values()[1] == 11 * 10**9
    assert (book.counts.withdrawn, book.counts.orphans) == (1, int(received_first))


def test_a_correction_puts_its_print_in_the_place_of_the_old_one() -> None:
    """In the old one's minute and turn, though the correction comes minutes later."""
    first = trade(0, 99, 100, trade_id=1)
    fixed = correct(first, trade(0, 10, 300, trade_id=2), 150)
    draft = drafts(book_of(first, trade(1, 11), fixed))[0]
    assert draft.tally.values() == (
        10 * 10**9,
        11 * 10**9,
        10 * 10**9,
        11 * 10**9,
        400 * 10**6,
        2,
        10_250_000_000,
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_a_correction_of_a_correction_holds_in_any_order(order: tuple[int, int, int]) -> None:
    """Print, its correction and the correction's cancel may come in any order."""
    first, second = trade(0, 98, trade_id=1), trade(0, 99, trade_id=2)
    story = (first, correct(first, second, 1), cancel(second, 2))
    book = book_of(trade(3, 10, trade_id=9), *(story[turn] for turn in order))
    assert drafts(book)[0].tally.values()[:4] == (10 * 10**9,) * 4
    assert book.counts.withdrawn == 2


def test_a_correction_to_no_price_is_a_cancel() -> None:
    """What should have been nothing is taken out."""
    first = trade(0, 98, trade_id=1)
    draft = drafts(book_of(first, correct(first, trade(0, 0, trade_id=1), 1)))[0]
    assert draft.tally.values() == NO_BAR


def test_a_withdrawal_of_a_print_unknown_marks_its_day() -> None:
    """The print may be older than what is kept: its day and the evening before are to be rebuilt, once."""
    book = book_of(cancel(trade(0, 10, trade_id=1), 5), cancel(trade(0, 11, trade_id=2), 6))
    assert book.counts.orphans == 2
    assert book.take_rebuilds() == [("AAPL", DAY), ("AAPL", DAY - 1)]
    assert book.take_rebuilds() == []


def test_while_a_withdrawal_waits_no_print_of_its_symbol_slips_by() -> None:
    """Not even one in the midst of a batch, of a minute in which the symbol has traded already."""
    bad = trade(2, 99, trade_id=7)
    book = BarBook()
    book.take([trade(0, 10), trade(1, 10), cancel(bad, 1), trade(1, 11), trade(1, 12, symbol="SPY"), bad])
    assert book.counts.withdrawn == 1
    assert book.minutes[minute(0)].drafts["AAPL"].settle() == 0
    assert closes(book) == {0: 11}


def test_marks_for_rebuilding_are_bounded_and_counted() -> None:
    """What finds no room is counted; what is marked already needs none."""
    book = BarBook()
    for day in range(REBUILDS_MAX + 2):
        book.mark_rebuild("AAPL", day)
    book.mark_rebuild("AAPL", 0)
    assert book.counts.rebuilds_dropped == 2
    assert len(book.take_rebuilds()) == REBUILDS_MAX


def test_a_print_of_a_sealed_minute_adds_to_its_day_and_marks_it() -> None:
    """The minute stays as it is; the day, which is not over, goes on."""
    book = book_of(trade(0, 10))
    book.seal(book.minutes[minute(0)])
    while book.fold():
        pass
    book.sealed_to_ns = minute(60)
    book.take([trade(1, 12, flags=flags.PARTIAL_COVERAGE)])
    daily = book.days[DAY].drafts["AAPL"]
    assert daily.running == daily.base
    assert daily.running.values()[:6] == (10 * 10**9, 12 * 10**9, 10 * 10**9, 12 * 10**9, 200 * 10**6, 2)
    assert daily.flags == flags.PARTIAL_COVERAGE
    assert book.late_days == [daily]
    assert book.take_rebuilds() == [("AAPL", DAY)]
    assert (book.counts.too_late, book.minutes) == (1, {})


def test_a_print_of_a_day_that_is_over_is_only_marked() -> None:
    """Neither minute nor day is begun again."""
    book = BarBook()
    book.sealed_to_ns = TEN
    book.take([trade(-11 * 3600, 10)])
    assert book.take_rebuilds() == [("AAPL", DAY - 1)]
    assert not book.minutes
    assert not book.days


def test_a_print_ahead_of_the_clock_begins_no_minute() -> None:
    """A stamp from the future must not leave a minute behind that never ends."""
    book = BarBook()
    book.ahead_ns = TEN
    book.take([trade(59, 10), trade(60, 10)])
    assert list(book.minutes) == [minute(0)]
    assert book.counts.ahead == 1
    assert book.take_rebuilds() == [("AAPL", DAY)]


def test_a_time_before_1970_is_refused() -> None:
    """It is no time of a print."""
    book = book_of(trade(-3_000_000_000, 10))
    assert book.counts.refused == 1
    assert not book.days


def test_of_equal_prints_the_newest_is_withdrawn() -> None:
    """Of venues without ids, over several minutes and within one."""
    prints = [trade(0, 10), trade(61, 10), trade(62, 10), trade(63, 11)]
    book = book_of(*prints, cancel(prints[0], 70))
    counts = {start: one.drafts["AAPL"].tally.count for start, one in book.minutes.items()}
    assert counts == {minute(0): 1, minute(60): 2}
    book.take([cancel(prints[0], 71)])
    last = book.minutes[minute(60)].drafts["AAPL"]
    last.settle()
    assert (last.tally.first, last.tally.count) == (11 * 10**9, 1)


def test_folding_a_minute_keeps_the_day() -> None:
    """The base then holds what the minute held, and a withdrawal elsewhere counts on it."""
    bad = trade(61, 99, trade_id=5)
    book = book_of(trade(0, 10), trade(1, 12), bad, trade(62, 11))
    daily = book.days[DAY].drafts["AAPL"]
    book.seal(book.minutes[minute(0)])
    while book.fold():
        pass
    book.take([cancel(bad, 70)])
    book.settle(drafts(book)[0])
    book.refresh(daily)
    assert daily.running.values()[:6] == (10 * 10**9, 12 * 10**9, 10 * 10**9, 11 * 10**9, 300 * 10**6, 3)


def test_prints_beyond_the_limit_are_given_up_oldest_minutes_first() -> None:
    """Bars go on; only withdrawals from a minute that was shed find nothing."""
    old, new = trade(0, 10, trade_id=1), trade(61, 11, trade_id=2)
    fill = [trade(1, 12, trade_id=10 + number) for number in range(7)]
    book = book_of(old, *fill, new, kept_trades=8)
    assert book.counts.shed_minutes == 1
    assert book.minutes[minute(0)].shed
    assert not book.minutes[minute(60)].shed
    book.take([trade(2, 14), cancel(old, 70), cancel(new, 71), trade(62, 13)])
    for draft in drafts(book):
        book.settle(draft)
    assert closes(book) == {0: 14, 1: 13}
    assert (book.counts.withdrawn, book.counts.orphans) == (1, 1)
    assert book.take_rebuilds() == [("AAPL", DAY), ("AAPL", DAY - 1)]


def test_folded_minutes_leave_room_for_others() -> None:
    """However many prints pass through, none is given up while few are kept at a time."""
    book = BarBook(kept_trades=8)
    for number in range(50):
        book.take([trade(60 * number + second, 10) for second in range(6)])
        book.seal(book.minutes[minute(60 * number)])
        while book.fold():
            pass
    assert (book.counts.shed_minutes, book.counts.placed) == (0, 300)


def test_a_minute_that_is_shed_while_it_goes_on_keeps_counting() -> None:
    """With room for less than a minute's prints the bar is right all the same."""
    book = book_of(*(trade(number / 10, 10 + number) for number in range(100)), kept_trades=8)
    draft = drafts(book)[0]
    assert draft.tally.values()[:6] == (10 * 10**9, 109 * 10**9, 10 * 10**9, 109 * 10**9, 10**10, 100)
    assert len(draft) == 0


def test_flags_that_are_true_of_a_part_are_said_of_the_bar() -> None:
    """One print of one venue among consolidated ones, one back-filled one."""
    book = book_of(
        trade(0, 10, flags=flags.REPLAY),
        trade(1, 10, flags=flags.REPLAY | flags.PARTIAL_COVERAGE | flags.LATE),
        trade(2, 10, flags=flags.REPLAY | flags.BACKFILL),
    )
    draft = drafts(book)[0]
    assert draft.flags == draft.daily.flags == flags.REPLAY | flags.PARTIAL_COVERAGE
    assert draft.live


def test_bars_of_our_own_are_recalled_by_their_highest_revision() -> None:
    """So that after a restart numbering goes on; an older one that comes back changes nothing."""
    book = book_of(trade(0, 10))
    values, older = (1, 2, 3, 4, 5, 6, 7), (1, 1, 1, 1, 1, 1, 1)
    vendors = structs.replace(
        bar_tick(BarRevision, "AAPL", minute(0), TEN, 0, older, 8, False), source=ALPACA_SIP
    )
    book.take([
        vendors,
        bar_tick(BarRevision, "AAPL", minute(0), TEN, 0, values, 3, False),
        bar_tick(Bar, "AAPL", minute(0), TEN, 0, older, 0, False),
        bar_tick(BarDaily, "AAPL", MIDNIGHT, TEN, 0, values, 9, False),
        bar_tick(Bar, "SPY", minute(0), TEN, 0, older, 0, False),
        bar_tick(Bar, "AAPL", minute(600), TEN, 0, older, 0, False),
        bar_tick(BarDaily, "AAPL", MIDNIGHT - 1, TEN, 0, older, 0, False),
    ])  # fmt: skip
    draft = drafts(book)[0]
    assert (draft.rev, draft.published) == (3, values)
    assert (draft.daily.rev, draft.daily.published) == (9, values)
