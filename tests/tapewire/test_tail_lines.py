"""Lines and sentences of tail."""

from decimal import Decimal
from typing import Any

import pytest

from tapewire.tail_lines import denied_of, hole_text, line_of, price_text, sentences, summary_text
from tapewire_client import Continuity
from tests.tapewire_client.wire import cont, epoch, gap, mark, ok, resumed_ok, trade

TRADE = {
    "op": "t",
    "c": "t:AAPL",
    "n": 5,
    "px": Decimal("234.9"),
    "sz": 100,
    "ts": 1_795_487_542_765_819,
    "tn": 162,
}
QUOTE = {
    "op": "q",
    "c": "q:AAPL@iex",
    "n": 5,
    "bp": Decimal("234.92"),
    "bs": 700,
    "ap": None,
    "as": 0,
    "ts": 0,
}


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (TRADE, "2026-11-24T02:32:22.765819162Z AAPL trade 234.90 x 100"),
        ({**TRADE, "op": "x"}, "2026-11-24T02:32:22.765819162Z AAPL cancelled 234.90 x 100"),
        ({**TRADE, "k": 7}, "2026-11-24T02:32:22.765819162Z AAPL trade 234.90 x 100 (7 ticks)"),
        (QUOTE, "1970-01-01T00:00:00.000000000Z AAPL@iex quote 234.92 x 700 / – x 0"),
        ({**QUOTE, "k": 2}, "1970-01-01T00:00:00.000000000Z AAPL@iex quote 234.92 x 700 / – x 0 (2 ticks)"),
    ],
)
def test_a_tick_is_one_line(message: dict[str, Any], line: str) -> None:
    """Time, symbol, what, how much; how many ticks it stands for when it is more than one."""
    assert line_of(message) == line


def test_what_is_no_trade_or_quote_is_no_line() -> None:
    """Marks, answers, other kinds."""
    assert [line_of(message) for message in (mark(5), ok({"t:A": 1}), {"op": "s", "c": "s:A", "n": 1})] == [
        None
    ] * 3


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (Decimal("5"), "5.00"),
        (Decimal("0.1"), "0.10"),
        (Decimal("627.1354"), "627.1354"),
        (Decimal("1E-9"), "0.000000001"),
        (12, "12.00"),
        (0.5, "0.50"),
        (None, "–"),
    ],
)
def test_prices_have_two_decimals_or_as_many_as_there_are(price: Decimal | None, text: str) -> None:
    """Digit for digit; a side that is absent is a dash."""
    assert price_text(price) == text


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (gap(), ["gap: marks 2 to 50 of everything are not delivered (budget)"]),
        (gap(1, "t:A"), ["gap: marks 2 to 50 of t:A are not delivered (budget)"]),
        (epoch(2, 51), ["the hub's numbers begin anew at mark 51 (restart)"]),
        (cont(0, 5), ["went on behind mark 0 up to 200: 1 channels whole"]),
        (cont(0, 5, complete=False), ["went on behind mark 0 up to 200: 0 channels whole, 1 not"]),
        (cont(0, 5) | {"chans": {}}, ["went on behind mark 0 up to 200: no tick in between"]),
        ({"op": "drain", "after": [0, 1]}, ["the hub is going down"]),
        ({"op": "err", "class": "gone", "code": "EPOCH"},
         ["this hub's tape is not the one that gave the mark: beginning anew"]),
        ({"op": "err", "class": "plan", "code": "ENT_NONE", "msg": "not so"}, ["ENT_NONE: not so"]),
        ({"op": "err", "class": "wait", "code": "RATE", "msg": "no", "hint": "later"}, ["RATE: later"]),
        (ok({"t:A": 1}), []),
        (ok(None), []),
        (resumed_ok("t:A"), []),
        (mark(5), []),
        (trade(5), []),
    ],
)  # fmt: skip
def test_people_are_told_what_is_not_usual(message: dict[str, Any], told: list[str]) -> None:
    """And nothing when all is as it should be."""
    assert list(sentences(message)) == told


def test_what_may_not_be_had_is_told_with_its_reason() -> None:
    """Each symbol once, however many kinds were asked for; few are named, the rest is counted."""
    denied = [
        {"symbol": "A", "kind": "t", "code": "ENT_DELAYED"},
        {"symbol": "A", "kind": "q", "code": "ENT_DELAYED"},
        {"symbol": "$", "code": "UNKNOWN_SYMBOL"},
        {"symbol": "B", "code": "NEW"},
    ]
    assert denied_of({"denied": denied}) == {"ENT_DELAYED": ["A"], "UNKNOWN_SYMBOL": ["$"], "NEW": ["B"]}
    assert list(sentences(ok({}) | {"denied": denied})) == [
        "A: the token allows it with a delay only", "$: no such symbol", "B: NEW",
    ]  # fmt: skip
    many = [{"symbol": f"${place}", "code": "UNKNOWN_SYMBOL"} for place in range(10)]
    assert list(sentences(ok({}) | {"denied": many})) == [
        "$0 $1 $2 $3 $4 $5 $6 $7 and 2 more: no such symbol"
    ]


def test_symbols_without_any_tick_are_told() -> None:
    """Perhaps they are misspelt; one kind with ticks is enough."""
    granted = ok({"t:A": 0, "q:A": 3, "t:ZZZZ": 0, "q:ZZZZ": 0})
    assert list(sentences(granted)) == ["ZZZZ: no tick so far"]


def test_a_hole_is_told_by_its_first_and_last_number() -> None:
    """What lies between the last that came and the first that came again."""
    assert hole_text("t:A", 5, 9) == "missing: t:A from 6 to 8, and the hub has not said so"


def test_the_summary_says_whether_all_of_it_came() -> None:
    """And from where to go on."""
    continuity = Continuity()
    continuity.subscribe(1, ["t"], since=None)
    assert summary_text(continuity, 0, None) == "0 ticks, nothing missing"
    for message in (ok({"t:A": 4}), trade(5), gap(), trade(9, k=2), trade(12)):
        continuity.accept(message)
    assert summary_text(continuity, 2, 77) == (
        "4 ticks, 1 holes, 1 declared gaps of 2 known ticks, 2 reconnects, --since 77 goes on from here"
    )
