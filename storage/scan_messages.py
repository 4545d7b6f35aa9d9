"""What the pool and its workers say to each other: one request, one reply, over a pipe.

Each message is a length (u32, big-endian) and that many bytes of MessagePack; a page's rows
travel as the bytes that the client will get.
"""

import struct
from typing import Final

import msgspec
from msgspec import Struct

from storage import errors
from storage.contract import Gap, Key, MarkRange
from storage.errors import StorageError, StoreUnavailable
from storage.history import Gaps, Stored
from storage.tail import HistoryQuery

LENGTH: Final = struct.Struct(">I")


class PageRequest(Struct, frozen=True, tag=True):
    """Asks for one page."""

    query: HistoryQuery
    known_at: int
    """The mark as of which to answer; at most the accepted one."""
    after: Key | None = None
    """Where the page before ended."""
    limit: int = 10_000
    """Most rows in the page."""
    names: dict[str, str] = {}
    """Canonical symbol → the form in which it was asked for, where that differs."""
    lines: bool = False
    """Rows as lines (NDJSON) instead of between commas."""
    newest: bool = False
    """Of each bar the newest revision only; for the family `bars`."""


class LatestRequest(Struct, frozen=True, tag=True):
    """Asks for the newest row of each symbol."""

    family: str
    lineup: str
    symbols: tuple[str, ...]
    known_at: int
    kinds: tuple[int, ...] = ()
    names: dict[str, str] = {}


class GapsRequest(Struct, frozen=True, tag=True):
    """Asks for the gaps of a stretch of time."""

    lineup: str
    start_ns: int
    end_ns: int
    known_at: int


class FirstTimeRequest(Struct, frozen=True, tag=True):
    """Asks for the oldest event time stored."""

    family: str
    lineup: str


class StoredRequest(Struct, frozen=True, tag=True):
    """Asks what the store holds of some marks."""

    ranges: tuple[MarkRange, ...]


class MarkAtRequest(Struct, frozen=True, tag=True):
    """Asks for the last mark received at or before a time."""

    time_ns: int
    up_to_m: int


Request = PageRequest | LatestRequest | GapsRequest | FirstTimeRequest | StoredRequest | MarkAtRequest


class EncodedPage(Struct, frozen=True, tag=True):
    """A page whose rows are JSON."""

    body: bytes
    """The rows, see `storage.encode.encode_rows`; empty when there are none."""
    rows: int
    """How many there are."""
    next_key: Key | None
    """Pass it as `after` for the next page; None = this was the last."""
    known_at: int
    complete_until: int
    """See `HistoryPage`."""
    gaps: list[Gap]


class EncodedLatest(Struct, frozen=True, tag=True):
    """The newest rows as JSON."""

    rows: dict[str, bytes]
    """Symbol → row; symbols without rows are left out."""
    known_at: int
    complete_until: int


class GapsReply(Struct, frozen=True, tag=True):
    """The gaps asked for."""

    gaps: Gaps


class NumberReply(Struct, frozen=True, tag=True):
    """A mark or a time."""

    number: int | None


class StoredReply(Struct, frozen=True, tag=True):
    """What the store holds."""

    stored: Stored


class ErrorReply(Struct, frozen=True, tag=True):
    """The request failed."""

    name: str
    """Of a class in `storage.errors`."""
    text: str


Reply = EncodedPage | EncodedLatest | GapsReply | NumberReply | StoredReply | ErrorReply

_encoder: Final = msgspec.msgpack.Encoder()
_request_decoder: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
_reply_decoder: Final[msgspec.msgpack.Decoder[Reply]] = msgspec.msgpack.Decoder(Reply)


def encode_message(message: Request | Reply) -> bytes:
    """A message with its length in front."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def decode_request(body: bytes) -> Request:
    """A request without its length."""
    return _request_decoder.decode(body)


def decode_reply(body: bytes) -> Reply:
    """A reply without its length."""
    return _reply_decoder.decode(body)


def error_reply(error: StorageError) -> ErrorReply:
    """An error on its way to whoever asked."""
    return ErrorReply(type(error).__name__, str(error))


def error_of(reply: ErrorReply) -> StorageError:
    """The error that a worker met."""
    kind = getattr(errors, reply.name, None)
    if isinstance(kind, type) and issubclass(kind, StorageError):
        return kind(reply.text)
    return StoreUnavailable(f"{reply.name}: {reply.text}")
