"""Accounts from the static table of tokens in the configuration.

Every entry of the system, and every path to data, asks this object and nothing else: who is
it (`authenticate`), and how much of a channel may they read (`may`).
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final, TypeVar

from msgspec import Struct

from accounts.audit import Audit, AuditFilter
from accounts.entitlements import Access, Entitlements, parse_grants
from accounts.errors import AccountSettingsError, AuthFailed, AuthMissing, TokenExpired
from accounts.principal import Principal
from config.settings import AccountsSettings, TokenSettings
from ticks.errors import TickError
from ticks.times import parse_time

CREDENTIAL_CHARS_MAX: Final = 4_096
"""A longer credential is nobody's: it is not hashed, so it costs nothing."""

T = TypeVar("T")


class _Entry(Struct, frozen=True):
    digest: bytes
    principal: Principal


class Accounts:
    """Who is who, and who may read what.

    Tokens are kept as SHA-256 digests only. Pure but for the `audit` callable, which is
    called at once, in the caller's thread.
    """

    def __init__(self, settings: AccountsSettings, audit: Audit | None = None) -> None:
        """Read the table.

        Raises:
            AccountSettingsError: with every problem found: an empty token, a token used twice,
                a grant or a time that cannot be read.
        """
        problems: list[str] = []
        self._entries = [
            _entry(token, f"accounts.tokens[{place}]", problems)
            for place, token in enumerate(settings.tokens)
        ]
        seen: dict[bytes, int] = {}
        for place, entry in enumerate(self._entries):
            first = seen.setdefault(entry.digest, place)
            if first != place:
                problems.append(f"accounts.tokens[{place}]: has the same token as accounts.tokens[{first}]")
        if problems:
            raise AccountSettingsError(problems)
        self._filter = None if audit is None else AuditFilter(audit)

    def authenticate(self, credential: str | None, now_ns: int) -> Principal:
        """Who shows this credential, now.

        Every entry is compared in constant time, also after one has matched, so that the time it
        takes says nothing about the tokens there are.

        Raises:
            AuthMissing: there is no credential, or an empty one.
            AuthFailed: it is nobody's.
            TokenExpired: it was somebody's, and has ended.
        """
        if not credential:
            raise AuthMissing("a bearer token is needed")
        if len(credential) > CREDENTIAL_CHARS_MAX:
            raise AuthFailed("the bearer token is not known")
        digest = sha256(credential.encode("utf-8", "surrogatepass")).digest()
        found = None
        for entry in self._entries:
            if hmac.compare_digest(entry.digest, digest):
                found = entry.principal
        if found is None:
            raise AuthFailed("the bearer token is not known")
        if found.is_expired(now_ns):
            raise TokenExpired("the bearer token has expired")
        return found

    def authenticate_key(self, key_id: str, secret: str | None, now_ns: int) -> Principal:
        """Who shows this key, now: its id is the user's name, its secret a token of that user.

        Raises:
            AuthMissing: there is no secret, or an empty one.
            AuthFailed: the secret is nobody's, or of another user than the id says.
            TokenExpired: it was somebody's, and has ended.
        """
        principal = self.authenticate(secret, now_ns)
        if principal.user != key_id:
            raise AuthFailed("the key is not known")
        return principal

    def may(self, principal: Principal, lineup: str, kind: str, symbol: str, now_ns: int) -> Access:
        """How much of a channel the principal may read, now.

        Args:
            principal: as `authenticate` gave it; nothing is allowed after its end.
            lineup: name of the line-up; empty = the default one.
            kind: prefix of the channel, such as `t`; the same for live and back-filled ticks.
            symbol: canonical symbol.
            now_ns: time of the decision, ns UTC.
        """
        decision = Access.NONE
        if not principal.is_expired(now_ns):
            decision = principal.entitlements.access(lineup, kind, symbol)
        if self._filter is not None:
            self._filter.note(now_ns, principal, lineup, kind, symbol, decision)
        return decision


def _entry(token: TokenSettings, path: str, problems: list[str]) -> _Entry:
    """One row of the table; what is wrong with it is added to `problems`."""

    def read(name: str, parse: Callable[[], T], instead: T) -> T:
        try:
            return parse()
        except TickError as error:
            problems.append(f"{path}.{name}: {error}")
            return instead

    if not token.token:
        problems.append(f"{path}: has no token")
    none = Entitlements()
    entitlements = Entitlements(
        live=read("live", lambda: parse_grants(token.live), none.live),
        delayed=read("delayed", lambda: parse_grants(token.delayed), none.delayed),
    )
    expires_ns = read("expires", lambda: parse_time(token.expires), 0) if token.expires else 0
    principal = Principal(token.tenant, token.user, frozenset(token.roles), entitlements, expires_ns)
    return _Entry(sha256(token.token.encode()).digest(), principal)
