"""Ticks as frames: what they say is what the codec says, and both codecs say the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.pieces import NativeEncoder
from hub.windows import Piece, Window, fold
from tape.latest import Latest
from tests.hub.phone import frames
from tests.hub.rig import cancel, quote, trade
from tests.ticks.strategies import any_tick
from ticks.codec import to_short_json, to_short_msgpack
from ticks.model import Tick

encoder = NativeEncoder()


def said(data: bytes, *, packed: bool) -> list[dict[str, Any]]:
    """The messages of the one frame that these bytes are."""
    found = list(frames(data, packed=packed))
    assert {end for _, end in found} == {len(data)}
    return [message for message, _ in found]


@settings(max_examples=100, deadline=None)
@given(any_tick(), st.integers(1, 2**53))
def test_any_tick_is_one_message_in_one_frame(tick: Tick, n: int) -> None:
    """Exactly the codec's bytes, in an array of one."""
    text, packed = encoder.json("t:A", n, tick), encoder.pack("t:A", n, tick)
    assert text.endswith(b"[" + to_short_json(tick, "t:A", n) + b"]")
    assert packed.endswith(b"\x91" + to_short_msgpack(tick, "t:A", n))
    assert said(text, packed=False)[0]["op"] == said(packed, packed=True)[0]["op"]


@pytest.mark.parametrize("packed", [False, True])
def test_window_tells_k_and_the_range_of_each_piece(packed: bool) -> None:
    """`hi` and `lo` are told where a piece stands for more than itself."""
    window: Window = []
    ticks: list[Tick] = [trade("A", 5), trade("A", 9), cancel("A", 9), trade("A", 7)]
    for n, tick in enumerate(ticks, 1):
        fold(window, n, tick)
    first, second, third = said(encoder.window("t:A", window, packed=packed), packed=packed)
    scale = 10**9 if packed else 1
    assert (first["op"], first["n"], first["k"]) == ("t", 2, 2)
    assert (first["hi"], first["lo"]) == (9 * scale, 5 * scale)
    assert (second["op"], second["n"], second.get("k")) == ("x", 3, None)
    assert (third["op"], third["n"], "hi" in third) == ("t", 4, False)


@pytest.mark.parametrize("count", [1, 15, 16, 65_535, 65_536])
def test_window_of_any_size_is_one_array(count: int) -> None:
    """The three forms of MessagePack's array head."""
    window = [Piece(n, 1, cancel("A")) for n in range(1, count + 1)]
    data = encoder.window("t:A", window, packed=True)
    payload = data[2 if len(data) < 128 else 4 if len(data) < 65_540 else 10 :]
    assert len(msgspec.msgpack.decode(payload)) == count


@pytest.mark.parametrize("packed", [False, True])
def test_snapshot_holds_the_tick_and_where_its_channel_stands(packed: bool) -> None:
    """The channel's number may be ahead of the tick's: a cancel came after it."""
    latest = Latest(quote("A", 5), n=7, m=90, epoch=1)
    message = encoder.snapshot("q:A", 2, 8, latest, packed=packed)
    encode = msgspec.msgpack.encode if packed else msgspec.json.encode
    decode = msgspec.msgpack.decode if packed else json.loads
    decoded = decode(encode(message))
    tick = decoded.pop("tick")
    assert decoded == {"op": "snap", "c": "q:A", "e": 2, "n": 8, "m": 90}
    assert (tick["op"], tick["n"]) == ("q", 7)
