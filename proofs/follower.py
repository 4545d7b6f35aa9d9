"""What one subscriber has got over all its connections, judged by the rules of the native protocol.

Per channel the numbers go 1, 2, 3 …; what comes again under a number has the content it had; on
one connection nothing comes twice. A resume from a mark ends in a certificate (`cont`) that says
exactly what this connection has brought since. Whatever else happens is counted in `faults`.

The subscription is raw and has the id `SUB_ID`. Nothing is shared with the hub's own accounting.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from msgspec import Struct

from proofs.aims import ProofError
from proofs.reference import Quote, Recording, Trade
from proofs.replays import units
from proofs.stream_socket import Message

SUB_ID: Final = 1
KINDS: Final = ("t", "q", "o", "b1m", "b1d", "s", "n", "f")
OPS: Final = frozenset("txcqobudslinf")
"""The ops of data messages."""
PASSED_OVER: Final = frozenset(("welcome", "ok", "pong", "drain", "health"))
"""The ops that say nothing about what was delivered."""
FAULTS: Final = (
    "differing", "doubled", "n_breaks", "gaps", "errors", "miscounted", "falling_marks", "early_marks",
)  # fmt: skip
"""What can be wrong in what a subscriber is sent, apart from values."""
T = TypeVar("T", Quote, Trade)


class Stretch(Struct):
    """What one connection has brought of one channel, in numbers of that channel."""

    first: int
    last: int
    count: int = 1


class Follower:
    """One subscriber of everything, raw, from mark 0."""

    def __init__(self, *, packed: bool = False) -> None:
        self.packed = packed
        self.mark = 0
        """The last mark processed: where to resume."""
        self.faults: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
        self.told: list[str] = []
        """The first few messages that were faults by themselves, for whoever looks."""
        self.kinds: Counter[str] = Counter()
        """Op → ticks, each counted once."""
        self.received = 0
        """Data messages, those that came again too."""
        self.repeated = 0
        """Those that came again after a resume."""
        self.quotes: defaultdict[str, list[Quote]] = defaultdict(list)
        self.trades: defaultdict[str, list[Trade]] = defaultdict(list)
        """By symbol, in order of their numbers."""
        self.since = 0
        """The mark from which this connection has resumed."""
        self.certified = False
        """Whether it has brought a certificate that is right."""
        self.leaving_m: int | None = None
        """The mark in the hub's `drain`, when it has said that it goes down."""
        self._told_m = 0
        self._contents: defaultdict[str, list[int | None]] = defaultdict(list)
        self._stretches: dict[str, Stretch] = {}
        self._certificate: dict[str, dict[str, Any]] = {}

    def begin(self, since: int | None = None) -> list[Message]:
        """A new connection: what to say on it, to resume from `since` or else from the last mark."""
        self.since = self.mark if since is None else since
        self.certified, self.leaving_m, self._told_m = False, None, 0
        self._stretches.clear()
        self._certificate.clear()
        return [
            {"op": "hello", "token": "demo"},
            {
                "op": "sub", "id": SUB_ID, "symbols": "*", "kinds": list(KINDS), "mode": "raw",
                "from": {"m": self.since},
            },
        ]  # fmt: skip

    def take(self, messages: Iterable[Message]) -> None:
        """Process messages in their order."""
        for message in messages:
            op = message.get("op")
            if op in OPS:
                self._tick(message)
            elif op == "mark":
                self._mark(message["m"])
            elif op == "cont":
                self._cont(message)
            elif op in ("gap", "snap", "epoch"):
                self._fault("gaps", message)
            elif op not in PASSED_OVER:
                self._fault("errors", message)
            elif op == "drain":
                self.leaving_m = message.get("m")

    @property
    def distinct(self) -> int:
        """How many ticks it has, each counted once."""
        return self.kinds.total()

    @property
    def numbers(self) -> dict[str, int]:
        """Channel → the highest number received."""
        return {name: len(contents) for name, contents in self._contents.items()}

    # -- inside ----------------------------------------------------------------------------

    def _tick(self, message: Message) -> None:
        name, n = message["c"], message["n"]
        self.received += 1
        self._note(name, n)
        contents, content = self._contents[name], hash(tuple(message.items()))
        if n <= len(contents):
            self.repeated += 1
            self.faults["differing"] += contents[n - 1] != content
            return
        if n != len(contents) + 1:
            self._fault("n_breaks", message)
            contents += [None] * (n - 1 - len(contents))
        contents.append(content)
        self.kinds[message["op"]] += 1
        if message["op"] == "q":
            self.quotes[name[2:]].append(quote_of(message, packed=self.packed))
        elif message["op"] == "t":
            self.trades[name[2:]].append(trade_of(message, packed=self.packed))

    def _note(self, name: str, n: int) -> None:
        stretch = self._stretches.get(name)
        if stretch is None:
            self._stretches[name] = Stretch(n, n)
        else:
            self.faults["doubled"] += n <= stretch.last
            stretch.last = max(stretch.last, n)
            stretch.count += 1

    def _mark(self, m: int) -> None:
        self.faults["falling_marks"] += m < self._told_m
        self._told_m = m
        # Everybody who has everything has as many ticks as the mark says, or more.
        self.faults["early_marks"] += self.distinct < m
        # After a resume from an earlier mark everything up to the last one is still here.
        self.mark = max(self.mark, m)

    def _cont(self, message: Message) -> None:
        self._certificate |= message["chans"]
        wrong = [
            message["id"] != SUB_ID, message["since"] != self.since, message["m"] < self.since,
            self.certified, "holes" in message,
        ]  # fmt: skip
        unlike = 0
        if not message["more"]:
            # One of everything has one tick for each mark.
            wrong.append(
                sum(entry["sent"] for entry in self._certificate.values()) != message["m"] - self.since
            )
            unlike = sum(map(self._unlike, self._certificate.keys() | self._stretches.keys()))
        if unlike or any(wrong):
            self._fault("miscounted", {**message, "chans": {}, "channels told wrongly": unlike})
        self.certified = not (message["more"] or unlike or any(wrong))

    def _unlike(self, name: str) -> bool:
        """Whether the certificate says anything else of a channel than what came."""
        entry, stretch = self._certificate.get(name), self._stretches.get(name)
        if entry is None or stretch is None:
            return True
        told = {key: entry.get(key) for key in ("from", "to", "sent", "folded", "skipped", "complete")}
        return told != {
            "from": stretch.first - 1, "to": stretch.last, "sent": stretch.count,
            "folded": 0, "skipped": 0, "complete": True,
        } or stretch.count != stretch.last - stretch.first + 1  # fmt: skip

    def _fault(self, name: str, message: Message) -> None:
        self.faults[name] += 1
        if len(self.told) < 10:
            self.told.append(f"{name}: {str(message)[:200]}")


class Against(Struct):
    """What a comparison with a recording found; all but `compared` should be 0."""

    compared: int = 0
    missing: int = 0
    """Ticks of the recording that the subscriber has not got."""
    extra: int = 0
    """Ticks that are not in the recording."""
    misplaced: int = 0
    """Symbols whose ticks came in another order."""


def against(follower: Follower, known: Recording) -> Against:
    """Compare values and order, symbol by symbol, with an independent reading."""
    found = Against()
    _compare(found, follower.quotes, known.quotes)
    _compare(found, follower.trades, known.trades)
    return found


def _compare(found: Against, got: dict[str, list[T]], known: Iterable[T]) -> None:
    wanted: defaultdict[str, list[T]] = defaultdict(list)
    for tick in known:
        wanted[tick.symbol].append(tick)
    for symbol in wanted.keys() | got.keys():
        have, want = got.get(symbol, []), wanted[symbol]
        found.compared += len(have)
        if have != want:
            more, less = Counter(have) - Counter(want), Counter(want) - Counter(have)
            found.extra += more.total()
            found.missing += less.total()
            found.misplaced += not (more or less)


def quote_of(message: Message, *, packed: bool) -> Quote:
    """A message in the terms of the independent reader."""
    return Quote(
        message["c"][2:], _time(message),
        _price(message["bp"], packed), _size(message["bs"], packed),
        _price(message["ap"], packed), _size(message["as"], packed),
    )  # fmt: skip


def trade_of(message: Message, *, packed: bool) -> Trade:
    """A message in the terms of the independent reader.

    Raises:
        ProofError: it has no price.
    """
    price = _price(message["px"], packed)
    if price is None:
        raise ProofError(f"a trade without a price: {message}")
    return Trade(
        message["c"][2:], _time(message), price, _size(message["sz"], packed), int(message["id"])
    )  # fmt: skip


def _time(message: Message) -> int:
    return int(message["ts"]) * 1_000 + int(message.get("tn", 0))


def _price(value: Any, packed: bool) -> int | None:
    if value is None:
        return None
    return int(value) if packed else units(value, 9)


def _size(value: Any, packed: bool) -> int:
    return int(value) if packed else units(value, 6)
