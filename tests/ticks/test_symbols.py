"""Symbols keep their meaning from one form to another, and nobody can make their memory grow."""

import gzip
import os
import struct
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import checkout
from tests.ticks import strategies
from ticks import symbols
from ticks.channels import channel_name, parse_channel
from ticks.errors import SymbolError
from ticks.symbols import canonical, from_alpaca, from_cqs, is_test_symbol, read_symbol, to_alpaca, to_cqs

DATA = Path(os.environ.get("TAPEWIRE_DATA", checkout.ROOT.parent / "shared" / "data"))
RECORDING = DATA / "iex" / "20260713_TOPS1.6_premarket_150000pkts.pcap.gz"

FORMS = [
    # canonical, Alpaca, CQS, CMS
    ("AAPL", "AAPL", "AAPL", "AAPL"),
    ("ABR-D", "ABR.PRD", "ABRpD", "ABR PRD"),
    ("OXLC-", "OXLC.PR", "OXLCp", "OXLC PR"),
    ("BRK.B", "BRK.B", "BRK.B", "BRK B"),
    ("ACHR+", "ACHR.WS", "ACHR.WS", "ACHR WS"),
    ("NE+A", "NE.WSA", "NE.WS.A", "NE WSA"),
    ("AAC=", "AAC.U", "AAC.U", "AAC U"),
    ("AIIA^", "AIIA.RT", "AIIAr", "AIIA RT"),
    ("GLO#", "GLO.WI", "GLOw", "GLO WI"),
    ("GLO^#", "GLO.RTWI", "GLOrw", "GLO RTWI"),
    ("XYZ-A*", "XYZ.PRACL", "XYZpA.CL", "XYZ PRACL"),
    ("XYZ-$", "XYZ.PRWD", "XYZp.WD", "XYZ PRWD"),
    ("XYZ.A%", "XYZ.ACV", "XYZ.A.CV", "XYZ ACV"),
    ("XYZ%*", "XYZ.CVCL", "XYZ.CV.CL", "XYZ CVCL"),
    ("XYZ+#", "XYZ.WSWI", "XYZ.WSw", "XYZ WSWI"),
    ("XYZ!", "XYZ.EC", "XYZ.EC", "XYZ EC"),
    ("XYZ@", "XYZ.PP", "XYZ.PP", "XYZ PP"),
    ("XYZ~", "XYZ.TEST", "XYZ.TEST", "XYZ TEST"),
]


@pytest.mark.parametrize(("symbol", "alpaca", "cqs", "cms"), FORMS)
def test_each_kind_of_security_has_its_form_everywhere(symbol: str, alpaca: str, cqs: str, cms: str) -> None:
    """The published table of suffixes, in all directions."""
    assert canonical(symbol) == symbol
    assert to_alpaca(symbol) == alpaca
    assert from_alpaca(alpaca) == symbol
    assert to_cqs(symbol) == cqs
    assert from_cqs(cqs) == from_cqs(cms) == from_cqs(cqs.replace(".", "/")) == symbol
    assert read_symbol(symbol) == (symbol, symbol)
    assert read_symbol(alpaca) == (symbol, alpaca)


def test_all_suffixes_map_one_to_one_except_share_class_u() -> None:
    """No two kinds of security share a form, but for the one that no exchange lists."""
    suffixes = [row[0] for row in symbols._TABLE]
    assert len(set(suffixes)) == len(suffixes) == 83 * 9
    for suffix in suffixes:
        symbol = canonical(f"ABC{suffix}")
        same = symbol if not suffix.startswith(".U") else symbol.replace(".U", "=")
        assert from_alpaca(to_alpaca(symbol)) == same
        assert from_cqs(to_cqs(symbol)) == same


@settings(max_examples=300, deadline=None)
@given(strategies.symbols())
def test_made_up_symbols_survive_every_form_and_their_channel_name(symbol: str) -> None:
    """Any root with any suffix; a channel's name gives its symbol back, with line-up and back-fill."""
    assert canonical(symbol) == symbol
    assert from_alpaca(to_alpaca(symbol)) == symbol
    assert from_cqs(to_cqs(symbol)) == symbol
    assert read_symbol(symbol.lower())[0] == symbol
    for lineup in ("", "iex"):
        for backfill in (False, True):
            assert parse_channel(channel_name("t", symbol, lineup, backfill)).symbol == symbol


def test_suffixes_that_look_like_channel_grammar_are_read_right() -> None:
    """`@` and `!` are suffixes as well as the marks of line-ups and back-fill."""
    for symbol in ("ABC@", "ABC!", "ABC-A@", "ABC%*"):
        for lineup in ("", "iex", "9"):
            for backfill in (False, True):
                channel = parse_channel(channel_name("q", canonical(symbol), lineup, backfill))
                assert (channel.symbol, channel.lineup, channel.backfill) == (symbol, lineup, backfill)


def test_pairs_are_the_same_in_every_form() -> None:
    """Crypto pairs have no suffix."""
    assert canonical("BTC/USD") == to_alpaca("BTC/USD") == from_alpaca("BTC/USD") == "BTC/USD"
    assert read_symbol("btc/usd") == ("BTC/USD", "BTC/USD")


def test_alpaca_warrant_classes_are_read_in_both_spellings() -> None:
    """`NE.WS.A` reads like `NE.WSA`."""
    assert from_alpaca("NE.WS.A") == from_alpaca("NE.WSA") == "NE+A"


@pytest.mark.parametrize(
    "text",
    ["", " ", "aapl", "Aapl", "*", "-A", ".A", "+", "A B", "AAPL ", " AAPL", "AAPL\n", "AAPL-AB", "AAPL.WS",
     "AAPL--", "AAPL+-", "AAPL?", "AAPL,MSFT", "A" * 25, "ÄAPL", "AAPL\x00", "A/B/C", "/USD", "AAPL#9",
     "ABC@9", "t:AAPL"],
)  # fmt: skip
def test_what_no_exchange_uses_is_refused(text: str) -> None:
    """Lower case, blanks, unknown suffixes, separators, other alphabets, and too long."""
    with pytest.raises(SymbolError):
        canonical(text)
    with pytest.raises(SymbolError):
        to_alpaca(text)
    with pytest.raises(SymbolError):
        to_cqs(text)


@pytest.mark.parametrize(
    "text",
    ["", "aapl", "ACHR+", "ABR-D", "ABR.PRDX", "ABR.", ".PRD", "ABR..A", "ABR PRD", "A" * 25, "ABR.prd", "*"],
)
def test_what_alpaca_does_not_write_is_refused(text: str) -> None:
    """Also canonical suffixes, whether or not the symbol was seen before."""
    for seen in ("ACHR+", "ABR-D"):
        canonical(seen)
    with pytest.raises(SymbolError):
        from_alpaca(text)


@pytest.mark.parametrize(
    "text", ["", "p", "ABR ", "ABR PRDX", "ABRq", "ABRPRD ", "ABR-D", "ABR  PRD", "A" * 25, "*"]
)
def test_what_the_tape_plans_do_not_write_is_refused(text: str) -> None:
    """Unknown suffixes in either form."""
    with pytest.raises(SymbolError):
        from_cqs(text)


@pytest.mark.parametrize(
    ("typed", "symbol", "asked"),
    [
        ("aapl", "AAPL", "AAPL"),
        ("ACHR ", "ACHR+", "ACHR+"),
        ("NE A", "NE+A", "NE+A"),
        (" MSFT", "MSFT", "MSFT"),
        ("achr.ws", "ACHR+", "ACHR.WS"),
        ("brk.b", "BRK.B", "BRK.B"),
        ("aac.u", "AAC=", "AAC.U"),
        ("xyz.a#", "XYZ.A#", "XYZ.A#"),
    ],
)
def test_a_typed_symbol_is_read_and_its_form_kept(typed: str, symbol: str, asked: str) -> None:
    """Small letters, a `+` that came as a blank, both forms; the answer uses the form asked."""
    assert read_symbol(typed) == (symbol, asked)


@pytest.mark.parametrize(
    "typed", ["", " ", "AAPL,MSFT", "ß", "ſ", "A" * 25, "A" * 100_000, "abr prd", "*", "A\tB"]
)
def test_a_wrong_typed_symbol_is_refused(typed: str) -> None:
    """With an error of bounded length."""
    with pytest.raises(SymbolError) as caught:
        read_symbol(typed)
    assert len(str(caught.value)) < 200


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text("ABab.-+=^ /#", max_size=12))
def test_any_text_gives_a_canonical_symbol_or_the_one_error(text: str) -> None:
    """Whatever a user or a vendor sends."""
    for read in (canonical, from_alpaca, from_cqs, lambda typed: read_symbol(typed)[0]):
        try:
            symbol = read(text)
        except SymbolError:
            continue
        assert canonical(symbol) == symbol


def test_equal_symbols_are_one_string() -> None:
    """Built at different times, by different ways, they are identical, so look-ups compare pointers."""
    first = canonical("".join(["ZZ", "QA-D"]))
    assert canonical("".join(["ZZQ", "A-D"])) is first
    assert from_alpaca("".join(["ZZQA", ".PRD"])) is first
    assert from_cqs("".join(["ZZQA", "pD"])) is first
    assert read_symbol("zzqa-d")[0] is first


def test_users_cannot_fill_the_memory_of_symbols() -> None:
    """Reading typed symbols remembers none, and even feeds cannot make it grow without bound."""
    before = len(symbols._interned)
    for number in range(5_000):
        read_symbol(f"Q{number}")
    assert len(symbols._interned) == before
    for number in range(70_000):
        canonical(f"Q{number}")
    assert len(symbols._interned) <= 65_536
    assert canonical("AAPL") == "AAPL"


def test_test_symbols_are_known() -> None:
    """Those of IEX, Nasdaq and NYSE, with suffixes; ordinary symbols that look similar are not."""
    for symbol in ("ZIEXT", "ZEXIT", "ZXIET", "ZVZZT", "ZWZZT", "ZXZZT", "ZAZZT", "NTEST", "NTEST.A", "ABC~"):
        assert is_test_symbol(symbol)
    for symbol in ("AAPL", "ZTS", "ZYBT", "CBOE", "BRK.B", "*", ""):
        assert not is_test_symbol(symbol)


def recorded_symbols() -> set[str]:
    """The symbols of every message in the recording, by a reader that knows nothing of ours."""
    data = gzip.decompress(RECORDING.read_bytes())
    found, place = set(), 24
    while place < len(data):
        (length,) = struct.unpack_from("<8xI4x", data, place)
        payload = data[place + 16 + 42 : place + 16 + length]
        place += 16 + length
        (messages,) = struct.unpack_from("<14xH", payload)
        at = 40
        for _ in range(messages):
            (size,) = struct.unpack_from("<H", payload, at)
            if payload[at + 2 : at + 3] != b"S":
                found.add(payload[at + 12 : at + 20])
            at += 2 + size
    return {symbol.decode("ascii").rstrip(" ") for symbol in found}


@pytest.mark.skipif(not RECORDING.is_file(), reason=f"NOT CHECKED: no recording at {RECORDING}")
def test_every_symbol_of_a_real_day_survives_the_round_trip() -> None:
    """All 13,015 symbols that IEX sent on 2026-07-13; 545 have a suffix, of the known kinds."""
    found = recorded_symbols()
    assert len(found) == 13_015
    for symbol in found:
        assert canonical(symbol) == symbol
        assert from_alpaca(to_alpaca(symbol)) == symbol
        assert from_cqs(to_cqs(symbol)) == symbol
    suffixed = [symbol for symbol in found if not symbol.isalpha()]
    assert len(suffixed) == 545
    kinds = Counter(
        "".join("A" if char.isalpha() else char for char in symbol.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        for symbol in suffixed
    )
    assert kinds == {"-A": 382, "+": 66, "=": 49, ".A": 26, "^": 16, "-": 5, "+A": 1}
    # A share class is written alike in both forms; all others change.
    assert sum(to_alpaca(symbol) != symbol for symbol in found) == 545 - 26
