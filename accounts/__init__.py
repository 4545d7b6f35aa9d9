"""Who may read what: credentials in, principals and decisions out.

May import `ticks` and `config` only; never the tape, never a sibling. `Accounts` is what every
entry of the system is handed; the rest of the names are what it gives and raises.

Cores: errors, entitlements, principal, audit, table.
Shells: none.
"""

from accounts.audit import Audit
from accounts.entitlements import Access, Entitlements
from accounts.errors import (
    AccountsError,
    AccountSettingsError,
    AuthError,
    AuthFailed,
    AuthMissing,
    TokenExpired,
)
from accounts.principal import Principal
from accounts.table import Accounts

__all__ = [
    "Access",
    "AccountSettingsError",
    "Accounts",
    "AccountsError",
    "Audit",
    "AuthError",
    "AuthFailed",
    "AuthMissing",
    "Entitlements",
    "Principal",
    "TokenExpired",
]
