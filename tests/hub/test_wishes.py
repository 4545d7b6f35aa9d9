"""What a client is granted of what it asks for, and what another token leaves of it."""

from typing import Any

import msgspec
import pytest

from config.settings import HubSettings
from hub import codes
from hub.callers import Access
from hub.effects import Answer, Effect, Subscribe, Unsubscribe, Withdraw
from hub.errors import MessageError
from hub.messages import FromMark, Sub
from hub.wishes import CHANNELS_PER_COMMAND, STARS_MAX, Wishes
from tests.hub.rig import User


def sub(symbols: Any = ("AAPL",), sub_id: int = 1, **fields: Any) -> Sub:
    """A `sub` message."""
    listed = symbols if symbols == "*" else list(symbols)
    return msgspec.convert({"op": "sub", "id": sub_id, "symbols": listed, **fields}, Sub)


class Desk:
    """Wishes with everything they need; notes what was spent."""

    def __init__(self, user: User | None = None, budget: int = 1_000, **settings: Any) -> None:
        self.user = user or User()
        self.wishes = Wishes(HubSettings(**settings))
        self.budget = budget

    def add(self, message: Sub, start: FromMark | str = "snapshot") -> Subscribe:
        """Ask."""
        return self.wishes.add(message, self.user, start, self.spend)

    def spend(self, cost: int) -> bool:
        """Pay."""
        if cost > self.budget:
            return False
        self.budget -= cost
        return True

    def refused(self, message: Sub) -> codes.ErrorCode:
        """Ask, and be refused."""
        with pytest.raises(MessageError) as caught:
            self.add(message)
        assert caught.value.message_id == message.id
        return caught.value.code

    def narrow(self, user: User) -> list[Effect]:
        """Show another token."""
        return self.wishes.narrow(user)


def only(*channels: str, otherwise: Access = Access.NONE) -> User:
    """A caller who may have these channels, or whole kinds as `t:*`."""

    def access(lineup: str, kind: str, symbol: str) -> Access:
        at = f"@{lineup}" if lineup else ""
        allowed = {f"{kind}:{symbol}{at}", f"{kind}:*{at}"} & set(channels)
        return Access.LIVE if allowed else otherwise

    return User(grants=access)


def test_every_symbol_in_every_kind_is_a_channel() -> None:
    """In the order of the request; doubles count once."""
    wish = Desk().add(sub(("AAPL", "SPY", "AAPL"), kinds=["t", "q", "t"]))
    assert wish.channels == ("t:AAPL", "q:AAPL", "t:SPY", "q:SPY")
    assert (wish.rate_hz, wish.star, wish.denied) == (None, False, ())


def test_lineup_and_backfill_are_part_of_the_channel() -> None:
    """`t!b` is asked for by symbol."""
    wish = Desk().add(sub(kinds=["t", "t!b"], lineup="iex"))
    assert wish.channels == ("t:AAPL@iex", "t:AAPL@iex!b")


def test_sub_that_says_only_symbols_gets_trades_and_quotes_of_the_default_line_up_raw() -> None:
    """Every tick."""
    wish = Desk().add(Sub(1, ["AAPL"]))
    assert (wish.channels, wish.lineup, wish.rate_hz) == (("t:AAPL", "q:AAPL"), "", None)


def test_no_symbols_are_no_channels() -> None:
    """An empty watchlist is no error."""
    assert Desk().add(sub(())).channels == ()


@pytest.mark.parametrize(
    ("fields", "hz"),
    [
        ({}, None), ({"mode": "raw", "hz": 4}, None), ({"mode": "interval"}, 4.0),
        ({"mode": "interval", "hz": 0.5}, 0.5), ({"mode": "conflated"}, 16.0),
        ({"mode": "conflated", "hz": 2}, 2.0),
    ],
)  # fmt: skip
def test_mode_decides_the_rate(fields: dict[str, Any], hz: float | None) -> None:
    """Raw has none; `conflated` is as quick as can be."""
    assert Desk().add(sub(**fields)).rate_hz == hz


def test_impossible_symbols_are_denied_and_the_others_granted() -> None:
    """Partial success is normal; what comes back of a bad symbol is short."""
    wish = Desk().add(sub(["AAPL", "aapl", "", "A" * 300, "A\x00B", "A B", "💥", "*"], kinds=["s"]))
    assert wish.channels == ("s:AAPL", "s:*")
    assert {denial["code"] for denial in wish.denied} == {"UNKNOWN_SYMBOL"}
    assert len(wish.denied) == 6
    assert max(len(denial["symbol"]) for denial in wish.denied) == 32


def test_denial_names_kind_and_reason() -> None:
    """No right at all, or a right to what is delayed: two codes."""
    wish = Desk(only("t:AAPL")).add(sub(["AAPL", "SPY"]))
    assert wish.channels == ("t:AAPL",)
    assert wish.denied[0] == {"symbol": "AAPL", "kind": "q", "code": "ENT_NONE"}
    delayed = Desk(only(otherwise=Access.DELAYED)).add(sub())
    assert (delayed.channels, delayed.denied[0]["code"]) == ((), "ENT_DELAYED")


def test_unknown_kind_is_refused_whole() -> None:
    """A request that means something else is not half granted."""
    assert Desk().refused(sub(kinds=["t", "z"])) is codes.BAD_MSG
    assert Desk().refused(sub(kinds=["!b"])) is codes.BAD_MSG


def test_star_needs_a_right_to_everything() -> None:
    """A right to one symbol is none to all; a delayed one is named as such."""
    assert Desk(only("t:*")).add(sub("*", kinds=["t"])).star
    assert Desk(only("t:AAPL")).refused(sub("*", kinds=["t"])) is codes.ENT_NONE
    assert Desk(only("t:*", otherwise=Access.DELAYED)).refused(sub("*")) is codes.ENT_DELAYED


def test_star_of_backfill_is_refused() -> None:
    """Back-filled channels are asked for by symbol."""
    assert Desk().refused(sub("*", kinds=["t!b"])) is codes.BAD_MSG


def test_stars_of_one_connection_are_limited() -> None:
    """Each may stand for thousands of channels; one of the same id is replaced."""
    desk = Desk()
    for number in range(STARS_MAX):
        desk.add(sub("*", number))
    assert desk.refused(sub("*", STARS_MAX)) is codes.SYMBOL_LIMIT
    desk.add(sub("*", 0))


def test_channels_of_one_connection_are_limited_over_all_subs() -> None:
    """Judged by what is asked for; the sub that is replaced does not count."""
    desk = Desk(channels_max=10)
    desk.add(sub(["A", "B", "C"], 1))
    assert desk.refused(sub(["D", "E", "F"], 2)) is codes.SYMBOL_LIMIT
    desk.add(sub(["D", "E"], 2))
    assert desk.refused(sub(["A", "B", "C", "D"], 1)) is codes.SYMBOL_LIMIT
    desk.add(sub(["D", "E", "F"], 1))


def test_hundred_thousand_symbols_are_refused_before_any_work() -> None:
    """Nothing is looked up for a request that is too large."""

    def never(lineup: str, kind: str, symbol: str) -> Access:
        raise AssertionError("looked up")

    desk = Desk(User(grants=never))
    assert desk.refused(sub(["AAPL"] * 100_000)) is codes.SYMBOL_LIMIT


def test_subs_of_one_connection_are_limited() -> None:
    """The number of subs has its own limit."""
    desk = Desk(subs_max=2)
    desk.add(sub(sub_id=1))
    desk.add(sub(sub_id=2))
    assert desk.refused(sub(sub_id=3)) is codes.SYMBOL_LIMIT
    desk.add(sub(sub_id=2))
    assert desk.wishes.remove(1)
    desk.add(sub(sub_id=3))


def test_large_sub_costs_more_than_a_small_one() -> None:
    """And is refused with RATE when the budget is used up; the old one stays."""
    desk = Desk(budget=4)
    symbols = [f"A{number}" for number in range(CHANNELS_PER_COMMAND)]
    desk.add(sub(symbols, 1))
    assert desk.budget == 2
    desk.add(sub(symbols, 2))
    assert desk.refused(sub([*symbols, *symbols], 1)) is codes.RATE
    assert desk.wishes.remove(1)


def test_same_sub_a_thousand_times_is_one_sub() -> None:
    """Idempotent, and nothing grows."""
    desk = Desk()
    first = desk.add(sub(["AAPL", "nope"]))
    assert all(desk.add(sub(["AAPL", "nope"])) == first for _ in range(1_000))
    assert len(desk.wishes._by_id) == 1


def test_removing_what_is_not_there_says_so() -> None:
    """An unsub of a foreign id changes nothing."""
    desk = Desk()
    desk.add(sub())
    assert not desk.wishes.remove(2)
    assert desk.wishes.remove(1)
    assert not desk.wishes.remove(1)


def test_narrower_rights_end_exactly_what_they_no_longer_cover() -> None:
    """The others go on, and a second look finds nothing more to end."""
    desk = Desk()
    desk.add(sub(["AAPL", "SPY"], 1))
    desk.add(sub(["MSFT"], 2, kinds=["t"]))
    rights = only("t:AAPL", "q:AAPL", "t:MSFT")
    withdraw, answer = desk.narrow(rights)
    assert withdraw == Withdraw(1, ("t:SPY", "q:SPY"))
    assert isinstance(answer, Answer)
    assert answer.message["op"] == "err"
    assert (answer.message["id"], answer.message["code"], answer.message["chans"]) == (
        1, "ENT_NONE", ["t:SPY", "q:SPY"],
    )  # fmt: skip
    assert desk.narrow(rights) == []


def test_narrower_rights_end_a_star_whole() -> None:
    """Part of everything is not everything."""
    desk = Desk()
    desk.add(sub("*", 3, kinds=["t", "q"]))
    end, answer = desk.narrow(only("t:*", otherwise=Access.DELAYED))
    assert end == Unsubscribe(3)
    assert isinstance(answer, Answer)
    assert (answer.message["code"], answer.message["ended"]) == ("ENT_DELAYED", True)
    assert not desk.wishes.remove(3)


def test_wider_rights_begin_nothing() -> None:
    """What was denied has to be asked for again."""
    desk = Desk(only("t:AAPL"))
    desk.add(sub(["AAPL", "SPY"]))
    assert desk.narrow(User()) == []
