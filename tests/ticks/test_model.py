"""The structs keep their shape: fields are written into journals and stores in this order."""

from typing import Final

import msgspec
import pytest
from hypothesis import given, settings

from tests.ticks import strategies
from ticks import model
from ticks.kinds import KINDS
from ticks.model import ABSENT_PRICE, PRICE_SCALE, SIZE_SCALE, Head, Tick, Trade, type_by_kind

HEAD: Final = "source venue symbol ts_event ts_send ts_recv src_seq flags"
BAR: Final = "open high low close volume count vwap rev final"
FIELDS: Final = {
    "Trade": "price size trade_id sip_tape conds elig",
    "TradeCancel": "price size trade_id sip_tape action",
    "TradeCorrect": ("old_price old_size old_trade_id old_conds price size trade_id conds sip_tape elig"),
    "Quote": "bid_price bid_size ask_price ask_size bid_venue ask_venue conds sip_tape",
    "Depth": "side price size complete",
    "Bar": BAR,
    "BarRevision": BAR,
    "BarDaily": BAR,
    "Status": "what state reason raw price",
    "Band": "upper lower indicator",
    "Auction": (
        "auction paired imbalance side reference indicative book_clearing "
        "collar_reference collar_lower collar_upper scheduled_s extensions"
    ),
    "News": "news_id headline summary author url content created_ns updated_ns symbols",
    "FeedEvent": "what why scope from_ts to_ts lost text",
}
"""Fields behind the head, as the first release wrote them. Never reorder; only a new kind may differ."""


@pytest.mark.parametrize("name", FIELDS)
def test_fields_stand_in_the_order_they_were_first_written(name: str) -> None:
    """Packed ticks hold values without names, so order is meaning."""
    shape = getattr(model, name)
    assert " ".join(shape.__struct_fields__) == f"{HEAD} {FIELDS[name]}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_struct_that_is_cheap_and_frozen(kind: int) -> None:
    """One struct per kind, immutable, hashable, and unknown to the garbage collector."""
    shape = type_by_kind[kind]
    config = shape.__struct_config__
    assert shape.kind == kind
    assert config.frozen
    assert not config.gc
    assert issubclass(shape, Head)


def test_structs_and_kinds_match_one_to_one() -> None:
    """No kind without a struct, none twice."""
    assert set(type_by_kind) == set(KINDS)
    assert {shape.__name__ for shape in type_by_kind.values()} == set(FIELDS)


@settings(max_examples=100, deadline=None)
@given(strategies.any_tick())
def test_a_tick_cannot_be_changed_and_equals_its_copy(tick: Tick) -> None:
    """Nobody edits what it was given; equality is by value and kind."""
    with pytest.raises(AttributeError):
        tick.symbol = "MSFT"  # type: ignore[misc]  # that this is refused is what is tested
    copy = type(tick)(*msgspec.structs.astuple(tick))
    assert copy == tick
    assert hash(copy) == hash(tick)


def test_kinds_with_equal_fields_are_not_equal() -> None:
    """A bar and its revision with the same numbers are different ticks."""
    fields = (1, 0, "SPY", 1, 0, 2, 0, 0, 10, 11, 9, 10, 100, 3, 10, 0, True)
    assert model.Bar(*fields) != model.BarRevision(*fields)


def test_units_are_what_the_text_forms_say() -> None:
    """Nine and six decimals; an absent price is the largest 64-bit integer."""
    assert PRICE_SCALE == 10**9
    assert SIZE_SCALE == 10**6
    assert ABSENT_PRICE == 2**63 - 1


def test_a_tick_is_built_positionally() -> None:
    """The hot path's form; a missing field is an error at once."""
    assert Trade(1, 86, "SPY", 2, 3, 4, 5, 6, 7, 8, 9, 67, "@", 10).elig == 10
    with pytest.raises(TypeError):
        Trade(1, 86, "SPY")  # type: ignore[call-arg]  # that this is refused is what is tested
