"""From the typed parameters of a request to what history is asked."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from config.settings import HttpSettings
from storage.contract import TIME_END_NS, TIME_MIN_NS
from storage.tail import HistoryQuery
from tapewire.http.access import Ceiling
from tapewire.http.parameters import (
    KnownAt,
    Parameter,
    SymbolList,
    one_of,
    read_cursor,
    read_known_at,
    read_limit,
    read_lineup,
    read_symbols,
)
from tapewire.http.problems import Fault, Problem
from ticks.kinds import BAR, BAR_DAILY, BAR_REVISION
from ticks.times import parse_time

ALL_SYMBOLS: Final = ("*",)
"""What is asked about entitlements when no symbols are named: the whole kind."""

SYMBOLS: Final = Parameter(
    "symbols",
    read_symbols,
    "Up to 2,000 symbols between commas, canonical or as Alpaca writes them; rows name them as they were "
    "asked for. A blank inside a symbol is read as `+`. Default: every symbol.",
    "AAPL,BRK.B",
)
LATEST_SYMBOLS: Final = Parameter(
    "symbols",
    read_symbols,
    "Up to 2,000 symbols between commas, as above. Needed.",
    "AAPL,BRK.B",
    required=True,
)
START: Final = Parameter(
    "start",
    parse_time,
    "First event time, inclusive: RFC 3339 with a zone, a date (midnight in New York), or nanoseconds since "
    "1970. Default: the oldest kept.",
    "2026-07-13T13:30:00Z",
)
END: Final = Parameter(
    "end",
    parse_time,
    "Last event time, exclusive; as `start`. Default: everything known.",
    "2026-07-13T20:00:00Z",
)
LINEUP: Final = Parameter("lineup", read_lineup, "Name of the line-up. Default: the default one.", "iex")
KNOWN_AT: Final = Parameter(
    "known_at",
    read_known_at,
    "Answer as it was known at a mark, or at a time within what is kept of the tape. Default: now. The "
    "answer says which mark it was.",
    "12345",
)
CURSOR: Final = Parameter(
    "cursor",
    read_cursor,
    "`next_cursor` of the page before; all other parameters but `limit` and `format` as they were then.",
    "AQAAAA…",
)
ORDER: Final = Parameter(
    "order", one_of("asc", "desc"), "Order of time within each symbol. Default: asc.", "desc"
)
FORMAT: Final = Parameter(
    "format",
    one_of("json", "ndjson"),
    "`json`: one page; `ndjson`: a stream, one row a line, with a last line that says so. Default: by the "
    "`Accept` header, else json.",
    "ndjson",
)
TIMEFRAMES: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "1Min": ("b1m", (BAR, BAR_REVISION)),
    "1Day": ("b1d", (BAR_DAILY,)),
}
"""Time frame → the kind of channel, and the kinds of tick on it."""
TIMEFRAME: Final = Parameter(
    "timeframe", one_of(*TIMEFRAMES), "Length of a bar: 1Min or 1Day. Default: 1Min.", "1Day"
)
LATEST_KINDS: Final = ("t", "q")
"""The kinds that `/v1/latest` knows."""


def _read_kinds(text: str) -> tuple[str, ...]:
    words = one_of(*LATEST_KINDS)
    return tuple(dict.fromkeys(words(part.strip()) for part in text.split(",")))


KINDS: Final = Parameter("kinds", _read_kinds, "`t` (trades), `q` (quotes), or `t,q`. Default: both.", "t")


def row_parameters(settings: HttpSettings) -> tuple[Parameter, ...]:
    """What `/v1/trades` and `/v1/quotes` take."""
    limit = Parameter(
        "limit",
        read_limit(settings.page_rows),
        f"Most rows: in a page, 1 to {settings.page_rows} (the default); in a stream, of the whole stream "
        "(default: no limit).",
        "1000",
    )
    return SYMBOLS, START, END, limit, CURSOR, KNOWN_AT, LINEUP, ORDER, FORMAT


def bar_parameters(settings: HttpSettings) -> tuple[Parameter, ...]:
    """What `/v1/bars` takes."""
    return TIMEFRAME, *row_parameters(settings)


def latest_parameters(_settings: HttpSettings) -> tuple[Parameter, ...]:
    """What `/v1/latest` takes."""
    return LATEST_SYMBOLS, KINDS, LINEUP


def gap_parameters(_settings: HttpSettings) -> tuple[Parameter, ...]:
    """What `/v1/gaps` takes."""
    return SYMBOLS, START, END, KNOWN_AT, LINEUP


class Question(Struct, frozen=True):
    """A request for rows, as far as it does not depend on who asks."""

    query: HistoryQuery
    names: Mapping[str, str]
    """Canonical symbol → the form in which it was asked for, where that differs."""
    limit: int | None
    """None = not given."""
    cursor: str | None
    known_at: KnownAt | None

    @property
    def entitled_symbols(self) -> tuple[str, ...]:
        """The symbols to ask entitlements about."""
        return ALL_SYMBOLS if self.query.symbols is None else self.query.symbols


def rows_question(family: str, values: Mapping[str, Any], kinds: tuple[int, ...] = ()) -> Question:
    """What a request for rows asks.

    Raises:
        Problem: `start` lies behind `end`.
    """
    symbols: SymbolList | None = values.get("symbols")
    start_ns, end_ns = read_range(values)
    query = HistoryQuery(
        family=family,
        symbols=None if symbols is None else symbols.canonical,
        lineup=values.get("lineup", ""),
        start_ns=start_ns,
        end_ns=end_ns,
        order=values.get("order", "asc"),
        kinds=kinds,
    )
    names = {} if symbols is None else symbols.asked
    return Question(query, names, values.get("limit"), values.get("cursor"), values.get("known_at"))


def below(query: HistoryQuery, ceiling: Ceiling) -> HistoryQuery:
    """The part of a query whose event times the ceiling allows; it may be empty."""
    if ceiling.time_ns is None:
        return query
    return replace(query, end_ns=min(query.end_ns, ceiling.time_ns + 1))


def read_range(values: Mapping[str, Any]) -> tuple[int, int]:
    """The event times asked for: start inclusive, end exclusive, ns.

    Raises:
        Problem: `start` lies behind `end`.
    """
    start_ns = values.get("start", TIME_MIN_NS)
    end_ns = values.get("end", TIME_END_NS)
    if start_ns > end_ns:
        raise Problem("bad-parameter", "start lies behind end", [Fault("lies behind end", "start")])
    return start_ns, end_ns
