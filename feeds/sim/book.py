"""A limit order book with price-time priority, prices in integer ticks.

Orders at a better price trade first; at the same price the one that came first. Outside an
auction no two orders in the book could trade with each other. Nothing here knows of time,
makers or venues' rules: who owns an order is told by `venue`, which is only carried along.
"""

from bisect import bisect_left, insort
from typing import Final

from msgspec import Struct

from feeds.errors import FeedError

BUY: Final = 0
SELL: Final = 1


class BookError(FeedError):
    """A mistake of ours: an order that no book can take."""


class Fill(Struct, frozen=True, gc=False):
    """A resting order was traded against."""

    order_id: int
    price: int
    """In ticks; that of the resting order, or in an auction the clearing price."""
    size: int
    venue: int


class Order:
    """A resting order."""

    __slots__ = ("order_id", "price", "side", "size", "venue")

    def __init__(self, order_id: int, side: int, price: int, size: int, venue: int) -> None:
        self.order_id = order_id
        self.side = side
        self.price = price
        self.size = size
        self.venue = venue


class _Level:
    """The orders at one price, first come first, and their sum."""

    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.size = 0


class _Side:
    """One side of a book.

    A level's key is its price for asks and minus its price for bids: the best is always the least.
    """

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, _Level] = {}

    def drop(self, key: int) -> None:
        """Take away an empty level."""
        del self.levels[key]
        del self.keys[bisect_left(self.keys, key)]


class Clearing(Struct, frozen=True):
    """Where an auction would clear now."""

    price: int
    """In ticks; 0 when nothing would trade."""
    paired: int
    """Size that would trade at that price."""
    imbalance: int
    """Size left over at that price."""
    side: str
    """Which side is left over: `B`, `S`, or `N` for none."""


class Book:
    """The orders of one symbol. Sizes are in any unit, as long as it is the same throughout."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        """Every resting order by id."""
        self.in_auction = False
        """While set, orders are collected though they cross; `uncross` ends it."""
        self._sides = (_Side(-1), _Side(1))
        self._last_id = 0

    def best(self, side: int) -> int:
        """The best price of a side in ticks; 0 when the side is empty."""
        keys = self._sides[side].keys
        return keys[0] * self._sides[side].sign if keys else 0

    def top(self, side: int) -> tuple[int, int, int]:
        """(price, size at that price, venue of the order that is first in line); zeros when empty."""
        half = self._sides[side]
        if not half.keys:
            return 0, 0, 0
        key = half.keys[0]
        level = half.levels[key]
        return key * half.sign, level.size, next(iter(level.orders.values())).venue

    def depth(self, side: int) -> list[tuple[int, int]]:
        """(price, size) of each level, best first."""
        half = self._sides[side]
        return [(key * half.sign, half.levels[key].size) for key in half.keys]

    def place(self, side: int, price: int, size: int, venue: int) -> int:
        """Let an order rest, last in line at its price; return its id, never used before in this book.

        Raises:
            BookError: price or size is not positive, or the order would trade at once and there
                is no auction: `take` first.
        """
        if price <= 0 or size <= 0:
            raise BookError(f"an order needs a price and a size above 0, not {price} and {size}")
        half, other = self._sides[side], self._sides[1 - side]
        key = price * half.sign
        if other.keys and not self.in_auction and other.keys[0] <= -key:
            raise BookError(f"an order at {price} would trade with the book")
        level = half.levels.get(key)
        if level is None:
            level = half.levels[key] = _Level()
            insort(half.keys, key)
        self._last_id += 1
        order = Order(self._last_id, side, price, size, venue)
        level.orders[order.order_id] = order
        level.size += size
        self.orders[order.order_id] = order
        return order.order_id

    def take(self, side: int, limit: int, size: int) -> list[Fill]:
        """Trade at once up to `size` at prices no worse than `limit`; what is left over is not kept.

        `side` is the taker's: a buy takes asks at `limit` or below.

        Raises:
            BookError: the size is not positive, or an auction collects orders.
        """
        if size <= 0 or self.in_auction:
            raise BookError("nothing can be taken during an auction, nor a size of 0 or less")
        half = self._sides[1 - side]
        worst = limit * half.sign
        fills: list[Fill] = []
        while size and half.keys and half.keys[0] <= worst:
            key = half.keys[0]
            size -= self._fill(half, key, size, key * half.sign, fills)
        return fills

    def cancel(self, order_id: int) -> int:
        """Take an order out; return the size it still had, 0 when it is not there any more."""
        order = self.orders.pop(order_id, None)
        if order is None:
            return 0
        half = self._sides[order.side]
        key = order.price * half.sign
        level = half.levels[key]
        del level.orders[order_id]
        if level.orders:
            level.size -= order.size
        else:
            half.drop(key)
        return order.size

    def clear(self) -> int:
        """Take all orders out; return how many there were."""
        count = len(self.orders)
        self.orders.clear()
        for half in self._sides:
            half.keys.clear()
            half.levels.clear()
        return count

    def clearing(self, reference: int) -> Clearing:
        """Where an auction would clear: the price at which most trades.

        Of several the one that leaves least over, of those the one furthest towards the surplus;
        without a surplus the one nearest to `reference`, in ticks.
        """
        best: tuple[int, int, int] | None = None
        found = Clearing(0, 0, 0, "N")
        for price in sorted({abs(key) for half in self._sides for key in half.keys}):
            demand = sum(size for bid, size in self.depth(BUY) if bid >= price)
            supply = sum(size for ask, size in self.depth(SELL) if ask <= price)
            paired, surplus = min(demand, supply), demand - supply
            towards = price if surplus > 0 else -price if surplus < 0 else -abs(price - reference)
            rank = (paired, -abs(surplus), towards)
            if paired and (best is None or rank > best):
                best = rank
                side = "B" if surplus > 0 else "S" if surplus < 0 else "N"
                found = Clearing(price, paired, abs(surplus), side)
        return found

    def uncross(self, reference: int) -> list[Fill]:
        """Clear the book at one price and end the auction; return each order's part.

        Both sides are in the list, so their sizes add up to twice the volume. What is left
        rests on, and no longer crosses.
        """
        clearing = self.clearing(reference)
        fills: list[Fill] = []
        for half in self._sides if clearing.price else ():
            left = clearing.paired
            while left:
                left -= self._fill(half, half.keys[0], left, clearing.price, fills)
        self.in_auction = False
        return fills

    def _fill(self, half: _Side, key: int, size: int, price: int, fills: list[Fill]) -> int:
        """Trade up to `size` with one level, first come first; return how much it was."""
        level = half.levels[key]
        taken = 0
        while taken < size and level.orders:
            order = next(iter(level.orders.values()))
            part = min(order.size, size - taken)
            fills.append(Fill(order.order_id, price, part, order.venue))
            taken += part
            if part < order.size:
                order.size -= part
            else:
                del level.orders[order.order_id]
                del self.orders[order.order_id]
        if level.orders:
            level.size -= taken
        else:
            half.drop(key)
        return taken
