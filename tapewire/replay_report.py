"""The line that `tapewire replay --exit` prints: what was decoded, published and stored."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from storage.pool import HistoryPool
from tape.reader import Damage, TapeReader
from tape.tape import Tape
from tapewire.feeding import Replay
from tapewire.totals import Totals
from ticks.kinds import KINDS

STORED_KEYS: Final = frozenset(kind.report for kind in KINDS.values() if kind.stored)


async def make_report(
    tape: Tape, history: HistoryPool, replays: Sequence[Replay], seconds: float
) -> dict[str, Any]:
    """Ask tape and store, and put the report together."""
    totals = {key: total for replay in replays for key, total in replay.totals.items()}
    first_m = min((total.first_m for total in totals.values() if total.first_m), default=0)
    last_m = tape.marks.accepted
    ranges = await asyncio.to_thread(ranges_of, tape.reader(), set(totals), first_m, last_m)
    stored = await history.stored(ranges)
    return report(
        decoded=_sum(replay.feed.decoded for replay in replays),
        totals=totals.values(),
        stored=stored.counts,
        symbols=stored.symbols,
        last_m=ranges[-1][1] if ranges else 0,
        gaps=sum(replay.feed.gaps for replay in replays),
        seconds=seconds,
    )


def ranges_of(reader: TapeReader, keys: set[str], first_m: int, last_m: int) -> list[tuple[int, int]]:
    """The ranges of marks, both ends inclusive, that were given to recordings with these keys.

    What the tape has retired already counts as theirs: nobody can tell any more.
    """
    if not first_m:
        return []
    ranges: list[tuple[int, int]] = []
    for span in reader.spans(first_m - 1, last_m):
        theirs = span.reason == "retention" if isinstance(span, Damage) else span.position_key in keys
        if not theirs or span.last_m < span.first_m:
            continue
        if ranges and ranges[-1][1] == span.first_m - 1:
            ranges[-1] = (ranges[-1][0], span.last_m)
        else:
            ranges.append((span.first_m, span.last_m))
    reader.close()
    return ranges


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for key, count in one.items():
            total[key] = total.get(key, 0) + count
    return total


def report(
    decoded: dict[str, int],
    totals: Iterable[Totals],
    stored: dict[str, int],
    symbols: int,
    last_m: int,
    gaps: int,
    seconds: float,
) -> dict[str, Any]:
    """The report as a JSON-ready dict.

    `published` counts ticks by kind over all recordings; `stored` the rows of the same
    marks in the store; all are totals of the data folder, earlier runs included.
    """
    published: dict[str, int] = {}
    first_ms = []
    for total in totals:
        for key, count in total.by_report().items():
            published[key] = published.get(key, 0) + count
        if total.first_m:
            first_ms.append(total.first_m)
    return {
        "decoded": dict(sorted(decoded.items())),
        "published": _by_kind(published),
        "stored": _by_kind(stored),
        "symbols": symbols,
        "first_m": min(first_ms, default=0),
        "last_m": last_m,
        "gaps": gaps,
        "seconds": round(seconds, 3),
    }


def _by_kind(counts: dict[str, int]) -> dict[str, int]:
    """Counts in the order of the table of kinds, whatever came first on the tape or in the store."""
    return {kind.report: counts[kind.report] for kind in KINDS.values() if kind.report in counts}


def differences(line: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Kinds of which another number was stored than published: key → (published, stored)."""
    published, stored = line["published"], line["stored"]
    return {
        key: (published.get(key, 0), stored.get(key, 0))
        for key in STORED_KEYS
        if published.get(key, 0) != stored.get(key, 0)
    }
