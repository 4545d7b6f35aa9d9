"""The way from a mark to the present: every tick, holes told, certificates true, bounded in bytes."""

from typing import Any

import pytest

from hub.catchup import PIECES_PER_WINDOW, SNAPSHOTS_PER_FRAME, CatchUp, epoch_message
from hub.pieces import NativeEncoder
from hub.subscription import Subscription
from tape.batch import Damage
from tape.state import EpochStart
from tests.hub.phone import frames
from tests.hub.rig import MemoryTape, cancel, feed_event, quote, trade
from ticks.model import Tick

ROOM = 1 << 30


class Sink:
    """A connection that only collects."""

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.stalled = False


class Way:
    """A subscription on its way, on a tape in memory."""

    def __init__(
        self, tape: MemoryTape, channels: list[str], *, star: str = "", rate: float = 0.0, **catch_up: Any
    ) -> None:
        self.tape = tape
        self.sink = Sink()
        self.subscription = Subscription(self.sink, 7, "", rate=rate, packed=False)
        self.subscription.channels = dict.fromkeys(channels)
        self.subscription.keys = frozenset((kind, "") for kind in star)
        view = self.view = tape.view()
        view.table.learn()
        options = {"after_m": 0, "epoch": 1, **catch_up}
        self.catch_up = CatchUp(self.subscription, view, NativeEncoder(), **options)

    def read(self, room: int = ROOM) -> None:
        """Take what is on the tape until the room is used up, as a feeder does."""
        for batch in self.tape._journal:
            while self.catch_up.read_m < batch.last_m and room > 0:
                if self.catch_up.owing:
                    room = self.catch_up.emit(room)
                else:
                    room = self.catch_up.take(batch, room)

    def settle(self) -> None:
        """Put out everything that is owed at the end."""
        while not self.catch_up.settle():
            self.catch_up.emit(ROOM)

    def said(self) -> list[dict[str, Any]]:
        """The messages put out since the last call."""
        data = b"".join(self.sink.outbox)
        self.sink.outbox.clear()
        return [message for message, _ in frames(data, packed=False)]

    def all(self) -> list[dict[str, Any]]:
        """Go all the way."""
        self.read()
        self.settle()
        return self.said()


def tape_of(*batches: list[Tick]) -> MemoryTape:
    """A tape with these batches."""
    tape = MemoryTape(ring_ticks=1 << 20)
    for batch in batches:
        tape.publish(batch)
    tape.sync()
    return tape


def short(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Data as (op, channel, n, k); everything else as its op."""
    return [
        (m["op"], m["c"], m["n"], m.get("k", 1)) if m["op"] in ("t", "q", "x", "f") else (m["op"],)
        for m in messages
    ]


def test_raw_gets_every_tick_of_its_channels_and_a_certificate() -> None:
    """In order, nothing else; the certificate says that nothing is missing."""
    tape = tape_of([trade("A"), quote("A"), trade("B")], [trade("A")])
    *data, cont = Way(tape, ["t:A", "t:B"], certify=True).all()
    assert short(data) == [("t", "t:A", 1, 1), ("t", "t:B", 1, 1), ("t", "t:A", 2, 1)]
    assert cont["chans"]["t:A"] == {
        "from": 0, "to": 2, "sent": 2, "folded": 0, "skipped": 0, "complete": True
    }  # fmt: skip
    assert (cont["since"], cont["m"], cont["id"]) == (0, 4, 7)


def test_interval_gets_one_window_per_channel() -> None:
    """However much was missed: one message, cancels apart."""
    tape = tape_of([quote("A")] * 50, [trade("A", 1), cancel("A"), trade("A", 2)])
    *data, cont = Way(tape, ["q:A", "t:A"], rate=4.0, certify=True).all()
    assert short(data) == [("q", "q:A", 50, 50), ("t", "t:A", 1, 1), ("x", "t:A", 2, 1), ("t", "t:A", 3, 1)]
    assert (cont["chans"]["q:A"]["sent"], cont["chans"]["q:A"]["folded"]) == (1, 49)
    assert cont["chans"]["t:A"]["complete"]


def test_star_gets_its_kinds_of_every_symbol_and_its_lineup() -> None:
    """Trades of all symbols, no quotes, nothing of another line-up."""
    tape = tape_of([trade("A"), quote("A"), trade("B")])
    tape.publish([trade("C")], "iex")
    assert short(Way(tape, [], star="t").all()) == [("t", "t:A", 1, 1), ("t", "t:B", 1, 1)]


def test_channel_that_appears_on_the_way_is_served() -> None:
    """Its first tick was published after the subscription began."""
    tape = tape_of([trade("A")])
    way = Way(tape, ["t:NEW"])
    way.read()
    tape.publish([trade("NEW")])
    way.read()
    assert short(way.said()) == [("t", "t:NEW", 1, 1)]


def test_beginning_in_the_middle_of_a_batch_serves_the_rest_of_it() -> None:
    """`from` is exclusive."""
    tape = tape_of([trade("A")] * 5)
    assert short(Way(tape, ["t:A"], after_m=3).all()) == [("t", "t:A", 4, 1), ("t", "t:A", 5, 1)]


def test_room_bounds_what_is_put_out_at_once_and_nothing_is_lost() -> None:
    """Slice by slice the same messages; the mark follows each slice."""
    tape = tape_of([trade("A")] * 40)
    way = Way(tape, ["t:A"])
    whole = short(Way(tape, ["t:A"]).all())
    got: list[tuple[Any, ...]] = []
    while way.catch_up.read_m < 40:
        way.read(room=300)
        assert sum(map(len, way.sink.outbox)) < 300 + 200
        got += short(way.said())
        assert way.subscription.cursor_m == way.catch_up.read_m == len(got)
    assert got == whole


def test_mark_of_an_interval_waits_until_its_windows_are_out() -> None:
    """What is folded but not sent must not be promised."""
    tape = tape_of([quote("A")] * 5, [quote("B")] * 5)
    way = Way(tape, ["q:A", "q:B"], rate=1.0)
    way.read()
    assert (way.catch_up.read_m, way.subscription.cursor_m) == (10, 0)
    assert not way.catch_up.settle()
    way.catch_up.emit(1)
    assert way.subscription.cursor_m == 0
    way.catch_up.emit(ROOM)
    assert way.subscription.cursor_m == 10
    assert [m["c"] for m in way.said()] == ["q:A", "q:B"]


def test_window_of_what_does_not_fold_does_not_grow() -> None:
    """Two hundred cancels are put out on the way."""
    tape = tape_of([cancel("A")] * 200)
    way = Way(tape, ["t:A"], rate=1.0, certify=True)
    way.read()
    assert len(way.said()) == 200 - 200 % PIECES_PER_WINDOW
    way.settle()
    *rest, cont = way.said()
    assert len(rest) == 200 % PIECES_PER_WINDOW
    assert cont["chans"]["t:A"]["complete"]


def test_snapshot_first_then_what_came_meanwhile() -> None:
    """A tick that the snapshot has told already is not sent again."""
    tape = tape_of([trade("A", 1), trade("B", 1)])
    way = Way(tape, ["t:A", "t:NONE", "t:B"], after_m=2, snapshots=True)
    states = [way.subscription.settled]
    tape.publish([trade("A", 2)])
    way.catch_up.emit(ROOM)
    states.append(way.subscription.settled)
    assert states == [False, True]
    tape.publish([trade("A", 3)])
    way.read()
    snap_a, snap_b, new = way.said()
    assert (snap_a["op"], snap_a["c"], snap_a["n"], snap_a["tick"]["px"]) == ("snap", "t:A", 2, 2)
    assert (snap_b["c"], snap_b["n"]) == ("t:B", 1)
    assert (new["op"], new["n"]) == ("t", 3)


def test_snapshot_of_a_star_comes_in_slices() -> None:
    """No more than the room, and one frame more, at once."""
    tape = tape_of([trade(f"S{number}") for number in range(500)])
    way = Way(tape, [], star="t", after_m=500, snapshots=True)
    snaps: list[str] = []
    while way.catch_up.owing:
        way.catch_up.emit(1)
        part = way.said()
        assert len(part) <= SNAPSHOTS_PER_FRAME
        assert way.subscription.settled == (not way.catch_up.owing)
        snaps += [snap["c"] for snap in part]
    assert snaps == [f"t:S{number}" for number in range(500)]


def test_snapshot_of_a_cancelled_channel_tells_how_far_its_numbers_are() -> None:
    """A cancel is never the newest state, but it has a number: the next one is no hole."""
    tape = tape_of([trade("A", 5), cancel("A", 5)])
    (snap,) = Way(tape, ["t:A"], after_m=2, snapshots=True).all()
    assert (snap["n"], snap["tick"]["n"]) == (2, 1)


def test_damage_is_a_gap_and_snapshots_follow_in_the_end() -> None:
    """What can be read is replayed; the certificate is honest for channels on both sides of the hole."""
    tape = tape_of([trade("A"), trade("B")], [trade("A")], [trade("A"), trade("C")])
    way = Way(tape, ["t:A", "t:B", "t:C"], certify=True)
    first, second, third = tape._journal
    way.catch_up.take(first, ROOM)
    way.catch_up.take_damage(Damage(3, 3, "disk"))
    way.catch_up.emit(ROOM)
    assert second.last_m == way.catch_up.read_m
    way.catch_up.take(third, ROOM)
    assert way.subscription.cursor_m == 2, "no mark beyond a hole before the snapshots"
    way.settle()
    messages = way.said()
    assert [m["op"] for m in messages] == ["t", "t", "gap", "t", "t", "snap", "snap", "snap", "cont"]
    gap, cont = messages[2], messages[-1]
    assert {key: gap[key] for key in ("c", "id", "from", "to", "why", "next")} == {
        "c": "*", "id": 7, "from": 2, "to": 3, "why": "restart", "next": "replay",
    }  # fmt: skip
    assert cont["holes"] == [{"from": 2, "to": 3, "why": "restart"}]
    assert cont["chans"]["t:A"]["skipped"] == 1
    assert not any(entry["complete"] for entry in cont["chans"].values())
    assert way.subscription.cursor_m == 5


def test_retention_is_told_as_such() -> None:
    """Older than what is kept: gap, then what there is, then the newest state."""
    tape = tape_of([trade("A")] * 3)
    way = Way(tape, ["t:A"], certify=True)
    way.catch_up.take_damage(Damage(1, 2, "retention"))
    way.catch_up.emit(ROOM)
    messages = way.all()
    assert [m["op"] for m in messages] == ["gap", "t", "snap", "cont"]
    assert messages[0]["why"] == "retention"


def test_windows_are_put_out_before_a_gap() -> None:
    """What was folded lies in front of the hole."""
    tape = tape_of([quote("A")] * 2, [quote("A")], [quote("A")])
    way = Way(tape, ["q:A"], rate=1.0)
    way.catch_up.take(tape._journal[0], ROOM)
    way.catch_up.take_damage(Damage(3, 3, "disk"))
    way.catch_up.emit(ROOM)
    assert [m["op"] for m in way.said()] == ["q", "gap"]


def test_skip_goes_on_from_the_present_with_snapshots() -> None:
    """Too far behind: told, and the client begins anew."""
    tape = tape_of([trade("A")] * 5)
    way = Way(tape, ["t:A"])
    way.catch_up.skip(5, "slow")
    way.catch_up.emit(ROOM)
    messages = way.all()
    assert [m["op"] for m in messages] == ["gap", "snap", "cont"]
    assert (messages[0]["why"], messages[0]["next"], messages[1]["n"]) == ("slow", "snap", 5)
    assert messages[2]["chans"]["t:A"]["complete"] is False


def test_skip_into_another_epoch_tells_the_epoch() -> None:
    """Numbers begin anew also for those who skip."""
    tape = tape_of([trade("A")] * 5)
    tape.lose_tail()
    tape.publish([trade("A")] * 2)
    tape.sync()
    way = Way(tape, ["t:A"])
    way.catch_up.skip(tape.durable, "budget")
    way.catch_up.emit(ROOM)
    messages = way.all()
    assert [m["op"] for m in messages] == ["cont", "epoch", "gap", "snap", "cont"]
    assert (messages[1]["e"], messages[3]["e"], messages[3]["n"]) == (2, 2, 7)
    assert (messages[2]["from"], messages[2]["to"], messages[2]["why"]) == (0, tape.durable, "budget")


def test_change_of_epoch_is_told_between_two_certificates() -> None:
    """What was before is certified; then epoch, gap, the new ticks, the newest states, and a certificate."""
    tape = tape_of([trade("A")] * 3)
    tape.publish([trade("A")] * 2)
    tape.lose_tail(reserve=100)
    tape.publish([trade("B")])
    tape.sync()
    messages = Way(tape, ["t:A", "t:B"], certify=True).all()
    assert [m["op"] for m in messages] == [
        "t", "t", "t", "cont", "epoch", "gap", "t", "snap", "snap", "cont",
    ]  # fmt: skip
    _, _, _, before, epoch, gap, _, snap, _, after = messages
    assert (before["e"], before["m"], before["chans"]["t:A"]["complete"]) == (1, 3, True)
    assert (epoch["e"], epoch["m"], epoch["why"], epoch["id"]) == (2, 106, "restart", 7)
    assert (gap["c"], gap["from"], gap["to"], gap["why"]) == ("*", 3, 105, "restart")
    assert (snap["c"], snap["e"], snap["n"]) == ("t:A", 2, 3)
    assert (after["e"], after["since"], after["chans"]["t:B"]["complete"]) == (2, 105, True)


def test_hole_of_one_epoch_does_not_break_the_accounts_of_the_next() -> None:
    """What comes behind the change is whole."""
    tape = tape_of([trade("A")] * 3)
    tape.lose_tail(reserve=100)
    tape.publish([trade("A")] * 2)
    tape.sync()
    way = Way(tape, ["t:A"], certify=True)
    way.catch_up.take_damage(Damage(1, 2, "disk"))
    before, after = [message for message in way.all() if message["op"] == "cont"]
    assert [before["chans"]["t:A"]["complete"], after["chans"]["t:A"]["complete"]] == [False, True]


def test_resume_from_a_lost_mark_is_told() -> None:
    """The client had ticks that are no more: the epoch and the gap come before anything else."""
    tape = tape_of([trade("A")] * 3)
    tape.publish([trade("A")] * 2)
    tape.lose_tail(reserve=100)
    tape.publish([trade("A")])
    tape.sync()
    messages = Way(tape, ["t:A"], after_m=5, certify=True).all()
    assert [m["op"] for m in messages] == ["cont", "epoch", "gap", "t", "snap", "cont"]
    assert messages[3]["n"] == 4


def test_snapshot_in_an_epoch_the_client_has_yet_to_be_told_of_is_left_out() -> None:
    """Its number would be compared with the wrong ones; another follows the epoch."""
    tape = tape_of([trade("A"), trade("B")])
    way = Way(tape, ["t:A", "t:B"], after_m=2, snapshots=True)
    tape.go_volatile()
    tape.publish([trade("A")])
    way.catch_up.emit(ROOM)
    assert [(m["c"], m["e"], m["n"]) for m in way.said()] == [("t:B", 1, 1)]


def test_market_gaps_of_its_symbols_are_in_the_certificate() -> None:
    """Closed, open, opened before the beginning, and those of other symbols."""
    tape = tape_of(
        [feed_event("gap_open", "A"), trade("A"), feed_event("gap_close", "A")],
        [
            feed_event("gap_open", "OTHER"),
            feed_event("gap_close", "B"),
            feed_event("gap_open", "*"),
            trade("C"),
        ],
    )
    *_, cont = Way(tape, ["t:A", "t:B", "t:C"], after_m=0, certify=True).all()
    assert cont["upstream"] == [
        {"from": 1, "to": 3, "scope": "A", "why": "outage"},
        {"from": 0, "to": 5, "scope": "B", "why": "outage"},
        {"from": 6, "to": None, "scope": "*", "why": "outage"},
    ]
    assert cont["chans"]["t:C"]["whole"] is False


def test_market_gap_of_another_symbol_leaves_the_certificate_whole() -> None:
    """Also when it is open to the end."""
    tape = tape_of([feed_event("gap_open", "OTHER"), trade("A"), feed_event("gap_close", "X")])
    *_, cont = Way(tape, ["t:A"], certify=True).all()
    assert "upstream" not in cont
    assert "whole" not in cont["chans"]["t:A"]


def test_market_gap_of_another_line_up_is_none_of_this_one() -> None:
    """It has other sources."""
    tape = tape_of([trade("A")])
    tape.publish([feed_event("gap_open"), feed_event("gap_close"), feed_event("gap_open")], "iex")
    way = Way(tape, ["t:A"], certify=True)
    way.view.begin()
    *_, cont = way.all()
    assert "upstream" not in cont


def test_market_gap_around_the_whole_stretch_is_in_the_certificate() -> None:
    """It was opened before, and is not over: nothing in the stretch itself says so."""
    tape = tape_of([feed_event("gap_open", "A"), feed_event("gap_open", "OTHER")], [trade("A"), trade("B")])
    way = Way(tape, ["t:A", "t:B"], after_m=2, certify=True)
    way.view.begin()
    *_, cont = way.all()
    assert cont["upstream"] == [{"from": 1, "to": None, "scope": "A", "why": "outage"}]
    assert cont["chans"]["t:A"]["whole"] is False
    assert "whole" not in cont["chans"]["t:B"]


def test_market_gap_that_began_in_a_hole_is_in_the_certificate() -> None:
    """It was not served, but the hub knows of it."""
    tape = tape_of([trade("A"), feed_event("gap_open", "A"), trade("A")])
    way = Way(tape, ["t:A"])
    way.view.begin()
    way.catch_up.skip(3, "budget")
    *_, cont = way.all()
    assert cont["upstream"] == [{"from": 2, "to": None, "scope": "A", "why": "outage"}]
    assert cont["chans"]["t:A"]["whole"] is False


def test_market_gap_over_a_change_of_epoch_is_in_both_certificates() -> None:
    """Once in each."""
    tape = tape_of([trade("A"), feed_event("gap_open", "A")])
    tape.lose_tail(reserve=100)
    tape.publish([trade("A")])
    tape.sync()
    way = Way(tape, ["t:A"], certify=True)
    way.view.begin()
    before, after = [message for message in way.all() if message["op"] == "cont"]
    told = [{"from": 2, "to": None, "scope": "A", "why": "outage"}]
    assert before["upstream"] == after["upstream"] == told


def test_dropped_channels_leave_windows_and_certificate() -> None:
    """Rights that were withdrawn on the way."""
    tape = tape_of([quote("A"), quote("B")])
    way = Way(tape, ["q:A", "q:B"], rate=1.0, certify=True, snapshots=False)
    way.read()
    way.catch_up.drop(["q:A"])
    way.subscription.drop(["q:A"])
    way.settle()
    data, cont = way.said()
    assert (data["c"], list(cont["chans"])) == ("q:B", ["q:B"])


def test_dropped_channel_is_not_in_snapshots_that_are_under_way() -> None:
    """The list of names was begun before."""
    tape = tape_of([trade("A"), trade("B")])
    way = Way(tape, ["t:A", "t:B"], after_m=2, snapshots=True)
    way.subscription.drop(["t:B"])
    way.catch_up.emit(ROOM)
    assert [m["c"] for m in way.said()] == ["t:A"]


@pytest.mark.parametrize(
    ("why", "told"), [("restart", "restart"), ("recovered", "restart"), ("volatile", "volatile")]
)
def test_epoch_message_tells_why_in_the_words_of_the_protocol(why: str, told: str) -> None:
    """A recovered journal is a restart to a client."""
    assert epoch_message(EpochStart(3, 9, why)) == {"op": "epoch", "e": 3, "m": 9, "why": told}


def test_marks_lost_with_an_epoch_are_in_its_gap_and_in_no_certificate() -> None:
    """A reader passes over them in several slices: what was given to ticks must not be told as read."""
    tape = tape_of([trade("A")] * 3)
    tape.publish([trade("A")] * 2)
    tape.lose_tail(reserve=100)
    tape.publish([trade("A")])
    tape.sync()
    way = Way(tape, ["t:A"], certify=True)
    first, second = tape._journal
    way.catch_up.take(first, ROOM)
    way.catch_up.pass_to(50)
    assert (way.catch_up.read_m, way.subscription.cursor_m) == (50, 3)
    way.catch_up.pass_to(105)
    way.catch_up.take(second, ROOM)
    way.catch_up.emit(ROOM)
    messages = way.all()
    before, gap = messages[3], messages[5]
    assert (before["op"], before["since"], before["m"]) == ("cont", 0, 3)
    assert (gap["op"], gap["from"], gap["to"], gap["why"]) == ("gap", 3, 105, "restart")
