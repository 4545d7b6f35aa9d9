"""Certificates: what became of every tick of a channel between two marks.

They speak of the tape: `complete` says that every tick on the tape was sent or folded. Whether
the market itself was seen throughout is told beside it (`whole`, `upstream`).
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from hub.market_gaps import MarketGap
from ticks.channels import parse_channel
from ticks.model import MARKET

CHANNELS_PER_MESSAGE: Final = 500
"""A certificate of more channels comes in several messages."""
HOLES_MAX: Final = 1_000
UPSTREAM_GAPS_MAX: Final = 1_000
"""A certificate lists no more market gaps than this; with more, it says `upstream_more`."""


class Account(Struct, gc=False):
    """What became of one channel's ticks, in numbers of that channel."""

    first_n: int
    """The number in front of the first tick accounted for."""
    last_n: int
    sent: int = 0
    folded: int = 0
    skipped: int = 0
    broken: bool = False
    """A stretch of the tape was not served, and ticks of this channel may have been in it."""

    @property
    def complete(self) -> bool:
        """Whether every tick between first and last was sent or folded, and none can be missing."""
        return not self.broken and self.last_n - self.first_n == self.sent + self.folded


class Hole(Struct, frozen=True, gc=False):
    """Marks that were not served."""

    first_m: int
    last_m: int
    why: str


class Statement(Struct):
    """Everything a certificate is made of. It grows with the channels that had ticks, and no further."""

    sub_id: int
    epoch: int
    since_m: int
    accounts: dict[str, Account] = {}
    """By channel; a channel without a tick in the stretch has none."""
    holes: list[Hole] = []
    market_gaps: list[MarketGap] = []
    scopes: set[str] = set()
    """The symbols that had a market gap."""

    def note_hole(self, hole: Hole) -> None:
        """Take note of marks that were not served; beyond the bound the last hole grows."""
        for account in self.accounts.values():
            account.broken = True
        if len(self.holes) < HOLES_MAX:
            self.holes.append(hole)
        else:
            self.holes[-1] = Hole(self.holes[-1].first_m, hole.last_m, hole.why)

    def note_gap(self, gap: MarketGap) -> None:
        """Take note of a market gap; beyond the bound only whose it is."""
        self.scopes.add(gap.scope)
        if len(self.market_gaps) <= UPSTREAM_GAPS_MAX:
            self.market_gaps.append(gap)

    def messages(self, to_m: int) -> Iterator[dict[str, Any]]:
        """The certificate of everything in (since_m, to_m], as `cont` messages of a bounded size."""
        names = list(self.accounts)
        for begin in range(0, max(1, len(names)), CHANNELS_PER_MESSAGE):
            part = names[begin : begin + CHANNELS_PER_MESSAGE]
            message: dict[str, Any] = {
                "op": "cont", "id": self.sub_id, "e": self.epoch, "since": self.since_m, "m": to_m,
                "more": begin + CHANNELS_PER_MESSAGE < len(names),
                "chans": {name: _entry(self.accounts[name], self._saw_market(name)) for name in part},
            }  # fmt: skip
            if begin == 0:
                message |= self._gaps()
            yield message

    def _gaps(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.holes:
            told["holes"] = [{"from": h.first_m - 1, "to": h.last_m, "why": h.why} for h in self.holes]
        if self.market_gaps:
            told["upstream"] = [
                {"from": gap.from_m, "to": gap.to_m, "scope": gap.scope, "why": gap.why}
                for gap in self.market_gaps[:UPSTREAM_GAPS_MAX]
            ]
        if len(self.market_gaps) > UPSTREAM_GAPS_MAX:
            told["upstream_more"] = True
        return told

    def _saw_market(self, name: str) -> bool:
        if not self.scopes:
            return True
        return MARKET not in self.scopes and parse_channel(name).symbol not in self.scopes


def _entry(account: Account, whole: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "from": account.first_n,
        "to": account.last_n,
        "sent": account.sent,
        "folded": account.folded,
        "skipped": account.skipped,
        "complete": account.complete,
    }
    if not whole:
        entry["whole"] = False
    return entry
