"""How what happens on the exchange becomes ticks: times, numbers, ids, conditions.

Every tick passes through one `Printer`, so sequence numbers and trade ids are unbroken over
all symbols. Prices come in as ticks of $0.01 (or as 1e-9 where a print may be finer), sizes
as whole shares (or as 1e-6).
"""

from typing import Final

from feeds.sim.book import Clearing
from feeds.sim.listing import Stock
from ticks.conditions import elig
from ticks.model import ABSENT_PRICE, MARKET, Auction, FeedEvent, Quote, Status, Tick, Trade, TradeCancel
from ticks.sessions import RTH

PRICE_UNIT: Final = 10_000_000
"""One tick of a price, $0.01, in 1e-9."""
SHARE: Final = 1_000_000
"""One share in 1e-6."""
SEND_DELAY_NS: Final = 17_000
"""From the event to the sending: about what a SIP takes."""
RECEIVE_DELAY_NS: Final = 250_000
"""From the event to the receiving."""
OFF_EXCHANGE: Final = ord("D")
"""The venue of prints that were made off exchange."""
SWEEP: Final = "F"
ODD_LOT: Final = "I"
OPENING: Final = "O"
REOPENING: Final = "5"

_TAPE_C: Final = ord("C")
_COLLAR_PERCENT: Final = 10
_SECOND_NS: Final = 1_000_000_000


class Printer:
    """Appends ticks to `out`, the list that the caller put there.

    Arguments:
        source: number of the source.
        sequence: number before the first tick's `src_seq`.
        trade_id: id before the first trade's.
    """

    __slots__ = ("out", "sequence", "source", "trade_id")

    def __init__(self, source: int, sequence: int, trade_id: int) -> None:
        self.source = source
        self.sequence = sequence
        self.trade_id = trade_id
        self.out: list[Tick] = []

    def quote(self, stock: Stock, time_ns: int, bid: tuple[int, int, int], ask: tuple[int, int, int]) -> None:
        """The top of the book: (price in ticks, shares, venue) of each side; price 0 = absent."""
        self.sequence += 1
        bid_price, bid_size, bid_venue = bid
        ask_price, ask_size, ask_venue = ask
        self.out.append(
            Quote(
                self.source, bid_venue or ask_venue or stock.venue, stock.symbol,
                time_ns, time_ns + SEND_DELAY_NS, time_ns + RECEIVE_DELAY_NS, self.sequence, 0,
                bid_price * PRICE_UNIT if bid_price else ABSENT_PRICE, bid_size * SHARE,
                ask_price * PRICE_UNIT if ask_price else ABSENT_PRICE, ask_size * SHARE,
                bid_venue, ask_venue, "R", stock.tape,
            )
        )  # fmt: skip

    def trade(self, stock: Stock, time_ns: int, venue: int, price: int, size: int, codes: str) -> Trade:
        """A print, price x 1e-9, size x 1e-6; `codes` beside the code of a regular sale."""
        self.sequence += 1
        self.trade_id += 1
        conds = ("@" if stock.tape == _TAPE_C else " ") + codes
        trade = Trade(
            self.source, venue, stock.symbol,
            time_ns, time_ns + SEND_DELAY_NS, time_ns + RECEIVE_DELAY_NS, self.sequence, 0,
            price, size, self.trade_id, stock.tape, conds, elig(stock.tape, conds, RTH),
        )  # fmt: skip
        self.out.append(trade)
        return trade

    def cancel(self, trade: Trade, time_ns: int) -> None:
        """Withdraw an earlier print."""
        self.sequence += 1
        self.out.append(
            TradeCancel(
                self.source, trade.venue, trade.symbol,
                time_ns, time_ns + SEND_DELAY_NS, time_ns + RECEIVE_DELAY_NS, self.sequence, 0,
                trade.price, trade.size, trade.trade_id, trade.sip_tape, "C",
            )
        )  # fmt: skip

    def status(self, stock: Stock, time_ns: int, state: str, reason: str, raw: str) -> None:
        """Trading in a stock entered a state."""
        self.sequence += 1
        self.out.append(
            Status(
                self.source, stock.venue, stock.symbol,
                time_ns, time_ns + SEND_DELAY_NS, time_ns + RECEIVE_DELAY_NS, self.sequence, 0,
                "trading", state, reason, raw, 0,
            )
        )  # fmt: skip

    def auction(
        self, stock: Stock, time_ns: int, name: str, clearing: Clearing, reference: int, crosses_ns: int
    ) -> None:
        """Where an auction would clear; `reference` in ticks."""
        self.sequence += 1
        collar = reference * _COLLAR_PERCENT // 100
        self.out.append(
            Auction(
                self.source, stock.venue, stock.symbol,
                time_ns, time_ns + SEND_DELAY_NS, time_ns + RECEIVE_DELAY_NS, self.sequence, 0,
                name, clearing.paired * SHARE, clearing.imbalance * SHARE, clearing.side,
                reference * PRICE_UNIT, clearing.price * PRICE_UNIT, clearing.price * PRICE_UNIT,
                reference * PRICE_UNIT, (reference - collar) * PRICE_UNIT, (reference + collar) * PRICE_UNIT,
                crosses_ns // _SECOND_NS, 0,
            )
        )  # fmt: skip

    def gap(self, why: str, from_ns: int, to_ns: int, text: str) -> None:
        """The pair that tells of a stretch of market time that nobody will hear of."""
        for what, time_ns in (("gap_open", from_ns), ("gap_close", to_ns)):
            self.sequence += 1
            self.out.append(
                FeedEvent(
                    self.source, 0, MARKET, time_ns, to_ns + SEND_DELAY_NS, to_ns + RECEIVE_DELAY_NS,
                    self.sequence, 0, what, why, MARKET, from_ns, to_ns, -1, text,
                )
            )  # fmt: skip
