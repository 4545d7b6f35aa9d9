"""Ticks and batches for the tests of the store."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from hypothesis import strategies as st

from storage.contract import Key, Row, ScanPage, ScanQuery, StoreReader
from tape.batch import Batch
from ticks.flags import BACKFILL
from ticks.model import (
    ABSENT_PRICE,
    MARKET,
    Auction,
    Band,
    Bar,
    BarDaily,
    BarRevision,
    Depth,
    FeedEvent,
    News,
    Quote,
    Status,
    Tick,
    Trade,
    TradeCancel,
    TradeCorrect,
)

NOON = 1_783_958_400_000_000_000
"""2026-07-13 12:00 in New York, ns UTC."""
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
VENUE = ord("V")


def trade(
    symbol: str = "AAPL",
    ts_event: int = NOON,
    trade_id: int = 1,
    *,
    price: int = 210_250_000_000,
    flags: int = 0,
    ts_recv: int | None = None,
    venue: int = VENUE,
    conds: str = "  I",
) -> Trade:
    """A print of 100 shares."""
    recv = ts_event + 1_000 if ts_recv is None else ts_recv
    return Trade(
        3, venue, symbol, ts_event, ts_event, recv, 7, flags, price, 100_000_000, trade_id, 0, conds, 5
    )


def quote(
    symbol: str = "AAPL", ts_event: int = NOON, *, bid: int = 210_240_000_000, ts_recv: int | None = None
) -> Quote:
    """A quote without an ask."""
    recv = ts_event + 1_000 if ts_recv is None else ts_recv
    return Quote(
        3, VENUE, symbol, ts_event, ts_event, recv, 8, 0,
        bid, 300_000_000, ABSENT_PRICE, 0, VENUE, 0, "R", 0,
    )  # fmt: skip


def cancel(symbol: str, ts_event: int, trade_id: int, venue: int = VENUE) -> TradeCancel:
    """Withdraws the print `trade_id`."""
    return TradeCancel(
        3, venue, symbol, ts_event, 0, ts_event + 1_000, 9, 0, 210_250_000_000, 100_000_000, trade_id, 0, "B"
    )


def correct(symbol: str, ts_event: int, old_id: int, new_id: int) -> TradeCorrect:
    """Replaces the print `old_id` by `new_id`."""
    return TradeCorrect(
        1, VENUE, symbol, ts_event, 0, ts_event + 1_000, 9, 0,
        210_250_000_000, 100_000_000, old_id, "@", 210_260_000_000, 50_000_000, new_id, "@I", ord("C"), 3,
    )  # fmt: skip


def gap(what: str, ts_event: int, *, why: str = "loss", scope: str = MARKET, from_ts: int = 0, to_ts: int = 0,
        lost: int = -1) -> FeedEvent:  # fmt: skip
    """Opens or closes a market gap."""
    return FeedEvent(3, 0, MARKET, ts_event, 0, ts_event, 0, 0, what, why, scope, from_ts, to_ts, lost, "")


def every_kind(ts_event: int = NOON) -> list[Tick]:
    """One tick of each kind, with fields that are easily lost."""
    head = (3, VENUE, "BRK.A", ts_event, 0, NOON + 5, 2**63 - 1, 2**32 - 1)
    market = (3, 0, MARKET, ts_event, 0, NOON + 5, 0, 0)
    return [
        Trade(*head, 1, 1, 2**64 - 1, ord("C"), "@FTIX", 0xFFFF),
        TradeCancel(*head, 1, 1, 2**64 - 1, ord("C"), "E"),
        TradeCorrect(*head, 1, 1, 0, "", 2, 2, 2**63, "@", 0, 9),
        Quote(*head, ABSENT_PRICE, 0, ABSENT_PRICE, 0, 0, 0, "", 0),
        Depth(*head, 1, 5, 5, False),
        Bar(*head, 1, 4, 1, 2, 2**62, 12, 2, 0, False),
        BarRevision(*head, 1, 4, 1, 2, 5, 13, 2, 1, True),
        BarDaily(*head, 1, 4, 1, 2, 5, 13, 2, 0, False),
        Status(*head, "trading", "halted", "T1", "H", 0),
        Band(*head, 6, 4, "A"),
        Auction(*head, "close", 1, 2, "B", 3, 4, 5, 6, 7, 8, 1_783_972_800, 1),
        News(*market, "n1", "Head", "Sum", "A", "http://x", "<p>", 1, 2, ("AAPL", "BRK.A")),
        FeedEvent(*market, "switch", "stale", MARKET, 0, 0, -1, "to iex"),
    ]


def batch(ticks: Sequence[Tick], first_m: int = 1, lineup: str = "", epoch: int = 1) -> Batch:
    """A batch whose numbers equal its marks."""
    ms = list(range(first_m, first_m + len(ticks)))
    return Batch(epoch, lineup, first_m, [0] * len(ticks), ms, list(ticks))


def rows_of(batches: Iterable[Batch]) -> dict[int, Row]:
    """Mark → the row that a tick becomes, all kinds included, correction columns empty."""
    return {
        one.first_m + i: Row(tick, n, one.first_m + i, one.epoch, one.lineup)
        for one in batches
        for i, (n, tick) in enumerate(zip(one.ns, one.ticks, strict=True))
    }


def walk(reader: StoreReader, query: ScanQuery, limits: Iterable[int] = ()) -> list[Row]:
    """All rows of a query, page by page; the last of `limits` stays."""
    rows: list[Row] = []
    remaining = iter(limits)
    limit, after = query.limit, query.after
    while True:
        limit = next(remaining, limit)
        page: ScanPage = reader.scan(replaced(query, limit, after))
        assert len(page.rows) <= limit
        rows += page.rows
        if page.next_key is None:
            return rows
        assert after is None or page.next_key != after, "a page that does not move on"
        after = page.next_key


def replaced(query: ScanQuery, limit: int, after: Key | None) -> ScanQuery:
    """The query for another page."""
    return ScanQuery(
        query.family, query.up_to_m, query.symbols, query.lineup, query.start_ns, query.end_ns,
        query.kinds, after, limit, query.order,
    )  # fmt: skip


def store_folder(tmp_path: Path) -> Path:
    """Where a test's store lies."""
    return tmp_path / "store"


symbols = st.sampled_from(["A", "AAPL", "B", "BRK.A", "SPY", "ZVZZT"])
lineups = st.sampled_from(["", "iex"])
times = st.one_of(
    st.integers(NOON, NOON + 10),
    st.integers(NOON - 3 * DAY, NOON + 3 * DAY),
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), NOON + 8 * 3600 * SECOND, NOON + 8 * 3600 * SECOND - 1]),
)


@st.composite
def ticks(draw: st.DrawFn) -> Tick:
    """Any tick, of the kinds that stores treat differently, received about `NOON`."""
    symbol, ts_event = draw(symbols), draw(times)
    what = draw(st.integers(0, 9))
    if what == 0:
        venue = draw(st.sampled_from([VENUE, ord("D")]))
        return TradeCancel(3, venue, symbol, ts_event, 0, NOON, 0, 0, 1, 1, draw(st.integers(0, 4)), 0, "C")
    if what == 1:
        return TradeCorrect(
            3, VENUE, symbol, ts_event, 0, NOON, 0, 0, 1, 1, draw(st.integers(0, 4)), "", 2, 1,
            draw(st.integers(0, 6)), "@", 0, 1,
        )  # fmt: skip
    if what == 2:
        event = draw(st.sampled_from(["gap_open", "gap_close", "switch"]))
        scope = draw(st.sampled_from([MARKET, "A"]))
        why = draw(st.sampled_from(["loss", "disk"]))
        return FeedEvent(
            draw(st.integers(3, 4)), 0, MARKET, ts_event, 0, NOON, 0, 0, event, why, scope,
            draw(st.sampled_from([0, NOON - 5])), draw(st.sampled_from([0, NOON + 5])),
            draw(st.integers(-1, 3)), "",
        )  # fmt: skip
    if what == 3:
        return draw(st.sampled_from(every_kind(ts_event)))
    if what == 4:
        return quote(symbol, ts_event, ts_recv=NOON)
    flags = draw(st.sampled_from([0, BACKFILL]))
    trade_id = draw(st.sampled_from([0, 1, 2, 3, 4, 2**64 - 1]))
    return trade(symbol, ts_event, trade_id, flags=flags, ts_recv=NOON)


@st.composite
def tapes(draw: st.DrawFn, most: int = 60) -> list[Batch]:
    """Batches of a tape, in order, with now and then marks that were never given."""
    batches: list[Batch] = []
    next_m, epoch = 1, 1
    for part in draw(st.lists(st.lists(ticks(), max_size=8), max_size=most // 6)):
        if draw(st.integers(0, 9)) == 0:
            next_m, epoch = next_m + draw(st.integers(0, 100)), epoch + 1
        batches.append(batch(part, next_m, draw(lineups), epoch))
        next_m += len(part)
    return batches
