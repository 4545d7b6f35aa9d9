"""Route with the stretches of time for which data is known to be missing."""

from typing import Final

import msgspec
from aiohttp import web

from storage.errors import StorageError
from tapewire.http.access import permit_any
from tapewire.http.call import Call
from tapewire.http.parameters import SymbolList
from tapewire.http.questions import ALL_SYMBOLS, TIMEFRAMES, read_range
from tapewire.http.responses import json_response
from tapewire.http.rows import gap_document, gaps_about
from tapewire.http.settle import known_mark, lowered, storage_problem

KINDS: Final = ("t", "q", *(kind for kind, _ in TIMEFRAMES.values()))
"""Gaps are of no kind: whoever may read one of these of a symbol may know where it has holes."""


async def gaps(call: Call) -> web.StreamResponse:
    """Stretches of time for which data is known to be missing."""
    values = call.values
    symbols: SymbolList | None = values.get("symbols")
    lineup: str = values.get("lineup", "")
    wanted = ALL_SYMBOLS if symbols is None else symbols.canonical
    reach = permit_any(call.services.accounts, call.principal, lineup, KINDS, wanted, call.now_ns)
    asked = values.get("known_at")
    known_at = call.services.marks.accepted if asked is None else await known_mark(call, asked)
    known_at = await lowered(call, known_at, reach)
    start_ns, end_ns = read_range(values)
    if reach.time_ns is not None:
        end_ns = min(end_ns, reach.time_ns + 1)
    try:
        found = await call.services.history.gaps(lineup, start_ns, end_ns, known_at)
    except StorageError as error:
        raise storage_problem(error) from error
    shown = gaps_about(found.gaps, None if symbols is None else symbols.canonical)
    answer = {
        "gaps": [gap_document(gap) for gap in shown],
        "known_at": found.known_at,
        "complete_until": found.complete_until,
        "access": reach.access.name.lower(),
    }
    return json_response(msgspec.json.encode(answer))
