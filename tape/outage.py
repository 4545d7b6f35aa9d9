"""What has to be remembered while the journal cannot be written, and how it is declared after."""

from typing import Final

from msgspec import Struct

from tape.batch import Batch
from tape.state import TapeState
from ticks.flags import REPLAY
from ticks.model import MARKET, FeedEvent, Tick
from ticks.sources import HUB

UNKNOWN: Final = -1
"""Nobody knows how many ticks are lost."""


class Outage(Struct):
    """A stretch of the tape that is published but not journalled: one volatile epoch."""

    ns: list[int]
    """The last journalled number of each channel: from there numbers go on when it is over."""
    kept_m: int
    """The last journalled mark."""
    lost: int
    """Ticks published, or turned away, since then."""
    retry_at_ns: int
    from_ts: int
    """Event time of the last journalled tick, ns; 0 unknown."""

    def due(self, now_ns: int, retry_ns: int) -> bool:
        """Whether to try the disk again; also when the clock has been set back."""
        return now_ns >= self.retry_at_ns or self.retry_at_ns - now_ns > retry_ns


def journalled_ns(state: TapeState, unwritten: Batch) -> list[int]:
    """The last number of each channel before a batch that could not be written."""
    ns = list(state.ns)
    for channel_id, n in zip(reversed(unwritten.channel_ids), reversed(unwritten.ns), strict=True):
        ns[channel_id] = n - 1
    return ns


def gap_ticks(last: Tick | None, lost: int, from_ts: int, last_ts_recv: int, now_ns: int) -> list[Tick]:
    """A gap that is over: `lost` ticks since event time `from_ts` were not kept.

    `last` is the newest tick of the market. When it comes from a recording, the time of the
    recording is the time of the tape, not ours.
    """
    replaying = last is not None and bool(last.flags & REPLAY)
    at_ns = last_ts_recv if replaying else max(now_ns, last_ts_recv)
    to_ts = last.ts_event if last is not None and replaying else at_ns
    return [
        FeedEvent(HUB, 0, MARKET, at_ns, 0, at_ns, 0, 0, what, "disk", MARKET, from_ts, to_ts, lost, "")
        for what in ("gap_open", "gap_close")
    ]
