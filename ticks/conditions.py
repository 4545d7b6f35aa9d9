"""Sale conditions: what a print may update, computed once at the edge into 16 bits, `elig`.

| bits | name | meaning |
|---|---|---|
| 0–1 | day_oc | the day's open and close: `NO`, `FIRST` (only the first of the bar), `YES` |
| 2–3 | min_oc | the minute's open and close, likewise |
| 4 | day_hl | the day's high and low |
| 5 | min_hl | the minute's high and low |
| 6 | day_vol | the day's volume |
| 7 | min_vol | the minute's volume |
| 8 | odd_lot | less than a round lot, by the source's word |
| 9 | auction | printed by an opening, reopening or closing auction |
| 10–12 | session | a number of `ticks.sessions` |
| 13 | unknown | a code the table does not have; count it by `unknown_codes` |

The same letter means different things on different tapes, so a rule is looked up by (tape,
code). Of several codes the strictest effect wins: no before first-only before yes. A code
that a tape's table lacks updates the volume and nothing else. Bits are written into journals
and stores: never change or reuse one.

The rules are those by which Alpaca makes its bars, which the bars of the vendor reproduce;
they leave out the footnotes by which the SIPs' official last price differs.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct

from ticks import sessions
from ticks.errors import TickError
from ticks.sessions import CLOSED, OVERNIGHT, POST, PRE, RTH

__all__ = [
    "AUCTION", "CLOSED", "DAY_HL", "DAY_VOL", "FIRST", "MIN_HL", "MIN_VOL", "NO", "ODD_LOT", "OVERNIGHT",
    "POST", "PRE", "RTH", "TABLE", "UNKNOWN", "YES", "Condition", "day_oc", "elig", "iex_elig", "min_oc",
    "session_of", "unknown_codes",
]  # fmt: skip

NO: Final = 0
FIRST: Final = 1
"""Only when no eligible trade of the bar came before."""
YES: Final = 2

_MIN_OC_SHIFT: Final = 2
DAY_HL: Final = 1 << 4
MIN_HL: Final = 1 << 5
DAY_VOL: Final = 1 << 6
MIN_VOL: Final = 1 << 7
ODD_LOT: Final = 1 << 8
AUCTION: Final = 1 << 9
_SESSION_SHIFT: Final = 10
UNKNOWN: Final = 1 << 13

_ALL: Final = YES | YES << _MIN_OC_SHIFT | DAY_HL | MIN_HL | DAY_VOL | MIN_VOL
_MINUTE_ONLY: Final = YES << _MIN_OC_SHIFT | MIN_HL | DAY_VOL | MIN_VOL
_VOLUME_ONLY: Final = DAY_VOL | MIN_VOL

_CACHED: Final = 4096
"""Distinct (tape, codes, session) remembered; real days have some hundreds."""
_CACHED_LENGTH: Final = 8
"""Longest list of codes that is remembered, so that garbage cannot add up; real ones have four."""


class Condition(Struct, frozen=True):
    """One row of the table: what a trade with this code may update."""

    code: str
    name: str
    tapes: str
    """Letters of the tapes on which the code has this meaning."""
    min_oc: int
    """`NO`, `FIRST` or `YES`, as `day_oc`."""
    min_hl: bool
    min_vol: bool
    day_oc: int
    day_hl: bool
    day_vol: bool


def _row(code: str, name: str, tapes: str, effects: str) -> Condition:
    min_oc, min_hl, min_vol, day_oc, day_hl, day_vol = ("NFY".index(effect) for effect in effects)
    return Condition(
        code, name, tapes, min_oc, min_hl == YES, min_vol == YES, day_oc, day_hl == YES, day_vol == YES
    )


TABLE: Final[tuple[Condition, ...]] = (
    # Effects: the minute's open/close, high/low, volume, then the day's.
    _row(" ", "Regular Sale", "AB", "YYYYYY"),
    _row("@", "Regular Sale", "CO", "YYYYYY"),
    _row("A", "Acquisition", "C", "YYYYYY"),
    _row("B", "Average Price Trade", "AB", "NNYNNY"),
    _row("B", "Bunched Trade", "C", "YYYYYY"),
    _row("C", "Cash Sale", "ABCO", "NNYNNY"),
    _row("D", "Distribution", "C", "YYYYYY"),
    _row("E", "Automatic Execution", "AB", "YYYYYY"),
    _row("F", "Intermarket Sweep", "ABC", "YYYYYY"),
    _row("G", "Bunched Sold Trade", "C", "NNYFYY"),
    _row("H", "Price Variation Trade", "ABC", "NNYNNY"),
    _row("I", "Odd Lot Trade", "ABCO", "NNYNNY"),
    _row("K", "Rule 127 / Rule 155", "ABC", "YYYYYY"),
    _row("L", "Sold Last", "ABC", "YYYYYY"),
    _row("M", "Market Center Official Close", "ABC", "NNNNNN"),
    _row("N", "Next Day", "ABCO", "NNYNNY"),
    _row("O", "Market Center Opening Trade", "ABC", "YYYYYY"),
    _row("P", "Prior Reference Price", "ABCO", "NNYFYY"),
    _row("Q", "Market Center Official Open", "ABC", "NNNNNN"),
    _row("R", "Seller", "ABCO", "NNYNNY"),
    _row("T", "Extended Hours Trade", "ABCO", "YYYNNY"),
    _row("U", "Extended Hours (sold out of sequence)", "ABCO", "NNYNNY"),
    _row("V", "Contingent Trade", "ABC", "NNYNNY"),
    _row("W", "Average Price Trade", "CO", "NNYNNY"),
    _row("X", "Cross Trade", "ABC", "YYYYYY"),
    _row("Y", "Yellow Flag Regular Trade", "C", "YYYYYY"),
    _row("Z", "Sold Out Of Sequence", "ABC", "NNYFYY"),
    _row("4", "Derivatively Priced", "ABC", "NNYFYY"),
    _row("5", "Market Center Reopening Trade", "ABC", "YYYYYY"),
    _row("6", "Market Center Closing Trade", "ABC", "YYYYYY"),
    _row("7", "Qualified Contingent Trade", "ABC", "NNYNNY"),
    _row("9", "Corrected Consolidated Close", "ABC", "NNNYYN"),
)
"""Every code of which the effect is known."""

_ODD_LOT_CODES: Final = frozenset("I")
# Not X: a cross outside an auction carries it as well. Not M and Q: they repeat a print.
_AUCTION_CODES: Final = frozenset("O56")
_EXTENDED_CODES: Final = frozenset("TU")
_TAPES: Final = "ABCO"
_RULES: Final[dict[tuple[int, str], Condition]] = {
    (ord(tape), row.code): row for row in TABLE for tape in row.tapes
}
_REGULAR: Final = TABLE[0]
_remembered: Final[dict[tuple[int, str, int], int]] = {}

_IEX_EXTENDED: Final = 0x40
_IEX_ODD_LOT: Final = 0x20
_IEX_CROSS: Final = 0x08


def elig(sip_tape: int, conds: str, session: int) -> int:
    """What a SIP print may update.

    `sip_tape` is `ord` of the tape's letter. On a tape without a table of its own (`N`, or 0
    for unknown) each letter has the strictest meaning it has anywhere. `conds` holds one
    character per code; none at all is a regular sale. `session` comes from the calendar; a
    print that its codes call extended-hours is never in regular hours: it is then taken as
    post-market, for the one case of any length is an early close that the calendar missed.

    Raises:
        TickError: no such session.
    """
    bits = _remembered.get((sip_tape, conds, session))
    if bits is not None:
        return bits
    bits = _elig(sip_tape, conds, session)
    if len(conds) <= _CACHED_LENGTH:
        if len(_remembered) >= _CACHED:
            _remembered.clear()
        _remembered[sip_tape, conds, session] = bits
    return bits


@lru_cache(maxsize=_CACHED)
def iex_elig(sale_flags: int, session: int) -> int:
    """What an IEX print may update, from the sale condition flags of IEX's trade messages.

    Extended hours (0x40) makes minutes but not the day, an odd lot (0x20) volume alone; a
    sweep (0x80) and a trade-through exempt print (0x10) are like any other. The flag says
    whether it was the regular session, whatever `session` says; `session` tells pre from post.

    Raises:
        TickError: no such session.
    """
    _session_bits(session)
    if sale_flags & _IEX_EXTENDED:
        bits = _MINUTE_ONLY
        session = POST if session == RTH else session
    else:
        bits = _ALL
        session = RTH
    if sale_flags & _IEX_ODD_LOT:
        bits = _VOLUME_ONLY | ODD_LOT
    if sale_flags & _IEX_CROSS:
        bits |= AUCTION
    return bits | _session_bits(session)


def unknown_codes(sip_tape: int, conds: str) -> str:
    """The codes of `conds` that have no row on that tape, for counting them by (tape, code)."""
    return "".join(code for code in conds if not _rows(sip_tape, code))


def day_oc(bits: int) -> int:
    """Whether the print may set the day's open and close: `NO`, `FIRST` or `YES`."""
    return bits & 3


def min_oc(bits: int) -> int:
    """Whether the print may set the minute's open and close: `NO`, `FIRST` or `YES`."""
    return bits >> _MIN_OC_SHIFT & 3


def session_of(bits: int) -> int:
    """The session the print belongs to: a number of `ticks.sessions`."""
    return bits >> _SESSION_SHIFT & 7


def _elig(sip_tape: int, conds: str, session: int) -> int:
    rows = [row for code in conds for row in _rows(sip_tape, code)] or [_REGULAR]
    bits = _strictest(rows)
    if unknown_codes(sip_tape, conds):
        bits = bits & _VOLUME_ONLY | UNKNOWN
    if not _ODD_LOT_CODES.isdisjoint(conds):
        bits |= ODD_LOT
    if not _AUCTION_CODES.isdisjoint(conds):
        bits |= AUCTION
    if session == RTH and not _EXTENDED_CODES.isdisjoint(conds):
        session = POST
    return bits | _session_bits(session)


def _rows(sip_tape: int, code: str) -> list[Condition]:
    if 0 < sip_tape < 128 and chr(sip_tape) in _TAPES:
        row = _RULES.get((sip_tape, code))
        return [] if row is None else [row]
    return [row for row in TABLE if row.code == code]


def _strictest(rows: list[Condition]) -> int:
    return (
        min(row.day_oc for row in rows)
        | min(row.min_oc for row in rows) << _MIN_OC_SHIFT
        | DAY_HL * all(row.day_hl for row in rows)
        | MIN_HL * all(row.min_hl for row in rows)
        | DAY_VOL * all(row.day_vol for row in rows)
        | MIN_VOL * all(row.min_vol for row in rows)
    )


def _session_bits(session: int) -> int:
    if not 0 <= session < len(sessions.NAMES):
        raise TickError(f"no such session: {session}")
    return session << _SESSION_SHIFT
