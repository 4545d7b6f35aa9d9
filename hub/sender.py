"""Putting bytes on connections, and the marks that they make true."""

from typing import Any, Final

from hub.connection import Connection
from hub.moment import Moment
from hub.router import RATES, Router
from hub.subscription import Subscription
from hub.wire import control, mark_frame

MARK_EVERY_NS: Final = 250_000_000
"""A connection that is being written to is told its mark no more often than this."""


class Sender:
    """Writes what is due. `now` is set by whoever calls, before anything else.

    `counters` is counted into: `writes`.
    """

    def __init__(self, router: Router, counters: dict[str, int]) -> None:
        self.now = Moment(0, 0)
        self.flushed: dict[float, int] = dict.fromkeys((0.0, *RATES), router.head_m)
        """How far each rate (0 = raw) has been flushed."""
        self._router = router
        self._counters = counters
        self._mark_cache: tuple[tuple[int, int, bool], bytes] = ((-1, 0, False), b"")

    def serve(self, connection: Connection, mark_every_ns: int = MARK_EVERY_NS) -> None:
        """Write everything that is due on a connection, and now and then its mark."""
        if not connection.outbox:
            return
        pieces = connection.outbox.copy()
        connection.outbox.clear()
        if self.now.awake_ns - connection.marked_ns >= mark_every_ns:
            mark = self.mark(connection)
            if mark is not None and mark > connection.told_m:
                pieces.append(self._mark_frame(connection, mark))
        self.write(connection, pieces)

    def serve_behind(self, subscription: Subscription) -> None:
        """Write what was put together from the tape, with the mark that it makes true."""
        connection: Connection = subscription.connection  # type: ignore[assignment]  # an Outlet of ours is one
        self.serve(connection, mark_every_ns=0)

    def say(self, connection: Connection, message: dict[str, Any]) -> None:
        """Write one control message."""
        self.write(connection, [control([message], packed=connection.packed)])

    def mark(self, connection: Connection) -> int | None:
        """The mark that may be told now; None for none."""
        return connection.mark(self._router.head_m, self.flushed)

    def tell_mark(self, connection: Connection) -> None:
        """Write the mark by itself, if one may be told."""
        mark = self.mark(connection)
        if mark is not None:
            self.write(connection, [self._mark_frame(connection, mark)])

    def write(self, connection: Connection, pieces: list[bytes]) -> None:
        """Write frames."""
        if not connection.closed and pieces:
            connection.wrote_ns = self.now.awake_ns
            self._counters["writes"] += 1
            connection.send(pieces)

    def _mark_frame(self, connection: Connection, mark: int) -> bytes:
        connection.told_m = mark
        connection.marked_ns = self.now.awake_ns
        # Connections that have everything share their mark, and so its frame.
        key = (mark, self.now.utc_ns, connection.packed)
        if self._mark_cache[0] != key:
            self._mark_cache = (key, mark_frame(mark, self.now.utc_ns // 1_000, packed=connection.packed))
        return self._mark_cache[1]
