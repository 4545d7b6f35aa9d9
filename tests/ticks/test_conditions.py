"""What a print may update follows the table, row by row, and the strictest code wins."""

from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticks import conditions
from ticks.conditions import (
    AUCTION,
    CLOSED,
    DAY_HL,
    DAY_VOL,
    FIRST,
    MIN_HL,
    MIN_VOL,
    NO,
    ODD_LOT,
    OVERNIGHT,
    POST,
    PRE,
    RTH,
    TABLE,
    UNKNOWN,
    YES,
    day_oc,
    elig,
    iex_elig,
    min_oc,
    session_of,
    unknown_codes,
)
from ticks.errors import TickError

PUBLISHED: Final = """\
SPACE,Regular Sale,AB,Y,Y,Y,Y,Y,Y
@,Regular Sale,CO,Y,Y,Y,Y,Y,Y
A,Acquisition,C,Y,Y,Y,Y,Y,Y
B,Average Price Trade,AB,N,N,Y,N,N,Y
B,Bunched Trade,C,Y,Y,Y,Y,Y,Y
C,Cash Sale,ABCO,N,N,Y,N,N,Y
D,Distribution,C,Y,Y,Y,Y,Y,Y
E,Automatic Execution,AB,Y,Y,Y,Y,Y,Y
F,Intermarket Sweep,ABC,Y,Y,Y,Y,Y,Y
G,Bunched Sold Trade,C,N,N,Y,F,Y,Y
H,Price Variation Trade,ABC,N,N,Y,N,N,Y
I,Odd Lot Trade,ABCO,N,N,Y,N,N,Y
K,Rule 127 / Rule 155,ABC,Y,Y,Y,Y,Y,Y
L,Sold Last,ABC,Y,Y,Y,Y,Y,Y
M,Market Center Official Close,ABC,N,N,N,N,N,N
N,Next Day,ABCO,N,N,Y,N,N,Y
O,Market Center Opening Trade,ABC,Y,Y,Y,Y,Y,Y
P,Prior Reference Price,ABCO,N,N,Y,F,Y,Y
Q,Market Center Official Open,ABC,N,N,N,N,N,N
R,Seller,ABCO,N,N,Y,N,N,Y
T,Extended Hours Trade,ABCO,Y,Y,Y,N,N,Y
U,Extended Hours (sold out of sequence),ABCO,N,N,Y,N,N,Y
V,Contingent Trade,ABC,N,N,Y,N,N,Y
W,Average Price Trade,CO,N,N,Y,N,N,Y
X,Cross Trade,ABC,Y,Y,Y,Y,Y,Y
Y,Yellow Flag Regular Trade,C,Y,Y,Y,Y,Y,Y
Z,Sold Out Of Sequence,ABC,N,N,Y,F,Y,Y
4,Derivatively Priced,ABC,N,N,Y,F,Y,Y
5,Market Center Reopening Trade,ABC,Y,Y,Y,Y,Y,Y
6,Market Center Closing Trade,ABC,Y,Y,Y,Y,Y,Y
7,Qualified Contingent Trade,ABC,N,N,Y,N,N,Y
9,Corrected Consolidated Close,ABC,N,N,N,Y,Y,N
"""
ROWS: Final = [line.split(",") for line in PUBLISHED.splitlines()]


def effects(bits: int) -> list[str]:
    """The six cells of a row: minute and day, each open/close, high/low, volume."""
    oc = "NFY"
    return [
        oc[min_oc(bits)], "NY"[bool(bits & MIN_HL)], "NY"[bool(bits & MIN_VOL)],
        oc[day_oc(bits)], "NY"[bool(bits & DAY_HL)], "NY"[bool(bits & DAY_VOL)],
    ]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[2]}")
def test_every_row_of_the_published_table_holds(row: list[str]) -> None:
    """Each code alone, on each of its tapes, updates exactly what the vendor's table says."""
    code, name, tapes, *cells = row
    code = " " if code == "SPACE" else code
    for tape in tapes:
        bits = elig(ord(tape), code, RTH)
        assert effects(bits) == cells
        assert not bits & UNKNOWN
        assert bool(bits & ODD_LOT) == (code == "I")
        assert bool(bits & AUCTION) == (code in "O56")
    (ours,) = [row for row in TABLE if row.code == code and row.tapes == tapes]
    assert ours.name == name


def test_the_table_has_no_row_beyond_the_published_ones() -> None:
    """Nothing was added by hand."""
    assert len(TABLE) == len(ROWS) == 32


@pytest.mark.parametrize("tape", "ABCO")
def test_a_code_the_tape_lacks_updates_volume_only_and_is_counted(tape: str) -> None:
    """Every other character, on every tape: volume, nothing else, and the codes can be named."""
    known = {(" " if row[0] == "SPACE" else row[0]) for row in ROWS if tape in row[2]}
    for code in map(chr, range(32, 127)):
        bits = elig(ord(tape), code, RTH)
        if code in known:
            assert unknown_codes(ord(tape), code) == ""
        else:
            assert effects(bits) == ["N", "N", "Y", "N", "N", "Y"]
            assert bits & UNKNOWN
            assert unknown_codes(ord(tape), code) == code


def test_the_same_letter_differs_by_tape() -> None:
    """`B` is an average price on A and B, an ordinary bunched trade on C, and unknown on O."""
    assert day_oc(elig(ord("A"), "B", RTH)) == NO
    assert day_oc(elig(ord("C"), "B", RTH)) == YES
    assert elig(ord("O"), "B", RTH) & UNKNOWN


def test_the_strictest_of_several_codes_wins() -> None:
    """No before first-only before yes, separately for each effect."""
    c = ord("C")
    assert day_oc(elig(c, "@4", RTH)) == FIRST
    assert day_oc(elig(c, "@4I", RTH)) == NO
    assert day_oc(elig(c, "@FT", POST)) == NO
    assert min_oc(elig(c, "@FT", POST)) == YES
    assert effects(elig(c, "9", RTH)) == ["N", "N", "N", "Y", "Y", "N"]
    assert effects(elig(c, "94", RTH)) == ["N", "N", "N", "F", "Y", "N"]
    assert effects(elig(c, "M?", RTH)) == ["N"] * 6
    assert unknown_codes(c, "@1S") == "1S"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from("ABCO"), st.text(st.sampled_from(" @ABCDEFGHIKLMNOPQRTUVWXYZ145679S8"), max_size=4))
def test_more_codes_never_allow_more(tape: str, conds: str) -> None:
    """Order does not matter, repeating does not, and a further code can only forbid."""
    whole = elig(ord(tape), conds, PRE)
    assert elig(ord(tape), conds[::-1], PRE) == whole
    assert elig(ord(tape), conds + conds, PRE) == whole
    for code in conds:
        alone = elig(ord(tape), code, PRE)
        assert min_oc(whole) <= min_oc(alone)
        assert day_oc(whole) <= day_oc(alone)
        for bit in (DAY_HL, MIN_HL, DAY_VOL, MIN_VOL):
            assert whole & bit <= alone & bit


def test_no_code_is_a_regular_sale() -> None:
    """A source that sends no conditions means an ordinary print."""
    for tape in (0, *map(ord, "ABCON")):
        assert effects(elig(tape, "", RTH)) == ["Y"] * 6


def test_an_unknown_tape_takes_the_strictest_meaning_of_a_letter() -> None:
    """Without a tape, `B` might be an average price, so it sets nothing; `@` sets all."""
    for tape in (0, ord("N"), 300, -1):
        assert effects(elig(tape, "B", RTH)) == ["N", "N", "Y", "N", "N", "Y"]
        assert effects(elig(tape, "@", RTH)) == ["Y"] * 6
        assert not elig(tape, "B", RTH) & UNKNOWN
        assert elig(tape, "?", RTH) & UNKNOWN


@pytest.mark.parametrize("session", [OVERNIGHT, PRE, RTH, POST, CLOSED])
def test_the_session_is_kept(session: int) -> None:
    """Three bits beside the effects; the whole fits 16 bits."""
    bits = elig(ord("C"), "@", session)
    assert session_of(bits) == session
    assert effects(bits) == ["Y"] * 6
    assert 0 <= bits < 1 << 16


def test_a_print_called_extended_is_never_in_regular_hours() -> None:
    """The vendor's flag wins over the calendar."""
    assert session_of(elig(ord("C"), "@T", RTH)) == POST
    assert session_of(elig(ord("C"), "@U", RTH)) == POST
    assert session_of(elig(ord("C"), "@T", PRE)) == PRE
    assert session_of(elig(ord("C"), "@T", OVERNIGHT)) == OVERNIGHT


@pytest.mark.parametrize("session", [-1, 5, 8])
def test_a_session_that_does_not_exist_is_refused(session: int) -> None:
    """It would spill into other bits."""
    with pytest.raises(TickError, match="session"):
        elig(ord("C"), "@", session)
    for sale_flags in (0, 0x40):
        with pytest.raises(TickError, match="session"):
            iex_elig(sale_flags, session)


IEX: Final = [
    # sale flags, effects, odd lot, auction
    (0x00, "YYYYYY", False, False),
    (0x80, "YYYYYY", False, False),
    (0x10, "YYYYYY", False, False),
    (0x08, "YYYYYY", False, True),
    (0x18, "YYYYYY", False, True),
    (0x40, "YYYNNY", False, False),
    (0xC0, "YYYNNY", False, False),
    (0xD0, "YYYNNY", False, False),
    (0x20, "NNYNNY", True, False),
    (0x60, "NNYNNY", True, False),
    (0xE0, "NNYNNY", True, False),
    (0x28, "NNYNNY", True, True),
]


@pytest.mark.parametrize(("sale_flags", "cells", "odd_lot", "auction"), IEX)
def test_iex_sale_flags_map_directly(sale_flags: int, cells: str, odd_lot: bool, auction: bool) -> None:
    """Every combination that recordings show: extended, odd lot, sweep, exempt, cross."""
    bits = iex_elig(sale_flags, PRE)
    assert effects(bits) == list(cells)
    assert bool(bits & ODD_LOT) == odd_lot
    assert bool(bits & AUCTION) == auction


def test_iex_flags_mean_what_the_sip_codes_mean() -> None:
    """Extended hours is `T`, an odd lot `I`, a sweep `F`: the same effects by either way."""
    for sale_flags, conds in (
        (0, "@"),
        (0x40, "@T"),
        (0x20, "@I"),
        (0x60, "@TI"),
        (0x80, "@F"),
        (0xC0, "@FT"),
    ):
        session = PRE if sale_flags & 0x40 else RTH
        assert iex_elig(sale_flags, session) == elig(ord("C"), conds, session)


def test_iex_itself_says_whether_it_was_the_regular_session() -> None:
    """Without the flag it was, whatever the calendar says; with it, it was before or after."""
    for session in (OVERNIGHT, PRE, RTH, POST, CLOSED):
        assert session_of(iex_elig(0x00, session)) == RTH
    assert session_of(iex_elig(0x40, PRE)) == PRE
    assert session_of(iex_elig(0x40, POST)) == POST
    assert session_of(iex_elig(0x40, RTH)) == POST


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 255), st.integers(0, 4))
def test_every_iex_flag_byte_gives_sixteen_bits_and_counts_volume(sale_flags: int, session: int) -> None:
    """Reserved bits change nothing, and volume always counts."""
    bits = iex_elig(sale_flags, session)
    assert 0 <= bits < 1 << 16
    assert bits & DAY_VOL
    assert bits & MIN_VOL
    assert bits == iex_elig(sale_flags & 0xF8, session)


def test_what_is_remembered_is_bounded() -> None:
    """Garbage codes, short or long, do not add up, and answers stay right."""
    for number in range(6_000):
        elig(ord("A"), chr(0x100 + number), RTH)
    elig(ord("A"), "@" * 10_000, RTH)
    assert len(conditions._remembered) <= 4096
    assert max(len(conds) for _, conds, _ in conditions._remembered) <= 8
    assert effects(elig(ord("A"), " ", RTH)) == ["Y"] * 6


# -- the worked meaning: bars made from prints by the rules -----------------------------------

Print = tuple[str, int, str]
WORKED: Final = [
    # prints on tape C: price, size, codes; the minute's and the day's bar: o h l c v n vw
    ([("10", 100, "@"), ("11", 50, "@I"), ("12", 200, "@4")],
     "10 10 10 10 350 3 10", "10 12 10 10 350 3 34/3"),
    ([("12", 200, "@4"), ("10", 100, "@")],
     "10 10 10 10 300 2 10", "12 12 10 10 300 2 34/3"),
    ([("10", 100, "@T")], "10 10 10 10 100 1 10", None),
    ([("11", 5, "@I")], None, None),
    ([("10", 100, "@"), ("10", 100_000, "M"), ("10", 100_000, "6")],
     "10 10 10 10 100100 2 10", "10 10 10 10 100100 2 10"),
    ([("10", 100, "@"), ("9", 100, "9")], "10 10 10 10 100 1 10", "10 10 9 9 100 1 10"),
    ([("10", 100, "@F"), ("21/2", 100, "@FW")], "10 10 10 10 200 2 10", "10 10 10 10 200 2 10"),
]  # fmt: skip


def bar(prints: list[Print], *, daily: bool) -> str | None:
    """The bar that the rules make of prints, or None when a field would stay unset."""
    opened: Fraction | None = None
    closed: Fraction | None = None
    prices: list[Fraction] = []
    weighted: list[tuple[Fraction, int]] = []
    volume = count = 0
    for text, size, conds in prints:
        bits, price = elig(ord("C"), conds, RTH), Fraction(text)
        oc = day_oc(bits) if daily else min_oc(bits)
        high_low, counted = bits & (DAY_HL if daily else MIN_HL), bits & (DAY_VOL if daily else MIN_VOL)
        if oc and opened is None:
            opened = price
        if oc == YES or (oc == FIRST and closed is None):
            closed = price
        if high_low:
            prices.append(price)
        if counted:
            volume, count = volume + size, count + 1
        if high_low and counted:
            weighted.append((price, size))
    if opened is None or closed is None or not prices or not volume:
        return None
    vwap = sum((price * size for price, size in weighted), Fraction(0)) / sum(size for _, size in weighted)
    return f"{opened} {max(prices)} {min(prices)} {closed} {volume} {count} {vwap}"


@pytest.mark.parametrize(("prints", "minute", "day"), WORKED)
def test_worked_examples_give_the_known_bars(
    prints: list[Print], minute: str | None, day: str | None
) -> None:
    """Late, derived, odd-lot, extended, official and corrected prints, in bars of both kinds."""
    assert bar(prints, daily=False) == minute
    assert bar(prints, daily=True) == day
