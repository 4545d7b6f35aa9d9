"""The rings that a tape demands of some rules, beside those that the file of alerts holds.

What is demanded is found by `tests.alerts.naive`, which looks at every tick with every rule; it
goes on as the tape grows. The file is read as it lies there, from a copy: opened in its place, it
would be mended before the hub that was killed has mended it.
"""

import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from alerts.form import rule_of
from alerts.model import Alert, Owner
from proofs import tapes
from proofs.aims import ProofError
from tape.batch import Batch
from tests.alerts import naive
from ticks.times import parse_time

FILE: Final = "alerts.sqlite"
RULE_MEMBERS: Final = ("symbol", "when", "repeat", "confirm", "sessions", "on_true_at_creation", "channels")


class Ring(Struct, frozen=True):
    """A ring in the file, or as a receiver was told of it."""

    event_id: str
    alert: str
    m: int


class Demand:
    """What the tape in a folder demands of the rules that were put."""

    def __init__(self, folder: Path) -> None:
        self.rings: dict[str, Ring] = {}
        """By event id."""
        self.m = 0
        """Up to here the tape was followed."""
        self.values: dict[str, dict[str, int]] = {}
        """Symbol → feature → newest value, × 1e-9."""
        self._folder = folder
        self._alerts: list[naive.NaiveAlert] = []
        self._newest: dict[tuple[str, bool], Batch] = {}
        """Symbol and whether it is a trade → the batch with the newest tick that gave a value."""

    @property
    def rules(self) -> int:
        """How many rules are looked at."""
        return len(self._alerts)

    def follow(self) -> None:
        """Evaluate what the tape has grown by; nobody may write it meanwhile.

        Raises:
            ProofError: marks cannot be read.
        """
        for batch in list(tapes.batches(self._folder, self.m)):
            self.take(batch)

    def take(self, batch: Batch) -> None:
        """Evaluate one batch."""
        for tick in batch.ticks:
            found = naive.values_of(tick)
            if found is not None:
                given = {feature: value for feature, value in found[1].items() if value is not None}
                self.values.setdefault(tick.symbol, {}).update(given)
                self._newest[tick.symbol, "last" in found[1]] = batch
        symbols = {tick.symbol for tick in batch.ticks}
        for one in self._alerts:
            if one.rule.symbol in symbols:
                for ring in naive.rings([one], [batch]):
                    self.rings[ring.event_id] = Ring(ring.event_id, one.alert.id, ring.m)
        self.m = batch.last_m

    def put(self, view: Mapping[str, Any]) -> None:
        """Look at a rule too, as the hub has answered it, from the present place on."""
        rule = rule_of({name: view[name] for name in RULE_MEMBERS}, 0)
        created_ns = parse_time(view["created"])
        alert = Alert(view["id"], Owner("default", "demo"), view["rev"], rule, created_ns, created_ns)
        before = {
            batch.first_m: batch
            for is_trade in (True, False)
            if (batch := self._newest.get((rule.symbol, is_trade))) is not None
        }
        self._alerts.append(naive.naive_alert(alert, [before[m] for m in sorted(before)]))

    def silent_since(self, m: int) -> bool:
        """Whether no tick behind a mark gave a value, as far as the tape was followed."""
        return all(batch.last_m <= m for batch in self._newest.values())


class Kept(Struct, frozen=True):
    """What the file of alerts holds."""

    rings: list[Ring]
    offsets: list[int]
    pending: int
    """Webhook deliveries that are not done."""


def kept(folder: Path) -> Kept:
    """Read the file of a hub that does not run.

    Raises:
        ProofError: it cannot be read.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent) as copy, _words():
        for name in (FILE, f"{FILE}-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(folder / name, copy)
        with closing(sqlite3.connect(f"file:{copy}/{FILE}?mode=rw", uri=True)) as connection:
            rows = connection.execute("select off, fire from fires order by off").fetchall()
            return Kept([_ring(fire) for _, fire in rows], [row[0] for row in rows], _pending(connection))


def pending(folder: Path) -> int:
    """How many webhook deliveries of a hub that runs are not done.

    Raises:
        ProofError: the file cannot be read.
    """
    with _words(), closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as connection:
        return _pending(connection)


def told(body: bytes) -> Ring:
    """The ring that a webhook's body tells of."""
    data = json.loads(body)["data"]
    return Ring(data["event_id"], data["alert"], data["m"])


def two_ids(rings: Iterable[Ring]) -> int:
    """How many rings have more ids than one: an alert rings once by one tick."""
    ids: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for ring in rings:
        ids[ring.alert, ring.m].add(ring.event_id)
    return sum(len(found) > 1 for found in ids.values())


def differing_bodies(bodies: Sequence[tuple[str, bytes]]) -> int:
    """How many ids came with more bodies than one."""
    return sum(count > 1 for count in Counter(webhook_id for webhook_id, _ in set(bodies)).values())


@contextmanager
def _words() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ProofError(f"the file of alerts cannot be read: {error}") from error


def _pending(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute(
        "select count(*) from outbox where kind = 'webhook' and state = 'pending'"
    ).fetchone()
    return int(count)


def _ring(fire: bytes) -> Ring:
    row = json.loads(fire)
    return Ring(row["event_id"], row["alert_id"], row["m"])
