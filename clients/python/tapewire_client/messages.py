"""The messages of the hub as types: plain dicts at run time, told apart by `op`.

    async for message in client:
        if message["op"] == "t":
            print(message["c"], message["px"])      # a type checker knows that this is a trade

Keys that are not listed may come; the hub's documentation (wire.md) lists all of them. Optional
ones are absent when they are 0, empty or false. Prices and sizes are `float` or `int` (or
`Decimal`, if the client was asked for exact ones); with MessagePack integers × 1e-9 and × 1e-6.
"""

from decimal import Decimal
from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

Number: TypeAlias = float | Decimal
"""A price or size; a type checker takes an `int` for a `float`."""


class Tick(TypedDict):
    """What every message with a tick has."""

    c: str
    """Channel, such as `t:AAPL`."""
    n: int
    """Number in the channel."""
    k: NotRequired[int]
    """How many ticks the message stands for; absent = 1."""
    ts: int
    """When it happened, µs since 1970."""
    tn: NotRequired[int]
    """The nanoseconds that are left, 1 to 999."""
    src: str
    """Source."""
    ve: NotRequired[str]
    """Venue."""
    fl: NotRequired[int]
    """Flags, a sum of bits."""


class Trade(Tick):
    """A trade, or the newest of `k` trades."""

    op: Literal["t"]
    px: Number
    sz: Number
    hi: NotRequired[Number]
    """Highest price of those it stands for, if it stands for more than one."""
    lo: NotRequired[Number]
    id: NotRequired[int | str]
    cd: NotRequired[str]
    """Sale conditions, one character each."""
    el: NotRequired[int]
    """What it may update, bits."""


Quote = TypedDict(
    "Quote",
    {
        "op": Literal["q"],
        "c": str,
        "n": int,
        "k": NotRequired[int],
        "bp": Number | None,
        "bs": Number,
        "ap": Number | None,
        "as": Number,
        "ts": int,
        "tn": NotRequired[int],
        "src": str,
        "ve": NotRequired[str],
        "fl": NotRequired[int],
    },
)
"""The best bid and ask. The price of a side that is not there is None, its size 0."""


class Bar(Tick):
    """A bar of a minute (`b`), its revision (`u`), or a bar of a day (`d`)."""

    op: Literal["b", "u", "d"]
    o: Number
    h: Number
    l: Number  # noqa: E741  # that is its name on the wire
    cl: Number
    v: Number
    vw: NotRequired[Number]
    cnt: NotRequired[int]
    rev: NotRequired[int]


class Cancel(Tick):
    """A trade that did not happen after all."""

    op: Literal["x"]
    px: Number
    sz: Number
    id: NotRequired[int | str]


class Other(Tick):
    """A correction, a depth level, a status, a band, an auction, news or a feed event."""

    op: Literal["c", "o", "s", "l", "i", "n", "f"]


class Snapshot(TypedDict):
    """The newest state of a channel: it stands for everything in front of it."""

    op: Literal["snap"]
    c: str
    e: int
    """The epoch of its tick."""
    n: int
    """The number that the channel has come to."""
    m: int
    tick: "Trade | Quote | Bar | Cancel | Other"


class Mark(TypedDict):
    """Everything up to `m` has been sent or accounted for."""

    op: Literal["mark"]
    m: int
    now: int
    """The hub's clock, µs since 1970."""


Gap = TypedDict(
    "Gap",
    {
        "op": Literal["gap"],
        "id": NotRequired[int],
        "c": str,
        "from": int,
        "to": int,
        "why": Literal["slow", "retention", "restart", "budget"],
        "next": Literal["snap", "replay"],
    },
)
"""A stretch of the tape, (from, to] in marks, that is not delivered; `c` is a channel, or `*` for all."""


class Epoch(TypedDict):
    """Numbers begin anew behind this message."""

    op: Literal["epoch"]
    id: NotRequired[int]
    e: int
    m: int
    """The first mark of the epoch."""
    why: Literal["restart", "volatile", "failover"]


class Certificate(TypedDict):
    """What became of every tick of a subscription between two marks, (since, m]."""

    op: Literal["cont"]
    id: int
    e: int
    since: int
    m: int
    more: bool
    """Another message of the same certificate follows."""
    chans: dict[str, dict[str, Any]]
    """Channel → `from`, `to`, `sent`, `folded`, `skipped`, `complete`; `whole` is false where the market
    itself was not seen."""


class Welcome(TypedDict):
    """The hub knows us; a new connection begins."""

    op: Literal["welcome"]
    v: int
    now: int
    ping_s: int
    tape: NotRequired[str]
    """Which tape it is; marks of another one mean nothing here."""
    e: int
    m: int
    limits: dict[str, int]
    reconnect: dict[str, Any]


class Granted(TypedDict):
    """A `sub` or an `unsub` was done. What was asked for and may not be had is in `denied`."""

    op: Literal["ok"]
    id: int
    e: NotRequired[int]
    m: NotRequired[int]
    chans: NotRequired[dict[str, dict[str, int]]]
    star: NotRequired[bool]
    channels: NotRequired[int]
    mode: NotRequired[Literal["raw", "interval"]]
    hz: NotRequired[float]
    denied: NotRequired[list[dict[str, str]]]
    denied_more: NotRequired[int]
    unsub: NotRequired[bool]


Refused = TypedDict(
    "Refused",
    {
        "op": Literal["err"],
        "id": NotRequired[int],
        "code": str,
        "no": int,
        "class": Literal["fix", "auth", "plan", "wait", "gone", "hub"],
        "msg": str,
        "hint": NotRequired[str],
        "retry_ms": NotRequired[int],
        "chans": NotRequired[list[str]],
        "ended": NotRequired[bool],
    },
)
"""Something was refused, or taken away."""


class Drain(TypedDict):
    """The hub goes down; the client comes back by itself."""

    op: Literal["drain"]
    deadline_ms: int
    after: list[int]
    m: NotRequired[int]


Data: TypeAlias = Trade | Quote | Bar | Cancel | Other
Message: TypeAlias = Data | Snapshot | Mark | Gap | Epoch | Certificate | Welcome | Granted | Refused | Drain

PRICE_UNIT: Final = 10**9
"""MessagePack: a price is so many units a dollar."""
SIZE_UNIT: Final = 10**6
"""MessagePack: a size is so many units a share."""
