"""The client's rule, message by message."""

from typing import Any

import pytest

from tapewire_client.continuity import HOLES_KEPT, Continuity, Hole
from tests.tapewire_client.wire import cont, epoch, gap, mark, ok, resumed_ok, snap, trade


def following(*messages: dict[str, Any], since: int | None = None, **sub: Any) -> Continuity:
    """A client with one subscription to trades, after these messages."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=since, **sub)
    continuity.connected()
    continuity.start_of(1)
    give(continuity, *messages)
    return continuity


def give(continuity: Continuity, *messages: dict[str, Any]) -> list[bool]:
    """Let messages arrive; which of them were accepted."""
    return [continuity.accept(message) for message in messages]


def test_numbers_in_a_row_are_no_hole() -> None:
    """Each tick is counted, from the number that `ok` named."""
    continuity = following(ok({"t:A": 4}), trade(5), trade(6), trade(7))
    assert (continuity.holes, continuity.ticks, continuity.last) == ([], 3, {"t:A": 7})


def test_a_jump_is_a_hole() -> None:
    """What lies between the last number and the first that the message stands for."""
    continuity = following(ok({"t:A": 4}), trade(5), trade(8), trade(12, k=2))
    assert continuity.holes == [Hole("t:A", 5, 8), Hole("t:A", 8, 11)]
    assert continuity.hole_count == 2
    assert continuity.ticks == 4


def test_the_first_number_must_follow_what_ok_said() -> None:
    """A tick that is lost right after the answer is missed."""
    assert following(ok({"t:A": 4}), trade(6)).holes == [Hole("t:A", 4, 6)]


def test_a_folded_message_stands_for_what_it_says() -> None:
    """`k` ticks, of which some may be known already: overlap is legal."""
    continuity = following(ok({"t:A": 4}), trade(7, k=3), trade(9, k=5))
    assert (continuity.holes, continuity.ticks) == ([], 5)


def test_repeats_are_dropped() -> None:
    """What is not newer than the last number tells nothing."""
    continuity = following(ok({"t:A": 4}))
    assert give(continuity, trade(5), trade(5), trade(4), trade(6)) == [True, False, False, True]
    assert (continuity.repeats, continuity.ticks) == (2, 2)


def test_channels_are_told_apart() -> None:
    """A number means something in its channel only."""
    assert following(ok({"t:A": 4, "t:B": 90}), trade(5), trade(91, channel="t:B"), trade(6)).holes == []


def test_a_channel_of_which_nothing_is_known_may_begin_anywhere() -> None:
    """As with a subscription to everything, whose answer names no channels."""
    continuity = following(ok(None), trade(40), trade(41), trade(43))
    assert continuity.holes == [Hole("t:A", 41, 43)]


def test_a_snapshot_stands_for_everything_before() -> None:
    """Ticks go on behind its number; what it jumped over is counted."""
    continuity = following(ok({"t:A": 4}), snap(7), trade(7), trade(8))
    assert (continuity.holes, continuity.skipped, continuity.repeats) == ([], 3, 1)


def test_a_snapshot_never_takes_a_channel_back() -> None:
    """One that is older than what has arrived says nothing."""
    continuity = following(ok({"t:A": 4}), trade(5), trade(6), snap(5))
    assert give(continuity, trade(6), trade(7)) == [False, True]
    assert continuity.holes == []


def test_a_snapshot_of_an_older_epoch_does_not_bind() -> None:
    """Its number may be of a moment to which the ticks have not come yet."""
    continuity = following(ok({"t:A": 4}, e=2), snap(5, e=1), trade(9), trade(11))
    assert continuity.holes == [Hole("t:A", 9, 11)]


def test_a_snapshot_binds_in_the_epoch_of_its_own_subscription() -> None:
    """Although another subscription has come to a newer one already."""
    continuity = following(ok({"t:A": 4}))
    continuity.subscribe(2, ["q"], since=None)
    give(continuity, ok({"q:A": 7}, sub_id=2), epoch(2, 150, 2), snap(6, e=1), trade(8))
    assert continuity.holes == [Hole("t:A", 6, 8)]


def test_a_kind_of_tick_that_is_newer_than_this_client_is_counted() -> None:
    """Or its number would be missing in the channel."""
    continuity = following(ok({"t:A": 4}))
    newer = {"op": "y", "c": "t:A", "n": 6, "k": 2}
    assert give(continuity, newer, newer, trade(7)) == [True, False, True]
    assert (continuity.holes, continuity.ticks) == ([], 3)


@pytest.mark.parametrize("declared", [gap(1), gap(None), gap(1, "t:A")])
def test_a_declared_gap_is_no_hole(declared: dict[str, Any]) -> None:
    """The next tick of each channel concerned may have any number; the one after it not."""
    continuity = following(ok({"t:A": 4}), trade(5), declared, trade(9), trade(11))
    assert continuity.holes == [Hole("t:A", 9, 11)]
    assert (continuity.gaps, continuity.skipped) == (1, 3)


def test_a_gap_does_not_make_repeats_new() -> None:
    """Numbers only rise within an epoch."""
    assert give(following(ok({"t:A": 4}), trade(5), gap()), trade(5), trade(6)) == [False, True]


def test_a_gap_of_one_subscription_excuses_no_other() -> None:
    """Each is told of its own gaps."""
    continuity = following(ok({"t:A": 4}))
    continuity.subscribe(2, ["q"], since=None)
    give(continuity, ok({"q:A": 7}, sub_id=2), gap(2), trade(6))
    assert continuity.holes == [Hole("t:A", 4, 6)]


def test_a_gap_of_an_ending_subscription_still_counts() -> None:
    """Ticks may come until the hub has confirmed the end."""
    continuity = following(ok({"t:A": 4}))
    continuity.unsubscribe(1)
    give(continuity, gap(1), trade(9))
    assert continuity.holes == []


def test_a_new_epoch_makes_numbers_void() -> None:
    """Smaller ones may follow; before the epoch they would be repeats."""
    continuity = following(ok({"t:A": 90}), trade(91), epoch(2, 150))
    assert give(continuity, trade(50), trade(51), trade(53)) == [True, True, True]
    assert continuity.holes == [Hole("t:A", 51, 53)]
    assert continuity.epoch == 2


def test_an_epoch_that_was_reached_before_changes_nothing() -> None:
    """It is told again after a resume from its beginning."""
    continuity = following(ok({"t:A": 90}), epoch(2, 150), trade(50), epoch(2, 150))
    assert give(continuity, trade(50), trade(51)) == [False, True]


def test_an_epoch_of_one_subscription_leaves_the_others() -> None:
    """Each comes to it in its own time."""
    continuity = following(ok({"t:A": 4}))
    continuity.subscribe(2, ["q"], since=None)
    give(continuity, ok({"q:A": 7}, sub_id=2), epoch(2, 150, 2))
    assert continuity.last == {"t:A": 4}
    give(continuity, epoch(2, 150, 1))
    assert continuity.last == {}


def test_an_epoch_told_to_all_is_of_all() -> None:
    """Who has nothing under way is told without an id."""
    assert following(ok({"t:A": 4}), epoch(2, 150, None)).last == {}


def test_what_belongs_to_a_subscription_without_names_is_told_by_its_kinds() -> None:
    """Line-up and back-fill are part of the channel's name."""
    continuity = Continuity()
    continuity.subscribe(1, ["t", "q!b"], lineup="iex", since=None)
    continuity.start_of(1)
    give(continuity, ok(None))
    names = ("t:A@iex", "q:A@iex!b", "q:A@iex", "t:A", "t:A@sip", "t:A@iex!b")
    give(continuity, *(trade(4, channel=name) for name in names), epoch(2, 9))
    assert list(continuity.last) == ["q:A@iex", "t:A", "t:A@sip", "t:A@iex!b"]


# -- marks --------------------------------------------------------------------------------------


def test_there_is_nothing_to_store_before_the_first_mark() -> None:
    """A plain subscription that is cut before it asks again as it did."""
    continuity = following(ok({"t:A": 4}), trade(5))
    assert continuity.mark is None
    assert continuity.start_of(1) == "snapshot"


def test_a_subscription_goes_on_from_the_last_mark() -> None:
    """With the epoch in which it was given."""
    continuity = following(ok({"t:A": 4}, e=3), mark(120), mark(130))
    assert continuity.mark == 130
    continuity.connected()
    assert continuity.start_of(1) == {"m": 130, "e": 3}


def test_a_live_start_has_a_mark_at_once() -> None:
    """No snapshot is owed, so everything behind the answer can be had again."""
    assert following(ok({"t:A": 4}, m=77), start="live").mark == 77


def test_a_stored_mark_is_what_it_begins_with() -> None:
    """Nothing is known of its epoch."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=50)
    assert continuity.start_of(1) == {"m": 50}
    assert continuity.mark == 50


def test_the_beginning_of_the_tape_is_asked_for_without_an_epoch() -> None:
    """Mark 0 is in front of all of them."""
    assert following(resumed_ok("t:A", m=0), since=0).start_of(1) == {"m": 0}


def test_a_resume_keeps_what_is_known() -> None:
    """Repeats up to the last number are dropped, and a jump behind it is a hole."""
    continuity = following(ok({"t:A": 4}), trade(5), trade(6), mark(101))
    continuity.connected()
    continuity.start_of(1)
    assert give(continuity, resumed_ok("t:A", m=101), trade(6), trade(8)) == [True, False, True]
    assert continuity.holes == [Hole("t:A", 6, 8)]


def test_a_mark_speaks_only_for_what_this_connection_was_asked_for() -> None:
    """Another subscription, not answered yet, still has to go on from its own mark."""
    continuity = following(ok({"t:A": 4}), mark(110))
    continuity.subscribe(2, ["q"], since=10)
    give(continuity, mark(120))
    assert continuity.start_of(2) == {"m": 10}
    assert continuity.mark == 10
    give(continuity, resumed_ok("q:A", sub_id=2, m=10), mark(130))
    assert continuity.mark == 130
    continuity.connected()
    give(continuity, mark(140))
    assert continuity.start_of(1) == {"m": 130, "e": 1}


def test_marks_never_fall() -> None:
    """A smaller one says nothing new."""
    assert following(ok({"t:A": 4}), mark(130), mark(120)).mark == 130


def test_the_mark_outlives_the_subscriptions() -> None:
    """Everything up to it was received, whoever is still subscribed."""
    continuity = following(ok({"t:A": 4}), mark(130))
    continuity.unsubscribe(1)
    assert continuity.mark == 130


def test_an_epoch_is_no_mark() -> None:
    """A gap that belongs to it may still be under way: a resume begins where the last mark was given."""
    continuity = following(ok({"t:A": 4}), mark(110), epoch(2, 151), trade(3))
    assert continuity.start_of(1) == {"m": 110, "e": 1}
    give(continuity, mark(160))
    assert continuity.start_of(1) == {"m": 160, "e": 2}


def test_a_resume_from_in_front_of_an_epoch_comes_through_it_again() -> None:
    """What was received of both epochs is known: no number is taken twice, and each jump is found."""
    continuity = following(
        ok({"t:A": 90}), mark(110), trade(91), trade(92), epoch(2, 151), trade(50), trade(51)
    )
    continuity.connected()
    continuity.start_of(1)
    again = (trade(91), trade(92), trade(93), epoch(2, 151), trade(50), trade(51), trade(53))
    assert give(continuity, resumed_ok("t:A", e=1, m=110), *again) == [
        True, False, False, True, True, False, False, True,
    ]  # fmt: skip
    assert continuity.holes == [Hole("t:A", 51, 53)]


def test_numbers_of_a_former_epoch_are_forgotten_with_the_next_mark() -> None:
    """Nothing in front of it will come again, so memory does not grow."""
    continuity = following(ok({"t:A": 90}), mark(110), trade(91), epoch(2, 151))
    (entry,) = continuity.subscriptions.values()
    assert entry.former == {1: {"t:A": 91}}
    give(continuity, mark(160))
    assert entry.former == {}


def test_a_resume_in_a_later_epoch_makes_numbers_void() -> None:
    """The mark was given in an epoch of which we were not told."""
    continuity = following(ok({"t:A": 90}), mark(110))
    continuity.connected()
    continuity.start_of(1)
    assert give(continuity, resumed_ok("t:A", e=2, m=110), trade(3)) == [True, True]


def test_a_plain_start_anew_is_no_hole() -> None:
    """What came meanwhile was not asked for; in channels without a name it is not known."""
    continuity = following(ok(None), trade(5))
    continuity.connected()
    continuity.start_of(1)
    give(continuity, ok(None), trade(9), trade(11))
    assert continuity.holes == [Hole("t:A", 9, 11)]


def test_beginning_anew_forgets_numbers_and_mark() -> None:
    """The hub's tape is another one."""
    continuity = following(ok({"t:A": 90}, e=5), trade(91), mark(110))
    continuity.restart(1)
    assert (continuity.start_of(1), continuity.mark) == ("snapshot", None)
    assert give(continuity, ok({"t:A": 2}, m=7), trade(3), mark(8)) == [True, True, True]
    assert (continuity.holes, continuity.gaps) == ([], 1)
    assert (continuity.epoch, continuity.mark) == (1, 8)


# -- certificates -------------------------------------------------------------------------------


def test_a_certificate_that_agrees_is_no_hole() -> None:
    """Everything it says was sent has arrived."""
    continuity = following(resumed_ok("t:A"), trade(5), trade(6), cont(4, 6), since=100)
    assert continuity.holes == []


def test_a_certificate_finds_what_is_missing_in_front_and_behind() -> None:
    """Nothing else could: of a first number it is not known what came before, of a last what after."""
    continuity = following(resumed_ok("t:A"), trade(6), trade(7), cont(4, 9), since=100)
    assert continuity.holes == [Hole("t:A", 4, 6), Hole("t:A", 7, 10)]


def test_a_certificate_finds_a_channel_of_which_nothing_arrived() -> None:
    """It is counted once."""
    continuity = following(resumed_ok("t:A"), cont(4, 6), trade(7), since=100)
    assert continuity.holes == [Hole("t:A", 4, 7)]


def test_a_certificate_that_is_not_complete_accuses_nobody() -> None:
    """The hub says itself that something was not sent."""
    assert following(resumed_ok("t:A"), trade(8), cont(4, 9, complete=False), since=100).holes == []


def test_a_certificate_is_no_mark() -> None:
    """Snapshots that belong to it may still be under way."""
    assert following(resumed_ok("t:A"), cont(4, 4), since=100).mark == 100


def test_what_was_known_before_a_resume_is_not_accused() -> None:
    """A certificate may reach further back than the snapshot with which a channel began."""
    continuity = following(ok(None), snap(6), mark(100))
    continuity.connected()
    continuity.start_of(1)
    give(continuity, resumed_ok("t:A"), trade(5), trade(6), trade(7), cont(4, 7))
    assert continuity.holes == []


# -- ends ---------------------------------------------------------------------------------------


def test_what_ended_is_forgotten_when_the_hub_confirms_it() -> None:
    """The channel may be asked for again, from anywhere."""
    continuity = following(ok({"t:A": 90}), trade(91))
    continuity.unsubscribe(1)
    give(continuity, trade(92), {"op": "ok", "id": 1, "unsub": True})
    assert (continuity.ticks, continuity.last) == (2, {})


def test_what_ended_is_forgotten_with_the_connection() -> None:
    """No confirmation can come any more."""
    continuity = following(ok({"t:A": 90}))
    continuity.unsubscribe(1)
    continuity.connected()
    assert continuity.last == {}


def test_withdrawn_channels_are_forgotten() -> None:
    """Rights have become narrower; the rest goes on."""
    continuity = following(ok({"t:A": 4, "t:B": 7}))
    give(continuity, {"op": "err", "id": 1, "code": "ENT_NONE", "class": "plan", "chans": ["t:B"]})
    assert continuity.last == {"t:A": 4}


def test_a_subscription_that_was_ended_holds_no_mark_back() -> None:
    """The hub has ended it for good."""
    continuity = following(ok(None), trade(5), since=50)
    give(continuity, {"op": "err", "id": 1, "code": "ENT_NONE", "class": "plan", "ended": True})
    assert (continuity.subscriptions, continuity.last, continuity.mark) == ({}, {}, None)


def test_what_is_not_known_is_passed_on() -> None:
    """Messages of a newer hub, and answers to nothing of ours."""
    continuity = following()
    others: list[dict[str, Any]] = [{"op": "weather"}, {"op": "ok", "auth": True}]
    others += [ok({"t:A": 1}, sub_id=9), gap(9), epoch(2, 1, 9)]
    assert give(continuity, *others) == [True] * 5
    assert (continuity.last, continuity.holes) == ({}, [])


def test_holes_are_counted_beyond_those_kept() -> None:
    """Memory is bounded, the count is not."""
    numbers = range(1, 2 * HOLES_KEPT + 20, 2)
    continuity = following(ok(None), *(trade(n) for n in numbers))
    assert len(continuity.holes) == HOLES_KEPT
    assert continuity.hole_count == len(numbers) - 1
