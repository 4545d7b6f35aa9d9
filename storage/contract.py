"""What every store promises: the one interface of the memory model, SQLite and Cassandra.

It has two halves, because one process writes and others read.

Words: a *row* is a stored tick with its number, mark, epoch and line-up. A *family* is a
table (`ticks.kinds.FAMILIES`); kinds whose family is None are not stored. Rows are ordered
by `Key`: symbol, then event time, then mark; symbols compare by code point.

Promises

* **Rows are for ever.** A row is known by its mark. Writing it again changes nothing, so a
  writer that does not know how far it had come starts again from `checkpoint()`. Only the
  correction columns `upd` and `upd_m` are ever set afterwards, see `storage.corrections`.
* **Order.** Writers deliver marks in order: a call of `write` holds everything the tape has
  between the checkpoint and its `up_to_m` (and may repeat what came before it). Batches of
  one call may be in any order.
* **Checkpoint last.** The checkpoint moves only when all rows up to it are committed, so
  rows beyond it may be seen after a crash, and rows up to it are never missing. Whoever
  reads passes an `up_to_m` not beyond `stored_m()`, and sees a set that never changes.
* **A reading call is one short look.** Between two calls rows beyond `up_to_m` may appear.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from tape.batch import Batch
from ticks.channels import channel_of
from ticks.model import Tick

TIME_MIN_NS: Final = -(2**63)
TIME_END_NS: Final = 2**63
"""Behind every time."""
MARK_MAX: Final = 2**63 - 1
"""Beyond every mark (those are below 2⁵³)."""

Order = Literal["asc", "desc"]
MarkRange = tuple[int, int]
"""First and last mark, both inclusive."""


class Key(NamedTuple):
    """A row's place in the order of its family and line-up."""

    symbol: str
    ts_event: int
    """ns UTC."""
    m: int


def end_of_symbol(symbol: str, order: Order) -> Key:
    """The key behind every row of a symbol, in the direction of a scan."""
    return Key(symbol, TIME_END_NS - 1, MARK_MAX) if order == "asc" else Key(symbol, TIME_MIN_NS, 0)


class Row(Struct, frozen=True, gc=False):
    """A stored tick."""

    tick: Tick
    n: int
    """Its number in its channel."""
    m: int
    """Its mark."""
    epoch: int
    lineup: str
    upd: int = 0
    """0 as received, 1 withdrawn (cancelled or broken), 2 replaced by a correction."""
    upd_m: int = 0
    """The mark of the tick that said so; 0 none."""

    @property
    def channel(self) -> str:
        """The channel that carried it, such as `t:AAPL` or, back-filled, `t:AAPL!b`."""
        return str(channel_of(self.tick, self.lineup))

    @property
    def key(self) -> Key:
        """Its place in the order of rows."""
        return Key(self.tick.symbol, self.tick.ts_event, self.m)


class ScanQuery(Struct, frozen=True):
    """Which rows, and how many of them."""

    family: str
    up_to_m: int
    """Only rows with a mark up to this one; at most `stored_m()`."""
    symbols: tuple[str, ...] | None = None
    """Canonical symbols in any order; None = all there are."""
    lineup: str = ""
    start_ns: int = TIME_MIN_NS
    """First event time, inclusive, ns."""
    end_ns: int = TIME_END_NS
    """Last event time, exclusive, ns."""
    kinds: tuple[int, ...] = ()
    """Kinds within the family; empty = all."""
    after: Key | None = None
    """Only rows behind this key, in the direction of the scan."""
    limit: int = 10_000
    """Most rows in the answer."""
    order: Order = "asc"
    """Of time within each symbol; symbols always rise."""


class ScanPage(Struct, frozen=True):
    """Rows in order, and where to go on."""

    rows: list[Row]
    next_key: Key | None
    """Pass it as `after` for what follows; None = nothing follows.

    Every row up to this key is in this page or in one before. A store may end a page early
    to keep the look short, so a page below its limit, even an empty one, may have a next key.
    """


class Hole(Struct, frozen=True):
    """Marks that were given but whose ticks the writer could not read, declared for ever."""

    first_m: int
    last_m: int
    why: str
    """`retention` or `disk`."""
    from_ts: int
    """Receive time of the last tick before it, ns; 0 unknown."""
    to_ts: int
    """Receive time of the first tick after it, or when it was declared, ns."""


class Gap(Struct, frozen=True):
    """A stretch of time for which data is known to be missing."""

    lineup: str
    """Empty = the default line-up; of a `Hole`: all line-ups, see `every_lineup`."""
    scope: str
    """The symbol concerned, or `*`."""
    why: str
    """`loss unsubscribed outage limit overflow disk retention`."""
    from_ts: int
    """The last event time before it, ns; 0 unknown."""
    to_ts: int | None
    """The first event time after it, ns; None = not closed yet."""
    lost: int
    """How many messages are known to be missing; -1 unknown."""
    open_m: int
    """The mark at which it was declared."""
    close_m: int
    """The mark at which it was closed; 0 not yet."""
    source: int = 0
    """The source concerned, see `ticks.sources`."""
    every_lineup: bool = False
    """Whether it concerns all line-ups."""


class Checkpoint(Struct, frozen=True):
    """How far a store has come."""

    m: int
    """Everything up to this mark is stored; 0 = nothing yet."""
    ts_recv: int
    """Receive time of the last tick up to there, ns; 0 = none yet."""


class Unreadable(Protocol):
    """Marks that were given but whose ticks cannot be read any more: `tape.reader.Damage` is one."""

    @property
    def first_m(self) -> int:
        """The first of them."""
        ...

    @property
    def last_m(self) -> int:
        """The last of them."""
        ...

    @property
    def reason(self) -> str:
        """`retention` or `disk`."""
        ...


ReadTape = Callable[[int, int], Iterable[Batch | Unreadable]]
"""(after_m, up_to_m) → the tape between these marks, as `tape.reader.TapeReader.read` gives it."""


class StoreReader(Protocol):
    """The reading half. Not thread-safe; any number of readers may exist beside one writer.

    All methods raise `StoreUnavailable` when the store cannot be reached and `StoreDamaged`
    when what it finds is not what a writer wrote.
    """

    def stored_m(self) -> int:
        """The mark up to which everything is stored."""
        ...

    def scan(self, query: ScanQuery) -> ScanPage:
        """One page of rows. Raises `QueryError` for an unknown family or a limit below 1."""
        ...

    def latest(
        self, family: str, lineup: str, symbols: Iterable[str], up_to_m: int, kinds: Sequence[int] = ()
    ) -> dict[str, Row]:
        """Symbol → its newest row by (ts_event, m), withdrawn or not; symbols without rows are left out.

        Rows whose event time is implausible (`storage.filing`) count only where there are no others.
        """
        ...

    def counts(self, ranges: Sequence[MarkRange]) -> dict[str, int]:
        """Report key (`ticks.kinds`) → rows with marks in the ranges; kinds without rows are left out."""
        ...

    def symbol_count(self, ranges: Sequence[MarkRange]) -> int:
        """How many symbols, other than `*`, have rows with marks in the ranges."""
        ...

    def gaps(self, lineup: str, start_ns: int, end_ns: int, up_to_m: int) -> list[Gap]:
        """The gaps that touch [start_ns, end_ns), as known at mark `up_to_m`, in order of `open_m`."""
        ...

    def first_ts(self, family: str, lineup: str) -> int | None:
        """The oldest event time kept, ns; None without rows. Implausible times count only if alone."""
        ...

    def close(self) -> None:
        """Let go of everything. Nothing may be called afterwards."""
        ...


class StoreWriter(Protocol):
    """The writing half. One at a time; see `storage.process` for the lock."""

    def checkpoint(self) -> Checkpoint:
        """Where to go on. Never beyond what a crash or a power cut has left in the store."""
        ...

    def write(self, batches: Sequence[Batch], up_to_m: int, holes: Sequence[Hole] = ()) -> None:
        """Store every tick of the batches, then the holes, then the checkpoint `up_to_m`.

        Idempotent by mark; an `up_to_m` below the checkpoint leaves that where it is.

        Raises:
            StoreUnavailable: nothing is promised about this call; repeat it.
            StoreDamaged: repeating it does not help.
        """
        ...

    def sync(self) -> None:
        """Make everything written so far survive a power cut. Call it every few seconds.

        Raises:
            StoreUnavailable: it did not; `synced_m` then stays until the machine is started anew.
        """
        ...

    def synced_m(self) -> int:
        """The mark up to which everything would survive a power cut; any thread may ask.

        What lies behind it may be asked of the tape again.
        """
        ...

    def close(self) -> None:
        """Sync and let go of everything. Nothing may be called afterwards."""
        ...
