"""Ticks as text for clients: native messages with short keys, HTTP rows with long ones.

Market prices and sizes are exact JSON numbers. Times are RFC 3339 with nanoseconds in rows,
integer µs (and the rest in `tn`) in native messages, so that JavaScript reads them exactly.
Which field has which key and form: `ticks.keys`; for readers: `docs/wire.md`.

The functions that do the work are written by `ticks.templates` from that table when this
module is imported, one per kind, as `dataclasses` writes an `__init__`.
"""

from functools import lru_cache
from typing import Any, Final

import msgspec

from ticks import flags, sources, templates
from ticks.channels import channel_name
from ticks.decimals import format_price, format_size
from ticks.flags import BACKFILL
from ticks.kinds import KINDS
from ticks.model import ABSENT_PRICE, Tick
from ticks.packing import pack_tick, unpack_tick
from ticks.times import second_text

__all__ = ["pack_tick", "row_json", "to_short_json", "to_short_msgpack", "unpack_tick"]

_EXACT_MAX: Final = 2**53 - 1
"""Largest integer that every reader of JSON keeps exactly."""
_TEXTS_CACHED: Final = 65_536

_encode_json: Final = msgspec.json.Encoder().encode
_encode_msgpack: Final = msgspec.msgpack.Encoder().encode


def to_short_json(
    tick: Tick,
    channel: str,
    n: int,
    *,
    k: int = 1,
    high: int | None = None,
    low: int | None = None,
    day_volume: int | None = None,
) -> bytes:
    """A native message as JSON: `{"op":"t","c":"t:AAPL","n":1,"px":752.03,…}`.

    Args:
        tick: the tick, or the newest of those the message stands for.
        channel: the full name of its channel.
        n: its number there.
        k: how many ticks the message stands for; written when it is not 1.
        high: highest price among them, × 1e-9; only for trades.
        low: lowest price among them, likewise.
        day_volume: the day's volume so far, × 1e-6; only for trades.
    """
    fold = f',"k":{k}' if k != 1 else ""
    if high is not None:
        fold += f',"hi":{format_price(high)}'
    if low is not None:
        fold += f',"lo":{format_price(low)}'
    if day_volume is not None:
        fold += f',"dv":{format_size(day_volume)}'
    return _short_json[tick.kind](tick, _text(channel), n, fold).encode()


def to_short_msgpack(
    tick: Tick,
    channel: str,
    n: int,
    *,
    k: int = 1,
    high: int | None = None,
    low: int | None = None,
    day_volume: int | None = None,
) -> bytes:
    """A native message as a MessagePack map: the keys of `to_short_json`, in the same order.

    Prices are integers × 1e-9 and sizes × 1e-6; the price of an absent side is nil.
    """
    message: dict[str, Any] = {"op": KINDS[tick.kind].op, "c": channel, "n": n}
    if k != 1:
        message["k"] = k
    if high is not None:
        message["hi"] = high
    if low is not None:
        message["lo"] = low
    if day_volume is not None:
        message["dv"] = day_volume
    return _encode_msgpack(_short_map[tick.kind](tick, message))


def row_json(tick: Tick, n: int, m: int, epoch: int, lineup: str = "", symbol: str | None = None) -> bytes:
    """A row of an HTTP answer: `{"symbol":"AAPL","ts_event":"…","price":752.03,"size":100,"n":1,"m":2,…}`.

    Every row of a kind has the same keys in the same order; what is unknown is `null`.

    Args:
        tick: the tick.
        n: its number in its channel.
        m: its mark.
        epoch: the epoch of `n`.
        lineup: the line-up that published it; part of the channel's name.
        symbol: what to call the symbol, when the question used another form.
    """
    kind, name = tick.kind, tick.symbol
    channel = _channel(kind, name, lineup, tick.flags & BACKFILL)
    return _row_json[kind](tick, _text(name if symbol is None else symbol), channel, n, m, epoch).encode()


# -- values: what the written functions call ---------------------------------------------------


@lru_cache(maxsize=_TEXTS_CACHED)
def _text(text: str) -> str:
    """JSON of a text that comes again and again: symbols, channels, codes."""
    return _free_text(text)


def _free_text(text: str) -> str:
    return _encode_json(text).decode()


def _texts(texts: tuple[str, ...]) -> str:
    return _encode_json(texts).decode()


@lru_cache(maxsize=_TEXTS_CACHED)
def _channel(kind: int, symbol: str, lineup: str, backfill: int) -> str:
    return _free_text(channel_name(KINDS[kind].channel, symbol, lineup, backfill != 0))


@lru_cache(maxsize=4096)
def _codes(conds: str) -> str:
    return _texts(tuple(conds))


@lru_cache(maxsize=4096)
def _flags(bits: int) -> str:
    return _encode_json(flags.names(bits)).decode()


def _exact(number: int) -> str | int:
    """An id, as text where a reader that knows only doubles would change it."""
    return number if -_EXACT_MAX <= number <= _EXACT_MAX else f'"{number}"'


@lru_cache(maxsize=256)
def _letter(code: int) -> str:
    return _free_text(chr(code)) if code else "null"


@lru_cache(maxsize=1024)
def _source(number: int) -> str:
    return _free_text(sources.name(number))


_NAMES: Final[dict[str, Any]] = {
    "ABSENT_PRICE": ABSENT_PRICE,
    "price": format_price,
    "size": format_size,
    "second": second_text,
    "exact": _exact,
    "letter": _letter,
    "source": _source,
    "source_name": sources.name,
    "side": ("null", '"bid"', '"ask"').__getitem__,
    "flags": _flags,
    "codes": _codes,
    "text": _text,
    "free_text": _free_text,
    "texts": _texts,
    "true": "true",
}
_short_json: Final = {kind: templates.short_json(kind, _NAMES) for kind in KINDS}
_short_map: Final = {kind: templates.short_map(kind, _NAMES) for kind in KINDS}
_row_json: Final = {kind: templates.long_json(kind, _NAMES) for kind in KINDS}
