"""The tables of a day's file: their SQL, ticks as rows and rows as ticks.

A row begins with its mark, which is the table's integer key: rows append. Trades, quotes and
bars have a column for each field, so that any SQLite tool can read them. What does not fit
columns (a cancel's action, every event) is kept whole in `packed`, which then is the truth and
the columns are for people. Ids are unsigned 64-bit numbers and are stored as id − 2⁶³; all
other numbers of a tick that has been in a journal fit 64 signed bits (`ticks.packing`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from storage.contract import Row
from ticks import kinds
from ticks.model import Bar, BarDaily, BarRevision, Quote, Tick, Trade, TradeCancel, TradeCorrect
from ticks.packing import pack_tick, unpack_tick

ID_OFFSET: Final = 2**63

Values = tuple[Any, ...]
Filed = tuple[int, int, int, Tick]
"""What a table's row is made of: mark, number, epoch, tick."""

_HEAD: Final = (
    "m", "series_id", "n", "epoch", "kind",
    "source", "venue", "ts_event", "ts_send", "ts_recv", "src_seq", "flags",
)  # fmt: skip
_HEAD_FIELDS: Final = 7


class Table(Struct, frozen=True):
    """One family's table."""

    family: str
    fields: tuple[str, ...]
    """Its own columns, between the head and `packed`."""
    to_values: Callable[[Iterable[Filed], Mapping[str, int]], list[Values]]
    """Rows for `insert_sql`, given the series id of each symbol."""
    to_rows: Callable[[Iterable[Values], str, str], list[Row]]
    """What `select_columns` gave, back as rows, given symbol and line-up."""
    corrected: bool = False
    """Whether it has the two correction columns."""

    @property
    def create_sql(self) -> str:
        """The table's definition."""
        columns = ["m integer primary key"]
        columns += [f"{name} {_column_type(name)} not null" for name in (*_HEAD[1:], *self.fields)]
        columns.append("packed blob")
        if self.corrected:
            columns += ["upd integer not null default 0", "upd_m integer not null default 0"]
        return f"create table {self.family} ({', '.join(columns)})"

    @property
    def index_sql(self) -> str:
        """The one index. SQLite appends the integer key, so it is in the order of `Key`."""
        return f"create index {self.family}_by_time on {self.family} (series_id, ts_event)"

    @property
    def insert_sql(self) -> str:
        """Insertion of what `to_values` makes; a mark that is there stays as it is."""
        names = (*_HEAD, *self.fields, "packed")
        return (
            f"insert or ignore into {self.family} ({', '.join(names)}) values ({', '.join('?' * len(names))})"
        )

    @property
    def select_columns(self) -> str:
        """The columns that `to_rows` takes."""
        corrected = "upd, upd_m" if self.corrected else "0, 0"
        return ", ".join(("m", "n", "epoch", "kind", corrected, "packed", *_HEAD[5:], *self.fields))


def _column_type(name: str) -> str:
    return "text" if name == "conds" else "integer"


def _trade_values(filed: Iterable[Filed], series: Mapping[str, int]) -> list[Values]:
    rows: list[Values] = []
    append = rows.append
    for m, n, epoch, tick in filed:
        if isinstance(tick, Trade):
            append((
                m, series[tick.symbol], n, epoch, 1, tick.source, tick.venue, tick.ts_event, tick.ts_send,
                tick.ts_recv, tick.src_seq, tick.flags, tick.price, tick.size, tick.trade_id - ID_OFFSET,
                tick.sip_tape, tick.conds, tick.elig, None,
            ))  # fmt: skip
        else:
            append(_packed_values(TRADES, (m, n, epoch, tick), series))
    return rows


def _quote_values(filed: Iterable[Filed], series: Mapping[str, int]) -> list[Values]:
    rows: list[Values] = []
    append = rows.append
    for m, n, epoch, tick in filed:
        assert isinstance(tick, Quote)
        append((
            m, series[tick.symbol], n, epoch, 4, tick.source, tick.venue, tick.ts_event, tick.ts_send,
            tick.ts_recv, tick.src_seq, tick.flags, tick.bid_price, tick.bid_size, tick.ask_price,
            tick.ask_size, tick.bid_venue, tick.ask_venue, tick.conds, tick.sip_tape, None,
        ))  # fmt: skip
    return rows


def _bar_values(filed: Iterable[Filed], series: Mapping[str, int]) -> list[Values]:
    return [
        (
            m, series[bar.symbol], n, epoch, bar.kind, bar.source, bar.venue, bar.ts_event, bar.ts_send,
            bar.ts_recv, bar.src_seq, bar.flags, bar.open, bar.high, bar.low, bar.close, bar.volume,
            bar.count, bar.vwap, bar.rev, bar.final, None,
        )
        for m, n, epoch, bar in filed
        if isinstance(bar, Bar)
    ]  # fmt: skip


def _event_values(filed: Iterable[Filed], series: Mapping[str, int]) -> list[Values]:
    return [_packed_values(EVENTS, one, series) for one in filed]


def _trade_rows(values: Iterable[Values], symbol: str, lineup: str) -> list[Row]:
    return [
        Row(
            Trade(
                source, venue, symbol, ts_event, ts_send, ts_recv, src_seq, flags,
                price, size, trade_id + ID_OFFSET, sip_tape, conds, elig,
            ) if packed is None else unpack_tick(kind, packed),
            n, m, epoch, lineup, upd, upd_m,
        )
        for (
            m, n, epoch, kind, upd, upd_m, packed, source, venue, ts_event, ts_send, ts_recv, src_seq, flags,
            price, size, trade_id, sip_tape, conds, elig,
        ) in values
    ]  # fmt: skip


def _quote_rows(values: Iterable[Values], symbol: str, lineup: str) -> list[Row]:
    return [
        Row(
            Quote(
                source, venue, symbol, ts_event, ts_send, ts_recv, src_seq, flags,
                bid_price, bid_size, ask_price, ask_size, bid_venue, ask_venue, conds, sip_tape,
            ) if packed is None else unpack_tick(kind, packed),
            n, m, epoch, lineup,
        )
        for (
            m, n, epoch, kind, _, _, packed, source, venue, ts_event, ts_send, ts_recv, src_seq, flags,
            bid_price, bid_size, ask_price, ask_size, bid_venue, ask_venue, conds, sip_tape,
        ) in values
    ]  # fmt: skip


_BARS: Final[dict[int, type[Bar]]] = {
    kinds.BAR: Bar,
    kinds.BAR_REVISION: BarRevision,
    kinds.BAR_DAILY: BarDaily,
}


def _bar_rows(values: Iterable[Values], symbol: str, lineup: str) -> list[Row]:
    return [
        Row(
            _BARS[kind](
                source, venue, symbol, ts_event, ts_send, ts_recv, src_seq, flags,
                open_, high, low, close, volume, count, vwap, rev, bool(final),
            ) if packed is None else unpack_tick(kind, packed),
            n, m, epoch, lineup,
        )
        for (
            m, n, epoch, kind, _, _, packed, source, venue, ts_event, ts_send, ts_recv, src_seq, flags,
            open_, high, low, close, volume, count, vwap, rev, final,
        ) in values
    ]  # fmt: skip


def _event_rows(values: Iterable[Values], symbol: str, lineup: str) -> list[Row]:
    return [Row(unpack_tick(kind, packed), n, m, epoch, lineup)
            for m, n, epoch, kind, _, _, packed, *_ in values]  # fmt: skip


TRADES: Final = Table(
    "trades",
    ("price", "size", "trade_id", "sip_tape", "conds", "elig"),
    _trade_values,
    _trade_rows,
    corrected=True,
)
QUOTES: Final = Table(
    "quotes",
    ("bid_price", "bid_size", "ask_price", "ask_size", "bid_venue", "ask_venue", "conds", "sip_tape"),
    _quote_values,
    _quote_rows,
)
BARS: Final = Table(
    "bars",
    ("open", "high", "low", "close", "volume", "count", "vwap", "rev", "final"),
    _bar_values,
    _bar_rows,
)
EVENTS: Final = Table("events", (), _event_values, _event_rows)

TABLES: Final[dict[str, Table]] = {table.family: table for table in (TRADES, QUOTES, BARS, EVENTS)}
"""Family → table."""


def _packed_values(table: Table, filed: Filed, series: Mapping[str, int]) -> Values:
    """The row of a tick that does not fit the columns: the whole tick goes into `packed`."""
    m, n, epoch, tick = filed
    head = (getattr(tick, name) for name in _HEAD[-_HEAD_FIELDS:])
    own = (_own_field(tick, name) for name in table.fields)
    return m, series[tick.symbol], n, epoch, tick.kind, *head, *own, pack_tick(tick)


def _own_field(tick: Tick, name: str) -> object:
    """The field for a column; what a cancel or correction lacks is empty."""
    if name == "trade_id" and isinstance(tick, TradeCancel | TradeCorrect):
        return tick.trade_id - ID_OFFSET
    return getattr(tick, name, "" if name == "conds" else 0)
