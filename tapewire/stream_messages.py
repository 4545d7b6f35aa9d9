"""What the hub says on a WebSocket of the native protocol, ticks apart, as types.

The hub writes these messages as JSON and MessagePack directly; the document for machines
(`tapewire.asyncapi`) is made from the types, and every message that the tests see is compared
with it. What clients say is in `hub.messages`.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from hub.codes import ERRORS
from tapewire.http.answers import Alert, Fire
from tapewire.shapes import MARK_LIMIT, wire_name
from ticks.kinds import KINDS

Place = Annotated[int, Meta(ge=0, lt=MARK_LIMIT)]
Count = Annotated[int, Meta(ge=0)]
MicroSeconds = Annotated[int, Meta(description="µs since 1970")]
ErrorWord = Annotated[str, Meta(extra_json_schema={"enum": [code.word for code in ERRORS]})]
ErrorNumber = Annotated[int, Meta(extra_json_schema={"enum": [code.number for code in ERRORS]})]
ErrorClass = Annotated[str, Meta(extra_json_schema={"enum": sorted({code.error_class for code in ERRORS})})]
AnyTick = Annotated[
    Any,
    Meta(
        extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{wire_name(kind)}"} for kind in KINDS]}
    ),
]
GapReason = Literal["slow", "budget", "retention", "restart"]


class Said(Struct, forbid_unknown_fields=True, tag_field="op"):
    """A message with these fields and no others."""


class Part(Struct, forbid_unknown_fields=True):
    """What stands in a message."""


class Limits(Part, kw_only=True):
    """What one connection and one user may have."""

    conns: Count
    channels: Count
    subs: Count
    commands_per_s: Count
    burst: Count
    message_bytes: Count


class Reconnect(Part, kw_only=True):
    """How to come back: ms, growing by `factor`."""

    min: Count
    max: Count
    factor: Count
    jitter: Literal["full"]


class Welcome(Said, tag="welcome", kw_only=True):
    """You are in."""

    v: Literal[1]
    now: MicroSeconds
    ping_s: Count
    e: Place
    m: Place
    limits: Limits
    reconnect: Reconnect


class Position(Part, kw_only=True):
    """The last number of a channel."""

    n: Place | UnsetType = UNSET


class Denial(Part, kw_only=True):
    """What may not be had."""

    symbol: str
    kind: str | UnsetType = UNSET
    code: ErrorWord


class Ok(Said, tag="ok", kw_only=True):
    """Done: a `sub`, an `unsub`, an `auth`, or what was asked about alerts."""

    id: Place | UnsetType = UNSET
    e: Place | UnsetType = UNSET
    m: Place | UnsetType = UNSET
    star: Literal[True] | UnsetType = UNSET
    chans: dict[str, Position] | UnsetType = UNSET
    channels: Count | UnsetType = UNSET
    mode: Literal["raw", "interval"] | UnsetType = UNSET
    hz: float | UnsetType = UNSET
    denied: list[Denial] | UnsetType = UNSET
    denied_more: Count | UnsetType = UNSET
    unsub: Literal[True] | UnsetType = UNSET
    auth: Literal[True] | UnsetType = UNSET
    alert: Alert | UnsetType = UNSET
    alerts: list[Alert] | UnsetType = UNSET
    deleted: Literal[True] | UnsetType = field(name="del", default=UNSET)


class Snap(Said, tag="snap", kw_only=True):
    """The newest state of a channel."""

    c: str
    e: Place
    n: Place
    m: Place
    tick: AnyTick


class MarkSaid(Said, tag="mark", kw_only=True):
    """Where to go on from."""

    m: Place
    now: MicroSeconds


class ChannelAccount(Part, kw_only=True):
    """What became of a channel's ticks."""

    begin: Place = field(name="from")
    to: Place
    sent: Count
    folded: Count
    skipped: Count
    complete: bool
    whole: Literal[False] | UnsetType = UNSET


class HoleTold(Part, kw_only=True):
    """Marks that were not served."""

    begin: Place = field(name="from")
    to: Place
    why: GapReason


class UpstreamGap(Part, kw_only=True):
    """Marks between which the market itself was not seen."""

    begin: Place = field(name="from")
    to: Place | None
    scope: str
    why: str


class Cont(Said, tag="cont", kw_only=True):
    """A certificate."""

    id: Place
    e: Place
    since: Place
    m: Place
    more: bool
    chans: dict[str, ChannelAccount]
    holes: list[HoleTold] | UnsetType = UNSET
    upstream: list[UpstreamGap] | UnsetType = UNSET
    upstream_more: Literal[True] | UnsetType = UNSET


class GapSaid(Said, tag="gap", kw_only=True):
    """Something cannot be sent."""

    id: Place
    c: str
    begin: Place = field(name="from")
    to: Place
    why: GapReason
    next: Literal["snap", "replay"]


class EpochSaid(Said, tag="epoch", kw_only=True):
    """Numbers begin anew."""

    id: Place | UnsetType = UNSET
    e: Place
    m: Place
    why: Literal["restart", "volatile", "failover"]


class TokenEnds(Said, tag="token", kw_only=True):
    """The token ends soon."""

    exp: MicroSeconds
    in_s: Count


class Pong(Said, tag="pong", kw_only=True):
    """The answer to `ping`."""

    id: Place
    ct: int
    st: MicroSeconds


class Ring(Fire, tag_field="op", tag="alert"):
    """An alert has rung."""


class Drain(Said, tag="drain", kw_only=True):
    """The hub goes down."""

    deadline_ms: Count
    after: Annotated[list[Count], Meta(min_length=2, max_length=2)]
    m: Place | UnsetType = UNSET


class Err(Said, tag="err", kw_only=True):
    """Something cannot be done."""

    id: Place | UnsetType = UNSET
    code: ErrorWord
    no: ErrorNumber
    reaction: ErrorClass = field(name="class")
    msg: str
    hint: str | UnsetType = UNSET
    retry_ms: Count | UnsetType = UNSET
    chans: list[str] | UnsetType = UNSET
    ended: Literal[True] | UnsetType = UNSET
    pointer: str | UnsetType = UNSET


SAID: Final = (
    Welcome, Ok, Snap, MarkSaid, Cont, GapSaid, EpochSaid, TokenEnds, Pong, Ring, Drain, Err,
)  # fmt: skip
"""Everything that the hub says but ticks, in the order of the page about the protocol."""
