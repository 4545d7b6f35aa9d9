"""Market gaps: FeedEvent ticks `gap_open` and `gap_close` folded into stretches of time.

A close belongs to the newest open gap with the same line-up, source, scope and reason; a
close that finds none declares a gap that is already over. A hole that the writer could not
read is a gap of all line-ups.
"""

from collections.abc import Iterable

from msgspec import structs

from storage.contract import Gap, Hole
from ticks.model import MARKET, FeedEvent, Tick


def gap_event_of(tick: Tick) -> FeedEvent | None:
    """The tick itself when it opens or closes a gap, else None."""
    if isinstance(tick, FeedEvent) and tick.what in ("gap_open", "gap_close"):
        return tick
    return None


def gap_of_open(event: FeedEvent, lineup: str, m: int) -> Gap:
    """The gap that a `gap_open` declares."""
    from_ts = event.from_ts or event.ts_event
    return Gap(lineup, event.scope, event.why, from_ts, None, event.lost, m, 0, event.source)


def gap_of_lone_close(event: FeedEvent, lineup: str, m: int) -> Gap:
    """The gap that a `gap_close` declares when no open gap fits."""
    to_ts = event.to_ts or event.ts_event
    from_ts = event.from_ts or to_ts
    return Gap(lineup, event.scope, event.why, from_ts, to_ts, event.lost, m, m, event.source)


def gap_of_hole(hole: Hole) -> Gap:
    """The gap that a hole in the tape is."""
    return Gap(
        "", MARKET, hole.why, hole.from_ts, hole.to_ts, -1, hole.first_m, hole.last_m, every_lineup=True
    )


def closed(gap: Gap, event: FeedEvent, m: int) -> Gap:
    """The gap as `event` at mark `m` closes it."""
    lost = event.lost if event.lost >= 0 else gap.lost
    return structs.replace(gap, to_ts=event.to_ts or event.ts_event, lost=lost, close_m=m)


def fold(gaps: Iterable[Gap], events: Iterable[tuple[int, str, FeedEvent]]) -> list[Gap]:
    """`gaps` as they stand after `events` (mark, line-up, tick; in order of marks)."""
    found = sorted(gaps, key=lambda gap: gap.open_m)
    still_open: dict[tuple[str, int, str, str], list[int]] = {}
    for at, gap in enumerate(found):
        if not gap.close_m and not gap.every_lineup:
            still_open.setdefault((gap.lineup, gap.source, gap.scope, gap.why), []).append(at)
    for m, lineup, event in events:
        fitting = still_open.setdefault((lineup, event.source, event.scope, event.why), [])
        if event.what == "gap_open":
            fitting.append(len(found))
            found.append(gap_of_open(event, lineup, m))
        elif fitting:
            at = fitting.pop()
            found[at] = closed(found[at], event, m)
        else:
            found.append(gap_of_lone_close(event, lineup, m))
    return found


def touches(gap: Gap, lineup: str, start_ns: int, end_ns: int) -> bool:
    """Whether a gap concerns a line-up in [start_ns, end_ns).

    The tick before and the tick after a gap are not missing, but ticks at the very same
    times may be, so both ends count.
    """
    if start_ns >= end_ns or not (gap.every_lineup or gap.lineup == lineup):
        return False
    return gap.from_ts < end_ns and (gap.to_ts is None or gap.to_ts >= start_ns)
