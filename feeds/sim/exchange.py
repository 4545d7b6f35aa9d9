"""The simulated exchange: time in, ticks out."""

from typing import Final

import msgspec

from feeds.contract import LATEST_NS
from feeds.errors import PositionError
from feeds.sim.auction import OPEN, RESUME
from feeds.sim.load import LoadMarket
from feeds.sim.market import BookMarket
from feeds.sim.prints import RECEIVE_DELAY_NS, Printer
from feeds.sim.settings import SimSettings
from feeds.sim.view import SimView
from ticks.calendar import trading_day
from ticks.model import Tick
from ticks.sources import SIM_B

_POSITION_VERSION: Final = 1
_MICROSECOND_NS: Final = 1_000
_NUMBER_MAX: Final = 1 << 53
"""Sequence numbers and ids stay below it: JavaScript reads them exactly, and it lasts until 2255."""


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """What `position` saves. New fields go to the end, with a default."""

    version: int
    seed: int
    reached_ns: int
    """Event time up to which everything was handed out; 0 = the market has not begun."""
    sequence: int
    """The last `src_seq`."""
    trade_id: int
    """The last trade id."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Position).decode


class SimExchange:
    """A seeded exchange that trades at any hour.

    Equal settings and an equal time of the first `advance` give an equal tape, however often
    and at whatever times `advance` is called in between. It opens no socket and reads no clock.

    A restart does not repeat the past: the exchange that is given a `position` starts a new
    market at its first `advance`. Prices go on where they would have been, because they are a
    function of seed and time; books are built anew by an auction; trades that were to be
    cancelled stand. What was not traded in between is told by gap_open, gap_close (why =
    outage). Sequence numbers and trade ids rise on, over any number of restarts, even when
    the position is lost.
    """

    def __init__(self, settings: SimSettings) -> None:
        self.settings = settings
        self._printer = Printer(settings.source, 0, 0)
        self._market: BookMarket | LoadMarket | None = None
        self._saved: _Position | None = None
        self._reached_ns = 0

    @property
    def reached_ns(self) -> int:
        """Time of the last `advance` or `skip`, ns; 0 before the first."""
        return self._reached_ns + RECEIVE_DELAY_NS if self._market is not None else 0

    def advance(self, now_ns: int) -> list[Tick]:
        """Everything that is received up to `now_ns`, in order. A time before the last gives nothing.

        The first call starts the market.
        """
        out = self._printer.out = []
        market = self._market or self._start(now_ns - RECEIVE_DELAY_NS)
        if now_ns - RECEIVE_DELAY_NS >= self._reached_ns:
            self._reached_ns = now_ns - RECEIVE_DELAY_NS
            market.run_until(self._reached_ns)
        return out

    def skip(self, to_ns: int, why: str, text: str) -> list[Tick]:
        """Stand still until `to_ns`: nothing trades, and then all goes on as it was planned.

        Returns the pair gap_open, gap_close that tells of it; nothing when `to_ns` has been
        reached or the market has not begun. Fair values do not wait.

        Arguments:
            to_ns: until when; the first moment at which something may be received again.
            why: one of the reasons of `FeedEvent.why`.
            text: for whoever reads the event.
        """
        out = self._printer.out = []
        duration_ns = to_ns - RECEIVE_DELAY_NS - self._reached_ns
        if self._market is None or duration_ns <= 0:
            return []
        self._market.stand_still(duration_ns)
        self._printer.gap(why, self._reached_ns, self._reached_ns + duration_ns, text)
        self._reached_ns += duration_ns
        return out

    def position(self) -> bytes:
        """How far it has got, for `restore`; about 40 bytes."""
        if self._market is None and self._saved is not None:
            return _encode(self._saved)
        printer = self._printer
        return _encode(
            _Position(
                _POSITION_VERSION, self.settings.seed, self._reached_ns, printer.sequence, printer.trade_id
            )
        )

    def restore(self, position: bytes) -> None:
        """Go on after the exchange that gave `position`, see the class; before the first `advance`.

        Raises:
            PositionError: the bytes are no position of a simulated exchange, or this one has begun.
        """
        if self._market is not None:
            raise PositionError("the market has begun already")
        try:
            saved = _decode(position)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise PositionError(f"not a position of a simulated exchange: {error}") from error
        if saved.version != _POSITION_VERSION:
            raise PositionError(f"position of version {saved.version}; only {_POSITION_VERSION} is known")
        sound = 0 <= saved.reached_ns < LATEST_NS and 0 <= saved.seed < 1 << 63
        if not (sound and 0 <= saved.sequence < _NUMBER_MAX and 0 <= saved.trade_id < _NUMBER_MAX):
            raise PositionError("not a position of a simulated exchange")
        self._saved = saved

    def view(self, source: int = SIM_B, delay_ns: int = 0, loss: float = 0.0) -> SimView:
        """The same market as another source reports it; see `SimView`."""
        return SimView(source, delay_ns, loss, self.settings.seed)

    def _start(self, start_ns: int) -> BookMarket | LoadMarket:
        settings, printer, saved = self.settings, self._printer, self._saved
        # Less than one per µs is used, so the µs of the start lies above all that were used before.
        printer.sequence = printer.trade_id = start_ns // _MICROSECOND_NS
        same_day = False
        if saved is not None and saved.reached_ns:
            printer.sequence = max(printer.sequence, saved.sequence)
            printer.trade_id = max(printer.trade_id, saved.trade_id)
            same_day = trading_day(saved.reached_ns) == trading_day(start_ns)
            text = f"the simulated exchange stopped; seed {saved.seed} before, {settings.seed} now"
            printer.gap("outage", min(saved.reached_ns, start_ns), start_ns, text)
        if settings.has_books:
            occasion = RESUME if same_day else OPEN
            self._market = BookMarket(settings, printer, start_ns, occasion)
        else:
            self._market = LoadMarket(settings, printer, start_ns)
        self._reached_ns = start_ns
        return self._market
