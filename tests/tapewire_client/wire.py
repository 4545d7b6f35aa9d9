"""Messages as a hub sends them."""

from typing import Any


def trade(n: int, k: int = 1, channel: str = "t:A") -> dict[str, Any]:
    """A trade with number `n` that stands for `k`."""
    return {"op": "t", "c": channel, "n": n, "px": 1.0} | ({"k": k} if k != 1 else {})


def ok(chans: dict[str, int] | None, *, sub_id: int = 1, e: int = 1, m: int = 100) -> dict[str, Any]:
    """The answer to a `sub`, with the number of each channel; None = all of its kinds."""
    answer = {"op": "ok", "id": sub_id, "e": e, "m": m, "mode": "raw"}
    if chans is None:
        return {**answer, "star": True}
    return {**answer, "chans": {name: {"n": n} for name, n in chans.items()}}


def resumed_ok(*names: str, sub_id: int = 1, e: int = 1, m: int = 100) -> dict[str, Any]:
    """The answer to a `sub` with `from`: without numbers."""
    return {"op": "ok", "id": sub_id, "e": e, "m": m, "chans": {name: {} for name in names}, "mode": "raw"}


def snap(n: int, channel: str = "t:A", e: int = 1) -> dict[str, Any]:
    """A snapshot of a channel that has come to `n`."""
    return {"op": "snap", "c": channel, "e": e, "n": n, "m": n, "tick": trade(n, channel=channel)}


def mark(m: int) -> dict[str, Any]:
    """The mark `m`."""
    return {"op": "mark", "m": m, "now": 0}


def gap(sub_id: int | None = 1, channel: str = "*") -> dict[str, Any]:
    """A stretch that is not delivered."""
    message = {"op": "gap", "c": channel, "from": 1, "to": 50, "why": "budget", "next": "snap"}
    return message if sub_id is None else {**message, "id": sub_id}


def epoch(e: int, m: int, sub_id: int | None = 1) -> dict[str, Any]:
    """Numbers begin anew."""
    message = {"op": "epoch", "e": e, "m": m, "why": "restart"}
    return message if sub_id is None else {**message, "id": sub_id}


def cont(begin: int, end: int, channel: str = "t:A", *, complete: bool = True) -> dict[str, Any]:
    """A certificate of one channel."""
    account = {"from": begin, "to": end, "sent": end - begin, "folded": 0, "skipped": 0}
    chans = {channel: {**account, "complete": complete}}
    return {"op": "cont", "id": 1, "e": 1, "since": 0, "m": 200, "more": False, "chans": chans}


def welcome(**more: Any) -> dict[str, Any]:
    """A welcome by which a client comes back within some ms."""
    bounds = {"min": 1, "max": 5}
    return {
        "op": "welcome", "v": 1, "now": 0, "ping_s": 20, "e": 1, "m": 100, "limits": {}, "reconnect": bounds
    } | more  # fmt: skip
