"""Real trades of one day, all exchanges: the LEAN files of 2013-10-07 as ticks.

Their conditions are a bit set, mapped here to the letters of the SIPs. Rows have no ids and
milliseconds only, and never go back in time.
"""

import csv
import io
import os
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests import checkout
from ticks import conditions
from ticks.calendar import session_at
from ticks.model import Trade
from ticks.sources import REPLAY
from ticks.times import parse_time

FOLDER: Final = (
    Path(os.environ.get("TAPEWIRE_DATA", checkout.ROOT.parent / "shared" / "data")) / "lean-sip-ticks"
)
MIDNIGHT: Final = parse_time("2013-10-07T00:00:00-04:00")
TAPES: Final = {"SPY": "B", "BAC": "A", "IBM": "A"}
LETTERS: Final = {
    0x2: "C", 0x4: "N", 0x8: "R", 0x20: "F", 0x40: "O", 0x80: "6", 0x100: "5", 0x200: "4", 0x400: "T",
    0x800: "L", 0x2000: "T", 0x4000: "Z", 0x4_0000: "V", 0x10_0000: "B", 0x20_0000: "X", 0x40_0000: "H",
    0x80_0000: "K", 0x100_0000: "M", 0x200_0000: "P", 0x400_0000: "Q", 0x1000_0000: "E", 0x8000_0000: "I",
}  # fmt: skip
"""Bit → letter on tapes A and B. The yellow flag (10), acquisition (1 0000), bunched (2 0000) and
distribution (8 0000) belong to tape C."""
NO_LETTER: Final = 0x1 | 0x2000_0000
"""Regular is the blank; that a print is exempt from the trade-through rule is no sale condition."""


@cache
def trades(symbol: str) -> tuple[Trade, ...]:
    """The day's trades of `SPY`, `BAC` or `IBM`, in the file's order; skips where the file is missing."""
    path = FOLDER / f"{symbol.lower()}_20131007_trade.zip"
    if not path.is_file():
        pytest.skip(f"no real trades here: {path} is missing (set TAPEWIRE_DATA)")
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        text = io.TextIOWrapper(archive.open(name), "ascii")
        return tuple(_trade(symbol, row) for row in csv.reader(text))


def _trade(symbol: str, row: list[str]) -> Trade:
    time_ms, price, size, exchange, bits = row[:5]
    ts_event = MIDNIGHT + int(time_ms) * 1_000_000
    codes = _codes(int(bits, 16))
    tape = ord(TAPES[symbol])
    return Trade(
        REPLAY, ord(exchange), symbol, ts_event, 0, ts_event, 0, 0,
        int(price) * 100_000, int(size) * 1_000_000, 0,
        tape, codes, conditions.elig(tape, codes, session_at(ts_event)),
    )  # fmt: skip


@cache
def _codes(bits: int) -> str:
    codes = "".join(letter for bit, letter in LETTERS.items() if bits & bit)
    known = sum(bit for bit in LETTERS if bits & bit) | (bits & NO_LETTER)
    assert known == bits, f"a condition bit without a letter: {bits:x}"
    return codes or " "
