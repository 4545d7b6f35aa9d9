"""Planted defects of the stream: what its clients may do to it, and it to them."""

from typing import Any

from proofs.sabotage.defects import acted, defect


@defect("bad-utf8-taken", "hub.websocket")
def bad_utf8_taken(module: Any) -> None:
    """Text is taken whether it is UTF-8 or not."""
    original = module.WebSocketCore._is_utf8

    def broken(self: Any, data: bytes, *, final: bool) -> bool:
        if not original(self, data, final=final):
            acted()
        return True

    module.WebSocketCore._is_utf8 = broken


@defect("fragment-lost", "hub.websocket")
def fragment_lost(module: Any) -> None:
    """The last fragment of a message is left out."""
    original = module.WebSocketCore._fragment

    def broken(self: Any, frame: Any) -> Any:
        if frame.fin and self._parts:
            acted()
            frame = module.Frame(frame.opcode, b"", True)
        return original(self, frame)

    module.WebSocketCore._fragment = broken


@defect("deaf-to-pings", "hub.websocket")
def deaf_to_pings(module: Any) -> None:
    """Pings are not answered."""
    original = module.WebSocketCore.data_to_send

    def broken(self: Any) -> list[bytes]:
        sent: list[bytes] = original(self)
        kept = [data for data in sent if data[:1] != b"\x8a"]
        if len(kept) < len(sent):
            acted()
        return kept

    module.WebSocketCore.data_to_send = broken
