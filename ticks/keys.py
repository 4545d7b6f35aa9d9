"""The one table of what the fields of ticks are called outside: short on the native wire, long over HTTP.

`KEYS` says for each field of each tick its short key, its long key and what it holds; the
codecs are made from it, and `docs/wire.md` shows it. A field that means the same has the
same keys in every kind of tick.

Keys are part of the protocol: never rename or reuse one.
"""

from typing import Final

from msgspec import Struct

from ticks import kinds
from ticks.model import type_by_kind

# What a field holds. The words of `UNITS` say how each codec writes it.
PRICE: Final = "price"
QUOTE_PRICE: Final = "quote price"
SIZE: Final = "size"
TIME: Final = "time"
SECONDS: Final = "seconds"
INTEGER: Final = "integer"
ID: Final = "id"
LETTER: Final = "letter"
SOURCE: Final = "source"
FLAGS: Final = "flags"
CODES: Final = "codes"
SIDE: Final = "side"
BOOLEAN: Final = "boolean"
TEXT: Final = "text"
TEXTS: Final = "texts"

UNITS: Final[dict[str, tuple[str, str, str]]] = {
    # native JSON, native MessagePack, HTTP rows
    PRICE: ("exact decimal", "integer × 1e-9", "exact decimal"),
    QUOTE_PRICE: (
        "exact decimal, `null` absent",
        "integer × 1e-9, nil absent",
        "exact decimal, `null` absent",
    ),
    SIZE: ("exact decimal", "integer × 1e-6", "exact decimal"),
    TIME: (
        "integer µs, rest in its `…tn`",
        "integer µs, rest in its `…tn`",
        "RFC 3339, 9 digits; `null` unknown",
    ),
    SECONDS: ("integer µs", "integer µs", "RFC 3339, 9 digits; `null` unknown"),
    INTEGER: ("integer", "integer", "integer"),
    ID: ("integer; from 2⁵³ on its text", "integer", "integer, from 2⁵³ on its text; `null` none"),
    LETTER: ("one letter", "one letter", "one letter; `null` unknown"),
    SOURCE: ("its name", "its name", "its name"),
    FLAGS: ("integer of bits", "integer of bits", "list of names"),
    CODES: ("text, one character a code", "text, one character a code", "list of codes"),
    SIDE: ("1 bid, 2 ask", "1 bid, 2 ask", "`bid`, `ask`"),
    BOOLEAN: ("`true`", "true", "`true`, `false`"),
    TEXT: ("text", "text", "text"),
    TEXTS: ("list of texts", "list of texts", "list of texts"),
}
"""What a field holds → how native JSON, native MessagePack and HTTP rows write it."""

ALWAYS: Final = frozenset({PRICE, QUOTE_PRICE, SIZE, SOURCE, SIDE})
"""Sent on the native wire even when 0; of all others 0, empty and false are left out."""


class Key(Struct, frozen=True):
    """The names of one field."""

    field: str
    """The name in the struct."""
    short: str
    """The name on the native wire, in both codecs."""
    long: str
    """The name in HTTP rows."""
    holds: str
    """What it holds: a key of `UNITS`."""
    wire: bool = True
    """Whether the native wire sends it; HTTP rows have every field."""


_ALL: Final = (
    Key("source", "src", "source", SOURCE),
    Key("venue", "ve", "venue", LETTER),
    Key("symbol", "sym", "symbol", TEXT, wire=False),  # the channel's name holds it
    Key("ts_event", "ts", "ts_event", TIME),
    Key("ts_send", "sts", "ts_send", TIME, wire=False),
    Key("ts_recv", "rts", "ts_recv", TIME, wire=False),
    Key("src_seq", "sq", "src_seq", ID, wire=False),
    Key("flags", "fl", "flags", FLAGS),
    Key("price", "px", "price", PRICE),
    Key("size", "sz", "size", SIZE),
    Key("trade_id", "id", "trade_id", ID),
    Key("sip_tape", "tp", "sip_tape", LETTER),
    Key("conds", "cd", "conds", CODES),
    Key("elig", "el", "elig", INTEGER),
    Key("action", "ac", "action", TEXT),
    Key("old_price", "opx", "old_price", PRICE),
    Key("old_size", "osz", "old_size", SIZE),
    Key("old_trade_id", "oid", "old_trade_id", ID),
    Key("old_conds", "ocd", "old_conds", CODES),
    Key("bid_price", "bp", "bid_price", QUOTE_PRICE),
    Key("bid_size", "bs", "bid_size", SIZE),
    Key("ask_price", "ap", "ask_price", QUOTE_PRICE),
    Key("ask_size", "as", "ask_size", SIZE),
    Key("bid_venue", "bv", "bid_venue", LETTER),
    Key("ask_venue", "av", "ask_venue", LETTER),
    Key("complete", "cp", "complete", BOOLEAN),
    Key("open", "o", "open", PRICE),
    Key("high", "h", "high", PRICE),
    Key("low", "l", "low", PRICE),
    Key("close", "cl", "close", PRICE),
    Key("volume", "v", "volume", SIZE),
    Key("count", "cnt", "count", INTEGER),
    Key("vwap", "vw", "vwap", PRICE),
    Key("rev", "rev", "rev", INTEGER),
    Key("final", "fin", "final", BOOLEAN),
    Key("what", "wh", "what", TEXT),
    Key("state", "st", "state", TEXT),
    Key("reason", "rs", "reason", TEXT),
    Key("raw", "raw", "raw", TEXT),
    Key("upper", "up", "upper", PRICE),
    Key("lower", "dn", "lower", PRICE),
    Key("indicator", "ind", "indicator", TEXT),
    Key("auction", "au", "auction", TEXT),
    Key("paired", "pa", "paired", SIZE),
    Key("imbalance", "im", "imbalance", SIZE),
    Key("reference", "rf", "reference", PRICE),
    Key("indicative", "ic", "indicative", PRICE),
    Key("book_clearing", "bc", "book_clearing", PRICE),
    Key("collar_reference", "cor", "collar_reference", PRICE),
    Key("collar_lower", "col", "collar_lower", PRICE),
    Key("collar_upper", "cou", "collar_upper", PRICE),
    Key("scheduled_s", "ats", "scheduled", SECONDS),
    Key("extensions", "ext", "extensions", INTEGER),
    Key("news_id", "nid", "news_id", TEXT),
    Key("headline", "hd", "headline", TEXT),
    Key("summary", "sum", "summary", TEXT),
    Key("author", "by", "author", TEXT),
    Key("url", "url", "url", TEXT),
    Key("content", "body", "content", TEXT),
    Key("created_ns", "cts", "created", TIME),
    Key("updated_ns", "uts", "updated", TIME),
    Key("symbols", "syms", "symbols", TEXTS),
    Key("why", "why", "why", TEXT),
    Key("scope", "sc", "scope", TEXT),
    Key("from_ts", "fts", "from_ts", TIME),
    Key("to_ts", "tts", "to_ts", TIME),
    Key("lost", "ls", "lost", INTEGER),
    Key("text", "txt", "text", TEXT),
)
_BY_FIELD: Final = {key.field: key for key in _ALL}
# The one name that holds different things: a side of the book, a side of an auction.
_SIDES: Final = {
    kinds.DEPTH: Key("side", "sd", "side", SIDE),
    kinds.AUCTION: Key("side", "sd", "side", TEXT),
}

KEYS: Final[dict[int, tuple[Key, ...]]] = {
    kind: tuple(_SIDES[kind] if field == "side" else _BY_FIELD[field] for field in shape.__struct_fields__)
    for kind, shape in type_by_kind.items()
}
"""Kind number → the keys of its fields, in the struct's order."""

LEADING: Final[dict[int, tuple[str, ...]]] = {
    kinds.TRADE: ("price", "size"),
    kinds.TRADE_CANCEL: ("price", "size"),
    kinds.TRADE_CORRECT: ("price", "size"),
    kinds.QUOTE: ("bid_price", "bid_size", "ask_price", "ask_size"),
    kinds.DEPTH: ("side", "price", "size"),
    kinds.BAR: ("open", "high", "low", "close", "volume"),
    kinds.BAR_REVISION: ("open", "high", "low", "close", "volume"),
    kinds.BAR_DAILY: ("open", "high", "low", "close", "volume"),
}
"""Kind number → the fields that stand in front of `n` and `m` in HTTP rows."""


class Place(Struct, frozen=True):
    """A key that is not a field of the tick: its place in the tape, or what a fold adds."""

    short: str
    """Empty: the native wire does not send it."""
    long: str
    """Empty: HTTP rows do not have it."""
    meaning: str


PLACES: Final[tuple[Place, ...]] = (
    Place("op", "kind", "which kind of tick: a letter, in rows a word"),
    Place("c", "channel", "the channel"),
    Place("n", "n", "the number in the channel"),
    Place("k", "", "how many ticks the message stands for; absent 1"),
    Place("hi", "", "highest price of the ticks it stands for, on `t` only; a price"),
    Place("lo", "", "lowest price, likewise"),
    Place("dv", "", "volume of the day so far, on `t` only; a size"),
    Place("", "m", "the mark in the tape"),
    Place("", "e", "the epoch of `n`"),
)
"""What messages and rows say beside the tick's fields."""


def remainder_key(short: str) -> str:
    """The key of the nanoseconds (1 to 999) that a time in µs leaves: `tn` for `ts`, `ftn` for `fts`."""
    return f"{short[:-1]}n"
