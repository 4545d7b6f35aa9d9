"""Messages and rows say exactly what the tick says, in valid JSON, with the keys of the table."""

import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import checkout
from tests.ticks import strategies
from ticks import kinds, sources
from ticks.codec import row_json, to_short_json, to_short_msgpack
from ticks.conditions import PRE, elig
from ticks.flags import BACKFILL, NAMES, REPLAY
from ticks.keys import (
    ALWAYS,
    BOOLEAN,
    CODES,
    FLAGS,
    ID,
    KEYS,
    LETTER,
    PRICE,
    QUOTE_PRICE,
    SECONDS,
    SIDE,
    SIZE,
    SOURCE,
    TEXT,
    TEXTS,
    TIME,
    Key,
    remainder_key,
)
from ticks.kinds import KINDS
from ticks.model import ABSENT_PRICE, Depth, News, Quote, Status, Tick, Trade, type_by_kind
from ticks.times import format_time, parse_time

json_exactly = msgspec.json.Decoder(float_hook=Decimal).decode

START = parse_time("2026-07-13T12:00:01.000000789Z")
TRADE = Trade(
    sources.IEX_TOPS, 86, "AAPL", START, START + 47_000, START + 90_000, 17, REPLAY,
    752_030_000_000, 100_000_000, 498, ord("C"), "@T", elig(ord("C"), "@T", PRE),
)  # fmt: skip
QUOTE = Quote(
    sources.IEX_TOPS, 86, "AAPL", START - 789, 0, START, 0, 0,
    752_030_000_000, 100_000_000, ABSENT_PRICE, 0, 86, 0, "", 0,
)  # fmt: skip


# -- the wire form, read by the table alone -----------------------------------------------------


def value_of(key: Key, message: dict[str, Any], *, scaled: bool) -> Any:
    """The struct's value of a field in a native message; `scaled`: MessagePack."""
    name, holds = key.short, key.holds
    if holds in (PRICE, QUOTE_PRICE, SIZE):
        value = message[name]
        if value is None:
            assert holds == QUOTE_PRICE
            return ABSENT_PRICE
        return value if scaled else int(Decimal(value).scaleb(6 if holds == SIZE else 9))
    if holds == TIME:
        return message.get(name, 0) * 1000 + message.get(remainder_key(name), 0)
    if holds == SECONDS:
        return message.get(name, 0) // 1_000_000
    if holds == SOURCE:
        return number_of_source(message[name])
    if holds == LETTER:
        return ord(message.get(name, "\x00"))
    if holds == ID:
        return int(message.get(name, 0))
    if holds in (TEXT, CODES):
        return message.get(name, "")
    if holds == TEXTS:
        return tuple(message.get(name, ()))
    if holds == BOOLEAN:
        return message.get(name, False)
    return message.get(name, 0)


def value_in_row(key: Key, row: dict[str, Any]) -> Any:
    """The struct's value of a field in an HTTP row."""
    value, holds = row[key.long], key.holds
    if holds in (PRICE, SIZE):
        return int(Decimal(value).scaleb(6 if holds == SIZE else 9))
    if holds == QUOTE_PRICE:
        return ABSENT_PRICE if value is None else int(Decimal(value).scaleb(9))
    if holds == TIME:
        return 0 if value is None else time_of(value)
    if holds == SECONDS:
        return 0 if value is None else time_of(value) // 10**9
    if holds == SOURCE:
        return number_of_source(value)
    if holds == LETTER:
        return 0 if value is None else ord(value)
    if holds == ID:
        return int(value or 0)
    if holds == FLAGS:
        return sum(bit for bit, name in NAMES.items() if name in value)
    if holds == CODES:
        return "".join(value)
    if holds == SIDE:
        return {"bid": 1, "ask": 2}[value]
    return tuple(value) if holds == TEXTS else value


def time_of(text: str) -> int:
    """The time of a text in the fixed form, also before 1970."""
    whole = datetime.datetime.fromisoformat(text[:19] + "+00:00")
    seconds = (whole - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(seconds=1)
    assert len(text) == 30
    assert text.endswith("Z")
    return seconds * 10**9 + int(text[20:29])


def number_of_source(name: str) -> int:
    """The number of a source by its name."""
    known = {text: number for number, text in sources.NAMES.items()}
    return known[name] if name in known else int(name.removeprefix("source-"))


def rebuilt(tick: Tick, message: dict[str, Any], *, scaled: bool) -> Tick:
    """The tick that a native message tells, with the fields it does not send taken from `tick`."""
    values = {
        key.field: value_of(key, message, scaled=scaled) if key.wire else getattr(tick, key.field)
        for key in KEYS[tick.kind]
    }
    back: Tick = type_by_kind[tick.kind](**values)  # type: ignore[assignment]  # any shape is a tick
    return back


@settings(max_examples=400, deadline=None)
@given(strategies.any_tick(), st.integers(1, 2**53))
def test_a_native_json_message_tells_the_whole_tick(tick: Tick, n: int) -> None:
    """Read back by the key table, every field that is sent has its exact value."""
    channel = f"{KINDS[tick.kind].channel}:{tick.symbol}"
    message = json_exactly(to_short_json(tick, channel, n))
    assert list(message)[:3] == ["op", "c", "n"]
    assert (message["op"], message["c"], message["n"]) == (KINDS[tick.kind].op, channel, n)
    assert rebuilt(tick, message, scaled=False) == tick


@settings(max_examples=400, deadline=None)
@given(strategies.any_tick(), st.integers(1, 2**53))
def test_a_native_msgpack_message_tells_the_whole_tick(tick: Tick, n: int) -> None:
    """The same keys in the same order as JSON; prices and sizes are scaled integers."""
    packed = msgspec.msgpack.decode(to_short_msgpack(tick, "t:AAPL", n))
    assert list(packed) == list(json_exactly(to_short_json(tick, "t:AAPL", n)))
    assert (packed["op"], packed["c"], packed["n"]) == (KINDS[tick.kind].op, "t:AAPL", n)
    assert rebuilt(tick, packed, scaled=True) == tick


@settings(max_examples=400, deadline=None)
@given(strategies.any_tick(), st.integers(1, 2**53), st.integers(1, 2**53), st.integers(1, 2**31))
def test_a_row_tells_the_whole_tick_and_its_place(tick: Tick, n: int, m: int, epoch: int) -> None:
    """Every field of the struct is in the row, exactly, beside `n`, `m`, `e` and the channel."""
    row = json_exactly(row_json(tick, n, m, epoch))
    assert (row["n"], row["m"], row["e"], row["kind"]) == (n, m, epoch, KINDS[tick.kind].report)
    assert row["channel"].startswith(f"{KINDS[tick.kind].channel}:{tick.symbol}")
    assert row["channel"].endswith("!b") == bool(tick.flags & BACKFILL)
    values = {key.field: value_in_row(key, row) for key in KEYS[tick.kind]}
    assert type_by_kind[tick.kind](**values) == tick


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_kind_have_the_same_keys_in_the_same_order(kind: int) -> None:
    """A row of zeros and one of large values: readers may rely on every key."""
    orders = set()

    @settings(max_examples=20, deadline=None)
    @given(strategies.BY_KIND[kind]())
    def collect(tick: Tick) -> None:
        orders.add(tuple(json_exactly(row_json(tick, 1, 1, 1))))

    collect()
    assert len(orders) == 1
    (order,) = orders
    assert sorted(order) == sorted([*(key.long for key in KEYS[kind]), "n", "m", "e", "channel", "kind"])
    assert order[:2] == ("symbol", "ts_event")


def test_rows_of_trades_and_quotes_begin_as_documented() -> None:
    """What people look for stands in front."""
    assert list(json_exactly(row_json(TRADE, 1, 2, 3)))[:6] == [
        "symbol",
        "ts_event",
        "price",
        "size",
        "n",
        "m",
    ]
    assert list(json_exactly(row_json(QUOTE, 1, 2, 3)))[:8] == [
        "symbol", "ts_event", "bid_price", "bid_size", "ask_price", "ask_size", "n", "m",
    ]  # fmt: skip


# -- known texts ---------------------------------------------------------------------------------


def test_a_known_trade_is_written_as_documented() -> None:
    """Key by key, in both JSON forms."""
    assert to_short_json(TRADE, "t:AAPL", 90_412).decode() == (
        '{"op":"t","c":"t:AAPL","n":90412,"px":752.03,"sz":100,"ts":1783944001000000,"tn":789,"src":"iex-tops",'
        '"ve":"V","fl":2,"id":498,"tp":"C","cd":"@T","el":1256}'
    )
    assert row_json(TRADE, 90_412, 88_131_907, 3).decode() == (
        '{"symbol":"AAPL","ts_event":"2026-07-13T12:00:01.000000789Z","price":752.03,"size":100,"n":90412,'
        '"m":88131907,"e":3,"channel":"t:AAPL","kind":"trade","source":"iex-tops","venue":"V",'
        '"ts_send":"2026-07-13T12:00:01.000047789Z","ts_recv":"2026-07-13T12:00:01.000090789Z","src_seq":17,'
        '"flags":["replay"],"trade_id":498,"sip_tape":"C","conds":["@","T"],"elig":1256}'
    )


def test_a_known_quote_leaves_out_what_is_not_there() -> None:
    """The absent side is null; zeros and empty texts are left out of messages and null in rows."""
    assert to_short_json(QUOTE, "q:AAPL", 7).decode() == (
        '{"op":"q","c":"q:AAPL","n":7,"bp":752.03,"bs":100,"ap":null,"as":0,"ts":1783944001000000,'
        '"src":"iex-tops","ve":"V","bv":"V"}'
    )
    assert row_json(QUOTE, 7, 8, 1).decode() == (
        '{"symbol":"AAPL","ts_event":"2026-07-13T12:00:01.000000000Z","bid_price":752.03,"bid_size":100,'
        '"ask_price":null,"ask_size":0,"n":7,"m":8,"e":1,"channel":"q:AAPL","kind":"quote","source":"iex-tops",'
        '"venue":"V","ts_send":null,"ts_recv":"2026-07-13T12:00:01.000000789Z","src_seq":null,"flags":[],'
        '"bid_venue":"V","ask_venue":null,"conds":[],"sip_tape":null}'
    )


def test_the_examples_for_readers_are_what_is_written() -> None:
    """docs/wire.md shows these very ticks."""
    page = (checkout.ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    folded = to_short_json(TRADE, "t:AAPL", 90_421, k=9, high=752_050_000_000, low=751_990_000_000)
    for example in (folded, to_short_json(QUOTE, "q:AAPL", 7), row_json(TRADE, 90_412, 88_131_907, 3)):
        assert f"\n{example.decode()}\n" in page


def test_msgpack_of_an_absent_side_is_nil() -> None:
    """Not the largest integer, which a reader might take for a price."""
    packed = msgspec.msgpack.decode(to_short_msgpack(QUOTE, "q:AAPL", 7))
    assert packed["ap"] is None
    assert packed["bp"] == 752_030_000_000
    assert packed["bs"] == 100_000_000


def test_what_a_fold_adds_stands_behind_the_number() -> None:
    """`k` is left out when it is 1; prices and volume are exact."""
    folded = {"k": 9, "high": 752_500_000_000, "low": 751_000_000_000, "day_volume": 1_730_000_001}
    text = to_short_json(TRADE, "t:AAPL", 5, **folded)
    assert text.startswith(
        b'{"op":"t","c":"t:AAPL","n":5,"k":9,"hi":752.5,"lo":751,"dv":1730.000001,"px":752.03,'
    )
    packed = msgspec.msgpack.decode(to_short_msgpack(TRADE, "t:AAPL", 5, **folded))
    assert list(packed)[:8] == ["op", "c", "n", "k", "hi", "lo", "dv", "px"]
    assert (packed["k"], packed["hi"], packed["lo"], packed["dv"]) == tuple(folded.values())
    assert b'"k"' not in to_short_json(TRADE, "t:AAPL", 5, k=1)
    assert "k" not in msgspec.msgpack.decode(to_short_msgpack(TRADE, "t:AAPL", 5, k=1))


def test_a_back_filled_row_names_its_own_channel() -> None:
    """`t:AAPL!b`, with the line-up in front of the mark."""
    late = msgspec.structs.replace(TRADE, flags=REPLAY | BACKFILL)
    assert json_exactly(row_json(late, 1, 2, 1))["channel"] == "t:AAPL!b"
    assert json_exactly(row_json(late, 1, 2, 1, "iex"))["channel"] == "t:AAPL@iex!b"
    assert json_exactly(row_json(TRADE, 1, 2, 1, "iex"))["channel"] == "t:AAPL@iex"


def test_a_row_answers_in_the_form_of_symbol_asked() -> None:
    """The symbol is shown as asked; the channel keeps the canonical name."""
    preferred = msgspec.structs.replace(TRADE, symbol="ABR-D")
    row = json_exactly(row_json(preferred, 1, 2, 1, symbol="ABR.PRD"))
    assert (row["symbol"], row["channel"]) == ("ABR.PRD", "t:ABR-D")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2**53 - 1, b"9007199254740991"),
        (2**53, b'"9007199254740992"'),
        (2**64 - 1, b'"18446744073709551615"'),
    ],
)
def test_an_id_that_javascript_would_change_is_text(number: int, text: bytes) -> None:
    """An id is compared, not computed with: one wrong digit names another trade."""
    trade = msgspec.structs.replace(TRADE, trade_id=number)
    assert b'"id":' + text in to_short_json(trade, "t:AAPL", 1)
    assert b'"trade_id":' + text in row_json(trade, 1, 2, 1)
    assert msgspec.msgpack.decode(to_short_msgpack(trade, "t:AAPL", 1))["id"] == number


def test_texts_are_escaped() -> None:
    """Quotation marks, backslashes, control characters and every alphabet stay inside their text."""
    text = 'He said "no" \\ \n\x00\x1f\u2028 { } ${} — 株式'
    news = News(
        1, 0, "*", START, 0, START, 0, 0, text, text, text, text, text, text, START, START + 1, ("A", text)
    )
    for message in (json_exactly(row_json(news, 1, 2, 1)), json_exactly(to_short_json(news, "n:*", 1))):
        assert list(message.values()).count(text) == 6
    status = Status(1, 0, text, START, 0, START, 0, 0, text, text, text, text, 0)
    row = json_exactly(row_json(status, 1, 2, 1))
    assert (row["symbol"], row["what"], row["state"], row["raw"]) == (text, text, text, text)
    trade = msgspec.structs.replace(TRADE, conds='"\\')
    assert json_exactly(row_json(trade, 1, 2, 1))["conds"] == ['"', "\\"]
    assert json_exactly(to_short_json(trade, 't:"', 1))["cd"] == '"\\'


def test_times_other_than_the_event_keep_their_nanoseconds_too() -> None:
    """Each has a remainder of its own: `ctn` for `cts`, `utn` for `uts`."""
    news = News(1, 0, "*", START, 0, START, 0, 0, "", "", "", "", "", "", START + 1, START - 789, ())
    message = json_exactly(to_short_json(news, "n:*", 1))
    assert (message["cts"], message["ctn"]) == ((START + 1) // 1000, 790)
    assert message["uts"] == START // 1000
    assert "utn" not in message


def test_sides_and_booleans_of_depth_have_words_in_rows() -> None:
    """1 and 2 on the wire, `bid` and `ask` in rows; an incomplete level says so."""
    level = Depth(4, 86, "AAPL", START, 0, START, 9, 0, 1, 752_030_000_000, 0, False)
    assert b'"sd":1,"px":752.03,"sz":0' in to_short_json(level, "o:AAPL", 1)
    assert b'"cp"' not in to_short_json(level, "o:AAPL", 1)
    row = json_exactly(row_json(level, 1, 2, 1))
    assert (row["side"], row["complete"]) == ("bid", False)
    done = msgspec.structs.replace(level, side=2, complete=True)
    assert b'"cp":true' in to_short_json(done, "o:AAPL", 1)
    assert json_exactly(row_json(done, 1, 2, 1))["side"] == "ask"


def test_an_unnamed_source_and_unnamed_bits_do_not_break_a_row() -> None:
    """Configured sources have a number in their name; bits of a later version are left out."""
    odd = msgspec.structs.replace(TRADE, source=77, flags=REPLAY | 1 << 30)
    row = json_exactly(row_json(odd, 1, 2, 1))
    assert (row["source"], row["flags"]) == ("source-77", ["replay"])


def test_the_only_keys_always_sent_are_those_a_reader_needs() -> None:
    """A native message of zeros has prices, sizes, the time and the source, nothing else."""
    for kind, shape in type_by_kind.items():
        empty = {str: "", int: 0, bool: False}
        fields = {field.name: empty.get(field.type, ()) for field in msgspec.structs.fields(shape)}
        zeros: Any = shape(**fields)  # type: ignore[arg-type]  # each field has a value of its own type
        message = json_exactly(to_short_json(zeros, "t:A", 1))
        always = {key.short for key in KEYS[kind] if key.holds in ALWAYS or key.field == "ts_event"}
        assert set(message) == {"op", "c", "n"} | always


def test_times_in_rows_are_those_of_format_time() -> None:
    """The row's template writes times by itself; it must not drift from the function."""
    for time in (0 + 1, START, -1, -(2**63), 2**63 - 1, 10**9, 999_999_999):
        row = json_exactly(row_json(msgspec.structs.replace(TRADE, ts_event=time), 1, 2, 1))
        assert row["ts_event"] == format_time(time)


@pytest.mark.parametrize("kind", [kinds.TRADE, kinds.QUOTE])
def test_plain_json_readers_get_floats_that_round_to_the_price(kind: int) -> None:
    """A reader without decimals loses nothing that a venue quotes: four decimals."""

    @settings(max_examples=60, deadline=None)
    @given(strategies.trades(plain=True))
    def check(trade: Trade) -> None:
        assert round(msgspec.json.decode(row_json(trade, 1, 2, 1))["price"] * 10**9) == trade.price

    check()
