"""IEX messages to ticks: the specification's examples, real messages, every code, every bad value."""

from struct import pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.contract import EARLIEST_NS, LATEST_NS, Counters
from feeds.errors import MessageError
from feeds.iex import encode, messages
from feeds.iex.codes import AUCTIONS, STATES
from feeds.iex.messages import LEAST_BYTES, PRICE_MAX, MessageDecoder, decode_message, trade_session
from feeds.iex.reference import ReferenceData
from tests.feeds.data import real
from ticks import conditions, flags
from ticks.model import ABSENT_PRICE, Auction, Depth, Quote, Status, Tick, Trade, TradeCancel
from ticks.times import parse_time

V = ord("V")
T1 = 1_471_980_632_572_715_948
T2 = 1_471_980_683_662_974_915
HEAD1 = (0, V, "ZIEXT", T1, 0, 0, 0, flags.TEST_SYMBOL)
CENT = 10_000_000
SHARE = 1_000_000

GOLDEN: list[tuple[str, Tick | ReferenceData]] = [
    (
        "5100ac63c02096866d145a49455854202020e4250000241d0f0000000000ec1d0f0000000000e8030000",
        Quote(*HEAD1, 9905 * CENT, 9700 * SHARE, 9907 * CENT, 1000 * SHARE, V, V, "", 0),
    ),
    (
        "5400c3dff705a2866d145a4945585420202064000000241d0f0000000000968f060000000000",
        Trade(
            0, V, "ZIEXT", T2, 0, 0, 0, flags.TEST_SYMBOL,
            9905 * CENT, 100 * SHARE, 429974, 0, "", conditions.iex_elig(0, conditions.RTH),
        ),
    ),
    (
        "3801ac63c02096866d145a49455854202020e4250000241d0f0000000000",
        Depth(*HEAD1, 1, 9905 * CENT, 9700 * SHARE, True),
    ),
    (
        "4848ac63c02096866d145a4945585420202054312020",
        Status(*HEAD1, "trading", "halted", "T1", "H", 0),
    ),
    (
        "44800020897b5a1fb6145a4945585420202064000000241d0f000000000001",
        ReferenceData("ZIEXT", 1_492_414_800_000_000_000, 100 * SHARE, 9905 * CENT, 1, True, False, False),
    ),
    (
        "534500a09997e93db614",
        Status(0, V, "*", 1_492_448_400_000_000_000, 0, 0, 0, 0, "system", "end_of_system", "", "E", 0),
    ),
]  # fmt: skip

ONE_OF_EACH = {
    chr(message[0]): message
    for message in (
        encode.quote(T1, "SPY", 7520300, 100, 7521700, 200),
        encode.price_level(T1, "SPY", "8", 7520300, 100),
        encode.price_level(T1, "SPY", "5", 7521700, 0, complete=False),
        encode.trade(T1, "SPY", 7520300, 100, 9, 0x60),
        encode.trade_break(T1, "SPY", 7520300, 100, 9, 0x60),
        encode.trading_status(T1, "SPY", "T", "NA"),
        encode.operational_halt(T1, "SPY", "O"),
        encode.retail_liquidity(T1, "SPY", "C"),
        encode.security_event(T1, "SPY", "O"),
        encode.short_sale_test(T1, "SPY", True, "A"),
        encode.official_price(T1, "SPY", "Q", 7520300),
        encode.system_event(T1, "O"),
        encode.directory(T1, "SPY", 40, 7520300),
        encode.auction(T1, "SPY", "O", paired=1, reference=2, indicative=3, imbalance=4, side="B"),
    )
}
"""A good message of every type that is decoded."""


@pytest.mark.parametrize(("message", "expected"), GOLDEN)
def test_the_examples_of_the_specification_decode_to_their_values(
    message: str, expected: Tick | ReferenceData
) -> None:
    """The golden bytes give exactly the documented values."""
    assert decode_message(bytes.fromhex(message)) == expected


def test_real_single_messages_decode_to_the_values_of_their_readme() -> None:
    """Messages cut from the exchange's feed, one of each kind that there is."""

    def of(name: str) -> Tick | ReferenceData:
        return decode_message(real(f"iex-messages/IEX{name}Message.dump").read_bytes())

    quote = of("QuoteUpdate")
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.conds, quote.bid_price, quote.ask_price) == (
        "A",
        "T",
        ABSENT_PRICE,
        ABSENT_PRICE,
    )
    assert (quote.bid_size, quote.ask_size, quote.bid_venue, quote.ask_venue) == (0, 0, 0, 0)
    trade = of("TradeReport")
    assert isinstance(trade, Trade)
    assert (trade.symbol, trade.conds, trade.trade_id) == ("ZXIET", "FT", 3914566)
    assert (trade.price, trade.size) == (9995 * CENT, 471 * SHARE)
    level = of("PriceLevelUpdate")
    assert isinstance(level, Depth)
    assert (level.symbol, level.side, level.price, level.size) == ("ZXIET", 1, 9991 * CENT, 5431 * SHARE)
    assert level.complete
    halt = of("TradingStatus")
    assert isinstance(halt, Status)
    assert (halt.symbol, halt.what, halt.state, halt.reason) == ("ZWZZT", "trading", "halted", "NA")
    directory = of("SecurityDirectory")
    assert isinstance(directory, ReferenceData)
    assert (directory.symbol, directory.test, directory.round_lot) == ("ZEXIT", True, 100 * SHARE)
    assert (directory.previous_close, directory.luld_tier) == (1000 * CENT, 1)
    auction = of("AuctionInformation")
    assert isinstance(auction, Auction)
    assert auction.auction == "halt"
    for name, what in (
        ("SystemEvent", "system"),
        ("OperationalHaltStatus", "operational"),
        ("SecurityEvent", "security"),
        ("ShortSalePriceTestStatus", "short_sale"),
    ):
        status = of(name)
        assert isinstance(status, Status)
        assert status.what == what
        assert status.state != "unknown"


def test_an_auction_has_all_its_fields() -> None:
    """Each field of the longest message lands in its place."""
    tick = decode_message(
        encode.auction(
            T1, "ZIEXT", "V", paired=1, reference=20_000, indicative=30_000, imbalance=4, side="S",
            scheduled_s=5, clearing=60_000, collar=(70_000, 80_000, 90_000), extensions=10,
        )
    )  # fmt: skip
    dollar = 1_000_000_000
    assert tick == Auction(
        *HEAD1, "volatility", 1 * SHARE, 4 * SHARE, "S", 2 * dollar, 3 * dollar, 6 * dollar,
        7 * dollar, 8 * dollar, 9 * dollar, 5, 10,
    )  # fmt: skip


def test_a_break_names_the_trade_it_withdraws() -> None:
    """A broken trade becomes a cancel with the action B and the trade's own id, price and size."""
    assert decode_message(encode.trade_break(T1, "ZIEXT", 990500, 100, 171978, 0x40)) == TradeCancel(
        *HEAD1, 9905 * CENT, 100 * SHARE, 171978, 0, "B"
    )


@pytest.mark.parametrize(
    ("bid", "bid_size", "ask", "ask_size", "sides"),
    [
        (990500, 100, 0, 0, (9905 * CENT, 100 * SHARE, ABSENT_PRICE, 0, V, 0)),
        (0, 0, 990500, 100, (ABSENT_PRICE, 0, 9905 * CENT, 100 * SHARE, 0, V)),
        (0, 0, 0, 0, (ABSENT_PRICE, 0, ABSENT_PRICE, 0, 0, 0)),
        (990500, 0, 0, 100, (ABSENT_PRICE, 0, ABSENT_PRICE, 0, 0, 0)),
        (1, 2**32 - 1, PRICE_MAX, 1, (100_000, (2**32 - 1) * SHARE, PRICE_MAX * 100_000, SHARE, V, V)),
        (990700, 1, 990500, 1, (9907 * CENT, SHARE, 9905 * CENT, SHARE, V, V)),
    ],
)
def test_a_quote_side_without_price_or_size_is_absent(
    bid: int, bid_size: int, ask: int, ask_size: int, sides: tuple[int, int, int, int, int, int]
) -> None:
    """An absent side has the absent price, size 0 and no venue; a crossed quote is told as it is."""
    tick = decode_message(encode.quote(T1, "ZIEXT", bid, bid_size, ask, ask_size, 0xC0))
    assert tick == Quote(*HEAD1, *sides, "HT", 0)


def test_every_code_has_its_word_and_an_unknown_one_says_so() -> None:
    """States are told in our words, with the exchange's code beside; a new code is kept, not refused."""
    makers = {
        "H": lambda code: encode.trading_status(T1, "SPY", code, "IPO1"),
        "O": lambda code: encode.operational_halt(T1, "SPY", code),
        "I": lambda code: encode.retail_liquidity(T1, "SPY", code),
        "E": lambda code: encode.security_event(T1, "SPY", code),
        "P": lambda code: encode.short_sale_test(T1, "SPY", code == "1", "C"),
        "S": lambda code: encode.system_event(T1, code),
        "X": lambda code: encode.official_price(T1, "SPY", code, 7520300),
    }
    assert makers.keys() == STATES.keys()
    for kind, (what, words) in STATES.items():
        for code, word in words.items():
            tick = decode_message(makers[kind](code))
            assert isinstance(tick, Status)
            assert (tick.what, tick.state, tick.raw) == (what, word, code.strip())
            assert tick.reason == {"H": "IPO1", "P": "C"}.get(kind, "")
            assert tick.price == (752_030_000_000 if kind == "X" else 0)
        if kind != "P":
            tick = decode_message(makers[kind]("~"))
            assert isinstance(tick, Status)
            assert (tick.state, tick.raw) == ("unknown", "~")
    for code, word in AUCTIONS.items():
        tick = decode_message(
            encode.auction(T1, "SPY", code, paired=0, reference=0, indicative=0, imbalance=0, side="N")
        )
        assert isinstance(tick, Auction)
        assert tick.auction == word


@pytest.mark.parametrize(
    ("time", "sale", "session"),
    [
        ("2026-07-13T12:00:00", 0x40, conditions.PRE),
        ("2026-07-13T13:29:59", 0x40, conditions.PRE),
        ("2026-01-13T14:29:59", 0x40, conditions.PRE),
        ("2026-07-13T20:00:00", 0x40, conditions.POST),
        ("2026-01-13T21:59:59", 0x60, conditions.POST),
        ("2026-11-27T18:00:00", 0x40, conditions.POST),
        ("2026-07-03T17:00:00", 0x40, conditions.POST),
        ("2026-07-13T12:00:00", 0x20, conditions.RTH),
    ],
)
def test_the_session_follows_the_flag_and_the_side_of_the_day(time: str, sale: int, session: int) -> None:
    """Extended hours are pre or post in summer, in winter and on half days."""
    ts_event = parse_time(time + "Z")
    assert trade_session(sale, ts_event) == session
    tick = decode_message(encode.trade(ts_event, "SPY", 1, 1, 1, sale))
    assert isinstance(tick, Trade)
    assert tick.elig == conditions.iex_elig(sale, session)


@pytest.mark.parametrize("kind", sorted(LEAST_BYTES))
def test_a_message_may_grow_at_its_end(kind: str) -> None:
    """What follows the known fields is ignored."""
    message = ONE_OF_EACH[kind]
    assert decode_message(message + b"new fields") == decode_message(message)


@pytest.mark.parametrize("kind", sorted(LEAST_BYTES))
def test_a_message_that_is_too_short_is_quarantined(kind: str) -> None:
    """Every length below the type's is refused, and counted as short."""
    message = ONE_OF_EACH[kind]
    assert len(message) == LEAST_BYTES[kind]
    for length in range(len(message)):
        assert counters_of(message[:length]) == Counters(quarantined_short=1)


@pytest.mark.parametrize("kind", sorted(set(LEAST_BYTES) - {"S"}))
@pytest.mark.parametrize(
    "symbol", [b"        ", b"A\0      ", b"A B     ", b"\xff\xfeAB    ", b"aapl    ", b"' OR 1=1"]
)
def test_a_message_with_an_impossible_symbol_is_quarantined(kind: str, symbol: bytes) -> None:
    """No exchange uses it, so no channel and no key in a store may come of it."""
    message = ONE_OF_EACH[kind]
    assert counters_of(message[:10] + symbol + message[18:]) == Counters(quarantined_symbol=1)


@pytest.mark.parametrize("kind", sorted(LEAST_BYTES))
@pytest.mark.parametrize("time_ns", [0, -1, EARLIEST_NS - 1, LATEST_NS, -(2**63), 2**63 - 1])
def test_a_message_with_an_impossible_time_is_quarantined(kind: str, time_ns: int) -> None:
    """Event times are of 1990 to 2099."""
    message = bytearray(ONE_OF_EACH[kind])
    pack_into("<q", message, 2, time_ns)
    assert counters_of(bytes(message)) == Counters(quarantined_time=1)


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, 22) for kind in "T85BAD"]
    + [("Q", 22), ("Q", 30), ("X", 18), ("D", 22), *(("A", place) for place in (30, 48, 56, 64, 72))],
)
@pytest.mark.parametrize("price", [-1, -(2**63), 2**63 - 1, PRICE_MAX + 1])
def test_a_price_that_does_not_fit_is_quarantined(kind: str, place: int, price: int) -> None:
    """Negative prices and those beyond 64 bits at our scale are refused in every price field."""
    message = bytearray(ONE_OF_EACH[kind])
    pack_into("<q", message, place, price)
    assert counters_of(bytes(message)) == Counters(quarantined_price=1)


def test_a_trade_or_level_without_price_or_size_is_quarantined() -> None:
    """A print of nothing, or for nothing, is none; a level of size 0 is one that went away."""
    assert counters_of(encode.trade(T1, "SPY", 0, 100, 1)) == Counters(quarantined_price=1)
    assert counters_of(encode.trade(T1, "SPY", 100, 0, 1)) == Counters(quarantined_size=1)
    assert counters_of(encode.price_level(T1, "SPY", "8", 0, 1)) == Counters(quarantined_price=1)
    assert counters_of(encode.price_level(T1, "SPY", "8", 1, 0)) == Counters()


def test_unknown_types_are_counted_by_letter() -> None:
    """DEEP+ orders and whatever comes next give nothing and cost nothing."""
    counters = Counters()
    decoder = MessageDecoder(1, 0, counters)
    ticks: list[Tick] = []
    for message in (b"a" + bytes(37), b"\x07", b"a", ONE_OF_EACH["Q"]):
        decoder.decode(message, [(0, len(message))], 1, 0, 0, ticks)
    assert len(ticks) == 1
    assert counters.unknown == 3
    assert (decoder.unknown[ord("a")], decoder.unknown[7], decoder.decoded[ord("Q")]) == (2, 1, 1)


def test_decode_message_says_what_is_wrong() -> None:
    """For one message the caller gets an error in place of a counter."""
    with pytest.raises(MessageError, match="unknown type"):
        decode_message(b"a" + bytes(37))
    with pytest.raises(MessageError, match="not a message"):
        decode_message(ONE_OF_EACH["Q"][:41])
    with pytest.raises(MessageError, match="not a message"):
        decode_message(b"")


def test_ticks_carry_what_the_segment_says() -> None:
    """Source, times, number in the sequence and the feed's flags are in each tick, test symbols flagged."""
    decoder = MessageDecoder(4, flags.REPLAY, Counters())
    data = ONE_OF_EACH["Q"] + ONE_OF_EACH["T"] + encode.quote(T1, "ZVZZT", 1, 1, 1, 1)
    ticks: list[Tick] = []
    decoder.decode(data, [(0, 42), (42, 80), (80, 122)], 17, 5, 6, ticks)
    assert [(tick.source, tick.ts_send, tick.ts_recv, tick.src_seq, tick.flags) for tick in ticks] == [
        (4, 5, 6, 17, flags.REPLAY),
        (4, 5, 6, 18, flags.REPLAY),
        (4, 5, 6, 19, flags.REPLAY | flags.TEST_SYMBOL),
    ]
    assert ticks[0].symbol is ticks[1].symbol


def test_what_is_remembered_of_symbols_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that invents symbols cannot fill the memory, and no tick is lost by forgetting."""
    monkeypatch.setattr(messages, "SYMBOLS_MAX", 10)
    decoder = MessageDecoder(1, 0, Counters())
    ticks: list[Tick] = []
    names = [f"X{number}" for number in range(25)]
    for name in names:
        for message in (encode.quote(T1, name, 1, 1, 1, 1), encode.directory(T1, name, 1, 1)):
            decoder.decode(message, [(0, len(message))], 1, 0, 0, ticks)
    assert [tick.symbol for tick in ticks] == names
    assert len(decoder._symbols) <= 10
    assert list(decoder.references) == names[-10:]


@settings(max_examples=500, deadline=None)
@given(
    kind=st.sampled_from([kind.encode() for kind in LEAST_BYTES] + [b"", b"a"]),
    rest=st.binary(max_size=90),
    good_symbol=st.booleans(),
)
def test_any_bytes_give_a_tick_or_the_one_error(kind: bytes, rest: bytes, good_symbol: bool) -> None:
    """Whatever a message holds, its tick is within the ranges of the model, or it is refused."""
    if good_symbol and len(rest) > 17:
        rest = rest[:1] + T1.to_bytes(8, "little") + b"SPY     " + rest[17:]
    try:
        tick = decode_message(kind + rest)
    except MessageError:
        return
    for name in tick.__struct_fields__:
        value = getattr(tick, name)
        if isinstance(value, int):
            limit = 2**64 if name == "trade_id" else 2**63
            assert 0 <= value < limit, name
        else:
            value.encode()


def counters_of(message: bytes) -> Counters:
    """What a decoder counts that gets just this message."""
    counters = Counters()
    MessageDecoder(1, 0, counters).decode(message, [(0, len(message))], 1, 0, 0, [])
    return counters
