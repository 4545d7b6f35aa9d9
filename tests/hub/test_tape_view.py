"""What the hub asks the tape without waiting."""

from tests.hub.rig import MemoryTape, feed_event, quote, trade


def tape_of(*counts: int) -> MemoryTape:
    """A tape with batches of so many trades."""
    tape = MemoryTape()
    for count in counts:
        tape.publish([trade("AAPL") for _ in range(count)])
    return tape


def test_head_is_the_newest_mark_whether_synced_or_not() -> None:
    """What was published before the hub was made counts."""
    tape = tape_of(3, 2)
    assert tape.view().head_m() == 5
    tape.sync()
    assert tape.view().head_m() == 5
    assert MemoryTape().view().head_m() == 0


def test_head_without_memory_is_the_durable_mark() -> None:
    """A tape that was closed cleanly and has warmed nothing."""
    tape = tape_of(3)
    tape.sync()
    tape._ring._begin = 99
    assert tape.view().head_m() == 3


def test_count_is_the_last_number_of_a_channel() -> None:
    """Zero for a channel that has had no tick."""
    tape = tape_of(2)
    view = tape.view()
    assert (view.count("t:AAPL"), view.count("t:NONE")) == (2, 0)


def test_counts_are_asked_each_time() -> None:
    """The tape begins another list of counts when its journal has recovered."""
    tape = tape_of(2)
    view = tape.view()
    tape.go_volatile()
    tape.publish([trade("AAPL"), trade("AAPL")])
    assert view.count("t:AAPL") == 4
    tape.recover()
    assert view.count("t:AAPL") == 2


def test_epoch_of_a_mark_is_that_in_which_it_was_given() -> None:
    """Marks between two epochs belong to the earlier one; mark 0 to the first."""
    tape = tape_of(3)
    tape.sync()
    tape.lose_tail(reserve=100)
    tape.publish([trade("AAPL")])
    view = tape.view()
    assert [view.epoch_at(m) for m in (0, 1, 3, 50, 103, 104, 500)] == [1, 1, 1, 1, 1, 2, 2]
    assert (view.epoch(), view.knows_epoch(2), view.knows_epoch(3)) == (2, True, False)


def test_start_of_an_unknown_epoch_is_a_restart() -> None:
    """The table of epochs may be shorter than history."""
    assert tape_of(1).view().start(7).why == "restart"


def test_volatile_marks_are_known_as_such() -> None:
    """From the first mark of the volatile epoch on, until the next epoch begins."""
    tape = tape_of(3)
    tape.go_volatile()
    tape.publish([quote("AAPL")])
    view = tape.view()
    assert [view.is_volatile(m) for m in (3, 4, 5)] == [False, True, True]
    tape.recover()
    assert [view.is_volatile(m) for m in (3, 4, 5)] == [False, True, False]


def test_marks_that_no_tick_has_are_passed_over_and_not_counted() -> None:
    """A lost reservation of a thousand marks is no distance."""
    tape = tape_of(3)
    tape.sync()
    tape.publish([trade("AAPL")] * 2)
    tape.lose_tail(reserve=1_000)
    tape.publish([trade("AAPL")] * 4)
    view = tape.view()
    assert view.pass_over(3) == 1_005
    assert [view.pass_over(m) for m in (0, 2, 1_005)] == [0, 2, 1_005]
    assert view.distance(0, 1_009) == 7
    assert view.distance(1_004, 1_009) == 4
    assert view.distance(4, 1_005) == 0


def test_market_gaps_of_what_memory_holds_are_known_from_the_beginning() -> None:
    """And those of each batch that is noted."""
    tape = tape_of(1)
    tape.publish([feed_event("gap_open", "AAPL")])
    view = tape.view()
    view.begin()
    assert [gap.from_m for gap in view.market_gaps.open_at("", 6)] == [2]
    view.note(tape.publish([trade("AAPL")]))
    view.note(tape.publish([feed_event("gap_close", "AAPL")]))
    assert view.market_gaps.open_at("", 6) == []
    assert len(view.market_gaps.open_at("", 3)) == 1


def test_first_feed_event_of_a_line_up_is_noted() -> None:
    """Its channel appears with it."""
    tape = tape_of(1)
    view = tape.view()
    view.begin()
    view.note(tape.publish([feed_event("gap_open")]))
    view.note(tape.publish([feed_event("gap_open")], "iex"))
    assert [len(view.market_gaps.open_at(lineup, 9)) for lineup in ("", "iex")] == [1, 1]
