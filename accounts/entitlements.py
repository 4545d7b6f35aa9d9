"""What a principal may read: grants as people write them, and the decision for one channel.

A grant is `*` (everything), `@iex` (a whole line-up), `t:*` (a kind, in the default line-up),
`t:AAPL` (a channel), or one of the last two with a line-up: `t:*@iex`, `t:AAPL@iex`. A grant
without `@` speaks of the default line-up only: line-ups are what exchanges license apart.
Back-filled ticks (`t:AAPL!b`) need what their live channel needs.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct

from ticks.channels import LINEUP_NAME, parse_channel
from ticks.errors import ChannelError
from ticks.model import MARKET

EVERYTHING: Final = "*"


class Access(IntEnum):
    """How much of a channel may be read; a larger value includes the smaller ones."""

    NONE = 0
    DELAYED = 1
    """What is at least fifteen minutes old, by event time and by receive time."""
    LIVE = 2


class Grants(Struct, frozen=True):
    """A list of grants, ready to be asked about one channel after the other."""

    everything: bool = False
    lineups: frozenset[str] = frozenset()
    kinds: frozenset[tuple[str, str]] = frozenset()
    """(line-up, kind) pairs."""
    channels: frozenset[tuple[str, str, str]] = frozenset()
    """(line-up, kind, symbol) triples."""

    def include(self, lineup: str, kind: str, symbol: str) -> bool:
        """Whether any of the grants covers the channel."""
        return (
            self.everything
            or lineup in self.lineups
            or (lineup, kind) in self.kinds
            or (lineup, kind, symbol) in self.channels
        )


class Entitlements(Struct, frozen=True):
    """What one principal may read at once, and what fifteen minutes late."""

    live: Grants = Grants()
    delayed: Grants = Grants()

    def access(self, lineup: str, kind: str, symbol: str) -> Access:
        """The most that is allowed of a channel; nothing is allowed that was not granted."""
        if self.live.include(lineup, kind, symbol):
            return Access.LIVE
        return Access.DELAYED if self.delayed.include(lineup, kind, symbol) else Access.NONE


def parse_grants(texts: Iterable[str]) -> Grants:
    """Read grants in the notation above.

    Raises:
        ChannelError: one of them does not follow it.
    """
    everything = False
    lineups: set[str] = set()
    kinds: set[tuple[str, str]] = set()
    channels: set[tuple[str, str, str]] = set()
    for text in texts:
        if text == EVERYTHING:
            everything = True
        elif text.startswith("@"):
            lineups.add(_lineup(text))
        else:
            channel = parse_channel(text)
            if channel.backfill:
                raise ChannelError(
                    f"{text[:64]!r}: back-filled ticks go with their live channel; leave out !b"
                )
            if channel.symbol == MARKET:
                kinds.add((channel.lineup, channel.kind))
            else:
                channels.add((channel.lineup, channel.kind, channel.symbol))
    return Grants(everything, frozenset(lineups), frozenset(kinds), frozenset(channels))


def _lineup(text: str) -> str:
    if LINEUP_NAME.fullmatch(text[1:]) is None:
        raise ChannelError(f"not the name of a line-up: {text[:64]!r}")
    return text[1:]
