"""Alerts on the command line: conditions as they are typed, alerts and rings as lines. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from config.check import is_loopback
from config.raw import plain
from tapewire.options import DEMO_TOKEN
from tapewire.tail_options import STREAM_PATH, stream_url

WORDS: Final = {"above": ">=", "below": "<="}
"""Other names of operators, which need no quotes in a shell."""
_CONDITION: Final = re.compile(
    r"(?:(?P<feature>last|bid|ask|mid)\s*)?"
    r"(?P<op>>=|<=|(?:cross_up|cross_down|cross|above|below)\b)\s*(?P<level>\S+)"
)
_WAYS: Final = {"wait": "wait_for_cross", "fire": "fire", "reject": "reject"}
_FEATURE: Final = "last"


def when_of(words: Sequence[str], rearm: str | None) -> dict[str, Any]:
    """The `when` of a rule: `last >= 192.30`, `above 192.30`, or several joined by `and`.

    Raises:
        ValueError: that is no condition.
    """
    conditions = []
    for text in re.split(r"\s+and\s+", " ".join(words).strip(), flags=re.IGNORECASE):
        found = _CONDITION.fullmatch(text.lower())
        if found is None:
            raise ValueError(
                f"not a condition: {plain(text) or 'nothing'}; write such as 'last >= 192.30', "
                "bid below 190, or cross_up 200 and ask below 201"
            )
        op = found["op"]
        condition = {
            "feature": found["feature"] or _FEATURE,
            "op": WORDS.get(op, op),
            "level": found["level"],
        }
        conditions.append(condition | ({} if rearm is None else {"rearm": rearm}))
    return conditions[0] if len(conditions) == 1 else {"all": conditions}


def rule_form_of(
    symbol: str,
    words: Sequence[str],
    *,
    every: bool,
    rearm: str | None,
    confirm: bool,
    sessions: Sequence[str],
    webhooks: Sequence[str],
    expires: str | None,
    name: str | None,
    if_true: str,
) -> dict[str, Any]:
    """The rule to send; what was not chosen is left to the hub.

    Raises:
        ValueError: what was typed is no rule.
    """
    if if_true not in _WAYS:
        raise ValueError(f"--if-true is one of {', '.join(_WAYS)}; not {plain(if_true)}")
    chosen: dict[str, Any] = {
        "repeat": {"mode": "every"} if every else None,
        "confirm": {"mode": "double_last"} if confirm else None,
        "sessions": list(sessions) or None,
        "channels": ["ws", *(f"webhook:{one}" for one in webhooks)] if webhooks else None,
        "expires": expires,
        "client_id": name,
        "on_true_at_creation": _WAYS[if_true] if if_true != "wait" else None,
    }
    rule = {"symbol": symbol, "when": when_of(words, rearm)}
    return rule | {member: value for member, value in chosen.items() if value is not None}


def hub_of(url: str, token: str | None) -> tuple[str, str | None]:
    """Address of a hub's HTTP routes and the token to show; that of the demo only to this machine.

    Raises:
        ValueError: `url` is no address of a hub.
    """
    base = "http" + stream_url(url).removeprefix("ws").removesuffix(STREAM_PATH)
    if token is None and is_loopback(urlsplit(base).hostname or ""):
        token = DEMO_TOKEN
    return base, token


def alert_line(alert: Mapping[str, Any]) -> str:
    """One alert, as a line that begins with its id."""
    name = f" ({alert['client_id']})" if alert.get("client_id") else ""
    return plain(f"{alert['id']} {alert['state']} {alert['symbol']} {condition_text(alert['when'])}{name}")


def condition_text(when: Mapping[str, Any]) -> str:
    """A `when`, as it is typed."""
    conditions = when.get("all") or [when]
    return " and ".join(f"{one['feature']} {one['op']} {one['level']}" for one in conditions)


def ring_line(ring: Mapping[str, Any]) -> str:
    """One ring, as a line: when, what, at which value, and of which alert."""
    when = condition_text({"all": ring["proof"]["conditions"]})
    return plain(f"{ring['at']} {ring['symbol']} {ring['value']} {when} (alert {ring['alert']})")


def problem_text(status: int, problem: object) -> str:
    """What a hub says is wrong, in one line."""
    if not isinstance(problem, Mapping):
        return f"the hub answers {status}"
    faults = [
        ": ".join(
            str(fault[key])
            for key in ("pointer", "parameter", "detail", "reason", "message")
            if fault.get(key)
        )
        for fault in problem.get("errors") or []
        if isinstance(fault, Mapping)
    ]
    parts = [str(problem.get(key) or "") for key in ("title", "detail")]
    return plain("; ".join(part for part in (*parts, *faults) if part) or f"the hub answers {status}")
