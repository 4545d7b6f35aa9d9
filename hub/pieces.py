"""Ticks as complete WebSocket frames, built once for all who get them."""

from typing import Any, Final, Protocol

import msgspec

from hub.windows import Piece
from hub.wire import BINARY, TEXT, frame
from tape.latest import Latest
from ticks.codec import to_short_json, to_short_msgpack
from ticks.model import Tick

_ARRAY_OF_ONE: Final = b"\x91"
"""MessagePack: an array of one element follows."""


class Encoder(Protocol):
    """Turns ticks into frames."""

    def json(self, channel: str, n: int, tick: Tick) -> bytes:
        """The frame of one tick for JSON clients."""
        ...

    def pack(self, channel: str, n: int, tick: Tick) -> bytes:
        """The frame of one tick for MessagePack clients."""
        ...

    def window(self, channel: str, window: list[Piece], *, packed: bool) -> bytes:
        """The frame of a folded window."""
        ...

    def snapshot(self, channel: str, epoch: int, n: int, latest: Latest, *, packed: bool) -> dict[str, Any]:
        """The message that tells the newest state of a channel."""
        ...


class NativeEncoder:
    """Frames of the native protocol v1."""

    def json(self, channel: str, n: int, tick: Tick) -> bytes:
        """`[{"op":"t","c":"t:AAPL","n":…}]` in a text frame."""
        return frame(b"[" + to_short_json(tick, channel, n) + b"]", TEXT)

    def pack(self, channel: str, n: int, tick: Tick) -> bytes:
        """The same as MessagePack in a binary frame."""
        return frame(_ARRAY_OF_ONE + to_short_msgpack(tick, channel, n), BINARY)

    def window(self, channel: str, window: list[Piece], *, packed: bool) -> bytes:
        """All pieces of a window in one frame; `k`, `hi` and `lo` say what each stands for."""
        if packed:
            head = _array_head(len(window))
            return frame(head + b"".join(_pack_piece(channel, piece) for piece in window), BINARY)
        return frame(b"[" + b",".join(_json_piece(channel, piece) for piece in window) + b"]", TEXT)

    def snapshot(self, channel: str, epoch: int, n: int, latest: Latest, *, packed: bool) -> dict[str, Any]:
        """A `snap` message: the newest tick of a channel, which has got to number `n` in `epoch`.

        The tick's own number is another when a cancel came after it (that is never the newest state),
        or when it is of an earlier epoch.
        """
        tick = (to_short_msgpack if packed else to_short_json)(latest.tick, channel, latest.n)
        return {
            "op": "snap",
            "c": channel,
            "e": epoch,
            "n": n,
            "m": latest.m,
            "tick": msgspec.Raw(tick),
        }


def _json_piece(channel: str, piece: Piece) -> bytes:
    high, low = _range(piece)
    return to_short_json(piece.tick, channel, piece.n, k=piece.k, high=high, low=low)


def _pack_piece(channel: str, piece: Piece) -> bytes:
    high, low = _range(piece)
    return to_short_msgpack(piece.tick, channel, piece.n, k=piece.k, high=high, low=low)


def _range(piece: Piece) -> tuple[int | None, int | None]:
    """High and low are told only where they say more than the tick itself."""
    return (piece.high, piece.low) if piece.k > 1 else (None, None)


def _array_head(size: int) -> bytes:
    if size < 16:
        return bytes((0x90 | size,))
    return b"\xdc" + size.to_bytes(2, "big") if size < 65536 else b"\xdd" + size.to_bytes(4, "big")
