"""Query parameters: one table row each, parsed into typed values, every fault reported.

A route lists the parameters it takes; anything else is refused with the list of those. The
docs and the schema of the API (`tapewire.openapi`) are made from the same rows.
"""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct

from tapewire.http.problems import Fault, Problem, plain
from ticks.channels import LINEUP_NAME
from ticks.errors import TickError
from ticks.symbols import read_symbol
from ticks.times import parse_time

SYMBOLS_MAX: Final = 2_000
"""Most symbols of one request."""
PAIRS_MAX: Final = 64
"""Most `name=value` pairs of one request; there are fewer parameters than this."""
CURSOR_CHARS_MAX: Final = 4_096
"""A longer cursor is none of ours."""
MARK_MAX: Final = 2**53 - 1
"""Marks stay below 2⁵³."""
CREDENTIALS: Final = frozenset(
    {"token", "access_token", "api_key", "apikey", "key", "secret", "password", "authorization", "auth"}
)
"""Names of parameters that hold credentials: such a URL is in histories and logs already."""


class BadValue(ValueError):
    """A parameter's value cannot be used; the message says what is allowed."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message)


class SymbolList(Struct, frozen=True):
    """The symbols of a request."""

    canonical: tuple[str, ...]
    """In the order asked, each once."""
    asked: dict[str, str]
    """Canonical symbol → the form in which it was (first) asked for, where that differs."""


class KnownAt(Struct, frozen=True):
    """A state of knowledge: a mark, or a time that stands for one."""

    m: int = 0
    time_ns: int = 0
    """0 = `m` was given."""


class Parameter(Struct, frozen=True):
    """One row of the table."""

    name: str
    parse: Callable[[str], Any]
    """Text → value; raises `BadValue` or `TickError`."""
    doc: str
    example: str
    required: bool = False
    """Whether the handler refuses a request without it."""


class Words(Struct, frozen=True):
    """A parser of a fixed set of words."""

    words: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """Text → the word it is."""
        if text not in self.words:
            raise BadValue(f"allowed: {', '.join(self.words)}")
        return text


class Count(Struct, frozen=True):
    """A parser of row counts, from 1."""

    most: int

    def __call__(self, text: str) -> int:
        """Text → count."""
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and 1 <= int(text) <= self.most):
            raise BadValue(f"allowed: an integer from 1 to {self.most}")
        return int(text)


def parse_query(text: str, allowed: Sequence[Parameter]) -> dict[str, Any]:
    """The values of a query string, by parameter name; absent ones are left out.

    A `+` is a blank, as everywhere in query strings; symbols and times read it as the `+` that was
    meant.

    Raises:
        Problem: `bad-parameter` with every fault.
    """
    rows = {parameter.name: parameter for parameter in allowed}
    pairs = _pairs(text)
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in rows:
            faults.append(Fault(_unknown(name, rows), parameter=plain(name)))
        elif name in values:
            faults.append(Fault("is given more than once", parameter=name))
        else:
            values[name] = _value(rows[name], value, faults)
    if faults:
        raise Problem("bad-parameter", _summary(faults), faults)
    return values


def refuse_credentials(text: str) -> None:
    """Refuse a query string with a credential in it, before anything else is looked at.

    Raises:
        Problem: `token-in-query`.
    """
    if any(name.strip().lower() in CREDENTIALS for name, _ in _pairs(text)):
        raise Problem("token-in-query")


def read_symbols(text: str) -> SymbolList:
    """Symbols between commas, canonical or as Alpaca writes them, small letters too."""
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise BadValue("names no symbol")
    if len(parts) > SYMBOLS_MAX:
        raise BadValue(f"names {len(parts)} symbols; at most {SYMBOLS_MAX} are allowed")
    asked: dict[str, str] = {}
    faults: list[Fault] = []
    for part in parts:
        try:
            symbol, form = read_symbol(part)
            asked.setdefault(symbol, form)
        except TickError as error:
            faults.append(Fault(plain_detail(str(error)), "symbols", plain(part)))
    if faults:
        raise BadValue("has symbols that are none", faults)
    return SymbolList(tuple(asked), {symbol: form for symbol, form in asked.items() if form != symbol})


def read_limit(most: int) -> Count:
    """A parser of row counts up to `most`."""
    return Count(most)


def read_lineup(text: str) -> str:
    """The name of a line-up; empty = the default one."""
    if text and LINEUP_NAME.fullmatch(text) is None:
        raise BadValue("allowed: the name of a line-up, such as iex; empty for the default one")
    return text


def read_known_at(text: str) -> KnownAt:
    """A mark (an integer below 2⁵³) or a time (RFC 3339, a date, or nanoseconds from 2⁵³ on)."""
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MARK_MAX:
        return KnownAt(m=int(text))
    return KnownAt(time_ns=parse_time(text))


def read_cursor(text: str) -> str:
    """A cursor, taken as it is; who signed it checks it."""
    if not 1 <= len(text) <= CURSOR_CHARS_MAX or not text.isascii():
        raise BadValue("allowed: a next_cursor of an earlier answer, unchanged")
    return text


def one_of(*words: str) -> Words:
    """A parser of a fixed set of words."""
    return Words(words)


def _pairs(text: str) -> list[tuple[str, str]]:
    if "\0" in text or "%00" in text:
        raise Problem("bad-parameter", "the query has a NUL byte in it")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=PAIRS_MAX)
    except UnicodeDecodeError:
        raise Problem("bad-parameter", "the query is not UTF-8 text") from None
    except ValueError:
        raise Problem("bad-parameter", f"more than {PAIRS_MAX} parameters") from None


def _value(parameter: Parameter, text: str, faults: list[Fault]) -> Any:
    try:
        return parameter.parse(text)
    except BadValue as error:
        faults.extend(error.faults or [Fault(str(error), parameter.name)])
    except TickError as error:
        faults.append(Fault(plain_detail(str(error)), parameter.name))
    return None


def plain_detail(text: str) -> str:
    """A message that may quote the client, on one line."""
    return "".join(char if char.isprintable() else "?" for char in text[:300])


def _unknown(name: str, rows: dict[str, Parameter]) -> str:
    nearest = difflib.get_close_matches(name.lower()[:64], rows, 1, 0.6)
    hint = f"; nearest: {nearest[0]}" if nearest else ""
    return f"unknown parameter{hint}; allowed: {', '.join(rows) if rows else 'none'}"


def _summary(faults: Sequence[Fault]) -> str:
    first = faults[0]
    return f"{first.parameter}: {first.detail}" if len(faults) == 1 else f"{len(faults)} faults"
