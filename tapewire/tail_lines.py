"""What `tapewire tail` prints: a line for each tick, and a sentence for what people should know. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from tapewire_client import Continuity
from ticks.times import format_time

SYMBOLS_NAMED: Final = 8
"""So many symbols are named in one sentence; further ones are counted."""
DENIALS: Final = {
    "UNKNOWN_SYMBOL": "no such symbol",
    "ENT_NONE": "the token does not allow it",
    "ENT_DELAYED": "the token allows it with a delay only",
}
OTHER_TAPE: Final = "this hub's tape is not the one that gave the mark: beginning anew"
JSON_OPS: Final = frozenset(("snap", "gap", "epoch", "cont", "mark"))
"""Beside ticks, what says whether they are complete, and from where to go on."""


def line_of(message: Mapping[str, Any]) -> str | None:
    """One tick as a line; None for what is no trade or quote."""
    op = message["op"]
    if op not in ("t", "q", "x"):
        return None
    head = f"{time_text(message)} {symbol_of(message['c'])}"
    if op == "q":
        bid = f"{price_text(message['bp'])} x {message['bs']}"
        ask = f"{price_text(message['ap'])} x {message['as']}"
        return f"{head} quote {bid} / {ask}{folded_text(message)}"
    word = "trade" if op == "t" else "cancelled"
    return f"{head} {word} {price_text(message['px'])} x {message['sz']}{folded_text(message)}"


def sentences(message: Mapping[str, Any]) -> Iterator[str]:
    """What people should know of a message that is no tick."""
    op = message["op"]
    if op == "gap":
        what = "everything" if message["c"] == "*" else message["c"]
        marks = f"marks {message['from'] + 1} to {message['to']}"
        yield f"gap: {marks} of {what} are not delivered ({message['why']})"
    elif op == "epoch":
        yield f"the hub's numbers begin anew at mark {message['m']} ({message['why']})"
    elif op == "cont":
        yield _resumed(message)
    elif op == "err" and message["class"] == "gone":
        yield OTHER_TAPE
    elif op == "err":
        yield f"{message['code']}: {message.get('hint') or message['msg']}"
    elif op == "drain":
        yield "the hub is going down"
    elif op == "ok":
        yield from _granted(message)


def symbol_of(channel: str) -> str:
    """The symbol of a channel, with its line-up where it is not the default one."""
    return channel.partition(":")[2]


def price_text(price: Decimal | float | None) -> str:
    """A price with at least two decimals, and no less than there are; a dash for a side that is absent."""
    if price is None:
        return "–"
    text = f"{price:f}" if isinstance(price, Decimal) else str(price)
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def time_text(message: Mapping[str, Any]) -> str:
    """When a tick happened, RFC 3339."""
    return format_time(message["ts"] * 1_000 + message.get("tn", 0))


def folded_text(message: Mapping[str, Any]) -> str:
    """How many ticks a line stands for, if it is more than one."""
    k = message.get("k", 1)
    return f" ({k} ticks)" if k > 1 else ""


def hole_text(channel: str, after: int, before: int) -> str:
    """A hole that the hub has not declared."""
    return f"missing: {channel} from {after + 1} to {before - 1}, and the hub has not said so"


def summary_text(continuity: Continuity, reconnects: int, mark: int | None) -> str:
    """How it has gone so far: how much came, whether all of it, and from where to go on."""
    missing = f"{continuity.hole_count} holes" if continuity.hole_count else "nothing missing"
    parts = [f"{continuity.ticks:,} ticks", missing]
    if continuity.gaps:
        parts.append(f"{continuity.gaps} declared gaps of {continuity.skipped:,} known ticks")
    if reconnects:
        parts.append(f"{reconnects} reconnects")
    if mark is not None:
        parts.append(f"--since {mark} goes on from here")
    return ", ".join(parts)


def _resumed(message: Mapping[str, Any]) -> str:
    """What a certificate says; one of many channels comes in several messages, each of its own channels."""
    complete = [account["complete"] for account in message["chans"].values()]
    whole = sum(complete)
    told = f"{whole} channels whole" if complete else "no tick in between"
    if whole < len(complete):
        told += f", {len(complete) - whole} not"
    return f"went on behind mark {message['since']} up to {message['m']}: {told}"


def _granted(message: Mapping[str, Any]) -> Iterator[str]:
    for code, symbols in denied_of(message).items():
        yield f"{_names(symbols)}: {DENIALS.get(code, code)}"
    chans = message.get("chans", {})
    ever = {symbol_of(name) for name, state in chans.items() if state.get("n", 1)}
    never = [symbol for symbol in dict.fromkeys(map(symbol_of, chans)) if symbol not in ever]
    if never:
        yield f"{_names(never)}: no tick so far"


def denied_of(message: Mapping[str, Any]) -> dict[str, list[str]]:
    """Error code → the symbols that an `ok` denies for it."""
    by_code: dict[str, dict[str, None]] = {}
    for denial in message.get("denied", ()):
        by_code.setdefault(denial["code"], {})[denial["symbol"]] = None
    return {code: list(symbols) for code, symbols in by_code.items()}


def _names(symbols: list[str]) -> str:
    more = len(symbols) - SYMBOLS_NAMED
    named = " ".join(symbols[:SYMBOLS_NAMED])
    return f"{named} and {more} more" if more > 0 else named
