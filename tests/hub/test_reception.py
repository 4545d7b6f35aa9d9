"""Who is let in, what is on the tape, and what `welcome` says."""

import pytest

from hub import codes
from hub.connection import Connection
from hub.errors import MessageError
from hub.messages import FromMark
from hub.reception import Reception
from hub.session import Session
from tests.hub.rig import MemoryTape, Rig, User, Wire, trade


def tape() -> MemoryTape:
    """Ten marks of epoch 1, of which the last four are lost; then epoch 2 from 1,011 on."""
    made = MemoryTape()
    made.publish([trade("AAPL")] * 6)
    made.sync()
    made.publish([trade("AAPL")] * 4)
    made.lose_tail(reserve=1_000)
    made.publish([trade("AAPL")] * 5)
    return made


class Desk:
    """A reception."""

    def __init__(self, **settings: int) -> None:
        self.rig = Rig(tape(), **settings)
        self.reception = Reception(
            self.rig.settings, self.rig.tape.view(), self.rig.board.router, self.rig.authenticate
        )

    def connection(self) -> Connection:
        """A connection whose user is not known yet."""
        session = Session(self.rig.settings, self.reception, self.rig.now)
        return Connection(Wire(), session, packed=False, now=self.rig.now)

    def admit(self, connection: Connection, user: str = "u") -> Connection | None:
        """Let it in."""
        return self.reception.admit(connection, User(user), self.rig.now)


@pytest.mark.parametrize(
    "start",
    [
        FromMark(0), FromMark(6), FromMark(8), FromMark(1_011), FromMark(1_015),
        FromMark(6, 1), FromMark(8, 1), FromMark(1_012, 2), FromMark(6, 2),
    ],
)  # fmt: skip
def test_place_on_the_tape_is_accepted(start: FromMark) -> None:
    """Also a mark that was lost (its answer is a gap), and an epoch that began after the mark."""
    Desk().reception.check_start(start)


@pytest.mark.parametrize("start", [FromMark(1_016), FromMark(2**53 - 1), FromMark(6, 3), FromMark(1_012, 1)])
def test_place_that_is_none_is_refused(start: FromMark) -> None:
    """Beyond the tape, an epoch it never had, or a mark that is younger than the epoch."""
    with pytest.raises(MessageError) as caught:
        Desk().reception.check_start(start)
    assert caught.value.code is codes.EPOCH
    assert caught.value.hint.startswith("from.")


def test_welcome_tells_place_clock_and_limits() -> None:
    """Everything that a client has to keep to."""
    desk = Desk(channels_max=77)
    message = desk.reception.welcome(desk.rig.now)
    assert (message["v"], message["e"], message["m"]) == (1, 2, 1_015)
    assert message["now"] == desk.rig.utc_ns // 1_000
    assert message["limits"]["channels"] == 77
    assert set(message["limits"]) == {
        "conns", "channels", "subs", "commands_per_s", "burst", "message_bytes",
    }  # fmt: skip
    assert message["reconnect"]["jitter"] == "full"


def test_user_may_have_so_many_connections() -> None:
    """One more is refused while all are alive; other users are not concerned."""
    desk = Desk(connections_per_user_max=2)
    assert [desk.admit(desk.connection()) for _ in range(2)] == [None, None]
    with pytest.raises(MessageError) as caught:
        desk.admit(desk.connection())
    assert caught.value.code is codes.CONN_LIMIT
    assert desk.admit(desk.connection(), "another") is None


def test_leaving_makes_room() -> None:
    """And leaves nothing behind; leaving twice is no error."""
    desk = Desk(connections_per_user_max=1)
    connection = desk.connection()
    desk.admit(connection)
    desk.reception.leave(connection)
    desk.reception.leave(connection)
    assert not desk.reception._users
    assert desk.admit(desk.connection()) is None


@pytest.mark.parametrize("how", ["stalled", "silent"])
def test_dead_connection_goes_for_a_new_one(how: str) -> None:
    """A phone that has lost its network comes back at once; the oldest dead one goes."""
    desk = Desk(connections_per_user_max=2, ping_s=20)
    old, older = desk.connection(), desk.connection()
    for connection in (older, old):
        desk.admit(connection)
    if how == "stalled":
        old.stalled = True
    else:
        desk.rig.pass_seconds(31)
        older.heard_ns = desk.rig.awake_ns
    assert desk.admit(desk.connection()) is old
