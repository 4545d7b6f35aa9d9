"""Packed ticks come back unchanged, and bytes that are no tick give the one error."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticks import strategies
from ticks import kinds
from ticks.errors import CodecError
from ticks.kinds import KINDS
from ticks.model import ABSENT_PRICE, Quote, Tick, Trade
from ticks.packing import pack_tick, unpack_tick

TRADE = Trade(3, 86, "AAPL", 10, 11, 12, 13, 0, 752_030_000_000, 100_000_000, 498, ord("C"), "@T", 1234)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_the_round_trip(kind: int) -> None:
    """All fields of all kinds, the ends of 64 bits and any text included."""

    @settings(max_examples=60, deadline=None)
    @given(strategies.BY_KIND[kind]())
    def check(tick: Tick) -> None:
        assert tick.kind == kind
        back = unpack_tick(kind, pack_tick(tick))
        assert back == tick
        assert type(back) is type(tick)

    check()


def test_a_known_tick_has_the_known_bytes() -> None:
    """The form in journals and stores never changes: a MessagePack array of the fields in order."""
    packed = pack_tick(TRADE)
    assert packed.hex() == ("9e0356a44141504c0a0b0c0d00cf000000af187b2380ce05f5e100cd01f243a24054cd04d2")
    assert msgspec.msgpack.decode(packed)[8] == 752_030_000_000


def test_every_cut_of_a_packed_tick_is_refused() -> None:
    """Truncated anywhere, or with bytes behind it."""
    packed = pack_tick(TRADE)
    for end in range(len(packed)):
        with pytest.raises(CodecError):
            unpack_tick(kinds.TRADE, packed[:end])
    with pytest.raises(CodecError, match="trailing"):
        unpack_tick(kinds.TRADE, packed + b"\x00")


@pytest.mark.parametrize(
    ("place", "value"),
    [(8, 2**63), (8, -(2**63) - 1), (8, 5.0), (8, "5"), (8, True), (8, None), (10, -1), (2, 7), (12, None)],
)  # fmt: skip
def test_a_field_of_the_wrong_kind_is_refused(place: int, value: object) -> None:
    """Floats, texts, booleans, nil and integers beyond 64 bits are not taken for numbers."""
    fields: list[object] = list(msgspec.structs.astuple(TRADE))
    fields[place] = value
    try:
        packed = msgspec.msgpack.encode(fields)
    except OverflowError:
        packed = b"\xc1"
    with pytest.raises(CodecError, match="not a Trade"):
        unpack_tick(kinds.TRADE, packed)


def test_too_few_or_too_many_fields_are_refused() -> None:
    """Also the fields of another kind of tick."""
    fields = list(msgspec.structs.astuple(TRADE))
    for wrong in (fields[:-1], [*fields, 0], []):
        with pytest.raises(CodecError):
            unpack_tick(kinds.TRADE, msgspec.msgpack.encode(wrong))
    quote = Quote(3, 86, "AAPL", 1, 2, 3, 4, 0, 5, 6, ABSENT_PRICE, 0, 86, 0, "", 0)
    with pytest.raises(CodecError):
        unpack_tick(kinds.TRADE, pack_tick(quote))


def test_an_unknown_kind_is_refused() -> None:
    """Kinds that a later version adds are not guessed at."""
    for kind in (0, 14, -1, 255):
        with pytest.raises(CodecError, match="kind"):
            unpack_tick(kind, pack_tick(TRADE))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=200))
def test_any_bytes_give_a_tick_or_the_one_error(kind: int, data: bytes) -> None:
    """Whatever a damaged disk holds."""
    try:
        tick = unpack_tick(kind, data)
    except CodecError:
        return
    assert unpack_tick(kind, pack_tick(tick)) == tick


@settings(max_examples=200, deadline=None)
@given(strategies.any_tick(), st.data())
def test_a_flipped_bit_gives_a_tick_or_the_one_error(tick: Tick, data: st.DataObject) -> None:
    """Nothing but `CodecError`, wherever the bit is."""
    packed = bytearray(pack_tick(tick))
    place = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[place // 8] ^= 1 << place % 8
    with suppress(CodecError):
        assert unpack_tick(tick.kind, bytes(packed)).kind == tick.kind


@pytest.mark.parametrize(
    ("field", "value"), [("price", 2**64), ("price", -(2**63) - 1), ("symbol", "A\ud800")]
)
def test_what_no_tick_holds_is_not_packed(field: str, value: object) -> None:
    """Integers beyond 64 bits and broken text are our mistake, and named as such."""
    wrong = msgspec.structs.replace(TRADE, **{field: value})
    with pytest.raises(CodecError, match="not a Trade"):
        pack_tick(wrong)
