"""Who asks, and how much of what they ask for they may have: the one place for HTTP.

A delayed answer holds what is at least fifteen minutes old both by receive time (a ceiling on
marks) and by event time (a ceiling on times). A request that mixes live and delayed symbols is
answered delayed as a whole, and says so.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from accounts import Access, Accounts, AuthError, AuthFailed, AuthMissing, Principal, TokenExpired
from tapewire.http.problems import Fault, Problem

DELAY_NS: Final = 15 * 60 * 1_000_000_000
"""What *delayed* means."""
KEY_ID: Final = "APCA-API-KEY-ID"
KEY_SECRET: Final = "APCA-API-SECRET-KEY"
"""The headers in which Alpaca's clients show who they are."""
REALM: Final = 'Bearer realm="tapewire"'
_PROBLEMS: Final[dict[type[AuthError], str]] = {
    AuthMissing: "auth-missing",
    AuthFailed: "auth-failed",
    TokenExpired: "token-expired",
}


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Ceiling(Struct, frozen=True):
    """How far an answer may reach."""

    access: Access
    time_ns: int | None
    """Newest event time and receive time, inclusive, ns; None = all there is."""


def identify(
    accounts: Accounts,
    headers: Iterable[str],
    now_ns: int,
    key_ids: Sequence[str] = (),
    secrets: Sequence[str] = (),
) -> Principal:
    """Who sends the request: by a bearer token, or by the id and the secret of a key.

    `headers` are the values of all its `Authorization` headers, `key_ids` and `secrets` those of
    `KEY_ID` and `KEY_SECRET`.

    Raises:
        Problem: 401 with `WWW-Authenticate`; 400 when there are several credentials.
    """
    values = list(headers)
    if len(values) + max(len(key_ids), len(secrets)) > 1:
        raise Problem("bad-request", "there is more than one credential")
    try:
        if key_ids or secrets:
            key_id, secret = next(iter(key_ids), ""), next(iter(secrets), None)
            return accounts.authenticate_key(key_id, secret, now_ns)
        return accounts.authenticate(_bearer(values[0]) if values else None, now_ns)
    except AuthError as error:
        # RFC 6750: the scheme alone invites, an error code says that a token was refused
        challenge = REALM if isinstance(error, AuthMissing) else f'{REALM}, error="invalid_token"'
        raise Problem(_PROBLEMS[type(error)], str(error), headers={"WWW-Authenticate": challenge}) from None


def permit(
    accounts: Accounts, principal: Principal, lineup: str, kind: str, symbols: Iterable[str], now_ns: int
) -> Ceiling:
    """How far the principal may see into one kind of channel of all of these symbols.

    The symbol `*` stands for every symbol of the kind: only grants for the whole kind cover it.

    Raises:
        Problem: 403 with each symbol that is not allowed at all.
    """
    return permit_any(accounts, principal, lineup, (kind,), symbols, now_ns)


def permit_any(
    accounts: Accounts,
    principal: Principal,
    lineup: str,
    kinds: Sequence[str],
    symbols: Iterable[str],
    now_ns: int,
) -> Ceiling:
    """As `permit`, for what concerns several kinds: of each symbol, the kind decides that allows most.

    Raises:
        Problem: 403 with each symbol of which no kind is allowed.
    """
    least = Access.LIVE
    denied: list[Fault] = []
    for symbol in symbols:
        access = max(accounts.may(principal, lineup, kind, symbol, now_ns) for kind in kinds)
        if access is Access.NONE:
            denied.append(Fault("not entitled", symbol=symbol))
        least = min(least, access)
    if denied:
        raise Problem("forbidden", f"not entitled to {len(denied)} of the symbols", denied)
    return ceiling(least, now_ns)


def ceiling(access: Access, now_ns: int) -> Ceiling:
    """The ceiling of an access, now."""
    return Ceiling(access, None if access is Access.LIVE else now_ns - DELAY_NS)


def networks(texts: Sequence[str]) -> list[Network]:
    """Addresses and networks, as the configuration (which was checked) writes them."""
    return [ipaddress.ip_network(text, strict=False) for text in texts]


def is_trusted(remote: str | None, proxies: Sequence[Network]) -> bool:
    """Whether a peer is one of the proxies, or this machine."""
    if remote is None:
        return False
    address = ipaddress.ip_address(remote.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or any(address in proxy for proxy in proxies)


def _bearer(header: str) -> str | None:
    """The credential of an `Authorization` header; None when it is of another scheme."""
    scheme, _, credential = header.strip().partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None
