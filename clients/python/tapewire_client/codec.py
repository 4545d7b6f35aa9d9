"""How messages are written: JSON with what Python brings, MessagePack with msgspec.

msgspec, when it is installed, reads JSON too: it is about three times as fast.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import ModuleType
from typing import Any, Final, Literal

from tapewire_client.errors import ProtocolError
from tapewire_client.messages import Message

Codec = Literal["json", "msgpack"]
SUBPROTOCOLS: Final[dict[Codec, str]] = {"json": "tapewire.v1.json", "msgpack": "tapewire.v1.msgpack"}

Encode = Callable[[Sequence[dict[str, Any]]], str | bytes]
Decode = Callable[[bytes], list[Message]]

_fast: ModuleType | None
try:
    import msgspec as _fast
except ImportError:  # the only thing that then does not work is MessagePack
    _fast = None


def encoder(codec: Codec) -> Encode:
    """What turns messages into one frame: text for JSON, bytes for MessagePack.

    Raises:
        ModuleNotFoundError: MessagePack needs msgspec, and it is not installed.
    """
    if codec == "msgpack":
        encode: Encode = _need_fast().msgpack.encode
        return encode
    return json.dumps


def decoder(codec: Codec, *, exact: bool = False) -> Decode:
    """What turns one frame into messages; it raises `ProtocolError` for a frame that holds none.

    Args:
        codec: which one.
        exact: read JSON's decimals as `Decimal`, without the rounding of `float`; for JSON only.

    Raises:
        ModuleNotFoundError: MessagePack needs msgspec, and it is not installed.
    """
    read = _reader(codec, exact=exact)

    def decode(frame: bytes) -> list[Message]:
        try:
            messages = read(frame)
        except (ValueError, RecursionError) as error:  # those of json and msgspec are ValueErrors
            raise ProtocolError(f"a frame that cannot be read: {error}") from None
        if not isinstance(messages, list) or not all(isinstance(m, dict) and "op" in m for m in messages):
            raise ProtocolError("a frame that is no list of messages")
        return messages

    return decode


def _reader(codec: Codec, *, exact: bool) -> Callable[[bytes], Any]:
    read: Callable[[bytes], Any]
    if codec == "msgpack":
        read = _need_fast().msgpack.Decoder().decode
    elif _fast is not None:
        read = _fast.json.Decoder(float_hook=Decimal if exact else None).decode
    elif exact:
        read = _read_exact
    else:
        read = json.loads
    return read


def _read_exact(frame: bytes) -> Any:
    return json.loads(frame, parse_float=Decimal)


def _need_fast() -> ModuleType:
    if _fast is None:
        raise ModuleNotFoundError("MessagePack needs msgspec: pip install 'tapewire-client[msgpack]'")
    return _fast
