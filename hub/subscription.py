"""One `sub` of one connection: what it takes, and its place on the tape."""

from typing import Protocol

from hub.channel_table import ChannelTable, Key


class Outlet(Protocol):
    """The connection a subscription belongs to, as far as its subscriptions need it."""

    outbox: list[bytes]
    """Frames that are due, in order. One list for all its life: the router keeps its `append`."""

    @property
    def stalled(self) -> bool:
        """Whether the client does not take what was written."""
        ...


class Subscription:
    """One `sub`. `rate` 0 is raw; else flushes a second. It takes `channels`, or whole `keys`.

    A live subscription is attached to the router. One that is behind (it has just begun, it
    asked for the past, or its client did not read) is served from the tape by a `CatchUp`.
    """

    __slots__ = (
        "channels", "connection", "cursor_m", "id", "ids", "keys", "lineup", "live", "packed", "rate",
        "resolved", "settled",
    )  # fmt: skip

    def __init__(self, connection: Outlet, sub_id: int, lineup: str, *, rate: float, packed: bool) -> None:
        self.connection = connection
        self.id = sub_id
        self.lineup = lineup
        self.rate = rate
        self.packed = packed
        self.channels: dict[str, None] = {}
        """Names of its channels, in the order they were asked for; empty for a star."""
        self.keys: frozenset[Key] = frozenset()
        """What a star takes: every symbol of these, those to come included."""
        self.ids: dict[int, str] = {}
        """Channel id → name, of those of its channels that exist; empty for a star."""
        self.resolved = 0
        """How much of the table of channels has been looked at for `ids`."""
        self.live = False
        self.settled = False
        """Whether its client has the state to which `cursor_m` refers; no mark may be told before."""
        self.cursor_m = 0
        """Every tick up to here has been sent or accounted for. A live one is further, by its rate."""

    def resolve(self, table: ChannelTable) -> None:
        """Find the ids of channels that have appeared since the last call."""
        names = table.names
        if not self.resolved:
            found = ((table.id(name), name) for name in self.channels)
            self.ids = {channel_id: name for channel_id, name in found if channel_id is not None}
        elif self.channels:
            for channel_id in range(self.resolved, len(names)):
                name = names[channel_id]
                if name is not None and name in self.channels:
                    self.ids[channel_id] = name
        self.resolved = len(names)

    def drop(self, names: list[str]) -> None:
        """Take no more ticks of these channels."""
        gone = set(names)
        for name in names:
            self.channels.pop(name, None)
        self.ids = {channel_id: name for channel_id, name in self.ids.items() if name not in gone}
