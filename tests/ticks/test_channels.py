"""Channel names are read and written by one grammar."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticks import strategies
from ticks.channels import LINEUP_NAME, Channel, channel_name, channel_of, parse_channel
from ticks.errors import ChannelError
from ticks.flags import BACKFILL
from ticks.kinds import CHANNEL_KINDS, KINDS
from ticks.model import MARKET, Tick

lineups = st.just("") | st.from_regex(LINEUP_NAME, fullmatch=True)


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("q:AAPL", Channel("q", "AAPL")),
        ("q:AAPL@iex", Channel("q", "AAPL", "iex")),
        ("t:AAPL!b", Channel("t", "AAPL", "", True)),
        ("t:AAPL@iex!b", Channel("t", "AAPL", "iex", True)),
        ("b1m:BRK.B", Channel("b1m", "BRK.B")),
        ("n:*", Channel("n", MARKET)),
        ("f:*@alpaca-sip", Channel("f", MARKET, "alpaca-sip")),
        ("t:BTC/USD", Channel("t", "BTC/USD")),
        ("t:ACHR+", Channel("t", "ACHR+")),
        ("t:ABC!", Channel("t", "ABC!")),
        ("t:ABC@", Channel("t", "ABC@")),
    ],
)
def test_known_names_are_read_and_written(name: str, channel: Channel) -> None:
    """Kind, symbol, line-up and back-fill, in both directions."""
    assert parse_channel(name) == channel
    assert str(channel) == name


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CHANNEL_KINDS)), strategies.symbols() | st.just(MARKET), lineups, st.booleans())
def test_every_channel_survives_the_round_trip(kind: str, symbol: str, lineup: str, backfill: bool) -> None:
    """Any kind, canonical symbol and line-up."""
    name = channel_name(kind, symbol, lineup, backfill)
    assert parse_channel(name) == Channel(kind, symbol, lineup, backfill)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "AAPL",
        "t",
        "t:",
        ":AAPL",
        "T:AAPL",
        "t AAPL",
        "t:AA PL",
        "t:AAPL\n",
        " t:AAPL",
        "t:ÄAPL",
        "t:" + "A" * 33,
    ],
)
def test_what_breaks_the_grammar_is_refused(name: str) -> None:
    """With the one error, whose message stays short."""
    with pytest.raises(ChannelError, match="not a channel name"):
        parse_channel(name)


def test_an_unknown_kind_is_named() -> None:
    """`z:AAPL` follows the grammar, but there is no such kind."""
    with pytest.raises(ChannelError, match="kind of channel: 'z'"):
        parse_channel("z:AAPL")
    with pytest.raises(ChannelError) as caught:
        parse_channel("t:" + "A" * 100_000)
    assert len(str(caught.value)) < 120


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("tqb1:AB@!-*ie", max_size=12))
def test_any_text_gives_a_channel_or_the_one_error(text: str) -> None:
    """And what is read is written back as it was."""
    try:
        channel = parse_channel(text)
    except ChannelError:
        return
    assert str(channel) == text


@settings(max_examples=200, deadline=None)
@given(strategies.any_tick(), lineups)
def test_a_tick_knows_its_channel(tick: Tick, lineup: str) -> None:
    """By its kind, symbol and flags; corrections travel with the trades."""
    channel = channel_of(tick, lineup)
    assert channel == Channel(KINDS[tick.kind].channel, tick.symbol, lineup, bool(tick.flags & BACKFILL))
    assert parse_channel(str(channel)) == channel
    assert channel_of(msgspec.structs.replace(tick, flags=BACKFILL)).backfill
