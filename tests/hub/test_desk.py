"""What the hub passes on to the desk behind it, and what the desk may send."""

from collections.abc import Sequence
from typing import Any

import pytest

from hub import codes
from hub.callers import Caller
from hub.desk import DeskMessage, Visit
from hub.errors import MessageError
from hub.messages import AlertAck, AlertDel, AlertList, AlertPut
from tests.hub.phone import Phone
from tests.hub.rig import Rig, trade


class Counter:
    """A desk that keeps what it is told and repeats what it is asked."""

    def __init__(self) -> None:
        self.there: list[Visit] = []
        self.asked: list[DeskMessage] = []

    def opened(self, visit: Visit) -> None:
        """Keep it."""
        self.there.append(visit)

    def closed(self, visit: Visit) -> None:
        """Let it go."""
        self.there.remove(visit)

    def ask(self, visit: Visit, message: DeskMessage) -> None:
        """Repeat it."""
        self.asked.append(message)
        visit.answer({"op": "ok", "id": getattr(message, "id", 0), "who": visit.caller.user})

    def watchlist(self, caller: Caller, name: str) -> Sequence[str]:
        """Everybody has `main`."""
        if name != "main":
            raise MessageError(codes.NOT_FOUND, "no such watchlist")
        return ["AAPL", "MSFT"]


@pytest.mark.parametrize("packed", [False, True])
def test_messages_about_alerts_go_to_the_desk_and_its_answers_back(packed: bool) -> None:
    """Each parsed; in both codecs."""
    desk = Counter()
    phone = Phone(Rig(desk=desk, described=False), packed=packed).hello()
    rule = {"symbol": "AAPL", "when": {"feature": "last", "op": ">=", "level": "1"}}
    phone.send(
        {"op": "alert.put", "id": 1, "rule": rule, "rev": 3},
        {"op": "alert.list", "id": 2, "symbol": "AAPL"},
        {"op": "alert.del", "id": 3, "alert": "mine"},
        {"op": "alert.ack", "off": 9},
    )
    assert desk.asked == [
        AlertPut(1, rule, None, 3), AlertList(2, "AAPL"), AlertDel(3, "mine"), AlertAck(9),
    ]  # fmt: skip
    assert [message["id"] for message in phone.of("ok")] == [1, 2, 3, 0]
    assert desk.there[0].packed is packed


def test_the_desk_knows_who_is_there_from_hello_to_the_end() -> None:
    """Nobody before hello, nobody twice, nobody after."""
    desk = Counter()
    rig = Rig(desk=desk, described=False)
    stranger, phone = Phone(rig).connect(), Phone(rig).hello()
    assert len(desk.there) == 1
    phone.send({"op": "ping"}, {"op": "auth", "token": "token"})
    assert len(desk.there) == 1
    phone.send({"op": "bye"})
    assert desk.there == []
    stranger.cut()
    Phone(rig).connect().send({"op": "hello", "token": "token"}, {"op": "bye"})
    assert desk.there == []


def test_nothing_about_alerts_is_heard_before_hello() -> None:
    """It is answered as anything else then."""
    desk = Counter()
    phone = Phone(Rig(desk=desk)).connect()
    phone.send({"op": "alert.list", "id": 1})
    assert phone.of("err")[0]["code"] == "AUTH_MISSING"
    assert desk.asked == []


@pytest.mark.parametrize(
    "message",
    [
        {"op": "alert.put", "id": 1}, {"op": "alert.put", "id": 1, "rule": []}, {"op": "alert.list"},
        {"op": "alert.put", "id": 1, "rule": {}, "rev": 0}, {"op": "alert.del", "id": 1},
        {"op": "alert.del", "id": 1, "alert": "x" * 65}, {"op": "alert.ack"}, {"op": "alert.ack", "off": -1},
    ],
)  # fmt: skip
def test_what_is_no_message_is_not_passed_on(message: dict[str, Any]) -> None:
    """It is answered with what is wrong."""
    desk = Counter()
    phone = Phone(Rig(desk=desk)).hello()
    phone.send(message)
    assert phone.of("err")[0]["code"] == "BAD_MSG"
    assert desk.asked == []


def test_without_a_desk_that_is_said() -> None:
    """A hub of its own has no alerts and no lists."""
    phone = Phone(Rig()).hello()
    phone.send({"op": "alert.list", "id": 5}, {"op": "sub", "id": 6, "watchlist": "main"})
    assert [(one["id"], one["code"]) for one in phone.of("err")] == [(5, "BUSY"), (6, "NOT_FOUND")]


def test_a_watchlist_stands_for_its_symbols() -> None:
    """As if they had been named; one that is not there is an error, and so are both or neither."""
    rig = Rig(desk=Counter())
    rig.publish(trade("AAPL"), trade("MSFT"), trade("SPY"))
    phone = Phone(rig).hello()
    phone.send({"op": "sub", "id": 1, "watchlist": "main", "kinds": ["t"]})
    assert set(phone.of("ok")[0]["chans"]) == {"t:AAPL", "t:MSFT"}
    phone.send(
        {"op": "sub", "id": 2, "watchlist": "other"},
        {"op": "sub", "id": 3, "watchlist": "main", "symbols": ["SPY"]},
        {"op": "sub", "id": 4},
    )
    errors = [(one["id"], one["code"]) for one in phone.of("err")]
    assert errors == [(2, "NOT_FOUND"), (3, "BAD_MSG"), (4, "BAD_MSG")]


def test_what_is_pushed_to_a_client_that_cannot_take_it_is_said_to_have_failed() -> None:
    """A stalled client keeps nothing more of ours; one that has left gets nothing."""
    desk = Counter()
    rig = Rig(desk=desk, described=False)
    phone = Phone(rig).hello()
    (visit,) = desk.there
    assert visit.push({"op": "alert", "off": 1})
    phone.read()
    assert phone.of("alert") == [{"op": "alert", "off": 1}]
    assert phone.connection is not None
    rig.board.stall(phone.connection, rig.now)
    assert not visit.push({"op": "alert", "off": 2})
    rig.board.drain(phone.connection, rig.now)
    assert visit.push({"op": "alert", "off": 3})
    phone.cut()
    assert not visit.push({"op": "alert", "off": 4})
