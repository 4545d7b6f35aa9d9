"""Channel names: `KIND:SYMBOL[@LINEUP][!b]`.

The default line-up's name is the empty string and is not written: `q:AAPL`. Back-filled
ticks have channels of their own: `t:AAPL!b`.
"""

import re
from typing import Final

from msgspec import Struct

from ticks.errors import ChannelError
from ticks.flags import BACKFILL
from ticks.kinds import CHANNEL_KINDS, KINDS
from ticks.model import Tick

CHANNEL_NAME: Final = re.compile(
    r"(?P<kind>[a-z][a-z0-9]{0,3}):(?P<symbol>[!-~]{1,32}?)(?:@(?P<lineup>[a-z0-9][a-z0-9-]{0,30}))?(?P<backfill>!b)?"
)
LINEUP_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class Channel(Struct, frozen=True, gc=False):
    """A parsed channel name."""

    kind: str
    symbol: str
    lineup: str = ""
    backfill: bool = False

    def __str__(self) -> str:
        return channel_name(self.kind, self.symbol, self.lineup, self.backfill)


def channel_name(kind: str, symbol: str, lineup: str = "", backfill: bool = False) -> str:
    """The name of a channel; the inverse of `parse_channel`."""
    at = f"@{lineup}" if lineup else ""
    return f"{kind}:{symbol}{at}{'!b' if backfill else ''}"


def parse_channel(name: str) -> Channel:
    """Parse a channel name.

    Raises:
        ChannelError: the name does not follow the grammar, or its kind does not exist.
    """
    match = CHANNEL_NAME.fullmatch(name)
    if match is None:
        raise ChannelError(f"not a channel name: {name[:64]!r}")
    kind, symbol, lineup, backfill = match.group("kind", "symbol", "lineup", "backfill")
    if kind not in CHANNEL_KINDS:
        raise ChannelError(f"no such kind of channel: {kind!r}")
    return Channel(kind, symbol, lineup or "", backfill is not None)


def channel_of(tick: Tick, lineup: str = "") -> Channel:
    """The channel that carries `tick` in `lineup`."""
    return Channel(KINDS[tick.kind].channel, tick.symbol, lineup, bool(tick.flags & BACKFILL))
