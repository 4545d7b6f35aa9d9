"""Alerts for the page at a market that has none: rules judged by the real module, kept in a list."""

import time
from typing import Any

from alerts.errors import Invalid
from alerts.form import rule_form, rule_of

PATTERNS = ("*/v1/alerts*", "*/v1/fires*")


class Desk:
    """Takes what the page sends to `/v1/alerts`, as the hub would."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.fires: list[dict[str, Any]] = []
        self.is_there = True
        """Whether the routes exist."""

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        path = url.partition("?")[0].rpartition("/v1/")[2]
        if not self.is_there:
            return 404, {"type": "urn:tapewire:problem:not-found", "title": "There is no such path"}
        if path == "fires":
            return 200, {"fires": self.fires, "next_cursor": None}
        if method == "GET":
            return 200, {"alerts": self.alerts, "next_cursor": None}
        if method == "DELETE":
            self.alerts = [one for one in self.alerts if one["id"] != path.rpartition("/")[2]]
            return 204, None
        return self._put(body)

    def ring(self, symbol: str, off: int) -> dict[str, Any]:
        """A ring, as the stream brings it."""
        tick = {
            "symbol": symbol, "ts_event": "2026-07-13T12:00:07.123456789Z", "price": 192.31, "size": 100,
            "n": 9, "m": 77, "source": "sim", "venue": "Q",
        }  # fmt: skip
        before = {**tick, "price": 192.29, "n": 8, "m": 70}
        quote = {**tick, "bid_price": 192.3, "ask_price": 192.32, "n": 99, "m": 76}
        conditions = [{"feature": "last", "op": ">=", "level": "192.30", "value": 192.31}]
        return {
            "op": "alert", "off": off, "event_id": f"event-{off}", "alert": "a1", "symbol": symbol,
            "at": tick["ts_event"], "value": 192.31,
            "proof": {"conditions": conditions, "tick": tick, "before": before, "quote": quote},
        }  # fmt: skip

    def _put(self, body: Any) -> tuple[int, Any]:
        try:
            rule = rule_of(body, time.time_ns())
        except Invalid as error:
            return 422, {"title": "T", "errors": [{"pointer": error.pointer, "detail": str(error)}]}
        made = {
            "id": f"a{len(self.alerts) + 1}",
            "rev": 1,
            **rule_form(rule),
            "state": "armed",
            "distance": 0.42,
        }
        self.alerts.append(made)
        return 201, made
