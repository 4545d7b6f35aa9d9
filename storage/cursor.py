"""Cursors: where a client stands in a query, in a text that only this hub can make.

A cursor is base64url (without padding) of

    version u8 | issued_s u64 | known_at u64 | binding 16 B | ts_event i64 | m u64 | symbol UTF-8
    | HMAC-SHA256 32 B

The binding is a digest of the query and of whom it was made for, so a cursor continues
nothing else and nobody else's walk. It freezes the mark of the first page: the walk ends
where it would have ended then. Nothing in it is secret, and nothing in it is believed
before its signature.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Final

import msgspec
from msgspec import Struct

from storage.contract import Key
from storage.errors import CursorExpired, CursorForeign, CursorForged
from storage.tail import HistoryQuery

VERSION: Final = 1
KEY_BYTES: Final = 32
_FIXED: Final = struct.Struct(">BQQ16sqQ")
_MAC_BYTES: Final = 32
_BINDING_BYTES: Final = 16
_SYMBOL_BYTES_MAX: Final = 255
_CLOCK_SECONDS: Final = 300
"""A cursor from the future by more than this was made by a clock that is wrong: start over."""

_encode_query: Final = msgspec.json.Encoder(order="deterministic").encode


class CursorOwner(Struct, frozen=True):
    """Whose walk it is."""

    tenant: str
    user: str


class Place(Struct, frozen=True):
    """Where a walk goes on."""

    after: Key
    known_at: int
    """The mark at which the walk is frozen."""


class CursorKeeper:
    """Makes and reads cursors with one secret key."""

    def __init__(self, secret: bytes, ttl_s: int) -> None:
        """`secret` is `KEY_BYTES` random bytes; cursors end `ttl_s` seconds after they were made."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"the key has {KEY_BYTES} bytes")
        self._secret = secret
        self._ttl_s = ttl_s

    def seal(self, query: HistoryQuery, owner: CursorOwner, place: Place, now_s: int) -> str:
        """The cursor for the next page of `query`, for its owner alone."""
        symbol = place.after.symbol.encode(errors="surrogatepass")
        if len(symbol) > _SYMBOL_BYTES_MAX:
            raise ValueError("no symbol is as long as that")
        fixed = _FIXED.pack(
            VERSION, now_s, place.known_at, _binding(query, owner), place.after.ts_event, place.after.m
        )
        body = fixed + symbol
        return base64.urlsafe_b64encode(body + self._sign(body)).rstrip(b"=").decode()

    def open(self, text: str, query: HistoryQuery, owner: CursorOwner, now_s: int) -> Place:
        """Where a client's cursor stands.

        Raises:
            CursorForged: not made with this key, or changed.
            CursorForeign: made for another query or owner.
            CursorExpired: made more than `ttl_s` ago, or in the future.
        """
        body = self._verified(text)
        version, issued_s, known_at, binding, ts_event, m = _FIXED.unpack_from(body)
        if version != VERSION:
            raise CursorExpired("the cursor was made by another version")
        if not hmac.compare_digest(binding, _binding(query, owner)):
            raise CursorForeign("the cursor belongs to another query")
        if not -_CLOCK_SECONDS <= now_s - issued_s <= self._ttl_s:
            raise CursorExpired("the cursor is too old")
        symbol = body[_FIXED.size :].decode(errors="surrogatepass")
        return Place(Key(symbol, ts_event, m), known_at)

    def _verified(self, text: str) -> bytes:
        """The signed bytes of a cursor, in the one spelling that `seal` gives them."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise CursorForged("not a cursor") from None
        body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        if not _FIXED.size <= len(body) <= _FIXED.size + _SYMBOL_BYTES_MAX:
            raise CursorForged("not a cursor")
        spelling = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        if not hmac.compare_digest(mac, self._sign(body)) or spelling != text:
            raise CursorForged("not a cursor of this hub")
        return body

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)


def _binding(query: HistoryQuery, owner: CursorOwner) -> bytes:
    """Query and owner in sixteen bytes; the order of symbols does not matter."""
    symbols = None if query.symbols is None else sorted(set(query.symbols))
    fields = (query.family, symbols, query.lineup, query.start_ns, query.end_ns, query.order, query.kinds)
    digest = hashlib.blake2b(_encode_query((fields, owner.tenant, owner.user)), digest_size=_BINDING_BYTES)
    return digest.digest()
