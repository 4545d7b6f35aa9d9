"""Route with the newest tick of each symbol.

Live values come from memory. What memory does not hold (it was filled anew at the start), and
everything that is delayed, comes from the history.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from accounts import Access
from storage.errors import StorageError
from storage.scan_messages import LatestRequest, PageRequest
from storage.tail import HistoryQuery
from tapewire.http.access import Ceiling, permit
from tapewire.http.call import Call
from tapewire.http.parameters import SymbolList
from tapewire.http.problems import Fault, Problem
from tapewire.http.questions import LATEST_KINDS
from tapewire.http.responses import json_response
from tapewire.http.settle import lowered, storage_problem
from ticks import kinds
from ticks.channels import channel_name
from ticks.codec import row_json
from ticks.times import parse_time

FAMILY_OF: Final = {"t": "trades", "q": "quotes"}
STATES_OF: Final = {"t": (kinds.TRADE, kinds.TRADE_CORRECT), "q": (kinds.QUOTE,)}
"""The kinds of tick that are a newest value; a cancel only takes one away."""
_UPD: Final = b',"upd":null,"upd_m":null}'


async def latest(call: Call) -> web.StreamResponse:
    """The newest trade and quote of each symbol."""
    symbols: SymbolList | None = call.values.get("symbols")
    if symbols is None:
        raise Problem("bad-parameter", "symbols: is needed", [Fault("is needed", "symbols")])
    lineup: str = call.values.get("lineup", "")
    wanted: tuple[str, ...] = call.values.get("kinds", LATEST_KINDS)
    accounts, principal, now_ns = call.services.accounts, call.principal, call.now_ns
    ceilings = {kind: permit(accounts, principal, lineup, kind, symbols.canonical, now_ns) for kind in wanted}
    accepted = call.services.marks.accepted
    rows: dict[tuple[str, str], bytes] = {}
    known_at = complete_until = accepted
    for kind, ceiling in ceilings.items():
        mark = await lowered(call, accepted, ceiling)
        found, complete = await _newest(call, kind, lineup, symbols, ceiling, mark)
        rows |= {(symbol, kind): row for symbol, row in found.items()}
        known_at, complete_until = min(known_at, mark), min(complete_until, complete)
    least = min(ceiling.access for ceiling in ceilings.values())
    ordered = b",".join(row for _, row in sorted(rows.items(), key=lambda item: _place(item[0])))
    about = {"known_at": known_at, "complete_until": complete_until, "access": least.name.lower()}
    return json_response(b'{"latest":[%b],%b' % (ordered, msgspec.json.encode(about)[1:]))


async def _newest(
    call: Call, kind: str, lineup: str, symbols: SymbolList, ceiling: Ceiling, known_at: int
) -> tuple[dict[str, bytes], int]:
    """Symbol → newest row of one kind, and the mark up to which that is known."""
    found: dict[str, bytes] = {}
    if ceiling.access is Access.LIVE:
        found = _from_memory(call, kind, lineup, symbols)
    missing = tuple(symbol for symbol in symbols.canonical if symbol not in found)
    if not missing:
        return found, known_at
    try:
        rest, complete_until = await _from_history(call, kind, lineup, symbols, missing, ceiling, known_at)
    except StorageError as error:
        raise storage_problem(error) from error
    return found | rest, complete_until


def _from_memory(call: Call, kind: str, lineup: str, symbols: SymbolList) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for symbol in symbols.canonical:
        value = call.services.latest(channel_name(kind, symbol, lineup))
        if value is not None:
            row = row_json(value.tick, value.n, value.m, value.epoch, lineup, symbols.asked.get(symbol))
            found[symbol] = row[:-1] + _UPD if kind == "t" else row
    return found


async def _from_history(
    call: Call,
    kind: str,
    lineup: str,
    symbols: SymbolList,
    missing: Iterable[str],
    ceiling: Ceiling,
    known_at: int,
) -> tuple[dict[str, bytes], int]:
    """Newest rows as of a mark; under a ceiling, of event times up to it too.

    A row received up to the ceiling with an event time beyond it comes from a clock that is ahead:
    rare, so the newest row before it is looked for symbol by symbol.
    """
    history, family, wanted = call.services.history, FAMILY_OF[kind], STATES_OF[kind]
    names = dict(symbols.asked)
    answer = await history.latest(LatestRequest(family, lineup, tuple(missing), known_at, wanted, names))
    found, complete_until = answer.rows, answer.complete_until
    if ceiling.time_ns is None:
        return found, complete_until
    for symbol in [symbol for symbol, row in found.items() if _ts_event(row) > ceiling.time_ns]:
        query = HistoryQuery(
            family, (symbol,), lineup, end_ns=ceiling.time_ns + 1, order="desc", kinds=wanted
        )
        page = await history.page(PageRequest(query, known_at, limit=1, names=names))
        complete_until = min(complete_until, page.complete_until)
        if page.rows:
            found[symbol] = page.body
        else:
            del found[symbol]
    return found, complete_until


class _Timed(Struct):
    """The part of a row that is looked at."""

    ts_event: str


def _ts_event(row: bytes) -> int:
    return parse_time(msgspec.json.decode(row, type=_Timed).ts_event)


def _place(key: tuple[str, str]) -> tuple[str, int]:
    """Rows come by symbol, then trade before quote."""
    return key[0], LATEST_KINDS.index(key[1])
