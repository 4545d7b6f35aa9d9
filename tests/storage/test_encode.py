"""Rows as JSON."""

import json

from storage.contract import Row
from storage.corrections import REPLACED, WITHDRAWN
from storage.encode import encode_row, encode_rows
from tests.storage.making import every_kind, quote, trade
from ticks.codec import row_json
from ticks.kinds import KINDS


def test_every_stored_kind_becomes_one_object() -> None:
    """With the fields of its kind, and the correction only where there can be one."""
    for tick in every_kind():
        decoded = json.loads(encode_row(Row(tick, 5, 6, 1, "iex"), {}))
        assert (decoded["n"], decoded["m"], decoded["symbol"]) == (5, 6, tick.symbol)
        assert decoded["channel"] == Row(tick, 5, 6, 1, "iex").channel
        assert ("upd" in decoded) == (KINDS[tick.kind].family == "trades")


def test_a_correction_is_told_in_words_with_its_mark() -> None:
    """The rest of the row stays as received."""
    plain = json.loads(encode_row(Row(trade(), 1, 2, 1, ""), {}))
    assert (plain["upd"], plain["upd_m"]) == (None, None)
    for upd, word in ((WITHDRAWN, "withdrawn"), (REPLACED, "replaced")):
        marked = json.loads(encode_row(Row(trade(), 1, 2, 1, "", upd, 9), {}))
        assert marked == plain | {"upd": word, "upd_m": 9}


def test_symbols_are_answered_in_the_form_they_were_asked_for() -> None:
    """Others as they are."""
    assert json.loads(encode_row(Row(quote("BRK.A"), 1, 2, 1, ""), {"BRK.A": "BRK/A"}))["symbol"] == "BRK/A"
    assert json.loads(encode_row(Row(quote("A"), 1, 2, 1, ""), {"BRK.A": "BRK/A"}))["symbol"] == "A"


def test_rows_stand_between_commas_or_on_lines() -> None:
    """Either is what an answer needs, without any further copying."""
    rows = [Row(quote(), m, m, 1, "") for m in (1, 2, 3)]
    encoded = [row_json(row.tick, row.n, row.m, row.epoch) for row in rows]
    assert encode_rows(rows, {}, lines=False) == b",".join(encoded)
    assert encode_rows(rows, {}, lines=True) == b"".join(line + b"\n" for line in encoded)
    assert encode_rows([], {}, lines=True) == encode_rows([], {}, lines=False) == b""
