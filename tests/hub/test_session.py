"""The session's state machine: every state, every message, and what time does."""

from collections.abc import Callable
from typing import Any

import pytest

from config.settings import HubSettings
from hub import codes
from hub.bucket import BURSTS_REFUSED_MAX
from hub.callers import Access, Caller
from hub.effects import Answer, Close, Effect, Subscribe, Unsubscribe, Withdraw
from hub.errors import MessageError
from hub.messages import UNKNOWN_OP, Auth, Bye, FromMark, Hello, Message, Ping, Resume, Sub, Unsub
from hub.moment import Moment
from hub.session import STRIKES, TOKEN_TOLD_SECONDS, Session, State
from tests.hub.rig import User

SECOND = 1_000_000_000
MESSAGES: dict[str, Message] = {
    "hello": Hello("token"),
    "auth": Auth("token"),
    "sub": Sub(1, ["AAPL"]),
    "unsub": Unsub(1),
    "ping": Ping(1, 2),
    "bye": Bye(),
}


def at(seconds: float, utc_seconds: float | None = None) -> Moment:
    """A moment; both clocks run alike unless told otherwise."""
    utc = seconds if utc_seconds is None else utc_seconds
    return Moment(int(utc * SECOND), 100 * SECOND + int(seconds * SECOND))


class House:
    """Knows the tokens in `users`, and the marks up to 100."""

    def __init__(self) -> None:
        self.users = {"token": User(), "mine": User(), "other": User("somebody")}

    def authenticate(self, token: str | None, utc_ns: int) -> User:
        """Look up."""
        if token is None or token not in self.users:
            raise MessageError(codes.AUTH_FAILED if token else codes.AUTH_MISSING, "no")
        return self.users[token]

    def check_start(self, start: FromMark) -> None:
        """Up to 100."""
        if start.m > 100:
            raise MessageError(codes.EPOCH, "from.m")

    def watchlist(self, caller: Caller, name: str) -> list[str]:
        """Everybody has `main`."""
        if name != "main":
            raise MessageError(codes.NOT_FOUND, "no such watchlist")
        return ["AAPL", "MSFT"]

    def welcome(self, now: Moment) -> dict[str, Any]:
        """Very short."""
        return {"v": 1}


class Desk:
    """A session and its house."""

    def __init__(self, *, live: bool = True, **settings: Any) -> None:
        self.house = House()
        self.session = Session(HubSettings(**settings), self.house, at(0))
        if live:
            self.say(Hello("token"))

    def say(self, *messages: Message | MessageError, now: Moment | None = None) -> list[Effect]:
        """One frame."""
        return self.session.receive(list(messages), now or at(0))


def answers(effects: list[Effect]) -> list[dict[str, Any]]:
    """The messages among effects."""
    return [effect.message for effect in effects if isinstance(effect, Answer)]


def close_of(effects: list[Effect]) -> codes.CloseCode:
    """With which code the last effect closes."""
    assert isinstance(effects[-1], Close)
    return effects[-1].code


def sub(sub_id: int = 1, start: FromMark | str | None = None) -> Sub:
    """A `sub` of one symbol."""
    return Sub(sub_id, ["AAPL"], start=start)  # type: ignore[arg-type]  # only what the type allows is given


def test_hello_is_welcomed_and_subs_may_follow_in_the_same_frame() -> None:
    """No round trip: one frame is enough."""
    welcome, wish = Desk(live=False).say(Hello("token"), sub())
    assert welcome == Answer({"op": "welcome", "v": 1})
    assert isinstance(wish, Subscribe)
    assert wish.start == "snapshot"


@pytest.mark.parametrize(("token", "word"), [(None, "AUTH_MISSING"), ("bad", "AUTH_FAILED")])
def test_hello_without_a_valid_token_closes(token: str | None, word: str) -> None:
    """Told why, and closed with a code that says: don't come back unchanged."""
    desk = Desk(live=False)
    effects = desk.say(Hello(token), sub())
    assert [message["code"] for message in answers(effects)] == [word]
    assert close_of(effects) is codes.CLOSE_AUTH
    assert desk.session.state is State.CLOSING


def test_resume_of_hello_is_the_default_of_its_frame_only() -> None:
    """Subs of a later frame begin with a snapshot again; a sub's own `from` goes first."""
    desk = Desk(live=False)
    _, one, two = desk.say(Hello("token", Resume(7, 1)), sub(1), sub(2, "live"))
    (three,) = desk.say(sub(3))
    starts = [wish.start for wish in (one, two, three) if isinstance(wish, Subscribe)]
    assert starts == [FromMark(7, 1), "live", "snapshot"]


def test_sub_from_a_place_that_is_none_changes_nothing() -> None:
    """The error names the id, and the sub of the same id goes on."""
    desk = Desk()
    desk.say(sub(5))
    (answer,) = answers(desk.say(sub(5, FromMark(101))))
    assert (answer["id"], answer["code"], answer["class"]) == (5, "EPOCH", "gone")
    assert desk.say(Unsub(5))[0] == Unsubscribe(5)


def test_unsub_ends_and_is_confirmed() -> None:
    """A second one is an error."""
    desk = Desk()
    desk.say(sub(4))
    assert desk.say(Unsub(4)) == [Unsubscribe(4), Answer({"op": "ok", "id": 4, "unsub": True})]
    (answer,) = answers(desk.say(Unsub(4)))
    assert (answer["code"], answer["id"]) == ("BAD_MSG", 4)


def test_ping_comes_back_with_both_clocks() -> None:
    """`ct` as it was, `st` in µs."""
    assert Desk().say(Ping(9, 1234), now=at(5, 1_700)) == [
        Answer({"op": "pong", "id": 9, "ct": 1234, "st": 1_700_000_000})
    ]


def test_bye_closes_cleanly() -> None:
    """And nothing that follows it in the frame is done."""
    effects = Desk().say(Bye(), sub())
    assert effects == [Close(codes.CLOSE_BYE)]


EXPECTED: dict[tuple[State, str], str] = {
    (State.HELLO, "hello"): "welcome",
    (State.HELLO, "auth"): "AUTH_MISSING",
    (State.HELLO, "sub"): "AUTH_MISSING",
    (State.HELLO, "unsub"): "AUTH_MISSING",
    (State.HELLO, "ping"): "pong",
    (State.HELLO, "bye"): "close 1000",
    (State.LIVE, "hello"): "BAD_MSG",
    (State.LIVE, "auth"): "ok",
    (State.LIVE, "sub"): "subscribe",
    (State.LIVE, "unsub"): "BAD_MSG",
    (State.LIVE, "ping"): "pong",
    (State.LIVE, "bye"): "close 1000",
    **{(State.CLOSING, word): "nothing" for word in MESSAGES},
}


def outcome(effects: list[Effect]) -> str:
    """What came of a message, in a word."""
    if not effects:
        return "nothing"
    match effects[0]:
        case Answer(message=message):
            return str(message.get("code", message["op"]))
        case Close(code=code):
            return f"close {code.number}"
        case Subscribe():
            return "subscribe"
    return type(effects[0]).__name__


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("word", MESSAGES)
def test_every_message_in_every_state_has_one_outcome(state: State, word: str) -> None:
    """The table is total: what it does not allow is an error that changes nothing."""
    desk = Desk(live=state is not State.HELLO)
    if state is State.CLOSING:
        desk.say(Bye())
    before = desk.session.state
    effects = desk.say(MESSAGES[word])
    assert outcome(effects) == EXPECTED[state, word]
    if outcome(effects) in ("AUTH_MISSING", "BAD_MSG", "nothing", "pong"):
        assert desk.session.state is before


def test_three_strikes_end_a_client_that_does_not_speak_the_protocol() -> None:
    """A message that is wrong but has an id does not count: somebody is trying."""
    desk = Desk()
    for _ in range(10):
        desk.say(MessageError(codes.BAD_MSG, "x", 1))
    for _ in range(STRIKES - 1):
        assert len(desk.say(MessageError(codes.BAD_MSG, "x"))) == 1
    assert close_of(desk.session.bad_frame(MessageError(codes.BAD_MSG, "x"))) is codes.CLOSE_PROTOCOL
    assert desk.session.bad_frame(MessageError(codes.BAD_MSG, "x")) == []


def test_unknown_op_is_told_and_is_no_strike() -> None:
    """A client of a later version may send hints that this one does not know."""
    desk = Desk()
    for _ in range(3 * STRIKES):
        (answer,) = answers(desk.say(MessageError(codes.BAD_MSG, UNKNOWN_OP)))
        assert (answer["code"], answer["hint"]) == ("BAD_MSG", "unknown op")
    assert desk.session.state is State.LIVE


def test_client_is_asked_for_another_token_in_time_and_once() -> None:
    """Between one and two minutes before, at a moment of its own; again after it has sent one."""
    desk = Desk(live=False)
    desk.house.users["token"] = desk.house.users["mine"] = User(expires_ns=500 * SECOND)
    desk.say(Hello("token"), now=at(0, 100))
    assert desk.session.tick(at(1, 379)) == []
    told = [answers(desk.session.tick(at(1, second))) for second in range(380, 450)]
    ((message,),) = [messages for messages in told if messages]
    assert (message["op"], message["exp"]) == ("token", 500_000_000)
    assert TOKEN_TOLD_SECONDS <= message["in_s"] <= 2 * TOKEN_TOLD_SECONDS
    desk.say(Auth("mine"), now=at(1, 450))
    assert len(desk.session.tick(at(1, 451))) == 1


def test_moments_of_renewal_differ_by_user() -> None:
    """A thousand phones that got their tokens together don't come back together."""
    moments = set()
    for number in range(50):
        desk = Desk(live=False)
        desk.house.users["token"] = User(f"user {number}", expires_ns=500 * SECOND)
        desk.say(Hello("token"), now=at(0, 100))
        moments.add(next(second for second in range(380, 450) if desk.session.tick(at(1, second))))
    assert len(moments) > 20


def test_hello_that_does_not_come_closes() -> None:
    """Ten seconds, by the clock that does not jump."""
    desk = Desk(live=False)
    assert desk.session.tick(at(9.9, 99_999)) == []
    effects = desk.session.tick(at(10))
    assert answers(effects)[0]["code"] == "AUTH_TIMEOUT"
    assert close_of(effects) is codes.CLOSE_AUTH
    assert desk.session.tick(at(20)) == []


def test_token_that_ends_closes_by_the_calendars_clock() -> None:
    """A token is valid up to, not at, its end; 0 never ends."""
    desk = Desk(live=False)
    desk.house.users["token"] = User(expires_ns=500 * SECOND)
    desk.say(Hello("token"), now=at(0, 400))
    desk.session.tick(at(99_999, 499.9))
    assert desk.session.state is State.LIVE
    effects = desk.session.tick(at(1, 500))
    assert answers(effects)[0]["code"] == "TOKEN_EXPIRED"
    assert close_of(effects) is codes.CLOSE_AUTH
    assert Desk().session.tick(at(10**9)) == []


def test_auth_renews_in_place() -> None:
    """The end of the old token does not matter any more."""
    desk = Desk(live=False)
    desk.house.users["token"] = User(expires_ns=500 * SECOND)
    desk.say(Hello("token"))
    assert desk.say(Auth("mine")) == [Answer({"op": "ok", "auth": True})]
    assert desk.session.tick(at(0, 501)) == []


@pytest.mark.parametrize("token", ["other", "bad"])
def test_auth_with_a_foreign_or_bad_token_closes(token: str) -> None:
    """A session keeps its user for life."""
    desk = Desk()
    effects = desk.say(Auth(token))
    assert answers(effects)[0]["code"] == "AUTH_FAILED"
    assert close_of(effects) is codes.CLOSE_AUTH
    assert desk.session.caller is desk.house.users["token"]


def test_auth_with_narrower_rights_ends_those_channels_and_says_so() -> None:
    """First the renewal is confirmed, then what it costs is told."""
    desk = Desk()
    desk.say(sub(1))
    desk.house.users["mine"] = User(grants=lambda _, kind, __: Access.LIVE if kind == "q" else Access.NONE)
    ok, withdraw, answer = desk.say(Auth("mine"))
    assert ok == Answer({"op": "ok", "auth": True})
    assert withdraw == Withdraw(1, ("t:AAPL",))
    assert isinstance(answer, Answer)
    assert answer.message["code"] == "ENT_NONE"


def test_flood_is_told_once_and_then_cut() -> None:
    """Nothing is done beyond the budget, and it does not go on for ever."""
    desk = Desk()
    effects = desk.say(*[Ping(1)] * 200)
    assert sum(answer["op"] == "pong" for answer in answers(effects)) == 59  # hello was the sixtieth
    (told,) = [answer for answer in answers(effects) if answer["op"] == "err"]
    assert (told["code"], told["retry_ms"]) == ("RATE", 51)
    effects = [effect for _ in range(BURSTS_REFUSED_MAX) for effect in desk.say(*[Ping(1)] * 60)]
    assert close_of(effects) is codes.CLOSE_POLICY
    assert desk.session.state is State.CLOSING


def test_large_sub_beyond_the_budget_is_told_when_to_ask_again() -> None:
    """A sub of twenty thousand channels costs forty commands: not twice in a row."""
    desk = Desk()
    symbols = [f"A{number}" for number in range(10_000)]
    (wish,) = desk.say(Sub(1, symbols))
    assert isinstance(wish, Subscribe)
    (answer,) = answers(desk.say(Sub(2, ["X"], ["t"]), Sub(1, symbols))[1:])
    assert (answer["code"], answer["id"], "retry_ms" in answer) == ("RATE", 1, True)


@pytest.mark.parametrize("tick", [lambda desk: desk.session.tick(at(50)), lambda desk: desk.say(Ping(1))])
def test_closing_session_does_nothing_any_more(tick: Callable[[Desk], list[Effect]]) -> None:
    """Neither messages nor time have any effect."""
    desk = Desk(live=False)
    desk.say(Bye())
    assert tick(desk) == []
