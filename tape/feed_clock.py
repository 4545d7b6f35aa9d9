"""The time a feed has reached, seen through a clock that may be wrong.

Events carry the venue's time, receipts ours. The two differ by the way they travelled and by
what is wrong with our clock: real recordings exist whose receipts are 37 s late throughout,
because the machine counted leap seconds otherwise. A difference that lasts is therefore taken
for the clock's and subtracted; a feed that lags for some seconds is not.
"""

from collections import deque
from typing import Final

from ticks.times import NS_PER_DAY, NS_PER_SECOND

SAMPLES: Final = 101
"""Differences remembered: one a second, so it takes about a minute and a half to believe a new one."""
TRUSTED_SAMPLES: Final = 11
"""With fewer a clock is not taken to be behind: one stamp from the future must not move time."""
SAMPLE_EVERY_NS: Final = NS_PER_SECOND


class FeedClock:
    """Our time, and the feed's. Neither ever falls, once there was an event."""

    def __init__(self) -> None:
        self.now_ns = 0
        """Our time: the newest that was told."""
        self.feed_ns = 0
        """What time it is at the feed's end; before its first event the same as ours."""
        self.watermark_ns = 0
        """The newest event, or `feed_ns` where a stamp is beyond it."""
        self.offset_ns = 0
        """How far receipts are usually behind events: the third least difference of those remembered.
        Two may be less, stamps from the future; all others may be more, late prints."""
        self._differences: deque[int] = deque(maxlen=SAMPLES)
        self._next_sample_ns = 0

    @property
    def started(self) -> bool:
        """Whether there was an event."""
        return bool(self._differences)

    def tell(self, now_ns: int) -> None:
        """Our time is `now_ns`."""
        if now_ns > self.now_ns:
            self.now_ns = now_ns
            self._advance()

    def see(self, ts_event: int, ts_recv: int) -> None:
        """An event was received."""
        self.now_ns = max(self.now_ns, ts_recv)
        if self.now_ns >= self._next_sample_ns or len(self._differences) < TRUSTED_SAMPLES:
            self._next_sample_ns = self.now_ns + SAMPLE_EVERY_NS
            self._differences.append(self.now_ns - ts_event)
            self._estimate()
        self._advance()
        self.watermark_ns = max(self.watermark_ns, min(ts_event, self.feed_ns))

    def latest_ns(self) -> int:
        """The latest that an event received now may have happened.

        By our time where that is later, for the difference may have been a lag that has ended;
        but not by a day, for then our time is another matter altogether.
        """
        return max(self.feed_ns, min(self.now_ns, self.feed_ns + NS_PER_DAY))

    def our_time(self, feed_ns: int) -> int:
        """What our clock shows when the feed's time is `feed_ns`."""
        return feed_ns + self.offset_ns

    def _estimate(self) -> None:
        count = len(self._differences)
        usual_ns = sorted(self._differences)[min(2, count // 5)]
        self.offset_ns = usual_ns if count >= TRUSTED_SAMPLES else max(usual_ns, 0)
        if count == 1:
            self.feed_ns = 0  # what was assumed before the first event does not bind

    def _advance(self) -> None:
        self.feed_ns = max(self.feed_ns, self.now_ns - self.offset_ns)
