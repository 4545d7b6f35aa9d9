"""Prices and sizes are exact in text, in both directions."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticks.strategies import INT64_MAX, INT64_MIN, int64s
from ticks.decimals import format_price, format_size, parse_price, parse_size
from ticks.errors import TickError
from ticks.model import ABSENT_PRICE


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (752_030_000_000, "752.03"),
        (100_000, "0.0001"),
        (100_000_000_000, "100"),
        (1, "0.000000001"),
        (0, "0"),
        (-1, "-0.000000001"),
        (-752_500_000_000, "-752.5"),
        (INT64_MAX - 1, "9223372036.854775806"),
        (INT64_MIN, "-9223372036.854775808"),
    ],
)
def test_known_prices_are_written_and_read(price: int, text: str) -> None:
    """Zeros at the end are cut, all others kept."""
    assert format_price(price) == text
    assert parse_price(text) == price


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (100_000_000, "100"),
        (500_000, "0.5"),
        (9_099_618_093, "9099.618093"),
        (0, "0"),
        (INT64_MAX, "9223372036854.775807"),
        (INT64_MIN, "-9223372036854.775808"),
    ],
)
def test_known_sizes_are_written_and_read(size: int, text: str) -> None:
    """Six decimals, as fractional shares have."""
    assert format_size(size) == text
    assert parse_size(text) == size


@settings(max_examples=300, deadline=None)
@given(int64s)
def test_every_integer_survives_the_round_trip(value: int) -> None:
    """Whatever 64 bits hold; the value that stands for an absent price cannot be typed."""
    assert parse_size(format_size(value)) == value
    if value != ABSENT_PRICE:
        assert parse_price(format_price(value)) == value


@settings(max_examples=300, deadline=None)
@given(int64s)
def test_texts_are_json_numbers_with_the_exact_value(value: int) -> None:
    """A reader of JSON decimals gets exactly price × 1e-9 and size × 1e-6."""
    exact = msgspec.json.Decoder(Decimal)
    for text, places in ((format_price(value), 9), (format_size(value), 6)):
        assert exact.decode(text) == Decimal(value).scaleb(-places)
        assert not ("." in text and text.endswith("0"))


def test_zeros_at_the_end_may_be_typed() -> None:
    """People write `752.50` and `100.000`."""
    assert parse_price("752.50") == 752_500_000_000
    assert parse_size("100.000") == 100_000_000
    assert parse_price("-0") == 0


@pytest.mark.parametrize(
    "text",
    ["", "1e3", "1E-7", "NaN", "nan", "Infinity", "inf", ".5", "5.", "+5", " 5", "5 ", "5\n", "05", "1_000",
     "1,000", "0x10", "--5", "1.2.3", "٣", "null"],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    """Float notation, NaN, and everything a lenient reader would guess at."""
    with pytest.raises(TickError, match="not a decimal"):
        parse_price(text)
    with pytest.raises(TickError, match="not a decimal"):
        parse_size(text)


def test_too_many_digits_are_refused() -> None:
    """Digits are never rounded away, and what does not fit 64 bits is no price."""
    with pytest.raises(TickError, match="more than 9 digits"):
        parse_price("1.0000000001")
    with pytest.raises(TickError, match="more than 6 digits"):
        parse_size("1.0000001")
    with pytest.raises(TickError, match="too large"):
        parse_price("9223372036.854775808")
    with pytest.raises(TickError, match="too large"):
        parse_size("-9223372036854.775809")
    with pytest.raises(TickError, match="not a decimal"):
        parse_price("9" * 5000)


def test_the_absent_price_cannot_be_typed() -> None:
    """The largest 64-bit integer means "no quote on this side", so it is no price."""
    with pytest.raises(TickError, match="too large"):
        parse_price("9223372036.854775807")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=24) | st.text("0123456789.-e", max_size=24))
def test_any_text_gives_a_number_or_the_one_error(text: str) -> None:
    """Nothing but `TickError`, and an answer means what `Decimal` says."""
    for parse, places in ((parse_price, 9), (parse_size, 6)):
        try:
            value = parse(text)
        except TickError:
            continue
        assert Decimal(value).scaleb(-places) == Decimal(text)
