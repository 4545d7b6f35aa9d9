"""Numbers and marks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tape.errors import NumberingStopped, TickRefused
from tape.sequencer import Sequencer
from tape.state import TapeState, copy_state
from tests.tape.making import backfilled, news, position, quote, trade
from tests.ticks.strategies import any_tick
from ticks.channels import channel_of
from ticks.errors import ChannelError
from ticks.flags import BACKFILL
from ticks.model import Tick, TradeCancel

parts = st.lists(st.tuples(st.sampled_from(("", "iex", "b")), st.lists(any_tick(), max_size=8)), max_size=8)


def sequencer(limit_m: int = 1 << 40) -> Sequencer:
    """A sequencer of a new tape."""
    made = Sequencer(TapeState())
    made.limit_m = limit_m
    made.begin_epoch(1, 1, "start", 0)
    return made


@settings(max_examples=200, deadline=None)
@given(parts)
def test_marks_count_the_tape_and_numbers_count_each_channel(
    given_parts: list[tuple[str, list[Tick]]],
) -> None:
    """`m` has no hole; `n` has none in any channel; line-ups and `!b` are channels of their own."""
    made = sequencer()
    m, counts = 0, dict[str, int]()
    for lineup, ticks in given_parts:
        batch = made.number(lineup, ticks, 0)
        assert batch.ticks is ticks
        assert batch.first_m == m + 1
        m += len(ticks)
        for tick, n, channel_id in zip(ticks, batch.ns, batch.channel_ids, strict=True):
            name = str(channel_of(tick, lineup))
            counts[name] = counts.get(name, 0) + 1
            assert n == counts[name]
            assert made.state.channels[channel_id] == name
            assert made.channel_id(name) == channel_id
    assert made.state.next_m == m + 1
    assert dict(zip(made.state.channels, made.state.ns, strict=True)) == counts


@settings(max_examples=100, deadline=None)
@given(parts)
def test_a_sequencer_of_a_recovered_state_goes_on(given_parts: list[tuple[str, list[Tick]]]) -> None:
    """Channel ids and numbers follow from the tables alone."""
    first = sequencer()
    for lineup, ticks in given_parts:
        first.number(lineup, ticks, 0)
    second = Sequencer(copy_state(first.state))
    second.limit_m = 1 << 40
    for lineup, ticks in given_parts:
        assert second.number(lineup, ticks, 0) == first.number(lineup, ticks, 0)


def test_cancels_and_trades_share_a_channel() -> None:
    """Everything that a channel carries takes its next number."""
    made = sequencer()
    cancel = TradeCancel(3, 86, "AAPL", 1, 0, 1, 2, 0, 10**9, 10**6, 1, 65, "C")
    assert made.number("", [trade(1), cancel, quote(3), trade(4)], 0).ns == [1, 2, 1, 3]


def test_backfill_has_numbers_of_its_own() -> None:
    """The live channel's numbers have no hole where something was fetched later."""
    made = sequencer()
    assert made.number("", [trade(1), backfilled(2), trade(3), backfilled(4)], 0).ns == [1, 1, 2, 2]
    assert made.state.channels == ["t:AAPL", "t:AAPL!b"]


def test_no_mark_beyond_the_limit_is_given() -> None:
    """Nothing is counted of a batch that does not fit; the last mark itself may be given."""
    made = sequencer(limit_m=3)
    made.number("", [quote(1), quote(2)], 0)
    before = copy_state(made.state)
    with pytest.raises(NumberingStopped):
        made.number("", [quote(3), quote(4)], 0, position(1))
    assert made.state == before
    assert made.number("", [quote(3)], 0).first_m == 3
    made.number("", [], 0)


UNFIT = ("", "A B", "A\n", "x" * 33, "É", "A@iex", None, 7, ("A",))


@pytest.mark.parametrize(
    ("symbol", "flags"),
    [*((symbol, flags) for symbol in UNFIT for flags in (0, BACKFILL)), ("A!b", 0), ("A@iex!b", 0)],
)
def test_a_symbol_that_makes_no_channel_is_refused_and_counts_nothing(symbol: str, flags: int) -> None:
    """Neither this tick nor those in front of it in its batch take a number."""
    made = sequencer()
    made.number("", [trade(1), quote(1)], 0, position(1))
    before = copy_state(made.state)
    bad = structs.replace(trade(9, flags=flags), symbol=symbol)
    with pytest.raises(TickRefused):
        made.number("", [trade(2), quote(2), bad, trade(3)], 0, position(2))
    assert made.state == before
    assert made.number("", [trade(2), quote(2)], 0).ns == [2, 2]


def test_a_symbol_of_another_channels_name_does_not_meet_it() -> None:
    """`A@iex` in the default line-up must not be taken for `A` in `iex`."""
    made = sequencer()
    made.number("iex", [trade(1, "A")], 0)
    with pytest.raises(TickRefused, match="another channel"):
        made.number("", [trade(1, "A@iex")], 0)
    assert Sequencer(copy_state(made.state)).channel_id("t:A@iex") == 0


@pytest.mark.parametrize("lineup", ["Upper", "a b", "a@b", "x" * 40])
def test_a_lineup_that_no_channel_can_name_is_refused(lineup: str) -> None:
    """The same rule as for symbols."""
    with pytest.raises(TickRefused):
        sequencer().number(lineup, [trade(1)], 0)


def test_a_tick_of_an_unknown_kind_is_refused() -> None:
    """It has no channel."""
    with pytest.raises(TickRefused):
        sequencer().number("", [trade(1), object()], 0)  # type: ignore[list-item]


@settings(max_examples=100, deadline=None)
@given(parts, st.lists(any_tick(), max_size=8), st.booleans())
def test_taking_a_batch_back_leaves_no_trace(
    given_parts: list[tuple[str, list[Tick]]], ticks: list[Tick], known: bool
) -> None:
    """Numbers, marks, the position and the receive time are as before; new channels have no tick."""
    made = sequencer()
    for lineup, some in given_parts:
        made.number(lineup, some, 0, position(1) if known else None)
    before = copy_state(made.state)
    made.take_back(made.number("", ticks, 0, position(2)))
    after = made.state
    assert (after.next_m, after.positions, after.last_ts_recv) == (
        before.next_m, before.positions, before.last_ts_recv,
    )  # fmt: skip
    assert after.ns[: len(before.ns)] == before.ns
    assert not any(after.ns[len(before.ns) :])


def test_asking_for_a_channel_makes_none() -> None:
    """Whatever clients ask for, the tables stay as they are."""
    made = sequencer()
    made.number("iex", [trade(1)], 0)
    assert made.channel_id("t:AAPL") is None
    assert made.channel_id("t:AAPL@zzz") is None
    assert made.channel_id("t:AAPL@iex!b") is None
    assert made.lineups == ["iex"]
    with pytest.raises(ChannelError):
        made.channel_id("nonsense")


def test_receive_times_never_fall() -> None:
    """The newest is remembered, not the last."""
    made = sequencer()
    made.number("", [quote(1, ts_recv=100)], 0)
    made.number("", [quote(1, ts_recv=50)], 0)
    assert made.state.last_ts_recv == 100


def test_a_new_epoch_goes_on_counting() -> None:
    """Numbers go on from where the state has them; the table says where it began and what was kept."""
    made = sequencer()
    made.number("", [news(1), trade(1)], 0)
    made.begin_epoch(7, 1000, "restart", 2)
    batch = made.number("", [trade(2)], 0)
    assert (batch.epoch, batch.first_m, batch.ns) == (7, 1000, [2])
    start = made.state.epochs[-1]
    assert (start.epoch, start.first_m, start.why, start.kept_m) == (7, 1000, "restart", 2)
