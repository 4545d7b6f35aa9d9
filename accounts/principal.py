"""Whoever asks: the one answer of authentication."""

from msgspec import Struct

from accounts.entitlements import Entitlements


class Principal(Struct, frozen=True):
    """Somebody who has shown who they are.

    `tenant` and `user` together begin the key of everything owned.
    """

    tenant: str
    user: str
    roles: frozenset[str] = frozenset()
    entitlements: Entitlements = Entitlements()
    expires_ns: int = 0
    """When the credential ends, ns UTC; 0 = never."""

    def is_expired(self, now_ns: int) -> bool:
        """Whether the credential has ended; it is valid up to, not at, its end."""
        return 0 < self.expires_ns <= now_ns
