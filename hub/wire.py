"""WebSocket frames as bytes: what goes to clients is built once, header included.

Frames from a server are not masked, so the same bytes serve every subscriber (RFC 6455,
section 5). Control messages are encoded here too; ticks are in `hub.pieces`.
"""

import struct
from typing import Any, Final

import msgspec

TEXT: Final = 0x81
BINARY: Final = 0x82
_encode_json: Final = msgspec.json.Encoder().encode
_encode_pack: Final = msgspec.msgpack.Encoder().encode


def frame(payload: bytes, opcode: int) -> bytes:
    """One unfragmented, unmasked frame."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65536:
        return struct.pack(">BBH", opcode, 126, size) + payload
    return struct.pack(">BBQ", opcode, 127, size) + payload


def control(messages: list[dict[str, Any]], *, packed: bool) -> bytes:
    """A frame of control messages; each dict begins with `op`."""
    if packed:
        return frame(_encode_pack(messages), BINARY)
    return frame(_encode_json(messages), TEXT)


def mark_frame(m: int, now_us: int, *, packed: bool) -> bytes:
    """The frame that tells a client which integer to store."""
    return control([{"op": "mark", "m": m, "now": now_us}], packed=packed)
