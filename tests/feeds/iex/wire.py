"""Streams of segments to feed to a session, good ones and garbage."""

import random

from hypothesis import strategies as st

from feeds.iex import IexSession, encode
from feeds.iex.transport import DEEP_1_0, TOPS_1_6
from ticks.model import FeedEvent, Tick

NOW = 1_784_000_000_000_000_000
SOURCE = 6


def stream(
    count: int, *, seed: int = 1, first_ns: int = NOW, writer: encode.SegmentWriter | None = None
) -> list[bytes]:
    """Segments with `count` messages in all, with heartbeats in between."""
    chance = random.Random(seed)
    writer = writer or encode.SegmentWriter(0x50A70000)
    made = [writer.segment([], first_ns)]
    while count > 0:
        first_ns += 1_000
        held = [one_message(chance, first_ns) for _ in range(min(count, chance.randint(0, 5)))]
        count -= len(held)
        made.append(writer.segment(held, first_ns + 50))
    return made


def one_message(chance: random.Random, time_ns: int) -> bytes:
    """Any message."""
    symbol = chance.choice(("SPY", "AAPL", "ZIEXT", "ABR-D"))
    return chance.choice(
        (
            encode.quote(time_ns, symbol, 100, chance.randint(0, 9), 200, 1),
            encode.trade(time_ns, symbol, chance.randint(1, 10**6), 100, chance.randint(1, 10**6)),
            encode.trading_status(time_ns, symbol, "T"),
            encode.directory(time_ns, symbol, 100, 1),
            encode.system_event(time_ns, chance.choice("OSRMEC")),
            b"Z" + bytes(9),
        )
    )


def hear(session: IexSession, segments: list[bytes]) -> list[Tick]:
    """The ticks of segments that arrive one after the other."""
    return [tick for number, data in enumerate(segments) for tick in session.receive(data, NOW + number)]


def data_ticks(ticks: list[Tick]) -> list[Tick]:
    """Ticks of the market, without feed events."""
    return [tick for tick in ticks if not isinstance(tick, FeedEvent)]


def gaps(ticks: list[Tick]) -> list[tuple[str, int]]:
    """The feed events as (what, messages lost)."""
    return [(tick.what, tick.lost) for tick in ticks if isinstance(tick, FeedEvent)]


def numbers_of(segments: list[bytes]) -> set[int]:
    """Sequence numbers of the messages in segments."""
    return {number for data in segments for number, _ in numbered(data)}


def numbered(data: bytes) -> list[tuple[int, int]]:
    """Number and place of each message of a segment."""
    found = []
    number, place = int.from_bytes(data[24:32], "little"), 40
    while place < len(data):
        found.append((number, place))
        number += 1
        place += 2 + int.from_bytes(data[place : place + 2], "little")
    return found


garbage = st.one_of(
    st.binary(max_size=120),
    st.binary(min_size=39, max_size=200).map(lambda rest: b"\x01\x00" + rest),
    st.builds(
        lambda protocol, channel, session, offset, sequence, messages: forged(
            protocol, channel, session, offset, sequence, messages
        ),
        st.sampled_from((TOPS_1_6, DEEP_1_0, 0x8002, 0x1234)),
        st.sampled_from((1, 2, 99)),
        st.sampled_from((0x50A70000, 7, 2**32 - 1)),
        st.integers(2**41, 2**50) | st.sampled_from((2**63 - 1,)),
        st.integers(2**40, 2**50) | st.sampled_from((0, 2**63 - 1)),
        st.lists(st.binary(max_size=30), max_size=4),
    ),
)
"""Datagrams that are no segments, or are of nobody we follow."""


def forged(
    protocol: int, channel: int, session: int, offset: int, sequence: int, messages: list[bytes]
) -> bytes:
    """A well-framed segment with whatever header."""
    writer = encode.SegmentWriter(session, protocol=protocol, channel=channel)
    writer.next_offset, writer.next_sequence = offset, sequence
    return writer.segment(messages, NOW)
