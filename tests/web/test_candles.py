"""Candles: history and stream put together, whatever comes first."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.script import Script, needs_node

pytestmark = needs_node

START: Final = 1_783_944_000  # 2026-07-13T12:00:00Z, s
ALL: Final = 0b1010_1000  # open, close, high, low and volume of the minute
RANGE_ONLY: Final = 0b1010_0000
FIRST_ONLY: Final = 0b1010_0100


def when(second: float) -> str:
    """An RFC 3339 time, so many seconds after the start."""
    minutes, seconds = divmod(second, 60)
    return f"2026-07-13T12:{int(minutes):02}:{seconds:012.9f}Z"


def row(n: int, price: float, second: float, elig: int = ALL, **more: Any) -> dict[str, Any]:
    """A trade of history."""
    return {
        "ts_event": when(second),
        "kind": "trade",
        "price": price,
        "n": n,
        "elig": elig,
        "upd": None,
        **more,
    }


def piece(n: int, price: float, second: float, **more: Any) -> dict[str, Any]:
    """A trade of the stream."""
    return {"op": "t", "c": "t:A", "n": n, "px": price, "ts": int((START + second) * 1e6), "el": ALL, **more}


def bar_row(n: int, minute: int, *prices: float) -> dict[str, Any]:
    """A bar of history."""
    names = ("open", "high", "low", "close")
    return {"ts_event": when(60 * minute), "n": n, "e": 1, **dict(zip(names, prices, strict=True))}


def bar(n: int, minute: int, *prices: float) -> dict[str, Any]:
    """A bar of the stream."""
    shown = dict(zip("ohl", prices[:3], strict=True))
    return {"op": "b", "c": "b1m:A", "n": n, "ts": (START + 60 * minute) * 10**6, **shown, "cl": prices[3]}


def candles(script: Script, seconds: int, *steps: tuple[str, Any]) -> Any:
    """`{verdicts, list}`; a candle is `(time after the start, open, high, low, close)`."""
    told = script.ask("candles", seconds=seconds, steps=steps)
    told["list"] = [(c["time"] - START, c["open"], c["high"], c["low"], c["close"]) for c in told["list"]]
    return told


@settings(max_examples=150, deadline=None)
@given(
    prices=st.lists(st.integers(1, 99), min_size=1, max_size=40),
    seen=st.integers(0, 40),
    begun=st.integers(0, 40),
    early=st.integers(0, 10),
)
def test_history_and_stream_leave_no_seam_wherever_they_meet(
    prices: list[int], seen: int, begun: int, early: int, script: Script
) -> None:
    """The stream began before the history ended; whichever is taken first, each trade counts once."""
    seen = min(seen, len(prices))
    begun = min(begun, seen)
    rows = [row(n + 1, price, n) for n, price in enumerate(prices[:seen])]
    stream = [("trade", piece(n + 1, prices[n], n)) for n in range(begun, len(prices))]
    told = candles(script, 5, *stream[:early], ("trades", rows), *stream[early:])
    expected = []
    for start in range(0, len(prices), 5):
        some = prices[start : start + 5]
        expected.append((start, some[0], max(some), min(some), some[-1]))
    assert told["list"] == expected
    assert "again" not in told["verdicts"]


def test_a_trade_that_is_missing_between_history_and_stream_asks_for_the_history_again(
    script: Script,
) -> None:
    """By its number, once; an older trade that was withdrawn asks, too."""
    told = candles(
        script, 5, ("trades", [row(1, 10, 0)]), ("trade", piece(3, 11, 1)), ("trade", piece(4, 12, 2))
    )
    assert told["verdicts"] == ["kept", "again", "kept"]
    cancel = {**piece(2, 10, 1), "op": "x"}
    assert candles(script, 5, ("trades", [row(1, 10, 0)]), ("trade", cancel))["verdicts"] == ["kept", "again"]
    assert (
        candles(script, 5, ("trade", piece(3, 11, 1)), ("trades", [row(1, 10, 0)]))["verdicts"][1] == "again"
    )


def test_bars_of_the_hub_take_the_place_of_what_was_made_of_trades(script: Script) -> None:
    """And later trades of that minute change nothing; the newest revision counts, in any order."""
    told = candles(
        script,
        60,
        ("trades", [row(1, 10, 1)]),
        ("bar", bar(7, 0, 10, 12, 9, 11)),
        ("trade", piece(2, 99, 3)),
        ("bar", bar(8, 0, 10, 13, 9, 12)),
        ("bars", [bar_row(7, 0, 10, 12, 9, 11), bar_row(6, -1 + 1, 1, 1, 1, 1)]),
        ("trade", piece(3, 14, 61)),
    )
    assert told["list"] == [(0, 10, 13, 9, 12), (60, 14, 14, 14, 14)]


def test_bars_of_minutes_are_no_candles_of_seconds(script: Script) -> None:
    """They come by the stream all the same."""
    assert candles(script, 5, ("trades", []), ("bar", bar(7, 0, 10, 12, 9, 11)))["list"] == []


def test_what_a_trade_may_change_is_said_by_its_eligibility(script: Script) -> None:
    """One that sets no price begins no candle, one for the range leaves the close, one counts as first."""
    rows = [
        row(1, 50, 0, 0),
        row(2, 10, 0, RANGE_ONLY),
        row(3, 20, 1, FIRST_ONLY),
        row(4, 30, 2, RANGE_ONLY),
        row(5, 5, 3, 0),
        row(6, 25, 4),
        row(7, 15, 4, FIRST_ONLY),
    ]
    assert candles(script, 5, ("trades", rows))["list"] == [(0, 20, 30, 15, 25)]


def test_what_was_withdrawn_or_replaced_is_no_trade(script: Script) -> None:
    """The correction is one, at its own price."""
    rows = [
        row(1, 10, 0),
        row(2, 99, 1, upd="withdrawn"),
        row(3, 99, 1, kind="cancel"),
        row(4, 98, 2, upd="replaced"),
        row(5, 12, 2, kind="correction"),
    ]
    assert candles(script, 5, ("trades", rows))["list"] == [(0, 10, 12, 10, 12)]


def test_a_folded_piece_brings_its_range_but_not_that_of_the_period_before(script: Script) -> None:
    """A flush may reach over the boundary; the newest price is surely of the new period."""
    told = candles(
        script,
        5,
        ("trades", [row(1, 10, 1)]),
        ("trade", piece(4, 11, 4, k=3, hi=15, lo=9)),
        ("trade", piece(6, 12, 5.1, k=2, hi=20, lo=8)),
        ("trade", piece(8, 13, 5.4, k=2, hi=14, lo=11)),
    )
    # The first piece of a run may reach back, too.
    assert told["list"] == [(0, 10, 11, 10, 11), (5, 12, 14, 11, 13)]


def test_candles_and_waiting_pieces_are_bounded(script: Script) -> None:
    """The oldest go."""
    many = [("trade", piece(n, n, 5 * n)) for n in range(1, 5_101)]
    told = candles(script, 5, *many, ("trades", []))["list"]
    assert (len(told), told[-1][0]) == (2_000, 25_500)


def test_a_chart_is_told_in_words(script: Script) -> None:
    """Range and newest candle; or that there is none."""
    some = [
        {"time": 0, "open": 1, "high": 4, "low": 1, "close": 2},
        {"time": 5, "open": 2, "high": 3, "low": 2, "close": 3},
    ]
    told = script.ask("words", symbol="A", name="5 seconds", candles=some)
    assert told == "A, 5 seconds: 2 candles, highest 4.00, lowest 1.00; the newest opened at 2.00, now 3.00."
    assert script.ask("words", symbol="A", name="1 minute", candles=[]) == "A, 1 minute: no candle yet."
