"""A connection: what it keeps when its client does not read, and which mark it may tell."""

from hub.connection import CHUNK_BYTES, Connection
from hub.moment import Moment
from hub.reception import Reception
from hub.session import Session
from hub.subscription import Subscription
from tests.hub.rig import Rig, Wire

NOW = Moment(0, 1_000_000_000)
FLUSHED = {0.0: 50, 4.0: 40}


def made(room: int = 1 << 40) -> tuple[Connection, Wire]:
    """A connection whose wire stalls when more than `room` bytes are not taken."""
    rig = Rig()
    reception = Reception(rig.settings, rig.tape.view(), rig.board.router, rig.authenticate)
    wire = Wire(room)
    connection = Connection(wire, Session(rig.settings, reception, NOW), packed=False, now=NOW)

    def stall() -> None:
        connection.stalled = True

    wire.on_stall = stall
    return connection, wire


def sub(connection: Connection, sub_id: int, cursor_m: int, rate: float = 0.0) -> Subscription:
    """Give the connection a subscription that has been served up to a mark."""
    subscription = Subscription(connection, sub_id, "", rate=rate, packed=False)
    subscription.cursor_m = cursor_m
    subscription.settled = True
    connection.subs[sub_id] = subscription
    return subscription


def test_small_flush_is_one_write() -> None:
    """Pieces are joined."""
    connection, wire = made()
    connection.send([b"a", b"b", b"c"])
    assert bytes(wire.buffer) == b"abc"
    assert not connection.rest


def test_large_flush_to_a_reading_client_is_written_whole() -> None:
    """In chunks, but nothing is kept."""
    connection, wire = made()
    pieces = [bytes([number]) * 1_000 for number in range(200)]
    connection.send(pieces)
    assert bytes(wire.buffer) == b"".join(pieces)
    assert not connection.rest


def test_large_flush_to_a_stalling_client_stops_and_goes_on_in_order() -> None:
    """Beyond a chunk nothing is written until it takes bytes again; what comes then is not overtaken."""
    connection, wire = made(room=10)
    pieces = [bytes([number]) * 1_000 for number in range(200)]
    connection.send(pieces)
    assert connection.stalled
    assert len(wire.buffer) <= CHUNK_BYTES
    connection.send([b"answer"])
    received = bytearray()
    while connection.rest:
        received += wire.buffer
        wire.buffer.clear()
        wire.full = connection.stalled = False
        connection.write_rest()
    assert bytes(received + wire.buffer) == b"".join(pieces) + b"answer"
    assert wire.longest <= CHUNK_BYTES


def test_piece_beyond_a_chunk_is_written_whole() -> None:
    """A frame is never cut, so that a close frame can follow at any moment."""
    connection, wire = made(room=10)
    connection.send([b"x" * (3 * CHUNK_BYTES), b"y"])
    assert bytes(wire.buffer) == b"x" * (3 * CHUNK_BYTES)
    assert connection.rest == [b"y"]


def test_closed_connection_writes_nothing_more() -> None:
    """What was kept for it is kept for nobody."""
    connection, wire = made(room=10)
    connection.send([b"x" * CHUNK_BYTES, b"y"])
    connection.closed = True
    connection.stalled = False
    written = wire.written
    connection.write_rest()
    assert wire.written == written


def test_mark_without_subscriptions_is_the_head() -> None:
    """There is nothing that could be missing."""
    connection, _ = made()
    assert connection.mark(60, FLUSHED) == 60


def test_mark_is_the_least_of_all_subscriptions() -> None:
    """A live one stands where its rate was flushed, one that is behind where it has been served."""
    connection, _ = made()
    sub(connection, 1, 10).live = True
    assert connection.mark(60, FLUSHED) == 50
    sub(connection, 2, 10, rate=4.0).live = True
    assert connection.mark(60, FLUSHED) == 40
    sub(connection, 3, 30)
    assert connection.mark(60, FLUSHED) == 30


def test_live_subscription_stands_at_least_where_it_went_live() -> None:
    """Its rate may have been flushed last before that."""
    connection, _ = made()
    sub(connection, 1, 55).live = True
    assert connection.mark(60, FLUSHED) == 55


def test_no_mark_is_told_while_a_subscription_has_no_state() -> None:
    """A mark would promise what its client never had."""
    connection, _ = made()
    sub(connection, 1, 55).settled = False
    assert connection.mark(60, FLUSHED) is None


def test_marks_never_fall() -> None:
    """A subscription that begins in the past is caught up before the next mark is told."""
    connection, _ = made()
    connection.told_m = 45
    behind = sub(connection, 1, 20)
    assert connection.mark(60, FLUSHED) is None
    behind.cursor_m = 46
    assert connection.mark(60, FLUSHED) == 46
