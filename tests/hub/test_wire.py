"""Frames as bytes, judged by an independent parser of WebSocket."""

import json
from typing import Any

import msgspec
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from hub.wire import BINARY, TEXT, control, frame, mark_frame


def parse(data: bytes) -> list[Frame]:
    """What a client's WebSocket makes of bytes."""
    protocol = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN, max_size=None)
    protocol.receive_data(data)
    assert protocol.parser_exc is None
    return [event for event in protocol.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_frame_of_any_size_is_one_frame(size: int) -> None:
    """The three forms of the length meet where they should."""
    (parsed,) = parse(frame(b"x" * size, TEXT))
    assert (parsed.opcode, len(parsed.data), parsed.fin) == (Opcode.TEXT, size, True)


def test_frames_can_be_joined() -> None:
    """Several frames in one write are several messages."""
    parsed = parse(frame(b"[1]", TEXT) + frame(b"\x91\x01", BINARY))
    assert [item.opcode for item in parsed] == [Opcode.TEXT, Opcode.BINARY]


def test_control_messages_are_an_array_with_op_first() -> None:
    """JSON goes as text, MessagePack as binary; the order of keys is kept."""
    messages: list[dict[str, Any]] = [{"op": "pong", "id": 1, "ct": 5}, {"op": "ok"}]
    (text,) = parse(control(messages, packed=False))
    (packed,) = parse(control(messages, packed=True))
    assert bytes(text.data) == b'[{"op":"pong","id":1,"ct":5},{"op":"ok"}]'
    assert msgspec.msgpack.decode(packed.data) == messages
    assert packed.opcode is Opcode.BINARY


@pytest.mark.parametrize("packed", [False, True])
def test_mark_tells_mark_and_clock(packed: bool) -> None:
    """One integer to store, and the hub's clock in µs."""
    (parsed,) = parse(mark_frame(88_132_010, 1_795_442_400_123_456, packed=packed))
    decode = msgspec.msgpack.decode if packed else json.loads
    assert decode(bytes(parsed.data)) == [{"op": "mark", "m": 88_132_010, "now": 1_795_442_400_123_456}]
