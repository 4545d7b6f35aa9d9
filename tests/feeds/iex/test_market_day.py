"""The made-up trading day."""

from collections import Counter

import pytest

from feeds.iex.market_day import Day, MarketDay, least_messages, symbol_names
from feeds.iex.messages import LEAST_BYTES, decode_message
from ticks import conditions
from ticks.conditions import POST, PRE, RTH
from ticks.model import ABSENT_PRICE, Quote, Status, Trade, TradeCancel
from ticks.symbols import canonical

DAY = Day(messages=20_000)


def messages(day: Day = DAY) -> list[tuple[int, bytes]]:
    """All messages of a day."""
    return list(MarketDay(day).messages())


def test_a_day_has_exactly_the_messages_asked_for() -> None:
    """The smallest day, and larger ones."""
    for symbols in (1, 2, 3, 4, 50):
        least = least_messages(symbols)
        for count in (least, least + 1, least + 500):
            assert len(messages(Day(symbols=symbols, messages=count))) == count
        with pytest.raises(ValueError, match=f"at least {least}"):
            MarketDay(Day(symbols=symbols, messages=least - 1))


def test_the_same_seed_makes_the_same_day_and_another_another() -> None:
    """A day is a function of its description."""
    assert messages() == messages()
    assert messages() != messages(Day(seed=2, messages=DAY.messages))


def test_names_are_canonical_and_distinct() -> None:
    """Every name is one that an exchange could use, however many there are."""
    names = symbol_names(17_596)
    assert [canonical(name) for name in names] == names
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 8
    for count in (0, 17_597):
        with pytest.raises(ValueError, match="from 1 to 17596"):
            symbol_names(count)


def test_every_type_and_flag_occurs() -> None:
    """A test that plays a day has gone through every decoder but those of depth."""
    found = [message for _, message in messages()]
    assert {chr(message[0]) for message in found} == set(LEAST_BYTES) - {"8", "5"}
    ticks = [decode_message(message) for message in found]
    conds = {tick.conds for tick in ticks if isinstance(tick, Trade)}
    assert set("".join(conds)) == set("FTI8X")
    sides = {
        (tick.bid_price == ABSENT_PRICE, tick.ask_price == ABSENT_PRICE)
        for tick in ticks
        if isinstance(tick, Quote)
    }
    assert len(sides) == 4
    assert {tick.conds for tick in ticks if isinstance(tick, Quote)} == {"", "H", "T", "HT"}
    sessions = {conditions.session_of(tick.elig) for tick in ticks if isinstance(tick, Trade)}
    assert sessions == {PRE, RTH, POST}


def test_a_day_makes_sense() -> None:
    """Times never fall, trade ids count from 1, a break names an earlier trade, and the day has an end."""
    day = messages()
    times = [time_ns for time_ns, _ in day]
    assert times == sorted(times)
    assert DAY.start_ns <= times[0]
    assert times[-1] <= DAY.start_ns + DAY.duration_s * 10**9
    ticks = [decode_message(message) for _, message in day]
    trades = [tick for tick in ticks if isinstance(tick, Trade)]
    assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
    prints = {(trade.symbol, trade.trade_id): (trade.price, trade.size) for trade in trades}
    breaks = [tick for tick in ticks if isinstance(tick, TradeCancel)]
    assert breaks
    assert len({one.trade_id for one in breaks}) == len(breaks)
    assert all(prints[one.symbol, one.trade_id] == (one.price, one.size) for one in breaks)
    system = [tick.state for tick in ticks if isinstance(tick, Status) and tick.what == "system"]
    assert system == [
        "start_of_messages", "start_of_system", "start_of_regular",
        "end_of_regular", "end_of_system", "end_of_messages",
    ]  # fmt: skip
    assert Counter(chr(message[0]) for _, message in day)["Q"] > len(day) // 2
