"""Any tick as bytes and back, losslessly: a MessagePack array of its fields in order.

For places that keep ticks whole: the journal's blob area and the store's table of events. The
kind is not among the bytes, because whoever keeps them keeps it beside them.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, structs

from ticks.errors import CodecError
from ticks.model import Head, Tick, type_by_kind

_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Id = Annotated[int, Meta(ge=0)]  # MessagePack has no integer above 2⁶⁴−1


def pack_tick(tick: Tick) -> bytes:
    """All fields of a tick; its kind is not among them.

    Raises:
        CodecError: a field holds what no tick holds, such as an integer beyond 64 bits.
    """
    try:
        return _encode(structs.astuple(tick))
    except (OverflowError, TypeError, UnicodeEncodeError) as error:
        raise CodecError(f"not a {type(tick).__name__}: {error}") from error


def unpack_tick(kind: int, data: bytes) -> Tick:
    """The inverse of `pack_tick`.

    Raises:
        CodecError: there is no such kind, or the bytes are not exactly one tick of it.
    """
    shape = type_by_kind.get(kind)
    if shape is None:
        raise CodecError(f"no tick has kind {kind}")
    try:
        fields = _decode[kind](data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError(f"not a {shape.__name__}: {error}") from error
    tick: Tick = shape(*fields)  # type: ignore[assignment]  # the shapes of all kinds make up `Tick`
    return tick


def _packed_type(field: structs.FieldInfo) -> Any:
    if field.name.endswith("trade_id"):
        return _Id
    return _Int64 if field.type is int else field.type


def _decoder(shape: type[Head]) -> msgspec.msgpack.Decoder[tuple[Any, ...]]:
    types = tuple(_packed_type(field) for field in structs.fields(shape))
    return msgspec.msgpack.Decoder(tuple.__class_getitem__(types))


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = {kind: _decoder(shape).decode for kind, shape in type_by_kind.items()}
