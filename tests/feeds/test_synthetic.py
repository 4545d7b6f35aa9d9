"""Recordings that we make ourselves."""

from typing import get_args

import pytest

from feeds.capture_writer import CaptureFormat
from feeds.iex import IexSession
from feeds.iex.market_day import Day
from feeds.pcap import PcapReader
from feeds.synthetic import Container, Content, SyntheticRecording
from ticks.model import MARKET, Trade

DAY = Day(messages=3_000)


def made(day: Day = DAY, container: Container | None = None) -> tuple[bytes, Content]:
    """A whole recording and what is in it."""
    recording = SyntheticRecording(day, container)
    return b"".join(recording.chunks()), recording.content


@pytest.mark.parametrize("format_", get_args(CaptureFormat))
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("vlans", [(), (7,), (7, 8)])
def test_what_is_stated_is_what_is_read(
    format_: CaptureFormat, big_endian: bool, vlans: tuple[int, ...]
) -> None:
    """Every count and sum of every container, found again by the reader and the decoder."""
    data, content = made(container=Container(format_, big_endian, vlans))
    reader, session = PcapReader(), IexSession(6)
    packets = reader.feed(data) + reader.finish()
    ticks = [tick for packet in packets for tick in session.receive(packet.payload, packet.time_ns)]
    trades = [tick for tick in ticks if isinstance(tick, Trade)]
    assert content == Content(
        messages=dict(sorted(session.decoded.items())),
        packets=len(packets),
        heartbeats=session.counters.heartbeats,
        symbols=len({tick.symbol for tick in ticks} - {MARKET}),
        shares=sum(trade.size for trade in trades) // 10**6,
        notional=sum(trade.price // 10**5 * (trade.size // 10**6) for trade in trades),
    )
    assert sum(content.messages.values()) == DAY.messages
    assert content.heartbeats > 3
    counters = session.counters
    assert counters.gaps == counters.missed_before == counters.quarantined == counters.unknown == 0
    assert reader.damage == ""


def test_the_same_day_is_the_same_file() -> None:
    """Byte for byte; another seed makes another."""
    assert made() == made()
    assert made()[0] != made(Day(seed=2, messages=3_000))[0]


def test_packets_are_captured_after_they_were_sent_in_order() -> None:
    """Capture times never fall, and lie behind the send times; segments fit a datagram."""
    data, _ = made()
    packets = PcapReader().feed(data)
    times = [packet.time_ns for packet in packets]
    assert times == sorted(times)
    for packet in packets:
        send_ns = int.from_bytes(packet.payload[32:40], "little")
        assert 0 <= packet.time_ns - send_ns < 50_000
        assert len(packet.payload) <= 1_400


def test_the_morning_comes_in_full_segments() -> None:
    """What happens at one instant is sent together, so there is a burst as on a real morning."""
    data, _ = made(Day(symbols=500, messages=5_000))
    counts = [int.from_bytes(packet.payload[14:16], "little") for packet in PcapReader().feed(data)]
    assert max(counts) > 40
