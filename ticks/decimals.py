"""Exact decimals: price and size integers ↔ decimal text, with no float in between.

`752030000000` units of 1e-9 are `752.03`; a zero at the end is never written. The text is a
JSON number as it stands.
"""

import re
from functools import lru_cache
from typing import Final

from ticks.errors import TickError
from ticks.model import ABSENT_PRICE, PRICE_SCALE, SIZE_SCALE

_DECIMAL: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]+))?")
_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_CACHED: Final = 1 << 15
"""Texts kept: prices and sizes of one answer repeat, and a hit costs a quarter of the work."""


@lru_cache(maxsize=_CACHED)
def format_price(price: int) -> str:
    """The decimal text of a price, `752.03`; the unit of `price` is 1e-9.

    `ABSENT_PRICE` is a number here like any other: whoever shows a quote asks first.
    """
    if price < 0:
        return f"-{format_price(-price)}"
    whole, rest = divmod(price, PRICE_SCALE)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:09d}".rstrip("0")


@lru_cache(maxsize=_CACHED)
def format_size(size: int) -> str:
    """The decimal text of a size, `100` or `0.5`; the unit of `size` is 1e-6."""
    if size < 0:
        return f"-{format_size(-size)}"
    whole, rest = divmod(size, SIZE_SCALE)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:06d}".rstrip("0")


def parse_price(text: str) -> int:
    """Read a decimal price, at most nine digits after the point. Returns units of 1e-9.

    Raises:
        TickError: not a plain decimal (`1e3`, `NaN`, `.5`, `+1`, blanks), too many digits, too
            large for 64 bits, or the one value that stands for an absent price.
    """
    price = _parse(text, 9)
    if price == ABSENT_PRICE:
        raise TickError(f"price too large: {text[:40]!r}")
    return price


def parse_size(text: str) -> int:
    """Read a decimal size, at most six digits after the point. Returns units of 1e-6.

    Raises:
        TickError: as for `parse_price`.
    """
    return _parse(text, 6)


def _parse(text: str, places: int) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise TickError(f"not a decimal number: {text[:40]!r}")
    sign, whole, fraction = match.groups(default="")
    if len(fraction) > places:
        raise TickError(f"more than {places} digits after the point: {text[:40]!r}")
    value = int(f"{sign}{whole}{fraction.ljust(places, '0')}")
    if not _INT64_MIN <= value <= _INT64_MAX:
        raise TickError(f"number too large: {text[:40]!r}")
    return value
