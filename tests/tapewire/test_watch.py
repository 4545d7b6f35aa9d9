"""Rings as they come, from a hub that is there, goes away, comes back, or is another one."""

import io
from typing import Any

import pytest

from tapewire.hub_requests import HubAway, HubRequests
from tapewire.watch import Watch


class Rings(HubRequests):
    """A hub's rings in memory, in pages of two; away for as many requests as it is told to be."""

    def __init__(self, count: int) -> None:
        super().__init__("http://127.0.0.1:1", None)
        self.count = count
        self.away = 0

    def ask(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        if self.away:
            self.away -= 1
            raise HubAway("nobody there")
        if query["order"] == "desc":
            return {"fires": [ring(self.count)] if self.count else [], "next_cursor": None}
        first = int(query.get("cursor", 0)) + 1
        last = min(first + 1, self.count)
        more = str(last) if last == first + 1 else None
        return {"fires": [ring(off) for off in range(first, last + 1)], "next_cursor": more}


class Ended(Exception):
    """The test has seen enough."""


def ring(off: int) -> dict[str, Any]:
    """A ring at this place."""
    conditions = [{"feature": "last", "op": ">=", "level": "5"}]
    return {
        "off": off, "at": "now", "symbol": "AAPL", "value": off, "alert": "a",
        "proof": {"conditions": conditions},
    }  # fmt: skip


def watch(hub: Rings, since: int | None, *steps: Any, as_json: bool = False) -> tuple[list[str], str]:
    """Run until the steps, one at each wait, are done; what was printed."""
    out, err, left = io.StringIO(), io.StringIO(), list(steps)

    def wait(_seconds: float) -> None:
        if not left:
            raise Ended
        left.pop(0)()

    with pytest.raises(Ended):
        Watch(hub, out, err, as_json=as_json, since=since).run(wait)
    return out.getvalue().splitlines(), err.getvalue()


def test_only_what_rings_from_now_on_is_printed() -> None:
    """In order, each once, over as many pages as it takes."""
    hub = Rings(3)
    lines, _ = watch(hub, None, lambda: None, lambda: setattr(hub, "count", 8))
    assert lines == [f"now AAPL {off} last >= 5 (alert a)" for off in range(4, 9)]


def test_earlier_rings_are_printed_when_asked_for() -> None:
    """As JSON, whole."""
    lines, _ = watch(Rings(3), 1, as_json=True)
    assert [line[:9] for line in lines] == ['{"off":2,', '{"off":3,']


def test_what_rang_while_the_hub_was_away_comes_later() -> None:
    """The loss is told once, and the return."""
    hub = Rings(1)

    def lose() -> None:
        hub.away, hub.count = 2, 3

    lines, told = watch(hub, None, lose, lambda: None, lambda: None)
    assert len(lines) == 2
    assert (told.count("coming back"), told.count("connected again")) == (1, 1)


def test_a_hub_with_fewer_rings_is_another_one() -> None:
    """Its rings are printed from the first one on."""
    hub = Rings(5)

    def change() -> None:
        hub.away, hub.count = 1, 1

    lines, told = watch(hub, None, change, lambda: None)
    assert (len(lines), "beginning anew" in told) == (1, True)


def test_a_hub_that_is_not_there_ends_it() -> None:
    """At the start; later it is waited for."""
    hub = Rings(1)
    hub.away = 1
    with pytest.raises(HubAway):
        Watch(hub, io.StringIO(), io.StringIO(), as_json=False, since=None).run()
