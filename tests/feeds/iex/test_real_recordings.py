"""Whole real recordings through the session: counts, sums and spot values of their README."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from feeds.contract import Counters, FeedState
from feeds.iex import IexSession
from feeds.packets import Packet
from feeds.pcap import PcapReader
from feeds.recordings import Recording
from tests.feeds.data import DEEP_2026, TOPS_2026, TOPS_LAB, real
from tests.feeds.iex.wire import NOW, SOURCE
from ticks import flags
from ticks.model import Auction, Quote, Status, Tick, Trade, TradeCancel
from ticks.times import parse_time


@cache
def packets_of(path: Path) -> list[Packet]:
    """All packets of a recording."""
    recording, reader = Recording(path), PcapReader()
    packets = [packet for chunk in iter(recording.read, b"") for packet in reader.feed(chunk)]
    packets += reader.finish()
    recording.close()
    assert reader.damage == recording.damage == ""
    return packets


@cache
def played(name: str) -> tuple[IexSession, list[Tick]]:
    """A session that has heard a whole real recording, and its ticks."""
    session = IexSession(SOURCE, replay=True)
    ticks = [
        tick for packet in packets_of(real(name)) for tick in session.receive(packet.payload, packet.time_ns)
    ]
    return session, ticks


def trades_of(ticks: list[Tick]) -> list[Trade]:
    """The trades among ticks."""
    return [tick for tick in ticks if isinstance(tick, Trade)]


@pytest.mark.parametrize(
    ("name", "decoded", "heartbeats", "symbols", "shares", "notional"),
    [
        (
            TOPS_2026,
            {"Q": 158958, "T": 757, "H": 13021, "O": 13018, "P": 13378, "I": 13016, "D": 3, "S": 2},
            2667, 13015, 261_209, 36_948_479_300,
        ),
        (
            DEEP_2026,
            {
                "8": 74027, "5": 76025, "T": 620, "H": 13021, "O": 13018, "P": 13378, "I": 13016,
                "D": 3, "S": 2,
            },
            2696, 13015, 243_445, 33_663_633_100,
        ),
        (
            TOPS_LAB,
            {"Q": 27217, "T": 6390, "B": 3, "H": 7803, "O": 7801, "P": 7802, "D": 10, "A": 642, "S": 6},
            237, 7799, 1_427_907, 693_942_768_200,
        ),
    ],
    ids=["tops-2026", "deep-2026", "tops-lab"],
)  # fmt: skip
def test_a_real_recording_gives_the_counts_of_its_readme(
    name: str, decoded: dict[str, int], heartbeats: int, symbols: int, shares: int, notional: int
) -> None:
    """Every message is accounted for, none is missing, and the sums are right to the last unit."""
    session, ticks = played(name)
    assert session.decoded == decoded
    messages = sum(decoded.values())
    assert session.counters == Counters(
        frames=len(packets_of(real(name))), heartbeats=heartbeats, ticks=messages - decoded["D"]
    )
    assert session.unknown == {}
    assert session.next_sequence == messages + 1
    assert len({tick.symbol for tick in ticks} - {"*"}) == symbols
    trades = trades_of(ticks)
    assert sum(trade.size for trade in trades) == shares * 10**6
    assert sum(trade.price * trade.size for trade in trades) == notional * 10**5 * 10**6


def test_spot_values_of_the_real_tops_recording() -> None:
    """Single symbols end as the README says."""
    _, ticks = played(TOPS_2026)
    for symbol, quotes, bid, bid_size, ask, ask_size in (
        ("SPY", 7610, 75203, 100, 75217, 100),
        ("SQQQ", 19064, 3901, 1900, 3902, 1600),
    ):
        found = [tick for tick in ticks if isinstance(tick, Quote) and tick.symbol == symbol]
        last = found[-1]
        assert len(found) == quotes
        assert (last.bid_price, last.bid_size) == (bid * 10**7, bid_size * 10**6)
        assert (last.ask_price, last.ask_size) == (ask * 10**7, ask_size * 10**6)
    for symbol, count, shares, price, trade_id in (
        ("SPY", 5, 452, 75168, 498),
        ("SQQQ", 38, 10638, None, None),
        ("AGEN", 73, 5351, 494, 757),
    ):
        trades = [trade for trade in trades_of(ticks) if trade.symbol == symbol]
        assert (len(trades), sum(trade.size for trade in trades)) == (count, shares * 10**6)
        if price is not None:
            assert (trades[-1].price, trades[-1].size) == (price * 10**7, 100 * 10**6)
            assert trades[-1].trade_id == trade_id


def test_real_ticks_have_their_times_flags_and_numbers() -> None:
    """First and last event, flags by kind, source numbers without a hole; no trade makes the day's last."""
    _, ticks = played(TOPS_2026)
    assert min(tick.ts_event for tick in ticks) == parse_time("2026-07-13T11:07:33.205360035Z")
    assert max(tick.ts_event for tick in ticks) == parse_time("2026-07-13T12:18:27.106035081Z")
    assert {tick.flags & ~flags.TEST_SYMBOL for tick in ticks} == {flags.REPLAY | flags.PARTIAL_COVERAGE}
    assert [trade.trade_id for trade in trades_of(ticks)] == list(range(1, 758))
    assert all("T" in trade.conds and trade.elig & 3 == 0 for trade in trades_of(ticks))
    assert Counter(trade.conds for trade in trades_of(ticks)) == {
        "TI": 228,
        "T": 211,
        "FT": 206,
        "FTI": 108,
        "FT8": 4,
    }
    assert Counter(tick.conds for tick in ticks if isinstance(tick, Quote)) == {"T": 158911, "HT": 47}
    numbers = [tick.src_seq for tick in ticks]
    assert numbers == sorted(set(numbers))
    states = Counter((tick.what, tick.state) for tick in ticks if isinstance(tick, Status))
    assert states == {
        ("trading", "trading"): 12971,
        ("trading", "halted"): 50,
        ("operational", "normal"): 13014,
        ("operational", "halted"): 4,
        ("short_sale", "unrestricted"): 13015,
        ("short_sale", "restricted"): 363,
        ("retail", "none"): 13016,
        ("system", "start_of_messages"): 1,
        ("system", "start_of_system"): 1,
    }


def test_the_trades_of_both_real_feeds_are_the_same() -> None:
    """TOPS and DEEP of one session tell of the same trades, each with sequence numbers of its own."""

    def identity(trade: Trade) -> tuple[str, int, int, int, int, str, int]:
        return trade.symbol, trade.ts_event, trade.price, trade.size, trade.trade_id, trade.conds, trade.elig

    tops, deep = trades_of(played(TOPS_2026)[1]), trades_of(played(DEEP_2026)[1])
    assert [identity(trade) for trade in deep] == [identity(trade) for trade in tops[: len(deep)]]


def test_the_lab_day_ends_closed_with_every_administrative_message() -> None:
    """The whole day of the sample capture: its six system events, breaks, auctions and the end."""
    session, ticks = played(TOPS_LAB)
    system = [tick.state for tick in ticks if isinstance(tick, Status) and tick.what == "system"]
    assert system == [
        "start_of_messages", "start_of_system", "start_of_regular",
        "end_of_regular", "end_of_system", "end_of_messages",
    ]  # fmt: skip
    breaks = {tick.symbol: tick.trade_id for tick in ticks if isinstance(tick, TradeCancel)}
    assert breaks == {"ZXIET": 171978, "ZEXIT": 171918, "ZIEXT": 283798}
    assert Counter(tick.auction for tick in ticks if isinstance(tick, Auction)) == {
        "open": 360,
        "close": 282,
    }
    assert session.state is FeedState.CLOSED
    assert len(session.references) == 10


def test_real_single_segments_decode() -> None:
    """A session joined in its middle starts there: what came before is counted, and no hole is told."""
    for name, messages, before in (
        ("TOPS15Segment", {"Q": 1}, 8445),
        ("TOPS16Segment", {"T": 1}, 34342),
        ("DEEPSegment", {"T": 1}, 25845),
        ("BigTopsSegment", {"P": 13, "O": 13, "H": 13, "Q": 13}, 313),
    ):
        session = IexSession(SOURCE)
        ticks = session.receive(real(f"iex-messages/{name}.dump").read_bytes(), NOW)
        assert session.decoded == messages
        assert len(ticks) == sum(messages.values())
        assert session.counters.missed_before == before
        assert session.counters.gaps == 0


def test_the_position_of_a_whole_real_recording_is_small() -> None:
    """It goes into the journal with every batch."""
    for name in (TOPS_2026, DEEP_2026, TOPS_LAB):
        assert len(played(name)[0].position()) < 200
