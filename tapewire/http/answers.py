"""What the routes take and answer, as types: the schema of the API is made from them.

Handlers write these documents as JSON directly; the tests compare every answer they see with
the type that stands here, in which nothing may be missing or too much.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from alerts.form import CHANNELS_MAX, CONDITIONS_MAX
from alerts.model import CONFIRMS, FEATURES, ON_TRUE, OPS, PHASES, REPEATS, SESSIONS
from tapewire.health import Check, Level
from tapewire.http.problems import KINDS, TYPE_PREFIX
from tapewire.shapes import MARK_LIMIT, TIME_PATTERN, row_name
from ticks.kinds import BAR, BAR_DAILY, BAR_REVISION, QUOTE, TRADE, TRADE_CANCEL, TRADE_CORRECT


def _rows(*kinds: int) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/components/schemas/{row_name(kind)}"} for kind in kinds]}


TRADES: Final = (TRADE, TRADE_CANCEL, TRADE_CORRECT)
BARS: Final = (BAR, BAR_REVISION, BAR_DAILY)
ROW_KINDS: Final = (*TRADES, QUOTE, *BARS)
"""The kinds of tick that answers have rows of."""

Mark = Annotated[int, Meta(ge=0, lt=MARK_LIMIT)]
Time = Annotated[str, Meta(pattern=TIME_PATTERN, description="RFC 3339 in UTC, with nanoseconds")]
Price = Annotated[float, Meta(description="an exact decimal")]
TradeRow = Annotated[Any, Meta(extra_json_schema=_rows(*TRADES))]
QuoteRow = Annotated[Any, Meta(extra_json_schema=_rows(QUOTE))]
BarRow = Annotated[Any, Meta(extra_json_schema=_rows(*BARS))]
LatestRow = Annotated[Any, Meta(extra_json_schema=_rows(TRADE, QUOTE))]
ProofRow = Annotated[
    Any, Meta(extra_json_schema={"anyOf": [*_rows(TRADE, QUOTE)["anyOf"], {"type": "null"}]})
]
Feature = Annotated[str, Meta(extra_json_schema={"enum": list(FEATURES)})]
Operator = Annotated[str, Meta(extra_json_schema={"enum": list(OPS)})]
Decimal = Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$", description='a price as text: `"192.30"`')]
Distance = Annotated[str, Meta(description="a price, or a percentage of the level: `0.10`, `0.5%`")]
Channel = Annotated[str, Meta(pattern="^(ws|webhook:[!-~]+)$")]


class Strict(Struct, forbid_unknown_fields=True):
    """A document with these members and no others."""


class Known(Strict):
    """As of which mark something is answered."""

    known_at: Mark
    complete_until: Mark
    access: Literal["live", "delayed"]


class Gap(Strict):
    """A stretch of time for which data is known to be missing."""

    lineup: str | None
    scope: str
    why: str
    to: Time | None
    lost: Annotated[int, Meta(ge=0)] | None
    open_m: Mark
    close_m: Mark | None
    source: str | None
    begin: Time | None = field(name="from")


class Page(Known):
    """A page of rows."""

    next_cursor: str | None
    gaps: list[Gap]


class TradesPage(Page):
    """Trades, cancels and corrections."""

    trades: list[TradeRow]


class QuotesPage(Page):
    """Quotes."""

    quotes: list[QuoteRow]


class BarsPage(Page):
    """Bars."""

    bars: list[BarRow]


class Trailer(Page):
    """The last line of a stream."""

    end: Literal[True]
    rows: Annotated[int, Meta(ge=0)]
    crc: Annotated[int, Meta(ge=0, lt=2**32)]


class LatestRows(Known):
    """The newest rows."""

    latest: list[LatestRow]


class Gaps(Known):
    """Gaps."""

    gaps: list[Gap]


class Marks(Strict):
    """How far the tape has come."""

    e: Mark
    accepted: Mark
    durable: Mark
    stored: Mark


class HealthReport(Strict):
    """What is well and what is not."""

    status: Level
    checks: list[Check]


class Condition(Strict):
    """One comparison."""

    feature: Feature
    op: Operator
    level: Decimal
    rearm: Distance = ""


class AllOf(Strict):
    """Comparisons that hold at once."""

    all: Annotated[list[Condition], Meta(min_length=1, max_length=CONDITIONS_MAX)]


class Repeat(Strict):
    """Whether it rings again."""

    mode: Annotated[str, Meta(extra_json_schema={"enum": list(REPEATS)})]


class Confirm(Strict):
    """What confirms a value."""

    mode: Annotated[str, Meta(extra_json_schema={"enum": list(CONFIRMS)})]


When = Annotated[
    Any,
    Meta(
        extra_json_schema={
            "anyOf": [{"$ref": "#/components/schemas/Condition"}, {"$ref": "#/components/schemas/AllOf"}]
        }
    ),
]
SessionName = Annotated[str, Meta(extra_json_schema={"enum": list(SESSIONS)})]
Sessions = Annotated[list[SessionName], Meta(min_length=1, max_length=len(SESSIONS))]
Channels = Annotated[list[Channel], Meta(min_length=1, max_length=CHANNELS_MAX)]
OnTrue = Annotated[str, Meta(extra_json_schema={"enum": list(ON_TRUE)})]


class RuleText(Strict, kw_only=True):
    """What is in a rule only if it was sent."""

    expires: str = ""
    use_by: Annotated[str, Meta(pattern="^([1-9][0-9]{0,4}[smh])?$")] = ""
    client_id: str = ""
    lineup: str = ""


class Rule(RuleText, kw_only=True):
    """What somebody wants to be told, and how."""

    symbol: str
    when: When
    repeat: Repeat = field(default_factory=lambda: Repeat(REPEATS[0]))
    confirm: Confirm = field(default_factory=lambda: Confirm(CONFIRMS[0]))
    sessions: Sessions = field(default_factory=lambda: list(SESSIONS))
    on_true_at_creation: OnTrue = ON_TRUE[0]
    channels: Channels = field(default_factory=lambda: ["ws"])


class RulePatch(Strict, kw_only=True):
    """Members of a rule that take the place of those there are; null takes one away."""

    symbol: str | None = None
    when: When = None
    repeat: Repeat | None = None
    confirm: Confirm | None = None
    sessions: Sessions | None = None
    on_true_at_creation: OnTrue | None = None
    channels: Channels | None = None
    expires: str | None = None
    use_by: str | None = None
    client_id: str | None = None
    lineup: str | None = None


class Alert(RuleText, kw_only=True):
    """A rule that is watched, and where it stands."""

    id: str
    rev: Annotated[int, Meta(ge=1)]
    symbol: str
    when: When
    repeat: Repeat
    confirm: Confirm
    sessions: Sessions
    on_true_at_creation: OnTrue
    channels: Channels
    state: Annotated[str, Meta(extra_json_schema={"enum": list(PHASES)})]
    since: Time
    generation: Annotated[int, Meta(ge=1)]
    fires: Annotated[int, Meta(ge=0)]
    value: Price | None
    distance: Price | None
    created: Time
    updated: Time


class Alerts(Strict):
    """Alerts."""

    alerts: list[Alert]
    next_cursor: None


class ProvenCondition(Strict):
    """A comparison and the value that met it."""

    feature: Feature
    op: Operator
    level: Decimal
    value: Price | None


class Proof(Strict):
    """Why it rang."""

    conditions: list[ProvenCondition]
    tick: ProofRow
    before: ProofRow
    quote: ProofRow


class Fire(Strict):
    """A ring."""

    off: Annotated[int, Meta(ge=1)]
    event_id: str
    alert: str
    rev: Annotated[int, Meta(ge=1)]
    generation: Annotated[int, Meta(ge=1)]
    symbol: str
    at: Time
    received: Time
    committed: Time
    m: Mark
    value: Price
    proof: Proof


class Fires(Strict):
    """Rings."""

    fires: list[Fire]
    next_cursor: str | None


class Delivery(Strict):
    """What became of one delivery."""

    channel: str
    state: Literal["pending", "delivered", "dead", "expired"]
    attempts: Annotated[int, Meta(ge=0)]
    error: str | None


class DeliveredFire(Fire):
    """A ring and its deliveries."""

    deliveries: list[Delivery]


class WatchlistSymbols(Strict):
    """What a watchlist is replaced by."""

    symbols: list[str]


class NewWatchlist(Strict):
    """A watchlist to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    symbols: list[str] = []


class Watchlist(Strict):
    """A watchlist."""

    name: str
    rev: Annotated[int, Meta(ge=1)]
    symbols: list[str]
    updated: Time


class Watchlists(Strict):
    """Watchlists."""

    watchlists: list[Watchlist]


class NewWebhook(Strict):
    """An endpoint to be made."""

    url: str


class WebhookSwitch(Strict):
    """An endpoint's switch."""

    enabled: bool


class Webhook(Strict):
    """A webhook endpoint."""

    id: str
    url: str
    enabled: bool
    reason: str | None
    created: Time


class WebhookSecret(Webhook):
    """A webhook endpoint with its secret."""

    secret: str


class Webhooks(Strict):
    """Webhook endpoints."""

    webhooks: list[Webhook]


class FaultReport(Strict, omit_defaults=True):
    """One thing that is wrong."""

    detail: str
    parameter: str = ""
    symbol: str = ""
    pointer: str = ""
    kind: str = ""
    allowed: list[str] = []


class ProblemReport(Strict):
    """What went wrong, RFC 9457."""

    type: Annotated[str, Meta(extra_json_schema={"enum": [TYPE_PREFIX + name for name in KINDS]})]
    title: str
    status: int
    detail: str
    errors: list[FaultReport] = []


class Exchange(Struct, frozen=True):
    """What one route takes and answers, problems apart."""

    answers: dict[int, Any]
    """Status → type of its JSON body; None = no body."""
    body: Any = None
    """Type of the JSON body it takes; None = it takes none."""
    lines: tuple[Any, ...] = ()
    """Types of the lines of a stream, where one can be asked for."""
    media: str = ""
    """Content type of a 200 that is no JSON."""
    headers: tuple[str, ...] = ()
    """Request headers with a meaning here, keys of `HEADERS`."""


HEADERS: Final = {
    "Idempotency-Key": "The same request with the same key is not done twice: it gets the same answer.",
    "If-Match": "Only when the object is at this revision, as `ETag` told it; else 412.",
}
"""Request headers → what they do."""
_ONCE: Final = ("Idempotency-Key",)
_MATCH: Final = ("If-Match",)

EXCHANGES: Final[dict[str, Exchange]] = {
    "GET /v1/trades": Exchange({200: TradesPage}, lines=(TradeRow, Trailer)),
    "GET /v1/quotes": Exchange({200: QuotesPage}, lines=(QuoteRow, Trailer)),
    "GET /v1/bars": Exchange({200: BarsPage}, lines=(BarRow, Trailer)),
    "GET /v1/latest": Exchange({200: LatestRows}),
    "GET /v1/gaps": Exchange({200: Gaps}),
    "POST /v1/alerts": Exchange({201: Alert}, body=Rule, headers=_ONCE),
    "GET /v1/alerts": Exchange({200: Alerts}),
    "GET /v1/alerts/{id}": Exchange({200: Alert}),
    "PUT /v1/alerts/{id}": Exchange({200: Alert, 201: Alert}, body=Rule, headers=_MATCH),
    "PATCH /v1/alerts/{id}": Exchange({200: Alert}, body=RulePatch, headers=_MATCH),
    "DELETE /v1/alerts/{id}": Exchange({204: None}),
    "GET /v1/fires": Exchange({200: Fires}),
    "GET /v1/fires/{event_id}": Exchange({200: DeliveredFire}),
    "POST /v1/watchlists": Exchange({201: Watchlist}, body=NewWatchlist, headers=_ONCE),
    "GET /v1/watchlists": Exchange({200: Watchlists}),
    "GET /v1/watchlists/{name}": Exchange({200: Watchlist}),
    "PUT /v1/watchlists/{name}": Exchange(
        {200: Watchlist, 201: Watchlist}, body=WatchlistSymbols, headers=_MATCH
    ),
    "DELETE /v1/watchlists/{name}": Exchange({204: None}),
    "POST /v1/webhooks": Exchange({200: Webhook, 201: WebhookSecret}, body=NewWebhook, headers=_ONCE),
    "GET /v1/webhooks": Exchange({200: Webhooks}),
    "GET /v1/webhooks/{id}": Exchange({200: Webhook}),
    "PATCH /v1/webhooks/{id}": Exchange({200: Webhook}, body=WebhookSwitch),
    "DELETE /v1/webhooks/{id}": Exchange({204: None}),
    "POST /v1/webhooks/{id}:rotate-secret": Exchange({200: WebhookSecret}),
    "GET /v1/marks": Exchange({200: Marks}),
    "GET /": Exchange({304: None}, media="text/html"),
    "GET /static/{name}": Exchange({304: None}, media="*/*"),
    "GET /healthz": Exchange({200: HealthReport}),
    "GET /readyz": Exchange({200: HealthReport, 503: HealthReport}),
    "GET /metrics": Exchange({}, media="text/plain"),
    "GET /v1/openapi.json": Exchange({200: dict[str, Any]}),
}
"""`METHOD path` of a route → what it takes and answers."""
