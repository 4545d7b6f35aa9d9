"""Writing what is due, with the mark that it makes true."""

from hub.connection import Connection
from hub.moment import Moment
from hub.reception import Reception
from hub.sender import MARK_EVERY_NS, Sender
from hub.session import Session
from hub.subscription import Subscription
from hub.wire import control
from tests.hub.phone import frames
from tests.hub.rig import Rig, Wire

PIECE = control([{"op": "t"}], packed=False)


class Desk:
    """A sender, one connection with one live raw subscription, and what was written."""

    def __init__(self, *, packed: bool = False) -> None:
        rig = Rig()
        self.router = rig.board.router
        self.counters = {"writes": 0}
        self.sender = Sender(self.router, self.counters)
        self.sender.now = Moment(5_000, 10 * MARK_EVERY_NS)
        self.wire = Wire()
        reception = Reception(rig.settings, rig.tape.view(), self.router, rig.authenticate)
        session = Session(rig.settings, reception, self.sender.now)
        self.connection = Connection(self.wire, session, packed=packed, now=self.sender.now)
        self.subscription = Subscription(self.connection, 1, "", rate=0.0, packed=packed)
        self.subscription.live = self.subscription.settled = True
        self.connection.subs[1] = self.subscription
        self.packed = packed

    def flush(self, m: int) -> None:
        """A piece is due, and with it everything up to `m`."""
        self.connection.outbox.append(PIECE)
        self.router.head_m = self.sender.flushed[0.0] = m
        self.sender.serve(self.connection)

    def pass_ns(self, ns: int) -> None:
        """Time passes."""
        self.sender.now = Moment(self.sender.now.utc_ns + ns, self.sender.now.awake_ns + ns)

    def said(self) -> list[str]:
        """The messages written since the last call, marks with their number."""
        data = bytes(self.wire.buffer)
        self.wire.buffer.clear()
        return [f"mark {m['m']}" if m["op"] == "mark" else m["op"] for m, _ in frames(data, packed=False)]


def test_mark_is_the_last_of_what_is_written_and_comes_now_and_then() -> None:
    """Not with each flush: a quarter of a second lies between two."""
    desk = Desk()
    desk.flush(3)
    assert desk.said() == ["t", "mark 3"]
    desk.flush(4)
    assert desk.said() == ["t"]
    desk.pass_ns(MARK_EVERY_NS)
    desk.flush(5)
    assert desk.said() == ["t", "mark 5"]
    assert desk.counters["writes"] == 3


def test_same_mark_is_not_told_twice_but_by_itself() -> None:
    """What it says is known; alone it is a sign of life."""
    desk = Desk()
    desk.flush(3)
    desk.pass_ns(MARK_EVERY_NS)
    desk.flush(3)
    assert desk.said() == ["t", "mark 3", "t"]
    desk.sender.tell_mark(desk.connection)
    assert desk.said() == ["mark 3"]


def test_no_mark_is_told_while_none_is_true() -> None:
    """Neither with data nor alone."""
    desk = Desk()
    desk.subscription.settled = False
    desk.flush(3)
    desk.sender.tell_mark(desk.connection)
    assert desk.said() == ["t"]


def test_slice_from_the_tape_has_its_mark_at_once() -> None:
    """Whoever is cut off in a long catch-up should not begin it again."""
    desk = Desk()
    desk.subscription.live = False
    for m in (3, 4, 5):
        desk.router.head_m = 100
        desk.subscription.cursor_m = m
        desk.connection.outbox.append(PIECE)
        desk.sender.serve_behind(desk.subscription)
    assert desk.said() == ["t", "mark 3", "t", "mark 4", "t", "mark 5"]


def test_nothing_due_is_no_write_and_closed_connections_get_none() -> None:
    """Not even a mark."""
    desk = Desk()
    desk.sender.serve(desk.connection)
    desk.connection.closed = True
    desk.flush(3)
    desk.sender.say(desk.connection, {"op": "ok"})
    assert (desk.said(), desk.counters["writes"]) == ([], 0)


def test_outbox_stays_the_same_list() -> None:
    """The router keeps its `append`."""
    desk = Desk()
    outbox = desk.connection.outbox
    desk.flush(3)
    assert desk.connection.outbox is outbox
    assert outbox == []


def test_marks_follow_the_codec() -> None:
    """One frame for all who have everything; another for the other codec."""
    desk = Desk(packed=True)
    desk.router.head_m = desk.sender.flushed[0.0] = 7
    desk.sender.tell_mark(desk.connection)
    ((message, _),) = frames(bytes(desk.wire.buffer), packed=True)
    assert (message["op"], message["m"], message["now"]) == ("mark", 7, 5)
