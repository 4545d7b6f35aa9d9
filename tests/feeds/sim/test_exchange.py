"""The simulated exchange as a whole."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import PositionError
from feeds.sim import SimExchange, SimSettings
from feeds.sim.listing import list_stocks
from feeds.sim.prints import RECEIVE_DELAY_NS
from tests.feeds.sim.checks import SECOND, START, TapeCheck, play
from ticks.model import Auction, FeedEvent, Quote, Tick, Trade

# Ten minutes of a market in six seconds of the clock: several halts and many cancels.
HASTY = SimSettings(symbols=6, rate=30, speed=100, halt_every_s=60, cancel_every=20)
MARKETS = [
    pytest.param(HASTY, 6.0, id="books"),
    pytest.param(SimSettings(symbols=40, rate=2_000, mode="load"), 2.0, id="load"),
]


@pytest.mark.parametrize(("market", "seconds"), MARKETS)
@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.floats(0.0, 1.0), max_size=60))
def test_any_slicing_of_time_gives_the_same_ticks(
    market: SimSettings, seconds: float, cuts: list[float]
) -> None:
    """However often and irregularly it is asked, the tape is the same."""
    exchange = SimExchange(market)
    pieces: list[Tick] = exchange.advance(START)
    for cut in [*sorted(cuts), 1.0]:
        pieces += exchange.advance(START + int(cut * seconds * SECOND))
    assert pieces == play(market, seconds)


@pytest.mark.parametrize("seed", range(4))
def test_a_tape_contradicts_itself_nowhere(seed: int) -> None:
    """Quotes uncrossed, trades inside them, cancels of real trades, halts that end with an auction."""
    tally = TapeCheck().read(play(msgspec.structs.replace(HASTY, seed=seed), 12.0), list_stocks(6))
    assert tally["O"] == 6
    assert tally["trading"] >= 8
    assert min(tally["cancel"], tally["F"], tally["I"], tally["fractional"]) > 0


def test_the_default_market_is_lively_within_seconds() -> None:
    """The first tick is there at once, all twelve symbols trade within four seconds, at 60 to 150 ticks/s."""
    ticks = play(SimSettings(), 600)
    first = {t.symbol: t.ts_recv for t in reversed(ticks) if isinstance(t, Trade)}
    assert ticks[0].ts_recv == START
    assert len(first) == 12
    assert max(first.values()) < START + 4 * SECOND
    assert 60 < len(ticks) / 600 < 150


def test_seed_and_start_decide_the_tape() -> None:
    """The same twice, another with either of them another."""
    tape = play(HASTY, 3.0)
    assert tape == play(HASTY, 3.0)
    assert tape != play(msgspec.structs.replace(HASTY, seed=8), 3.0)
    assert first_auction(tape) != first_auction(play(HASTY, 3.0, START + 1_000))


def first_auction(tape: list[Tick]) -> tuple[int, int]:
    """How much the first auction would trade at first: the work of chance alone."""
    auction = next(tick for tick in tape if isinstance(tick, Auction))
    return auction.paired, auction.imbalance


@pytest.mark.parametrize(("market", "seconds"), MARKETS)
def test_nothing_is_received_before_it_is_asked_for(market: SimSettings, seconds: float) -> None:
    """No tick's receive time lies behind the time passed in, nor before the one asked before."""
    exchange = SimExchange(market)
    before = START - 1
    for step in range(int(seconds * 100)):
        now = START + step * SECOND // 100
        assert all(before < tick.ts_recv <= now for tick in exchange.advance(now))
        before = now


def test_a_clock_that_steps_back_gives_nothing_until_it_has_caught_up() -> None:
    """Time inside the exchange never falls."""
    exchange = SimExchange(HASTY)
    ticks = exchange.advance(START) + exchange.advance(START + 2 * SECOND)
    assert exchange.advance(START + SECOND) == []
    assert exchange.reached_ns == START + 2 * SECOND
    assert ticks + exchange.advance(START + 3 * SECOND) == play(HASTY, 3.0)


def test_speed_makes_the_market_live_faster_not_the_clock() -> None:
    """Ten times the ticks in the same time, and times that lie in it."""
    slow, fast = (play(SimSettings(speed=speed, rate=50), 60.0) for speed in (1, 10))
    assert len(fast) == pytest.approx(10 * len(slow), rel=0.25)
    assert fast[-1].ts_recv <= START + 60 * SECOND


class TestRestart:
    """A position, and what an exchange does that gets it."""

    def restart(self, market: SimSettings, seconds: float, pause: float) -> tuple[list[Tick], list[Tick]]:
        """The tapes before and after a restart, at the earliest again at the start."""
        exchange = SimExchange(market)
        before = exchange.advance(START) + exchange.advance(START + int(seconds * SECOND))
        again = SimExchange(market)
        again.restore(exchange.position())
        resumed = START + int(max(0.0, seconds + pause) * SECOND)
        return before, again.advance(resumed) + again.advance(resumed + int(seconds * SECOND))

    @pytest.mark.parametrize(("market", "seconds"), MARKETS)
    def test_the_time_without_a_market_is_told(self, market: SimSettings, seconds: float) -> None:
        """The first two ticks are the gap, from where the old one had got to where the new one begins."""
        _, (opened, closed, *_) = self.restart(market, seconds, 3.0)
        assert isinstance(opened, FeedEvent)
        assert isinstance(closed, FeedEvent)
        assert (opened.what, closed.what, opened.why) == ("gap_open", "gap_close", "outage")
        stopped = START + int(seconds * SECOND) - RECEIVE_DELAY_NS
        assert (opened.from_ts, opened.to_ts) == (stopped, stopped + 3 * SECOND)
        assert closed.ts_recv == stopped + 3 * SECOND + RECEIVE_DELAY_NS

    def test_it_reopens_by_an_auction_at_the_prices_it_would_have_had(self) -> None:
        """On the same day the cross is a reopening; fair values do not notice the restart."""
        before, after = self.restart(HASTY, 6.0, 0.0)
        assert {t.conds for t in before if isinstance(t, Trade)} >= {"@O"}
        crosses = [t for t in after if isinstance(t, Trade) and "5" in t.conds]
        assert not any("O" in t.conds for t in after if isinstance(t, Trade))
        straight = {t.symbol: t for t in play(HASTY, 6.0 + 1.5) if isinstance(t, Quote) and t.bid_size}
        near = [c for c in crosses if abs(c.price / straight[c.symbol].bid_price - 1) < 0.01]
        assert len({cross.symbol for cross in near}) >= 5

    def test_on_another_day_it_opens(self) -> None:
        """A new trading day begins with an opening, whatever the position."""
        _, after = self.restart(HASTY, 3.0, 86_400.0)
        assert any("O" in t.conds for t in after if isinstance(t, Trade))

    @pytest.mark.parametrize(("market", "seconds"), MARKETS)
    @pytest.mark.parametrize("pause", [-100.0, -1.0, 0.0, 0.001, 100.0])
    def test_ids_and_numbers_never_repeat(self, market: SimSettings, seconds: float, pause: float) -> None:
        """Not even when the clock was set back in between."""
        before, after = self.restart(market, seconds, pause)
        ids = [tick.trade_id for tick in before + after if isinstance(tick, Trade)]
        assert len(ids) == len(set(ids))
        assert after[0].src_seq > before[-1].src_seq

    def test_ids_rise_without_a_position_too(self) -> None:
        """A fresh start begins above everything that an earlier one can have used."""
        before, after = play(HASTY, 2.0), play(HASTY, 2.0, START + 2 * SECOND)
        ids = [[tick.trade_id for tick in tape if isinstance(tick, Trade)] for tape in (before, after)]
        assert max(ids[0]) < min(ids[1]) < 2**53
        assert before[-1].src_seq < after[0].src_seq

    def test_the_same_position_and_time_continue_alike(self) -> None:
        """A restart is as reproducible as a start."""
        assert self.restart(HASTY, 2.0, 1.0) == self.restart(HASTY, 2.0, 1.0)

    def test_a_position_is_kept_until_the_market_begins(self) -> None:
        """An exchange that never began hands on the position it was given."""
        exchange = SimExchange(HASTY)
        exchange.advance(START)
        again = SimExchange(HASTY)
        again.restore(exchange.position())
        assert again.position() == exchange.position()
        assert again.reached_ns == 0

    def test_the_position_of_a_market_that_never_began_is_a_fresh_start(self) -> None:
        """Nothing was missed, so there is no gap, and the auction is an opening."""
        again = SimExchange(HASTY)
        again.restore(SimExchange(HASTY).position())
        assert again.advance(START) + again.advance(START + SECOND) == play(HASTY, 1.0)

    def test_another_seed_may_go_on_from_a_position(self) -> None:
        """Ids rise on, and the gap's text names both seeds."""
        exchange = SimExchange(HASTY)
        exchange.advance(START)
        again = SimExchange(msgspec.structs.replace(HASTY, seed=99))
        again.restore(exchange.position())
        opened = again.advance(START + SECOND)[0]
        assert isinstance(opened, FeedEvent)
        assert "seed 7 before, 99 now" in opened.text

    @settings(max_examples=200, deadline=None)
    @given(st.one_of(st.binary(max_size=40), st.lists(st.integers(-9, 9)).map(msgspec.msgpack.encode)))
    def test_bytes_that_are_no_position_are_refused(self, data: bytes) -> None:
        """Any bytes are a position or the one error."""
        exchange = SimExchange(HASTY)
        try:
            exchange.restore(data)
        except PositionError:
            assert exchange.advance(START) == SimExchange(HASTY).advance(START)
        else:
            # What a later version may add at the end is not looked at.
            version, *rest = msgspec.msgpack.decode(data)[:5]
            assert version == 1
            assert all(0 <= number < 1 << 63 for number in rest)

    @pytest.mark.parametrize(
        "fields",
        [
            [2, 7, 1, 1, 1],
            [1, 7, -1, 1, 1],
            [1, 7, 1, 1, -1],
            [1, 7, 1 << 63, 1, 1],
            [1, 7, 1, 1 << 60, 1],
            [1],
            "x",
        ],
        ids=str,
    )
    def test_a_position_of_another_kind_is_refused(self, fields: Any) -> None:
        """Another version, another shape, times before 1970."""
        with pytest.raises(PositionError):
            SimExchange(HASTY).restore(msgspec.msgpack.encode(fields))

    def test_a_market_that_runs_takes_no_position(self) -> None:
        """Its past cannot be changed any more."""
        exchange = SimExchange(HASTY)
        exchange.advance(START)
        with pytest.raises(PositionError):
            exchange.restore(exchange.position())


class TestSkip:
    """Standing still."""

    @pytest.mark.parametrize(("market", "seconds"), MARKETS)
    def test_nothing_happens_in_between_and_the_gap_says_so(
        self, market: SimSettings, seconds: float
    ) -> None:
        """The pair tells from when to when; after it the tape goes on without contradiction."""
        exchange = SimExchange(market)
        ticks = exchange.advance(START) + exchange.advance(START + SECOND)
        opened, closed = gap = exchange.skip(START + 61 * SECOND, "overflow", "too slow")
        assert isinstance(opened, FeedEvent)
        assert isinstance(closed, FeedEvent)
        assert (opened.why, opened.text, opened.what, closed.what) == (
            "overflow", "too slow", "gap_open", "gap_close",
        )  # fmt: skip
        assert closed.to_ts - opened.from_ts == 60 * SECOND
        assert exchange.reached_ns == START + 61 * SECOND
        assert exchange.advance(START + 61 * SECOND) == []
        after = exchange.advance(START + 61 * SECOND + int(seconds * SECOND))
        assert len(after) > 100
        assert all(tick.ts_event >= closed.ts_event for tick in after)
        TapeCheck(starts_with_status=market.has_books).read(
            [*ticks, *gap, *after], list_stocks(market.symbols)
        )

    def test_there_is_nothing_to_skip_before_the_start_or_in_the_past(self) -> None:
        """Neither changes anything."""
        exchange = SimExchange(HASTY)
        assert exchange.skip(START, "overflow", "") == []
        ticks = exchange.advance(START)
        assert exchange.skip(START - SECOND, "overflow", "") == []
        assert ticks + exchange.advance(START + SECOND) == play(HASTY, 1.0)
