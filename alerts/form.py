"""Rules and alerts as JSON: the one form for HTTP, WebSocket and text.

    {"symbol":"AAPL","when":{"feature":"last","op":"cross_up","level":"200.00","rearm":"0.5%"},
     "repeat":{"mode":"every"},"confirm":{"mode":"double_last"},"sessions":["rth","pre"],
     "on_true_at_creation":"wait_for_cross","expires":"2027-01-31T21:00:00Z","use_by":"15m",
     "channels":["ws","webhook:https://example.com/hook"],"client_id":"aapl-breakout"}

Only `symbol` and `when` are required; `when` may be `{"all":[condition, …]}`. Prices are
decimal texts. What is not known is refused with a pointer to it, never passed over.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw

from alerts.errors import Invalid
from alerts.model import (
    CONFIRMS,
    CROSSINGS,
    FEATURES,
    ON_TRUE,
    OPS,
    REPEATS,
    SESSIONS,
    WEBHOOK_PREFIX,
    WS,
    AlertView,
    Condition,
    Rule,
    StoredFire,
)  # fmt: skip
from ticks.channels import LINEUP_NAME
from ticks.decimals import format_price, parse_price
from ticks.errors import SymbolError, TickError
from ticks.model import PRICE_SCALE
from ticks.symbols import canonical, from_alpaca
from ticks.times import format_time, parse_time

CONDITIONS_MAX: Final = 8
"""Conditions of one rule; nobody could say in words when a longer one rings."""
CHANNELS_MAX: Final = 8
CHANNEL_CHARS_MAX: Final = 2_048
USE_BY_S_MAX: Final = 86_400

_RULE_MEMBERS: Final = (
    "symbol", "when", "repeat", "confirm", "sessions", "on_true_at_creation", "expires", "use_by",
    "channels", "client_id", "lineup",
)  # fmt: skip
_CONDITION_MEMBERS: Final = ("feature", "op", "level", "rearm")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_CHANNEL: Final = re.compile(r"[!-~]+")
_USE_BY: Final = re.compile(r"([1-9][0-9]{0,4})([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}


def decode(body: bytes) -> object:
    """The value of a JSON text, read strictly: UTF-8, no member twice, no `NaN`.

    Raises:
        Invalid: of kind `malformed`.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant)
    except Invalid:
        raise
    except (ValueError, RecursionError) as error:
        raise Invalid("malformed", "", f"not JSON: {error}") from None


def rule_of(data: object, now_ns: int) -> Rule:
    """Read a rule from decoded JSON.

    Raises:
        Invalid: with kind, pointer and, where it is a short list, what is allowed.
    """
    members = _object(data, "", _RULE_MEMBERS, ("symbol", "when"))
    conditions, all_form = _when(members["when"])
    expires_text = _text(members, "expires", "")
    use_by_text = _text(members, "use_by", "")
    return Rule(
        symbol=symbol_of(members["symbol"], "/symbol"),
        conditions=conditions,
        all_form=all_form,
        repeat=_mode(members, "repeat", REPEATS),
        sessions=_sessions(members),
        on_true_at_creation=_one_of(
            members.get("on_true_at_creation", ON_TRUE[0]), "/on_true_at_creation", ON_TRUE, "bad_value"
        ),
        confirm=_mode(members, "confirm", CONFIRMS),
        channels=_channels(members),
        expires_ns=_expires(expires_text, now_ns),
        expires_text=expires_text,
        use_by_s=_use_by(use_by_text),
        use_by_text=use_by_text,
        client_id=_pattern(members, "client_id", _CLIENT_ID),
        lineup=_pattern(members, "lineup", LINEUP_NAME),
    )


def symbol_of(value: object, pointer: str) -> str:
    """The canonical symbol of what somebody wrote, in the canonical or Alpaca's form.

    Raises:
        Invalid: of kind `unknown_symbol`.
    """
    if not isinstance(value, str):
        raise Invalid("unknown_symbol", pointer, "a symbol is a text such as AAPL or BRK.B")
    try:
        return canonical(value)
    except SymbolError:
        pass
    try:
        return from_alpaca(value)
    except SymbolError as error:
        raise Invalid("unknown_symbol", pointer, str(error)) from None


def rule_form(rule: Rule) -> dict[str, Any]:
    """A rule as JSON: what was sent, in the form it was sent in, with the defaults spelled out."""
    conditions = [_condition_form(condition) for condition in rule.conditions]
    form: dict[str, Any] = {
        "symbol": rule.symbol,
        "when": {"all": conditions} if rule.all_form else conditions[0],
        "repeat": {"mode": rule.repeat},
        "confirm": {"mode": rule.confirm},
        "sessions": list(rule.sessions),
        "on_true_at_creation": rule.on_true_at_creation,
        "channels": list(rule.channels),
    }
    texts = {
        "expires": rule.expires_text,
        "use_by": rule.use_by_text,
        "client_id": rule.client_id,
        "lineup": rule.lineup,
    }
    return form | {name: text for name, text in texts.items() if text}


def view_form(view: AlertView) -> dict[str, Any]:
    """An alert and where it stands, as JSON: the rule's members and what the hub knows about it.

    Market prices are exact numbers (`msgspec.Raw`, to be encoded by msgspec). `distance` is level
    minus newest value of the first condition, null when none was seen.
    """
    alert, state = view.alert, view.state
    level = alert.rule.conditions[0].level
    return {
        "id": alert.id,
        "rev": alert.rev,
        **rule_form(alert.rule),
        "state": state.phase,
        "since": format_time(state.since_ns),
        "generation": state.generation,
        "fires": state.fires,
        "value": None if view.value is None else exact(view.value),
        "distance": None if view.value is None else exact(level - view.value),
        "created": format_time(alert.created_ns),
        "updated": format_time(alert.updated_ns),
    }


def fire_form(stored: StoredFire) -> dict[str, Any]:
    """A ring as JSON; `proof` and `value` are `msgspec.Raw`, to be encoded by msgspec."""
    fire = stored.fire
    return {
        "off": stored.offset,
        "event_id": fire.event_id,
        "alert": fire.alert_id,
        "rev": fire.rev,
        "generation": fire.generation,
        "symbol": fire.symbol,
        "at": format_time(fire.at_ns),
        "received": format_time(fire.recv_ns),
        "committed": format_time(stored.committed_ns),
        "m": fire.m,
        "value": exact(fire.value),
        "proof": fire.proof,
    }


def exact(price: int) -> Raw:
    """A price as an exact JSON number."""
    return Raw(format_price(price).encode())


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Invalid("malformed", "", "an object has the same member twice")
    return members


def _no_constant(name: str) -> object:
    raise Invalid("malformed", "", f"{name} is no JSON number")


def _object(
    value: object, pointer: str, known: tuple[str, ...], required: tuple[str, ...]
) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Invalid("bad_value", pointer, "an object is due here")
    for name in value:
        if name not in known:
            raise Invalid("unknown_member", f"{pointer}/{_escaped(name)}", "there is no such member", known)
    for name in required:
        if name not in value:
            raise Invalid("missing_member", f"{pointer}/{name}", "this member is required")
    return value


def _escaped(name: object) -> str:
    # Of what a stranger sent only so much is repeated, and nothing that is no text.
    text = str(name)[:64].encode("utf-8", "replace").decode()
    return text.replace("~", "~0").replace("/", "~1")


def _one_of(value: object, pointer: str, allowed: tuple[str, ...], kind: str) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    raise Invalid(kind, pointer, f"one of {', '.join(allowed)} is due here", allowed)


def _mode(members: Mapping[str, object], name: str, allowed: tuple[str, ...]) -> str:
    if name not in members:
        return allowed[0]
    inner = _object(members[name], f"/{name}", ("mode",), ("mode",))
    return _one_of(inner["mode"], f"/{name}/mode", allowed, "bad_value")


def _text(members: Mapping[str, object], name: str, default: str) -> str:
    value = members.get(name, default)
    if not isinstance(value, str) or (name in members and not value):
        raise Invalid("bad_value", f"/{name}", "a text is due here")
    return value


def _pattern(members: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    text = _text(members, name, "")
    if text and pattern.fullmatch(text) is None:
        raise Invalid("bad_value", f"/{name}", f"must match {pattern.pattern}")
    return text


def _array(value: object, pointer: str, length_max: int) -> list[object]:
    if not isinstance(value, list) or not value:
        raise Invalid("bad_value", pointer, "a list that is not empty is due here")
    if len(value) > length_max:
        raise Invalid("too_many", pointer, f"at most {length_max} are allowed")
    return value


def _when(value: object) -> tuple[tuple[Condition, ...], bool]:
    if not isinstance(value, dict) or "all" not in value:
        return (_condition(value, "/when"),), False
    _object(value, "/when", ("all",), ())
    parts = _array(value["all"], "/when/all", CONDITIONS_MAX)
    conditions = tuple(_condition(part, f"/when/all/{place}") for place, part in enumerate(parts))
    _check_together(conditions)
    return conditions, True


def _condition(value: object, pointer: str) -> Condition:
    members = _object(value, pointer, _CONDITION_MEMBERS, ("feature", "op", "level"))
    feature = _one_of(members["feature"], f"{pointer}/feature", FEATURES, "unknown_feature")
    op = _one_of(members["op"], f"{pointer}/op", OPS, "unknown_op")
    level_text = members["level"]
    level = _price(level_text, f"{pointer}/level")
    assert isinstance(level_text, str)  # or it would not be a price
    if "rearm" not in members:
        return Condition(feature, op, level, level_text)
    rearm_text = members["rearm"]
    rearm = _distance(rearm_text, level, f"{pointer}/rearm")
    assert isinstance(rearm_text, str)  # or it would not be a distance
    return Condition(feature, op, level, level_text, rearm, rearm_text)


def _price(value: object, pointer: str) -> int:
    if not isinstance(value, str):
        raise Invalid("bad_level", pointer, 'a price is written as a text, such as "192.30"')
    try:
        price = parse_price(value)
    except TickError as error:
        raise Invalid("bad_level", pointer, str(error)) from None
    if price <= 0:
        raise Invalid("bad_level", pointer, "a price is greater than 0")
    return price


def _distance(value: object, level: int, pointer: str) -> int:
    """A re-arm distance, `0.10` or `0.5%` of the level, in price units rounded up."""
    if isinstance(value, str) and value.endswith("%"):
        percent = _price(value[:-1], pointer)
        distance = -(-level * percent // (100 * PRICE_SCALE))
    else:
        distance = _price(value, pointer)
    if distance >= level:
        raise Invalid("contradiction", pointer, "the price could never go back so far")
    return distance


def _check_together(conditions: tuple[Condition, ...]) -> None:
    if len(set(conditions)) < len(conditions):
        raise Invalid("contradiction", "/when/all", "the same condition stands there twice")
    if sum(condition.op in CROSSINGS for condition in conditions) > 1:
        raise Invalid("contradiction", "/when/all", "two crossings hardly ever happen at one tick")
    for feature in FEATURES:
        floors = [c.level for c in conditions if c.feature == feature and c.op == ">="]
        ceilings = [c.level for c in conditions if c.feature == feature and c.op == "<="]
        if floors and ceilings and max(floors) > min(ceilings):
            raise Invalid("contradiction", "/when/all", f"{feature} cannot be both")


def _sessions(members: Mapping[str, object]) -> tuple[str, ...]:
    if "sessions" not in members:
        return SESSIONS
    names = tuple(
        _one_of(name, f"/sessions/{place}", SESSIONS, "unknown_session")
        for place, name in enumerate(_array(members["sessions"], "/sessions", len(SESSIONS)))
    )
    if len(set(names)) < len(names):
        raise Invalid("bad_value", "/sessions", "a session stands there twice")
    return names


def _channels(members: Mapping[str, object]) -> tuple[str, ...]:
    if "channels" not in members:
        return (WS,)
    found = tuple(
        _channel(value, f"/channels/{place}")
        for place, value in enumerate(_array(members["channels"], "/channels", CHANNELS_MAX))
    )
    if len(set(found)) < len(found):
        raise Invalid("bad_value", "/channels", "a channel stands there twice")
    return found


def _channel(value: object, pointer: str) -> str:
    """A delivery channel. Whether the address behind `webhook:` may be called is asked elsewhere."""
    if value == WS:
        return WS
    if not isinstance(value, str) or not value.startswith(WEBHOOK_PREFIX) or value == WEBHOOK_PREFIX:
        raise Invalid("unknown_channel", pointer, "ws or webhook:… is due here", (WS, f"{WEBHOOK_PREFIX}URL"))
    if len(value) > CHANNEL_CHARS_MAX or _CHANNEL.fullmatch(value) is None:
        raise Invalid("unknown_channel", pointer, "too long, or a character that no address has")
    return value


def _expires(text: str, now_ns: int) -> int:
    if not text:
        return 0
    try:
        expires_ns = parse_time(text)
    except TickError as error:
        raise Invalid("bad_value", "/expires", str(error)) from None
    if expires_ns <= now_ns:
        raise Invalid("expired_in_past", "/expires", "that time has passed")
    return expires_ns


def _use_by(text: str) -> int:
    if not text:
        return 0
    match = _USE_BY.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match is not None else 0
    if not 0 < seconds <= USE_BY_S_MAX:
        raise Invalid("bad_value", "/use_by", "a duration such as 90s, 15m or 2h is due here, up to 24h")
    return seconds


def _condition_form(condition: Condition) -> dict[str, str]:
    form = {"feature": condition.feature, "op": condition.op, "level": condition.level_text}
    if condition.rearm_text:
        form["rearm"] = condition.rearm_text
    return form
