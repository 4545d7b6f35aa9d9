"""Planted defects of what becomes of a ring: each loses, doubles or renames one when a hub is killed."""

import time
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from proofs.sabotage.defects import acted, defect


@defect("delivery-dropped", "alerts.store")
def delivery_dropped(module: Any) -> None:
    """Every fifth ring is written down without its deliveries."""
    original = module.AlertStore._write_deliveries

    def broken(self: Any, stored: Any) -> None:
        if stored.offset % 5:
            original(self, stored)
        else:
            acted()

    module.AlertStore._write_deliveries = broken


@defect("random-ids", "alerts.engine")
def random_ids(module: Any) -> None:
    """A ring gets an id that does not follow from alert and generation."""

    def broken(*_: Any) -> str:
        acted()
        return str(uuid4())

    module.event_id = broken


@defect("mark-first", "alerts.store")
def mark_first(module: Any) -> None:
    """States and mark are committed some milliseconds before the rings that belong to them."""
    original = module.AlertStore.commit

    def broken(self: Any, changes: Any, now_ns: int) -> Any:
        if changes.fires:
            acted()
            original(self, replace(changes, fires=[]), now_ns)
            time.sleep(0.1)
        return original(self, changes, now_ns)

    module.AlertStore.commit = broken


@defect("noted-before-sent", "alerts.outbox")
def noted_before_sent(module: Any) -> None:
    """A delivery is noted as done when it is taken in hand."""
    original = module.Outbox.claim

    def broken(self: Any, kind: str, now_ns: int, lease_ns: int, limit: int) -> Any:
        claimed = original(self, kind, now_ns, lease_ns, limit)
        for delivery in claimed:
            acted()
            self.delivered(delivery.id, now_ns)
        return claimed

    module.Outbox.claim = broken


@defect("states-behind", "alerts.store")
def states_behind(module: Any) -> None:
    """What has become of the alerts is written down one commit late."""
    original = module.AlertStore._write_states

    def broken(self: Any, changes: Any) -> None:
        held = self.__dict__.pop("held_back", None)
        if held is not None:
            original(self, held)
        if changes.states:
            acted()
            self.held_back = changes

    module.AlertStore._write_states = broken


@defect("mark-from-0", "alerts.committer")
def mark_from_0(module: Any) -> None:
    """What is written before the first tick of a life takes the mark back to 0."""
    original = module.Committer.__init__

    def broken(self: Any, *arguments: Any) -> None:
        acted()
        original(self, *arguments[:-1])

    module.Committer.__init__ = broken
