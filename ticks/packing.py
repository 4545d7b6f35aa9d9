"""Any tick as bytes and back, losslessly: a MessagePack array of its fields in order.

For places that keep ticks whole: the journal's blob area and the store's table of events.
"""

from typing import Any, Final

import msgspec
from msgspec import structs

from ticks.errors import CodecError
from ticks.model import Head, Tick, type_by_kind

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Any]).decode


def pack_tick(tick: Tick) -> bytes:
    """All fields of a tick; its kind is not among them."""
    return _encode(structs.astuple(tick))


def unpack_tick(kind: int, data: bytes) -> Tick:
    """The inverse of `pack_tick`.

    Raises:
        CodecError: not a tick of that kind.
    """
    shape = type_by_kind.get(kind)
    if shape is None:
        raise CodecError(f"no tick has kind {kind}")
    try:
        return _convert(shape, _decode(data))
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise CodecError(f"not a {shape.__name__}: {error}") from error


def _convert(shape: type[Head], values: list[Any]) -> Tick:
    names = shape.__struct_fields__
    if len(values) != len(names):
        raise CodecError(f"{shape.__name__} has {len(names)} fields, not {len(values)}")
    tick: Tick = msgspec.convert(dict(zip(names, values, strict=True)), shape)
    return tick
