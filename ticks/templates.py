"""Writes the functions that encode ticks, from the key table, one per kind and form.

What is written for the JSON of a quote, shortened:

    def encode(t, c, n, fold):
        return f'''{{"op":"q","c":{c},"n":{n}{fold},"bp":{'null' if … else price(t.bid_price)},…}}'''

It runs three times as fast as a loop over the table and cannot differ from it. Nothing but
the table's own constants enters the source text: ticks are arguments, as in any function.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ticks.keys import (
    ALWAYS,
    BOOLEAN,
    CODES,
    FLAGS,
    ID,
    INTEGER,
    KEYS,
    LEADING,
    LETTER,
    PRICE,
    QUOTE_PRICE,
    SECONDS,
    SIDE,
    SIZE,
    SOURCE,
    TEXT,
    TEXTS,
    TIME,
    Key,
    remainder_key,
)
from ticks.kinds import KINDS

# Expressions over `$`, the field. Where a JSON value may be left out it stands inside an
# f-string of single quotes, so only those that are always written may use such quotes.
_SHORT_JSON: Final = {
    PRICE: "price($)",
    QUOTE_PRICE: "'null' if $ == ABSENT_PRICE else price($)",
    SIZE: "size($)",
    TIME: "$ // 1000",
    SECONDS: "$ * 1000000",
    INTEGER: "$",
    ID: "exact($)",
    LETTER: "letter($)",
    SOURCE: "source($)",
    FLAGS: "$",
    CODES: "text($)",
    SIDE: "$",
    BOOLEAN: "true",
    TEXT: "free_text($)",
    TEXTS: "texts($)",
}
_SHORT_MAP: Final = {
    PRICE: "$",
    QUOTE_PRICE: "None if $ == ABSENT_PRICE else $",
    SIZE: "$",
    TIME: "$ // 1000",
    SECONDS: "$ * 1000000",
    INTEGER: "$",
    ID: "$",
    LETTER: "chr($)",
    SOURCE: "source_name($)",
    FLAGS: "$",
    CODES: "$",
    SIDE: "$",
    BOOLEAN: "$",
    TEXT: "$",
    TEXTS: "$",
}
_LONG_JSON: Final = {
    PRICE: "price($)",
    QUOTE_PRICE: "'null' if $ == ABSENT_PRICE else price($)",
    SIZE: "size($)",
    # `format_time`, unfolded: three times make up half of a row's cost.
    TIME: """f'"{second($ // 1000000000)}{$ % 1000000000:09d}Z"' if $ else 'null'""",
    SECONDS: """f'"{second($)}000000000Z"' if $ else 'null'""",
    INTEGER: "$",
    ID: "$ if 0 < $ < 9007199254740992 else exact($) if $ else 'null'",
    LETTER: "letter($)",
    SOURCE: "source($)",
    FLAGS: "flags($)",
    CODES: "codes($)",
    SIDE: "side($)",
    BOOLEAN: "'true' if $ else 'false'",
    TEXT: "free_text($)",
    TEXTS: "texts($)",
}


def short_json(kind: int, names: Mapping[str, Any]) -> Callable[..., str]:
    """`encode(tick, channel_json, n, fold_json) -> text` of native messages of a kind."""
    fields = "".join(_short_json_part(key) for key in wire_keys(kind))
    head = f'"op":"{KINDS[kind].op}","c":{{c}},"n":{{n}}{{fold}}'
    return _function("t, c, n, fold", f'return f"""{{{{{head}{fields}}}}}"""', names)


def short_map(kind: int, names: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    """`encode(tick, message) -> message`, to which the fields of the tick were added."""
    lines = [line for key in wire_keys(kind) for line in _short_map_lines(key)]
    return _function("t, d", "\n    ".join([*lines, "return d"]), names)


def long_json(kind: int, names: Mapping[str, Any]) -> Callable[..., str]:
    """`encode(tick, symbol_json, channel_json, n, m, epoch) -> text` of HTTP rows of a kind."""
    places = f',"n":{{n}},"m":{{m}},"e":{{e}},"channel":{{c}},"kind":"{KINDS[kind].report}"'
    leading, others = row_keys(kind)
    before = "".join(_long_json_part(key) for key in leading)
    behind = "".join(_long_json_part(key) for key in others)
    return _function(
        "t, symbol, c, n, m, e", f'return f"""{{{{"symbol":{{symbol}}{before}{places}{behind}}}}}"""', names
    )


def wire_keys(kind: int) -> list[Key]:
    """The keys of a native message behind `n` and what a fold adds, in the order they are sent."""
    leading, others = row_keys(kind)
    return [key for key in (*leading[1:], leading[0], *others) if key.wire]


def row_keys(kind: int) -> tuple[list[Key], list[Key]]:
    """The keys of an HTTP row between `symbol` and `n`, and those behind the place in the tape."""
    by_field = {key.field: key for key in KEYS[kind]}
    leading = [by_field.pop(field) for field in ("ts_event", *LEADING.get(kind, ()))]
    del by_field["symbol"]
    return leading, list(by_field.values())


def _short_json_part(key: Key) -> str:
    field = f"t.{key.field}"
    value = _SHORT_JSON[key.holds].replace("$", field)
    rest = ""
    if key.holds == TIME:
        rest = f"""{{f',"{remainder_key(key.short)}":{{{field} % 1000}}' if {field} % 1000 else ''}}"""
    if _is_always_sent(key):
        return f',"{key.short}":{{{value}}}{rest}'
    return f"""{{f',"{key.short}":{{{value}}}' if {field} else ''}}{rest}"""


def _short_map_lines(key: Key) -> Iterator[str]:
    field = f"t.{key.field}"
    line = f'd["{key.short}"] = {_SHORT_MAP[key.holds].replace("$", field)}'
    yield line if _is_always_sent(key) else f"if {field}: {line}"
    if key.holds == TIME:
        yield f'if {field} % 1000: d["{remainder_key(key.short)}"] = {field} % 1000'


def _long_json_part(key: Key) -> str:
    return f',"{key.long}":{{{_LONG_JSON[key.holds].replace("$", f"t.{key.field}")}}}'


def _is_always_sent(key: Key) -> bool:
    return key.holds in ALWAYS or key.field == "ts_event"


def _function(arguments: str, body: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    scope: dict[str, Any] = dict(names)
    exec(compile(f"def encode({arguments}):\n    {body}\n", "<ticks.templates>", "exec"), scope)
    function: Callable[..., Any] = scope["encode"]
    return function
