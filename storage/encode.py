"""Rows as the JSON of HTTP answers: `ticks.codec.row_json`, and what the store knows besides.

Rows of trades carry two more keys: `upd` (`null`, `"withdrawn"` or `"replaced"`) and `upd_m`,
the mark of the cancel or correction that said so (`null` without one).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from storage.contract import Row
from storage.corrections import REPLACED, WITHDRAWN
from storage.filing import FAMILY_BY_KIND
from ticks.codec import row_json

_UPD: Final = {WITHDRAWN: b'"withdrawn"', REPLACED: b'"replaced"'}
_AS_RECEIVED: Final = b',"upd":null,"upd_m":null}'
_CORRECTABLE: Final = frozenset(kind for kind, family in FAMILY_BY_KIND.items() if family == "trades")


def encode_row(row: Row, names: Mapping[str, str]) -> bytes:
    """One row as a JSON object. `names` maps symbols to the form in which they were asked for."""
    tick = row.tick
    symbol = names.get(tick.symbol) if names else None
    text = row_json(tick, row.n, row.m, row.epoch, row.lineup, symbol)
    if tick.kind not in _CORRECTABLE:
        return text
    if not row.upd:
        return text[:-1] + _AS_RECEIVED
    return b'%b,"upd":%b,"upd_m":%d}' % (text[:-1], _UPD[row.upd], row.upd_m)


def encode_rows(rows: Iterable[Row], names: Mapping[str, str], lines: bool) -> bytes:
    """Rows one after the other: between commas, or with `lines` each ended by a line break."""
    encoded = [encode_row(row, names) for row in rows]
    if not lines:
        return b",".join(encoded)
    encoded.append(b"")
    return b"\n".join(encoded)
