"""What a subscriber may be sent, and what is a fault, message by message."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from proofs.aims import ProofError
from proofs.follower import FAULTS, Follower, against, quote_of, trade_of
from proofs.reference import Quote, Recording, Trade


def trade(n: int, symbol: str = "A", **fields: Any) -> dict[str, Any]:
    """A trade as the hub sends it."""
    return {"op": "t", "c": f"t:{symbol}", "n": n, "px": 5, "sz": 1, "ts": n, "id": n, **fields}


def cont(since: int, m: int, more: bool = False, **chans: tuple[int, int]) -> dict[str, Any]:
    """A certificate: by symbol, the numbers in front of the first and of the last trade."""
    entries = {
        f"t:{symbol}": {
            "from": first, "to": last, "sent": last - first, "folded": 0, "skipped": 0, "complete": True
        }
        for symbol, (first, last) in chans.items()
    }  # fmt: skip
    return {"op": "cont", "id": 1, "e": 1, "since": since, "m": m, "more": more, "chans": entries}


def mark(m: int) -> dict[str, Any]:
    """A mark."""
    return {"op": "mark", "m": m, "now": 0}


def follower(*messages: dict[str, Any]) -> Follower:
    """One that was sent these on its first connection."""
    made = Follower()
    made.begin()
    made.take(messages)
    return made


def faults(found: Follower) -> dict[str, int]:
    """What was wrong."""
    return {name: count for name, count in found.faults.items() if count}


def test_everything_in_order_with_its_certificate_has_no_fault() -> None:
    """Numbers from 1, a certificate that says so, then the mark."""
    found = follower(trade(1), trade(1, "B"), trade(2), cont(0, 3, A=(0, 2), B=(0, 1)), mark(3))
    assert faults(found) == {}
    assert set(found.faults) == set(FAULTS)
    assert (found.certified, found.mark, found.distinct, found.numbers) == (True, 3, 3, {"t:A": 2, "t:B": 1})


def test_the_first_words_ask_for_everything_from_the_last_mark() -> None:
    """Hello and sub in one frame; a resume may also begin at an earlier mark."""
    found = follower(trade(1), trade(2), mark(2))
    hello, sub = found.begin()
    assert (hello["op"], sub["symbols"], sub["mode"], sub["from"]) == ("hello", "*", "raw", {"m": 2})
    assert found.begin(1)[1]["from"] == {"m": 1}
    assert not found.certified


def test_what_comes_again_after_a_resume_is_counted_and_no_fault() -> None:
    """The same content under the same number, and a certificate for this connection alone."""
    found = follower(trade(1), mark(1), trade(2))
    found.begin()
    found.take([trade(2), trade(3), cont(1, 3, A=(1, 3))])
    assert faults(found) == {}
    assert (found.certified, found.received, found.repeated, found.distinct) == (True, 4, 1, 3)
    assert [tick.trade_id for tick in found.trades["A"]] == [1, 2, 3]


def test_an_earlier_resume_keeps_the_last_mark() -> None:
    """Marks rise along a connection; over connections the highest one is where to go on."""
    found = follower(trade(1), trade(2), mark(2))
    found.begin(0)
    found.take([trade(1), mark(1)])
    assert (faults(found), found.mark) == ({}, 2)


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([trade(1), trade(3)], "n_breaks"),
        ([trade(2)], "n_breaks"),
        ([trade(1), trade(1)], "doubled"),
        ([trade(1), trade(1, px=6)], "differing"),
        ([trade(1), mark(2)], "early_marks"),
        ([trade(1), trade(2), mark(2), mark(1)], "falling_marks"),
        ([{"op": "gap", "c": "*"}], "gaps"),
        ([{"op": "snap", "c": "t:A"}], "gaps"),
        ([{"op": "epoch", "e": 2}], "gaps"),
        ([{"op": "err", "code": "HUB"}], "errors"),
        ([{"op": "what"}], "errors"),
        ([trade(1), cont(0, 1)], "miscounted"),
        ([cont(0, 0, A=(0, 1))], "miscounted"),
        ([trade(1), cont(0, 1, A=(0, 2))], "miscounted"),
        ([trade(1), cont(1, 1, A=(0, 1))], "miscounted"),
        ([trade(1), cont(0, 2, A=(0, 1))], "miscounted"),
        ([trade(1), {**cont(0, 1, A=(0, 1)), "holes": [{}]}], "miscounted"),
        ([trade(1), {**cont(0, 1, A=(0, 1)), "id": 2}], "miscounted"),
        ([trade(1), trade(3), cont(0, 3, A=(0, 3))], "miscounted"),
    ],
)
def test_whatever_is_wrong_is_counted_under_its_name(messages: list[dict[str, Any]], fault: str) -> None:
    """Holes, doubles, other content, marks and certificates that say too much, and news of losses."""
    found = follower(*messages)
    assert found.faults[fault] == 1
    assert fault != "miscounted" or not found.certified


@pytest.mark.parametrize(
    "change", [{"complete": False}, {"sent": 0}, {"skipped": 1}, {"folded": 1}, {"from": 1}]
)
def test_an_entry_that_says_anything_else_is_wrong(change: dict[str, Any]) -> None:
    """Every field of a certificate's entry counts."""
    message = cont(0, 1, A=(0, 1))
    message["chans"]["t:A"] |= change
    assert faults(follower(trade(1), message)) == {"miscounted": 1}


def test_a_certificate_may_come_in_parts() -> None:
    """It is right or wrong as a whole, when its last part has come."""
    found = follower(trade(1), trade(1, "B"), cont(0, 2, more=True, A=(0, 1)))
    assert (found.certified, faults(found)) == (False, {})
    found.take([cont(0, 2, B=(0, 1))])
    assert (found.certified, faults(found)) == (True, {})


def test_a_hole_does_not_hide_what_follows_it() -> None:
    """After a break the numbers count on from where they are."""
    assert faults(follower(trade(1), trade(4), trade(5))) == {"n_breaks": 1}


def test_where_the_hub_says_it_leaves_is_kept() -> None:
    """The mark in `drain`."""
    assert follower({"op": "drain", "m": 7}).leaving_m == 7


def test_faults_that_are_messages_are_told_but_not_without_end() -> None:
    """The first ten, for whoever looks."""
    found = follower(*[{"op": "gap", "c": "*"}] * 20)
    assert (found.faults["gaps"], len(found.told)) == (20, 10)


def recording(*ticks: Trade | Quote) -> Recording:
    """An independent reading."""
    quotes = [tick for tick in ticks if isinstance(tick, Quote)]
    trades = [tick for tick in ticks if isinstance(tick, Trade)]
    return Recording(Counter(), quotes, trades, [], {"A"}, 0, 0)


def known(n: int) -> Trade:
    """What `trade(n)` says."""
    return Trade("A", n * 1_000, 5_000_000_000, 1_000_000, n)


@pytest.mark.parametrize(
    ("ticks", "found"),
    [
        ((known(1), known(2)), (2, 0, 0, 0)),
        ((known(2), known(1)), (2, 0, 0, 1)),
        ((known(1), known(2), known(3)), (2, 1, 0, 0)),
        ((known(1),), (2, 0, 1, 0)),
        ((known(1), known(3)), (2, 1, 1, 0)),
    ],
)
def test_values_and_order_are_compared_with_the_recording(
    ticks: tuple[Trade, ...], found: tuple[int, int, int, int]
) -> None:
    """Compared, missing, extra, misplaced."""
    result = against(follower(trade(1), trade(2)), recording(*ticks))
    assert (result.compared, result.missing, result.extra, result.misplaced) == found


def test_symbols_that_came_without_being_in_the_recording_are_extra() -> None:
    """And those of the recording that never came are missing."""
    result = against(follower(trade(1, "B")), recording(known(1)))
    assert (result.missing, result.extra) == (1, 1)


def test_json_and_messagepack_say_the_same() -> None:
    """Exact decimals, or integers of the smallest unit; absent sides; nanoseconds beside microseconds."""
    quote = Quote("A", 1_789, 99_050_000_000, 1_000_000, None, 0)
    head = {"op": "q", "c": "q:A", "n": 1, "ts": 1, "tn": 789}
    assert quote_of({**head, "bp": Decimal("99.05"), "bs": 1, "ap": None, "as": 0}, packed=False) == quote
    assert (
        quote_of({**head, "bp": 99_050_000_000, "bs": 1_000_000, "ap": None, "as": 0}, packed=True) == quote
    )
    print_ = Trade("A", 1_000, 5_000_000_000, 1_500_000, 2**60)
    assert trade_of(trade(1, sz=Decimal("1.5"), id=str(2**60)), packed=False) == print_
    assert trade_of(trade(1, px=5_000_000_000, sz=1_500_000, id=2**60), packed=True) == print_
    with pytest.raises(ProofError, match="without a price"):
        trade_of(trade(1, px=None), packed=False)
