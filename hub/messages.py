"""What a client of the native protocol may say, parsed once at the edge.

A frame is an array of messages; each is decoded by itself, so that one that is wrong costs
only itself. Unknown fields are skipped (a newer client may send them); unknown ops are not, and
neither are fields that would change what is delivered and are not understood yet.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct, field

from hub.codes import BAD_MSG
from hub.errors import MessageError
from ticks.channels import LINEUP_NAME

MESSAGES_PER_FRAME: Final = 256
"""Each is parsed before anything is refused, so a frame must not bring work without end."""
Id = Annotated[int, Meta(ge=0, lt=2**53)]
Mark = Annotated[int, Meta(ge=0, lt=2**53)]
Epoch = Annotated[int, Meta(ge=0, lt=2**53)]
Hz = Annotated[float, Meta(gt=0, le=1_000_000)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
Kinds = Annotated[list[str], Meta(min_length=1, max_length=32)]
Lineup = Annotated[str, Meta(pattern=rf"^({LINEUP_NAME.pattern})?\Z", max_length=31)]


class FromMark(Struct, frozen=True, forbid_unknown_fields=True):
    """`{"m": …}`: every tick with a mark greater than this one."""

    m: Mark
    e: Epoch | None = None
    """The epoch in which the client was given the mark, when it knows."""


From = FromMark | Literal["live", "snapshot"]


class Resume(Struct, frozen=True):
    """`hello.resume`: the default of `from` for the subs of the same frame."""

    m: Mark
    e: Epoch | None = None


class Hello(Struct, frozen=True, tag_field="op", tag="hello"):
    """The first message."""

    token: str | None = None
    resume: Resume | None = None


class Auth(Struct, frozen=True, tag_field="op", tag="auth"):
    """A fresh token for the same user."""

    token: str


class Sub(Struct, frozen=True, tag_field="op", tag="sub"):
    """Ask for channels: every symbol in every kind. A field that is null is one that is absent."""

    id: Id
    symbols: list[str] | Literal["*"] | None = None
    """None = those of `watchlist`."""
    kinds: Kinds | None = None
    """None = trades and quotes."""
    mode: Literal["raw", "interval", "conflated"] | None = None
    """None = raw."""
    hz: Hz | None = None
    lineup: Lineup | None = None
    start: From | None = field(name="from", default=None)
    where: Raw = Raw()
    fields: Raw = Raw()
    watchlist: Annotated[str, Meta(max_length=64)] | None = None
    """The name of a list of the caller's, in place of `symbols`; as it is now."""


class Unsub(Struct, frozen=True, tag_field="op", tag="unsub"):
    """Give up the channels of one `sub`."""

    id: Id


class Ping(Struct, frozen=True, tag_field="op", tag="ping"):
    """Ask for a `pong`."""

    id: Id = 0
    ct: Annotated[int, Meta(gt=-(2**53), lt=2**53)] = 0
    """The client's clock, µs; comes back as it is."""


class Bye(Struct, frozen=True, tag_field="op", tag="bye"):
    """A clean leave."""

    why: str = ""


class AlertPut(Struct, frozen=True, tag_field="op", tag="alert.put"):
    """Watch a new alert, or change one."""

    id: Id
    rule: dict[str, Any]
    """As `/v1/alerts` takes it; one with the `client_id` of an alert that is there changes that one."""
    alert: Reference | None = None
    """The alert to change, by its id; None = by `client_id`, or a new one."""
    rev: Annotated[int, Meta(ge=1, lt=2**53)] | None = None
    """The revision that the alert to change must be at."""


class AlertList(Struct, frozen=True, tag_field="op", tag="alert.list"):
    """Ask for the caller's alerts."""

    id: Id
    symbol: Reference | None = None
    """Only those of this symbol."""


class AlertDel(Struct, frozen=True, tag_field="op", tag="alert.del"):
    """Watch an alert no longer."""

    id: Id
    alert: Reference
    """Its id, or the caller's own name for it."""


class AlertAck(Struct, frozen=True, tag_field="op", tag="alert.ack"):
    """Confirm all rings up to an offset."""

    off: Mark


Message = Hello | Auth | Sub | Unsub | Ping | Bye | AlertPut | AlertList | AlertDel | AlertAck


class _Identified(Struct):
    """Of a message that is wrong: its id, if at least that is right."""

    id: Id | None = None


UNKNOWN_OP: Final = "unknown op"
"""The hint of an answer to a message that a newer client may rightly send."""
_WRONG: Final = (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError)
"""What decoders raise for bytes that are not what they should be."""

_json_frame: Final = msgspec.json.Decoder(list[Raw])
_json_message: Final = msgspec.json.Decoder(Message)
_json_any: Final = msgspec.json.Decoder(_Identified)
_pack_frame: Final = msgspec.msgpack.Decoder(list[Raw])
_pack_message: Final = msgspec.msgpack.Decoder(Message)
_pack_any: Final = msgspec.msgpack.Decoder(_Identified)


def parse_frame(data: bytes, *, packed: bool) -> list[Message | MessageError]:
    """Parse one frame; what is wrong with a message takes its place in the list.

    `packed` chooses MessagePack.

    Raises:
        MessageError: not an array at all, or one of too many messages.
    """
    frame = _pack_frame if packed else _json_frame
    try:
        raws = frame.decode(data)
    except _WRONG:
        raise MessageError(BAD_MSG, "a frame is an array of messages") from None
    if not 0 < len(raws) <= MESSAGES_PER_FRAME:
        raise MessageError(BAD_MSG, f"a frame holds 1 to {MESSAGES_PER_FRAME} messages")
    return [_parse_message(raw, packed=packed) for raw in raws]


def _parse_message(raw: Raw, *, packed: bool) -> Message | MessageError:
    message, anything = (_pack_message, _pack_any) if packed else (_json_message, _json_any)
    try:
        decoded: Message = message.decode(raw)
    except _WRONG as error:
        return MessageError(BAD_MSG, _hint(error), _id_of(raw, anything))
    if isinstance(decoded, Sub) and not (_absent(decoded.where) and _absent(decoded.fields)):
        return MessageError(BAD_MSG, "`where` and `fields` are not of this version", decoded.id)
    if isinstance(decoded, Sub) and (decoded.symbols is None) is (decoded.watchlist is None):
        return MessageError(BAD_MSG, "either symbols or watchlist", decoded.id)
    return decoded


def _absent(raw: Raw) -> bool:
    """Whether a field that is not looked into was left out, or is null."""
    return bytes(raw) in (b"", b"null", b"\xc0")


def _hint(error: Exception) -> str:
    """What is wrong and where, without repeating what the client sent."""
    if not isinstance(error, msgspec.ValidationError):
        return "not a message"
    text = str(error)
    return UNKNOWN_OP if text.startswith("Invalid value") and "$.op" in text else text[:200]


def _id_of(raw: Raw, decoder: Any) -> int | None:
    """The id of a message that is otherwise wrong, so that the answer can name it."""
    try:
        found = decoder.decode(raw).id
    except _WRONG:
        return None
    return found if isinstance(found, int) else None
