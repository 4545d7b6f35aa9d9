"""Planted defects of the stream: what its clients may do to it, and it to them."""

from typing import Any

from proofs.sabotage.defects import acted, defect, slowed


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


@defect("stalled-written-to", "hub.switchboard")
def stalled_written_to(module: Any) -> None:
    """A client that does not read is written to all the same."""

    def broken(self: Any, connection: Any, now: Any) -> None:
        acted()
        self.counters["stalls"] += 1

    module.Switchboard.stall = broken


@defect("stalled-served", "hub.switchboard")
def stalled_served(module: Any) -> None:
    """Each client that does not read costs time at every batch."""
    original = module.Switchboard.publish

    def broken(self: Any, batch: Any, now: Any) -> None:
        original(self, batch, now)
        stalled = sum(connection.stalled for connection in self.connections)
        if stalled:
            acted()
            sum(range(400 * stalled))

    module.Switchboard.publish = broken


@defect("no-command-limit", "hub.bucket")
def no_command_limit(module: Any) -> None:
    """A client may send as many commands as it likes."""

    def broken(self: Any, cost: int, now: Any) -> bool:
        acted()
        return True

    module.Bucket.allow = broken


@defect("slow-heads-wait", "tapewire.frontdoor")
def slow_heads_wait(module: Any) -> None:
    """A client may take as long as it likes for the head of its request."""
    original = module.Visitor.connection_made

    def broken(self: Any, transport: Any) -> None:
        original(self, transport)
        self._timeout.cancel()
        acted()

    module.Visitor.connection_made = broken


@defect("one-fault-for-all", "hub.switchboard")
def one_fault_for_all(module: Any) -> None:
    """When one client's message is wrong, what is due to the others is forgotten."""
    original = module.Switchboard.receive

    def broken(self: Any, connection: Any, payload: bytes, now: Any) -> None:
        original(self, connection, payload, now)
        if payload[:2] != b"[{":
            acted()
            for other in self.connections:
                other.outbox.clear()
            self.router.take_raw()

    module.Switchboard.receive = broken


@defect("dear-messages", "hub.switchboard")
def dear_messages(module: Any) -> None:
    """Each message of a client holds all the others up."""
    module.Switchboard.receive = slowed(module.Switchboard.receive, 100)
