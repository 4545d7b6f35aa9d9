"""Certificates say what became of every tick, and never more than is known."""

from typing import Any

from hub.certificates import (
    CHANNELS_PER_MESSAGE,
    HOLES_MAX,
    UPSTREAM_GAPS_MAX,
    Account,
    Hole,
    Statement,
)
from hub.market_gaps import MarketGap


def statement(**accounts: Account) -> Statement:
    """A statement of trades by symbol."""
    made = Statement(1, 2, 100)
    made.accounts.update({f"t:{symbol}": account for symbol, account in accounts.items()})
    return made


def only(made: Statement) -> dict[str, Any]:
    """The one message of a small certificate."""
    (message,) = made.messages(200)
    return message


def test_account_is_complete_when_every_tick_was_sent_or_folded() -> None:
    """Ten ticks: three sent, seven folded."""
    assert Account(5, 15, sent=3, folded=7).complete
    assert not Account(5, 15, sent=3, folded=6, skipped=1).complete


def test_broken_account_is_never_complete() -> None:
    """Its numbers may add up by chance: ticks in front of them may be missing."""
    assert not Account(5, 6, sent=1, broken=True).complete


def test_message_names_stretch_epoch_and_each_channel() -> None:
    """Everything in (since, m] is accounted for."""
    message = only(statement(AAPL=Account(5, 6, sent=1)))
    assert message == {
        "op": "cont", "id": 1, "e": 2, "since": 100, "m": 200, "more": False,
        "chans": {
            "t:AAPL": {"from": 5, "to": 6, "sent": 1, "folded": 0, "skipped": 0, "complete": True}
        },
    }  # fmt: skip


def test_certificate_without_ticks_is_still_one_message() -> None:
    """The client learns that there was nothing."""
    assert only(statement())["chans"] == {}


def test_many_channels_come_in_several_messages() -> None:
    """All but the last say that more follow; each channel is in exactly one."""
    made = statement(**{f"S{number}": Account(0, 1, sent=1) for number in range(1_100)})
    messages = list(made.messages(200))
    assert [len(message["chans"]) for message in messages] == [
        CHANNELS_PER_MESSAGE,
        CHANNELS_PER_MESSAGE,
        100,
    ]
    assert [message["more"] for message in messages] == [True, True, False]
    assert len({name for message in messages for name in message["chans"]}) == 1_100


def test_message_that_is_just_full_is_the_last() -> None:
    """Nothing is announced that does not come."""
    made = statement(**{f"S{number}": Account(0, 1, sent=1) for number in range(CHANNELS_PER_MESSAGE)})
    (message,) = made.messages(200)
    assert message["more"] is False


def test_as_many_market_gaps_as_there_is_room_for_are_all() -> None:
    """Only one more is left out."""
    made = statement(AAPL=Account(5, 6, sent=1))
    for number in range(UPSTREAM_GAPS_MAX):
        made.note_gap(MarketGap(number, number, "AAPL", "limit"))
    assert "upstream_more" not in only(made)


def test_hole_breaks_every_account_and_is_told() -> None:
    """No account is complete behind a hole; `from` is exclusive as everywhere."""
    made = statement(AAPL=Account(5, 6, sent=1))
    made.note_hole(Hole(101, 150, "retention"))
    message = only(made)
    assert message["holes"] == [{"from": 100, "to": 150, "why": "retention"}]
    assert not message["chans"]["t:AAPL"]["complete"]


def test_holes_are_bounded_and_the_last_one_grows() -> None:
    """A tape damaged in a thousand places makes no endless list, and hides nothing."""
    made = statement()
    for number in range(HOLES_MAX + 10):
        made.note_hole(Hole(number * 10, number * 10 + 1, "restart"))
    assert len(made.holes) == HOLES_MAX
    assert made.holes[-1].last_m == (HOLES_MAX + 9) * 10 + 1


def test_market_gap_takes_whole_from_the_channels_it_concerns() -> None:
    """A gap of one symbol says nothing about another."""
    made = statement(AAPL=Account(5, 6, sent=1), MSFT=Account(1, 2, sent=1))
    made.note_gap(MarketGap(120, 130, "AAPL", "outage"))
    message = only(made)
    assert message["upstream"] == [{"from": 120, "to": 130, "scope": "AAPL", "why": "outage"}]
    assert message["chans"]["t:AAPL"]["whole"] is False
    assert "whole" not in message["chans"]["t:MSFT"]


def test_market_gap_of_everything_takes_whole_from_all() -> None:
    """A feed that was away concerns every symbol; a gap that is not over has no end."""
    made = statement(AAPL=Account(5, 6, sent=1))
    made.note_gap(MarketGap(120, None, "*", "outage"))
    message = only(made)
    assert message["chans"]["t:AAPL"]["whole"] is False
    assert message["upstream"][0]["to"] is None


def test_market_gaps_are_bounded_but_their_symbols_are_kept() -> None:
    """The list ends and says so; no channel is called whole that is not."""
    made = statement(LAST=Account(5, 6, sent=1))
    for number in range(UPSTREAM_GAPS_MAX + 10):
        made.note_gap(MarketGap(number, number, "AAPL", "limit"))
    made.note_gap(MarketGap(9_999, 9_999, "LAST", "limit"))
    message = only(made)
    assert len(message["upstream"]) == UPSTREAM_GAPS_MAX
    assert message["upstream_more"] is True
    assert message["chans"]["t:LAST"]["whole"] is False
