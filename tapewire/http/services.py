"""What the routes need from the rest of the system, and nothing more."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from accounts import Accounts
from config.settings import HttpSettings
from storage.cursor import CursorKeeper
from storage.history import Gaps
from storage.scan_messages import EncodedLatest, EncodedPage, LatestRequest, PageRequest
from tape.latest import Latest
from tapewire.alert_desk import AlertDesk
from tapewire.health import Health
from tapewire.http.idempotency import IdempotencyKeys
from tapewire.metrics import Metric


class Marks(Protocol):
    """The marks of the tape, as `tape.marks.Marks` has them."""

    @property
    def epoch(self) -> int:
        """The newest epoch."""
        ...

    @property
    def accepted(self) -> int:
        """The newest mark given."""
        ...

    @property
    def durable(self) -> int:
        """Everything up to here is on the disk."""
        ...

    @property
    def stored(self) -> int:
        """Everything up to here is in the store."""
        ...


class History(Protocol):
    """Queries about the past, answered by workers off the loop: `storage.pool.HistoryPool`.

    Every method may raise a `storage.errors.StorageError`. Cancelling one stops its scan.
    """

    async def page(self, request: PageRequest) -> EncodedPage:
        """One page of rows."""
        ...

    def stream(self, request: PageRequest, rows_max: int | None = None) -> AsyncGenerator[EncodedPage, None]:
        """Page after page, each read when it is asked for, up to `rows_max` rows in all."""
        ...

    async def latest(self, request: LatestRequest) -> EncodedLatest:
        """The newest row of each symbol."""
        ...

    async def gaps(self, lineup: str, start_ns: int, end_ns: int, known_at: int) -> Gaps:
        """The gaps of a stretch of time."""
        ...

    async def mark_at(self, time_ns: int, up_to_m: int) -> int | None:
        """The last mark up to `up_to_m` whose receive time is not after a time, ns; 0 = none.

        None when nobody knows any more.
        """
        ...


class Services(Struct, frozen=True):
    """The system, as the routes see it."""

    settings: HttpSettings
    accounts: Accounts
    history: History
    cursors: CursorKeeper
    marks: Marks
    latest: Callable[[str], Latest | None]
    """The newest tick of a channel, by the channel's name; from memory."""
    health: Callable[[], Health]
    metrics: Callable[[], Sequence[Metric]]
    now_ns: Callable[[], int]
    """The clock, ns UTC."""
    desk: AlertDesk | None = None
    """Alerts, rings, watchlists and webhooks; None where there are none."""
    keys: IdempotencyKeys = field(default_factory=IdempotencyKeys)
    """What was asked for under an `Idempotency-Key`."""
