"""Symbols: the canonical form, what Alpaca and the tape plans write instead, test symbols.

The canonical form is Nasdaq Integrated, which IEX sends: a root, then a suffix that says what
kind of security it is. The other forms differ in the suffix alone:

| security | canonical | Alpaca | CQS (CTA) | CMS |
|---|---|---|---|---|
| common | `ABR` | `ABR` | `ABR` | `ABR` |
| preferred, class D | `ABR-D` | `ABR.PRD` | `ABRpD` | `ABR PRD` |
| share class B | `BRK.B` | `BRK.B` | `BRK.B` | `BRK B` |
| warrant | `ACHR+` | `ACHR.WS` | `ACHR.WS` | `ACHR WS` |
| warrant, class A | `NE+A` | `NE.WSA` | `NE.WS.A` | `NE WSA` |
| unit | `AAC=` | `AAC.U` | `AAC.U` | `AAC U` |
| right | `AIIA^` | `AIIA.RT` | `AIIAr` | `AIIA RT` |
| when issued | `GLO#` | `GLO.WI` | `GLOw` | `GLO WI` |

Pairs such as `BTC/USD` are the same everywhere. Every mapping is one-to-one but for a share
class U, of which no exchange lists one: its Alpaca and CQS forms are those of a unit.
"""

import re
from functools import lru_cache
from typing import Final

from ticks.errors import SymbolError

LENGTH_MAX: Final = 24
"""Longest symbol, characters: IEX has 8, the tape plans 11, option contracts 21."""

TEST_ROOTS: Final = frozenset(
    {
        "ZIEXT", "ZEXIT", "ZXIET", "ZVZZT", "ZWZZT", "ZXZZT", "ZAZZT", "ZBZZT", "ZCZZT", "ZJZZT",
        "ATEST", "CTEST", "MTEST", "NTEST", "PTEST", "ZTEST", "ZTST", "ZBZX", "CBO", "CBX", "IGZ",
    }
)  # fmt: skip
"""Roots that exchanges use for tests in production; `NTEST.A` and the like are covered."""

_INTERNED_MAX: Final = 65_536
"""Symbols kept, about five times as many as all US exchanges list."""
_ROOT: Final = re.compile(r"[A-Z0-9]+(?:/[A-Z0-9]+)?")
_CQS_ROOT: Final = re.compile(r"[A-Z0-9]+")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# What a security is: canonical, CQS and CMS suffix. Later rows win where two read the same,
# so units come after share classes.
_KINDS: Final = (
    ("", "", ""),
    *((f".{letter}", f".{letter}", letter) for letter in _LETTERS),
    ("-", "p", "PR"),
    *((f"-{letter}", f"p{letter}", f"PR{letter}") for letter in _LETTERS),
    ("+", ".WS", "WS"),
    *((f"+{letter}", f".WS.{letter}", f"WS{letter}") for letter in _LETTERS),
    ("^", "r", "RT"),
    ("=", ".U", "U"),
)
# What became of it, written behind that.
_STATES: Final = (
    ("", "", ""),
    ("#", "w", "WI"),  # when issued
    ("$", ".WD", "WD"),  # when distributed
    ("*", ".CL", "CL"),  # called
    ("%", ".CV", "CV"),  # convertible
    ("%*", ".CV.CL", "CVCL"),  # convertible, called
    ("!", ".EC", "EC"),  # emerging company marketplace
    ("@", ".PP", "PP"),  # partly paid
    ("~", ".TEST", "TEST"),
)
_TABLE: Final = tuple(
    (kind[0] + state[0], kind[1] + state[1], kind[2] + state[2]) for kind in _KINDS for state in _STATES
)
_CQS_OF: Final = {canonical_: cqs for canonical_, cqs, _ in _TABLE}
_ALPACA_OF: Final = {canonical_: f".{cms}" if cms else "" for canonical_, _, cms in _TABLE}
_FROM_CQS: Final = {cqs: canonical_ for canonical_, cqs, _ in _TABLE}
_FROM_CMS: Final = {cms: canonical_ for canonical_, _, cms in _TABLE}
# Some write a class of warrants as CQS does; nothing else reads like it.
_FROM_ALPACA: Final = {cqs: canonical_ for canonical_, cqs, _ in _TABLE if cqs.startswith(".WS.")} | {
    alpaca: canonical_ for canonical_, alpaca in _ALPACA_OF.items()
}

_interned: Final[dict[str, str]] = {}


def canonical(text: str) -> str:
    """Check a symbol in canonical form and return the one string that stands for it.

    Equal symbols give the identical string as long as no more than 65,536 are in use; beyond
    that the memory is let go and begun anew, so that no peer can make it grow.

    Raises:
        SymbolError: empty, too long, lower case, or a suffix that no exchange uses.
    """
    found = _interned.get(text)
    if found is not None:
        return found
    _split(text)
    return _intern(text)


@lru_cache(maxsize=_INTERNED_MAX)
def to_alpaca(symbol: str) -> str:
    """The form in which Alpaca writes a canonical symbol.

    Raises:
        SymbolError: the symbol is not canonical.
    """
    root, suffix = _split(symbol)
    return root + _ALPACA_OF[suffix]


def from_alpaca(text: str) -> str:
    """The canonical symbol of Alpaca's form, interned as by `canonical`.

    Raises:
        SymbolError: not a symbol in Alpaca's form.
    """
    found = _interned.get(text)
    if found is not None and text.isalnum():
        return found
    symbol = _from_alpaca(text)
    if symbol is None:
        raise SymbolError(f"not a symbol in Alpaca's form: {text[:LENGTH_MAX]!r}")
    return _intern(symbol)


def to_cqs(symbol: str) -> str:
    """The form of the consolidated quotation system (CTA) of a canonical symbol.

    Raises:
        SymbolError: the symbol is not canonical.
    """
    root, suffix = _split(symbol)
    return root + _CQS_OF[suffix]


def from_cqs(text: str) -> str:
    """The canonical symbol of a CQS form (`ABRpD`, `NE.WS.A`, `NE/WS/A`) or a CMS form (`ABR PRD`).

    Raises:
        SymbolError: neither of these forms.
    """
    match = _CQS_ROOT.match(text) if len(text) <= LENGTH_MAX else None
    if match is None:
        raise SymbolError(f"not a CQS symbol: {text[:LENGTH_MAX]!r}")
    root, suffix = match.group(), text[match.end() :]
    if suffix.startswith(" "):
        found = _FROM_CMS.get(suffix[1:]) if len(suffix) > 1 else None
    else:
        found = _FROM_CQS.get(suffix.replace("/", "."))
    if found is None:
        raise SymbolError(f"not a CQS symbol: {text[:LENGTH_MAX]!r}")
    return _intern(root + found)


def read_symbol(text: str) -> tuple[str, str]:
    """Read a symbol that a user typed: (canonical, the form asked).

    Canonical and Alpaca forms are taken, in small letters too. A blank behind the root is a `+`
    that a query string lost; blanks in front are dropped. The form asked is what the answer
    should call it. Nothing is remembered: users cannot fill the memory of symbols.

    Raises:
        SymbolError: neither form.
    """
    if not text.isascii():
        raise SymbolError(f"not a symbol: {text[:LENGTH_MAX]!r}")
    asked = text[: 2 * LENGTH_MAX].lstrip(" ").replace(" ", "+").upper()
    symbol = _from_alpaca(asked)
    if symbol is None:
        _split(asked)
        symbol = asked
    return _interned.get(symbol, symbol), asked


def is_test_symbol(symbol: str) -> bool:
    """Whether exchanges use the canonical symbol for tests (`ZVZZT`, `NTEST.A`)."""
    if symbol in TEST_ROOTS:
        return True
    match = _ROOT.match(symbol)
    return match is not None and (match.group() in TEST_ROOTS or symbol.endswith("~"))


def _from_alpaca(text: str) -> str | None:
    root, dot, rest = text.partition(".")
    suffix = _FROM_ALPACA.get(dot + rest)
    if suffix is None or len(text) > LENGTH_MAX or _ROOT.fullmatch(root) is None:
        return None
    return root + suffix


def _split(symbol: str) -> tuple[str, str]:
    """(root, suffix) of a canonical symbol; SymbolError for any other text."""
    match = _ROOT.match(symbol) if len(symbol) <= LENGTH_MAX else None
    if match is None:
        raise SymbolError(f"not a symbol: {symbol[:LENGTH_MAX]!r}")
    suffix = symbol[match.end() :]
    if suffix not in _ALPACA_OF:
        raise SymbolError(f"no exchange uses this suffix: {symbol[:LENGTH_MAX]!r}")
    return match.group(), suffix


def _intern(symbol: str) -> str:
    if len(_interned) >= _INTERNED_MAX:
        _interned.clear()
    return _interned.setdefault(symbol, symbol)
