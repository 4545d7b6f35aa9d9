"""The nouns of alerts: rules as people write them, where each stands, rings and their deliveries.

Prices are integers × 1e-9, times ns UTC, as in `ticks.model`; a level keeps the text it was
written as, so that an answer repeats what was sent. Every struct is frozen: a change makes a
new one. How a rule is read from JSON and written back: `alerts.form`. What rings when:
docs/alerts.md.

Life of an alert (`State.phase`):

    blind ──▶ armed ──▶ pending_confirm ──▶ rings ──▶ fired     (once)
      │         ▲  ▲───────────┘ not confirmed  └───▶ waiting   (every)
      └──▶ waiting ─┘ went back by the re-arm distance
    any but fired ──▶ expired
"""

from typing import Final
from uuid import UUID, uuid5

from msgspec import Raw, Struct

from ticks.sessions import NUMBERS, OVERNIGHT, POST, PRE, RTH

FEATURES: Final = ("last", "bid", "ask", "mid")
"""What a condition may speak of. `mid` is half the sum of bid and ask, rounded down to 1e-9."""
OPS: Final = (">=", "<=", "cross_up", "cross_down", "cross")
CROSSINGS: Final = frozenset(("cross_up", "cross_down", "cross"))
"""Operators that speak of a movement, not of a state."""
REPEATS: Final = ("once", "every")
ON_TRUE: Final = ("wait_for_cross", "fire", "reject")
CONFIRMS: Final = ("last", "double_last")
SESSIONS: Final = ("rth", "pre", "post", "overnight")
"""Sessions a rule may name; what is printed while the market is closed rings nothing."""

BLIND: Final = "blind"
"""No value has been seen yet: the first one decides whether the condition was true already."""
ARMED: Final = "armed"
WAITING: Final = "waiting"
"""True already, or it has just rung: it waits until the price has gone back by the re-arm distance."""
PENDING: Final = "pending_confirm"
"""True by one value; the next one confirms it, or takes it back."""
FIRED: Final = "fired"
"""Has rung and is done."""
EXPIRED: Final = "expired"
PHASES: Final = (BLIND, ARMED, WAITING, PENDING, FIRED, EXPIRED)

WS: Final = "ws"
"""The delivery channel of WebSockets."""
WEBHOOK_PREFIX: Final = "webhook:"
"""Begins a delivery channel `webhook:URL` or `webhook:ENDPOINT_ID`."""


class Owner(Struct, frozen=True, order=True):
    """Whose it is; begins the key of everything kept here."""

    tenant: str
    user: str


class Condition(Struct, frozen=True):
    """One comparison of a feature with a level."""

    feature: str
    """One of `FEATURES`."""
    op: str
    """One of `OPS`."""
    level: int
    """× 1e-9."""
    level_text: str
    """The level as it was written, `192.30`."""
    rearm: int = 1
    """How far the value must go back before the condition counts as false again, × 1e-9; at least 1."""
    rearm_text: str = ""
    """The distance as it was written, `0.5%` or `0.10`; empty when it was not."""


class Rule(Struct, frozen=True):
    """What somebody wants to be told, and how."""

    symbol: str
    """Canonical."""
    conditions: tuple[Condition, ...]
    """All have to hold at once. At most one of them is a crossing."""
    all_form: bool = False
    """Written as `{"all":[…]}`, not as one condition; an answer repeats the form."""
    repeat: str = "once"
    sessions: tuple[str, ...] = SESSIONS
    """Values of other sessions do not exist for this rule."""
    on_true_at_creation: str = "wait_for_cross"
    confirm: str = "last"
    channels: tuple[str, ...] = (WS,)
    """Where a ring is delivered: `ws`, `webhook:…`; as they were written."""
    expires_ns: int = 0
    """From this receive time on it does not ring; 0 = never."""
    expires_text: str = ""
    use_by_s: int = 0
    """How long after its commit a ring is worth delivering, s; 0 = the setting `alerts.use_by_s`."""
    use_by_text: str = ""
    client_id: str = ""
    """The caller's own name for the alert, unique among the owner's; empty = none."""
    lineup: str = ""
    """The line-up it watches; empty = the default one."""

    @property
    def crossing(self) -> int:
        """The place of the crossing among the conditions; -1 when all are states."""
        for place, condition in enumerate(self.conditions):
            if condition.op in CROSSINGS:
                return place
        return -1

    @property
    def session_mask(self) -> int:
        """Bit s is set when values of session number s (`ticks.sessions`) count."""
        return sum({1 << NUMBERS[name] for name in self.sessions})


class Alert(Struct, frozen=True):
    """A rule that is watched for somebody."""

    id: str
    """UUID text, made when the alert was put first; no two alerts ever share one."""
    owner: Owner
    rev: int
    """1, then one more with each change of the rule."""
    rule: Rule
    created_ns: int
    updated_ns: int


class State(Struct, frozen=True):
    """Where an alert stands, as of a mark of the tape."""

    phase: str
    """One of `PHASES`."""
    generation: int = 1
    """Of the next ring: one more with each ring and with each change of the rule."""
    side: int = 0
    """Of a crossing: -1 it has been below and rings upwards, 1 above and downwards, 0 neither yet."""
    since_ns: int = 0
    """When it came into this phase: receive time of the tick, or time of the put."""
    fires: int = 0
    """How often it has rung."""


class AlertView(Struct, frozen=True):
    """An alert and where it stands now: what `get` and `list` answer."""

    alert: Alert
    state: State
    value: int | None
    """The newest value of the first condition's feature, of any session, × 1e-9; None = none seen yet."""


class Fire(Struct, frozen=True):
    """One ring, with everything that proves it."""

    event_id: str
    """`event_id(alert, generation)`: the same after a crash, and key of every delivery of it."""
    alert_id: str
    owner: Owner
    rev: int
    generation: int
    symbol: str
    lineup: str
    m: int
    """Mark of the tick that rang."""
    at_ns: int
    """When that tick happened, by the venue's clock (`ts_event`)."""
    recv_ns: int
    """When that tick was received (`ts_recv`)."""
    value: int
    """What rang, × 1e-9: of the crossing's feature, else of the first condition the tick speaks of."""
    channels: tuple[str, ...]
    """Where it is to be delivered, as the rule said."""
    use_by_s: int
    """How long after the commit it is worth delivering, s; 0 = the setting."""
    proof: Raw
    """JSON object, see `alerts.proof`: the rule's conditions with the values that met them, the tick, the
    one before it, and the quote, each as a row of `/v1` with `n`, `m`, `e` and `channel`."""


class StoredFire(Struct, frozen=True):
    """A ring that is committed."""

    offset: int
    """Place among the owner's rings: 1, 2, 3 … without a hole; what a client acknowledges."""
    fire: Fire
    committed_ns: int
    """By our clock."""


class Delivery(Struct, frozen=True):
    """One ring on its way to one channel: a row of the outbox."""

    id: int
    """Of the row; for `Outbox.delivered` and the like."""
    channel: str
    """`ws`, `webhook:…`."""
    attempts: int
    """How often it has been claimed, this time included."""
    use_by_ns: int
    """After this time, by our clock, it must not be sent any more."""
    stored: StoredFire


class Watchlist(Struct, frozen=True):
    """A named list of symbols of one owner, in the owner's order."""

    owner: Owner
    name: str
    """1–64 characters."""
    rev: int
    symbols: tuple[str, ...]
    """Canonical, each once."""
    updated_ns: int


def event_id(alert_id: str, generation: int) -> str:
    """The id of an alert's ring: UUIDv5 of alert and generation, so a replay makes the same one."""
    return str(uuid5(UUID(alert_id), str(generation)))


ALL_SESSIONS_MASK: Final = 1 << OVERNIGHT | 1 << PRE | 1 << RTH | 1 << POST
"""`Rule.session_mask` of a rule that names every session."""
