"""Who is on the other side, and what they may have of a channel, as far as the hub cares."""

import enum
from typing import Protocol


class Access(enum.IntEnum):
    """What a caller may have of a channel; a larger value includes the smaller ones."""

    NONE = 0
    DELAYED = 1
    LIVE = 2


class Caller(Protocol):
    """Somebody who has shown a valid token."""

    @property
    def tenant(self) -> str:
        """The tenant the user belongs to."""
        ...

    @property
    def user(self) -> str:
        """The user, unique within the tenant."""
        ...

    @property
    def expires_ns(self) -> int:
        """When the token ends, ns UTC; 0 = never."""
        ...

    def access(self, lineup: str, kind: str, symbol: str) -> Access:
        """What this caller may have of a channel, now."""
        ...
