"""The channels of the tape as the hub sees them: by id, by name, and by what a star takes.

Everything here grows with the channels of the tape, and with nothing that a client can ask for.
"""

from collections.abc import Callable, Iterator
from typing import Final

from ticks.channels import parse_channel
from ticks.kinds import FEED_EVENT, KINDS

FEED_CHANNEL: Final = KINDS[FEED_EVENT].channel
Key = tuple[str, str]
"""(kind, line-up): what one star takes."""


class ChannelTable:
    """Looks at the tape's own table, which grows as new channels appear.

    `names` is that table (id → name; None where it was damaged), `channel_id` its inverse.
    """

    def __init__(self, names: list[str | None], channel_id: Callable[[str], int | None]) -> None:
        self.names = names
        self.id = channel_id
        """The id of a channel by name; None when it has had no tick yet."""
        self.keys: list[Key | None] = []
        """Channel id → key; None for back-filled channels, which no star takes."""
        self.feed_ids: set[int] = set()
        """The ids of channels of feed events."""
        self._members: dict[Key, list[int]] = {}

    def learn(self) -> None:
        """Look at the channels that have appeared since the last call."""
        for channel_id in range(len(self.keys), len(self.names)):
            name = self.names[channel_id]
            channel = parse_channel(name) if name is not None else None
            if channel is None or channel.backfill:
                self.keys.append(None)
                continue
            key = (channel.kind, channel.lineup)
            if channel.kind == FEED_CHANNEL:
                self.feed_ids.add(channel_id)
            # One tuple for all channels of a key, and one list of them.
            members = self._members.get(key)
            if members is None:
                members = self._members[key] = []
            else:
                key = self.keys[members[0]] or key
            members.append(channel_id)
            self.keys.append(key)

    def has_members(self, key: Key) -> bool:
        """Whether any channel of the key exists."""
        return key in self._members

    def members(self, key: Key) -> Iterator[int]:
        """The ids of a key's channels; those that appear while it is iterated come too."""
        yield from self._members.get(key, ())

    def member_names(self, key: Key) -> Iterator[str]:
        """The names of a key's channels, likewise."""
        for channel_id in self.members(key):
            name = self.names[channel_id]
            if name is not None:
                yield name
